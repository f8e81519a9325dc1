"""Pages of definitions: nothing of a file is lost on its page, and nothing that is not confirmed passes for it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from myopoise.errors import WrongUsage
from myopoise.outcomes.definitions import CONTRACT, definitions, tables
from myopoise.outcomes.instruments import instruments
from myopoise.outcomes.pages.definition_pages import DefinitionPage, Purpose, definition_list, definition_page
from myopoise.outcomes.pages.page_doubts import STATUS_MEANINGS
from myopoise.outcomes.plan import plan_for
from myopoise.outcomes.response import Response, respond_course, visit
from myopoise.references import references
from myopoise.report.outcomes_page import outcomes_markdown
from myopoise.report.terminal_outcomes import MARKS, print_definition, print_definitions

NAMES = tuple(definitions())
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None)


def text_of(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def printed(name: str, width: int) -> str:
    screen = console(width)
    print_definition(definition_page(name), screen)
    return text_of(screen)


def listed(width: int) -> str:
    screen = console(width)
    print_definitions(definition_list(), screen)
    return text_of(screen)


@cache
def reference_page() -> str:
    return outcomes_markdown()


def markdown_of(name: str) -> str:
    """The part of the reference page about one definition."""
    return reference_page().split(f"\n### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]


def values(part: Any) -> Iterator[Any]:
    """Every value of a file, however deep."""
    if isinstance(part, dict):
        for one in part.values():
            yield from values(one)
    elif isinstance(part, list):
        for one in part:
            yield from values(one)
    else:
        yield part


def numbers(name: str) -> set[str]:
    """Every number of a file as a page writes it; a number written as text counts."""
    found = set()
    for value in values(tables()[name]):
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.add(f"{value:g}")
        elif isinstance(value, str) and NUMBER.fullmatch(value):
            found.add(value)
    return found


def statuses(part: Any) -> set[str]:
    """Every status that a file gives, however deep."""
    if isinstance(part, dict):
        own = {part["status"]} if "status" in part else set()
        return own.union(*(statuses(one) for one in part.values()))
    return set().union(*(statuses(one) for one in part)) if isinstance(part, list) else set()


def sources(part: Any) -> set[str]:
    """Every key that a file cites."""
    if isinstance(part, dict):
        own = set(part.get("sources", ()))
        return own.union(*(sources(one) for one in part.values()))
    return set().union(*(sources(one) for one in part)) if isinstance(part, list) else set()


def in_reading_order(text: str) -> str:
    return " ".join(text.split())


# --- nothing is lost --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_file_is_on_its_page(name: str, width: int) -> None:
    assert numbers(name) - set(NUMBER.findall(printed(name, width))) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_file_is_in_the_reference_and_in_the_data(name: str) -> None:
    assert numbers(name) - set(NUMBER.findall(markdown_of(name))) == set()
    plain = {
        f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
        for value in values(definition_page(name).to_json()["tables"])
    }
    tabled = {
        key: one for key, one in tables()[name].items() if key not in ("rule", "notes", "measures", "options")
    }
    held = {
        f"{value:g}"
        for key, part in tabled.items()
        if isinstance(part, list)
        for value in values(part)
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "mmt_versions"
    }
    assert held - plain == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_table_is_a_row_of_the_page_with_its_own_numbers(name: str) -> None:
    shown: dict[str, list[Any]] = {}
    for table in definition_page(name).tables:
        shown.setdefault(table.name, []).extend(zip(table.rows, table.shown()[1], strict=True))
    for key, part in tables()[name].items():
        if key in shown and isinstance(part, list) and all(isinstance(row, dict) for row in part):
            inner = [one for row in part for one in row.get("bands", [row])]
            assert len(inner) == len(shown[key])
            for row, (drawn, cells) in zip(inner, shown[key], strict=True):
                assert (row.get("status", ""), tuple(row.get("sources", ()))) == (drawn.status, drawn.sources)
                wanted = {
                    f"{value:g}"
                    for value in row.values()
                    if isinstance(value, int | float) and not isinstance(value, bool)
                }
                assert wanted - set(NUMBER.findall(" ".join(cells))) == set()


def test_no_column_name_of_a_refractory_rule_is_broken_at_eighty() -> None:
    for name in NAMES:
        for fact in tables()[name].get("facts", ()):
            assert f"\n{fact['name']} " in printed(name, 80)


@pytest.mark.parametrize("name", NAMES)
def test_wording_and_every_note_are_on_the_page_once(name: str) -> None:
    file = tables()[name]
    flat = re.sub(r"\s+", "", printed(name, 80))
    for text in [*file["wording"].strip().splitlines(), *(note["text"] for note in file.get("notes", ()))]:
        assert flat.count(re.sub(r"\s+", "", text)) == 1, text


@pytest.mark.parametrize("name", NAMES)
def test_every_status_of_a_file_is_named_with_its_meaning(name: str) -> None:
    for status in statuses(tables()[name]) - {"CONFIRMED"}:
        assert f"{MARKS[status]} {status}: {STATUS_MEANINGS[status]}" in in_reading_order(printed(name, 80))
        assert f"{status}: {STATUS_MEANINGS[status]}." in markdown_of(name)
        assert status in [doubt.status for doubt in definition_page(name).doubts]


@pytest.mark.parametrize("name", NAMES)
def test_every_source_of_a_file_resolves_and_is_printed_in_full(name: str) -> None:
    page = definition_page(name)
    assert sources(tables()[name]) <= {found.key for found in page.references}
    assert len({found.key for found in page.references}) == len(page.references)
    flat = re.sub(r"\s+", "", printed(name, 110))
    for found in page.references:
        assert found == references()[found.key]
        assert re.sub(r"\s+", "", f"{found} {found.address} ({found.key})") in flat


@pytest.mark.parametrize("name", NAMES)
def test_a_page_as_data_survives_the_round_trip(name: str) -> None:
    data = definition_page(name).to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["name"] == name


def test_the_reference_page_holds_every_definition_instrument_and_source() -> None:
    page = reference_page()
    for name in NAMES:
        assert page.count(f"\n### {name}\n") == 1
    for one in instruments():
        assert f"| `{one}` |" in page
    cited = set(re.findall(r"\]\(#([a-z]+\d{4}[a-z]?)\)", page))
    assert cited == set(re.findall(r'<a id="([^"]+)">', page))
    assert cited <= set(references())


def test_every_table_of_the_reference_page_is_rectangular() -> None:
    bars = re.compile(r"(?<!\\)\|")
    block: list[int] = []
    for line in [*reference_page().splitlines(), ""]:
        if line.startswith("|"):
            block.append(len(bars.findall(line)))
        else:
            assert len(set(block)) <= 1
            block = []


# --- the terminal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 110, 160])
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(name: str, width: int) -> None:
    text = printed(name, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 110])
def test_the_list_names_every_definition_with_its_weakest_status(width: int) -> None:
    text = listed(width)
    assert max(map(len, text.splitlines())) <= width
    for group in definition_list().groups:
        for line in group.lines:
            (row,) = [found for found in text.splitlines() if found.startswith(f"{line.name} ")]
            assert row.rstrip().endswith(f"{MARKS[line.weakest]} {line.weakest}")


def test_the_marks_differ_and_are_one_character_each() -> None:
    assert set(MARKS) == set(STATUS_MEANINGS)
    assert len(set(MARKS.values())) == len(MARKS)
    assert {len(mark) for mark in MARKS.values()} == {1}


# --- what a page says -------------------------------------------------------------------------------------


def lines_of(page: DefinitionPage) -> list[str]:
    return ["  " * line.depth + line.text for line in page.rule]


def test_six_tests_of_one_kind_are_one_sentence() -> None:
    assert lines_of(definition_page("imacs-doi-2004")) == [
        "all of these:",
        "  at least 3 of the 6 measures improved by 20% or more",
        "  no more than 2 of the 6 measures worse by 25% or more",
        "  muscle strength not worse by 25% or more",
    ]


def test_a_rule_within_a_rule_is_indented_and_has_the_units_of_its_instruments() -> None:
    page = definition_page("proderm-deterioration")
    assert lines_of(page) == [
        "at least one of these:",
        "  both of these:",
        "    physician global activity worse by 2 cm or more",
        "    muscle strength worse by 20% or more",
        "  extramuscular activity worse by 2 cm or more",
        "  at least 3 of the 5 measures worse by 30% or more",
    ]
    assert (
        page.lead[0] == "The answer is 'worse' when this holds at 2 visits in a row, otherwise 'not worse'."
    )


def test_a_part_that_belongs_to_an_option_says_so() -> None:
    text = in_reading_order(printed("printo-20", 110))
    assert (
        "no more than 1 of the 6 measures worse by more than 30% (only with the option worsening-limit)"
        in text
    )
    assert "(off unless asked for)" in text


def test_an_option_that_is_off_does_not_weaken_a_definition() -> None:
    assert definition_page("printo-20").weakest == "CONFIRMED"
    assert definition_page("printo-50").weakest == "UNCONFIRMED"


def test_a_score_is_as_weak_as_the_ranges_it_divides_by() -> None:
    page = definition_page("acr-eular-2016-adult")
    assert page.definition.status == "CONFIRMED"
    assert page.weakest == "UNCONFIRMED"
    assert page.because == ("ranges of enzymes: aldolase 6 × ULN",)


@pytest.mark.parametrize("name", NAMES)
def test_no_definition_is_shown_as_stronger_than_its_file_says(name: str) -> None:
    order = list(STATUS_MEANINGS)
    assert order.index(definition_page(name).weakest) >= order.index(tables()[name]["status"])


def test_every_definition_is_listed_once_under_its_purpose() -> None:
    found = {group.purpose: [line.name for line in group.lines] for group in definition_list().groups}
    assert sorted(name for names in found.values() for name in names) == sorted(NAMES)
    assert found[Purpose.SCORE] == list(CONTRACT[:3])
    assert found[Purpose.INACTIVE] == ["printo-inactive-2012", "printo-inactive-modified"]
    assert set(found[Purpose.CLASSIFICATION]) == {"bohan-peter-1975", "eular-acr-2017"}
    assert {"cdasi-response-points", "omeract-ild-progression", "steroid-equivalents"} <= set(
        found[Purpose.ORGAN]
    )
    assert all(name.startswith("refractory-") for name in found[Purpose.REFRACTORY])


def test_the_list_as_data_has_a_row_for_every_definition() -> None:
    data = definition_list().to_json()
    assert json.loads(json.dumps(data)) == data
    assert {row["name"] for row in data} == set(NAMES)


def test_the_bands_of_a_measure_stand_in_the_data_as_numbers_with_status_and_sources() -> None:
    (strength,) = [
        measure
        for measure in definition_page("acr-eular-2016-adult").to_json()["measures"]
        if measure["domain"] == "strength"
    ]
    assert strength["bands"][1] == {"over_percent": 2, "up_to_percent": 10, "points": 10.0}
    assert strength["bands"][-1] == {"over_percent": 30, "up_to_percent": None, "points": 32.5}
    assert (strength["status"], strength["sources"]) == ("CONFIRMED", ["rider2017", "aggarwal2017"])


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(WrongUsage, match="printo-20"):
        definition_page("printo20")


# --- how to score visits ----------------------------------------------------------------------------------

HOW_TO = (Path(__file__).parents[2] / "docs" / "how-to" / "score-visits.md").read_text(encoding="utf-8")


def example_rows() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Visits and scores as the page shows them."""
    visits, scores = re.findall(r"```csv\n(.*?)```", HOW_TO, flags=re.DOTALL)
    return list(csv.DictReader(io.StringIO(visits))), list(csv.DictReader(io.StringIO(scores)))


def responses(missing: str) -> dict[str, Response]:
    """The responses of the example's patients, by the exact arithmetic of one visit."""
    rows, _ = example_rows()
    known = [name for name in rows[0] if name not in ("patient", "week", "arm")]
    plan = plan_for("acr-eular-2016-adult", known, missing=missing)
    found = {}
    for patient in dict.fromkeys(row["patient"] for row in rows):
        course = [
            visit(float(row["week"]), **{name: Decimal(row[name]) for name in known if row[name]})
            for row in rows
            if row["patient"] == patient
        ]
        (found[patient],) = respond_course(course, plan)
    return found


def test_the_scores_on_the_page_are_those_of_the_visits_on_the_page() -> None:
    _, shown = example_rows()
    found = responses("strict")
    assert [row["patient"] for row in shown] == list(found)
    for row in shown:
        one = found[row["patient"]]
        assert (row["category"], row["status"], row["enzyme"]) == (one.category, one.status, one.enzyme)
        assert row["reason"] == one.reason
        assert row["score"] == ("" if one.score is None else f"{float(one.score):g}")
        for earned in one.measures:
            points = "" if earned.points is None else f"{float(earned.points):g}"
            assert row[f"{earned.domain}_points"] == points


def test_the_bounds_on_the_page_are_those_of_the_visits_on_the_page() -> None:
    one = responses("bounds")["P03"]
    assert one.score_low is not None
    assert one.score_high is not None
    assert one.category == ""
    low, high = float(one.score_low), float(one.score_high)
    assert f"the two ends are {low:g} (moderate) and {high:g} (major)" in HOW_TO


def test_the_page_names_every_column_of_the_visits() -> None:
    named = set(re.findall(r"`([a-z_]+)`", HOW_TO))
    for one in instruments().values():
        assert {one.name, *filter(None, [one.companion])} <= named


def test_one_sentence_stands_on_a_line() -> None:
    prose = re.sub(r"```.*?```", "", HOW_TO, flags=re.DOTALL).splitlines()
    assert [line for line in prose if not line.startswith("|") and re.search(r"\. [A-Z]", line)] == []
