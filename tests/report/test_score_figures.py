"""Pictures of scored visits: laws of the values, then the marks, then the ink.

Set MYOPOISE_ACCEPT=1 to accept what is drawn now, and look at it before committing.
"""

import json
import os
import random
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myopoise.errors import WrongUsage
from myopoise.outcomes.pictures import (
    BOUNDS_DISAGREE,
    MOST_BARS,
    QUANTILES,
    CategoryBars,
    Waterfall,
    category_bars,
    course,
    waterfall,
)
from myopoise.report import svg
from myopoise.report.category_bars import THICK, category_figure, category_marks
from myopoise.report.category_ink import BOLD, SIZE, SMALL, WIDTH, plain_number, spread, ticks, wrapped
from myopoise.report.score_course import course_figure
from myopoise.report.score_course_marks import course_marks
from myopoise.report.score_figures import write_figures
from myopoise.report.waterfall import PLOT, waterfall_figure, waterfall_marks

ACCEPTED = Path(__file__).parents[1] / "snapshot" / "scores"
ADULT = (("none", 0.0), ("minimal", 20.0), ("moderate", 40.0), ("major", 60.0))
JUVENILE = (("none", 0.0), ("minimal", 30.0), ("moderate", 45.0), ("major", 70.0))
MAXIMA = {
    "physician_global": 20.0,
    "patient_global": 10.0,
    "strength": 32.5,
    "function": 10.0,
    "enzyme": 7.5,
    "extramuscular": 20.0,
}
EARNED = {
    "physician_global": (0.0, 7.5, 15.0, 17.5, 20.0),
    "patient_global": (0.0, 2.5, 5.0, 7.5, 10.0),
    "strength": (0.0, 10.0, 20.0, 27.5, 32.5),
    "function": (0.0, 5.0, 7.5, 7.5, 10.0),
    "enzyme": (0.0, 2.5, 5.0, 7.5, 7.5),
    "extramuscular": (0.0, 7.5, 12.5, 15.0, 20.0),
}
NAMES = (
    *("patient", "week", "definition", "score", "category", "status", "enzyme"),
    *(f"{measure}_points" for measure in MAXIMA),
    *("score_low", "score_high", "reason", "arm"),
)
TITLE = "ACR/EULAR 2016 total improvement score"

Columns = dict[str, list[Any]]


def as_columns(rows: list[dict[str, Any]]) -> Columns:
    return {name: [row.get(name) for row in rows] for name in NAMES}


def category(score: float, cuts: Any = ADULT) -> str:
    return [word for word, cut in cuts if score >= cut][-1]


def row(patient: str, week: float, arm: str | None, bands: dict[str, int | None], cuts: Any = ADULT) -> Any:
    """A row as it is scored: bands earn points, and a band that is missing leaves bounds."""
    points = {m: None if band is None else EARNED[m][band] for m, band in bands.items()}
    low = sum(p for p in points.values() if p is not None)
    high = low + sum(MAXIMA[m] for m, p in points.items() if p is None)
    agreed = category(low, cuts) if category(low, cuts) == category(high, cuts) else None
    found = {
        "patient": patient,
        "week": week,
        "definition": "acr-eular-2016-adult",
        "score": low if low == high else None,
        "category": agreed,
        "status": "ok" if low == high else "bounded",
        "enzyme": "ck",
        "score_low": low,
        "score_high": high,
        "reason": None if low == high else "missing at the visit: function",
        "arm": arm,
    }
    return found | {f"{measure}_points": p for measure, p in points.items()}


def not_computable(scored: dict[str, Any], reason: str) -> dict[str, Any]:
    none = dict.fromkeys(("score", "category", "score_low", "score_high"))
    return scored | none | {"status": "not computable", "reason": reason}


def trial(
    patients: int, weeks: tuple[float, ...], arms: tuple[str | None, ...], cuts: Any = ADULT
) -> Columns:
    """Made-up visits, the same at every call; some missed, some not computable, some bounded."""
    chance = random.Random(20)
    rows = []
    for number in range(patients):
        drift = chance.gauss(1.0 + number % 2, 1.0)
        for place, week in enumerate(weeks):
            raw = [drift * (place + 1) / len(weeks) + chance.gauss(0, 0.8) for _ in MAXIMA]
            bands: dict[str, int | None] = {
                m: min(4, max(0, round(b))) for m, b in zip(MAXIMA, raw, strict=True)
            }
            fate = chance.random()
            if fate < 0.08:
                continue
            if 0.08 <= fate < 0.16:
                bands["function"] = None
            found = row(f"PT-{number:03d}", week, arms[number % len(arms)], bands, cuts)
            if 0.16 <= fate < 0.24:
                found = not_computable(found, "missing at baseline: strength")
            rows.append(found)
    return as_columns(rows)


def ruled(patients: int, words: tuple[str, str]) -> Columns:
    """Made-up answers of a rule, whose score is no score but a count."""
    columns = trial(patients, (4, 12, 24), ("IVIG", "Placebo"))
    for place, status in enumerate(columns["status"]):
        columns["score"][place] = 3.0 if status == "ok" else None
        columns["category"][place] = words[place % 2] if status == "ok" else ""
        for measure in MAXIMA:
            columns[f"{measure}_points"][place] = None
    return columns


def shuffled(columns: Columns, seed: int = 5) -> Columns:
    order = list(range(len(columns["patient"])))
    random.Random(seed).shuffle(order)
    return {name: [cells[place] for place in order] for name, cells in columns.items()}


@pytest.fixture(scope="module")
def small() -> Columns:
    return trial(24, (4, 8.5, 16, 24), ("IVIG", "Placebo"))


def fallen(columns: Columns, arm: str | None = "arm", week: float | None = None) -> Waterfall:
    found = waterfall(columns, cuts=ADULT, arm=arm, week=week)
    assert found is not None
    return found


def accepted(name: str, text: str) -> None:
    path = ACCEPTED / name
    if os.environ.get("MYOPOISE_ACCEPT"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def as_text(marks: Any) -> str:
    return json.dumps(asdict(marks), indent=1, ensure_ascii=False) + "\n"


# --- as accepted ------------------------------------------------------------------------------------------


def test_waterfall_marks_then_ink(small: Columns) -> None:
    picture = fallen(small)
    accepted("waterfall.marks.json", as_text(waterfall_marks(picture)))
    accepted("waterfall.svg", waterfall_figure(picture, TITLE))


def test_category_marks_then_ink(small: Columns) -> None:
    picture = category_bars(small, arm="arm")
    accepted("categories.marks.json", as_text(category_marks(picture)))
    accepted("categories.svg", category_figure(picture, TITLE))


def test_course_marks_then_ink(small: Columns) -> None:
    labels = {"function": "physical function"}
    picture = course(small, cuts=ADULT, maxima=MAXIMA, patient="PT-001")
    accepted("course.marks.json", as_text(course_marks(picture, labels)))
    accepted("course.svg", course_figure(picture, TITLE, labels))


def test_course_of_a_rule_marks_then_ink() -> None:
    picture = course(ruled(8, ("worse", "not worse")), cuts=(), maxima={}, patient="PT-003")
    accepted("course-of-a-rule.marks.json", as_text(course_marks(picture, {})))
    accepted("course-of-a-rule.svg", course_figure(picture, "Confirmed deterioration", {}))


# --- the values -------------------------------------------------------------------------------------------

BANDS = st.one_of(st.none(), st.integers(0, 4))


@st.composite
def scored(draw: st.DrawFn) -> Columns:
    visits = draw(st.sets(st.tuples(st.integers(0, 12), st.sampled_from((-2.0, 4.0, 8.5))), min_size=1))
    rows = []
    for patient, week in sorted(visits):
        bands = {measure: draw(BANDS) for measure in MAXIMA}
        found = row(f"PT-{patient}", week, ("A", "B", None)[patient % 3], bands)
        rows.append(not_computable(found, "so it is") if draw(st.booleans()) else found)
    return as_columns(rows)


@given(scored())
def test_counts_of_a_bar_add_up_to_the_patients_seen(columns: Columns) -> None:
    picture = category_bars(columns, arm="arm")
    seen = Counter(zip(columns["arm"], columns["week"], strict=True))
    assert {(bar.arm, bar.week): bar.seen for bar in picture.bars} == seen
    for bar in picture.bars:
        assert sum(part.count for part in bar.slices) == bar.seen
        assert sum(part.percent for part in bar.slices) == pytest.approx(100)
        assert tuple(part.word for part in bar.slices) == picture.words


@given(scored())
def test_a_waterfall_falls_and_holds_every_patient(columns: Columns) -> None:
    picture = waterfall(columns, cuts=ADULT, arm="arm", week=None)
    if picture is None:
        assert set(columns["status"]) == {"not computable"}
        return
    for panel in picture.panels:
        assert all(one.low >= other.low for one, other in pairwise(panel.bars))
        assert all(one.low >= other.low for one, other in pairwise(panel.ranges))
        assert all(bar.low == bar.high for bar in panel.bars)
        assert all(bar.low < bar.high for bar in panel.ranges)
        assert (len(panel.bars), len(panel.ranges)) == (panel.scored, panel.bounded)
        rows = zip(columns["arm"], columns["patient"], strict=True)
        patients = {name for group, name in rows if group == panel.arm}
        assert panel.scored + panel.bounded + panel.not_computable + panel.not_seen == len(patients)


@given(scored(), st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(columns: Columns, seed: int) -> None:
    turned = shuffled(columns, seed)
    one, other = (category_bars(c, arm="arm") for c in (columns, turned))
    assert category_figure(one, TITLE) == category_figure(other, TITLE)
    falls = [waterfall(c, cuts=ADULT, arm="arm", week=None) for c in (columns, turned)]
    drawn = [None if fall is None else waterfall_figure(fall, TITLE) for fall in falls]
    assert drawn[0] == drawn[1]
    courses = [course(c, cuts=ADULT, maxima=MAXIMA, patient=columns["patient"][0]) for c in (columns, turned)]
    assert courses[0] == courses[1]


def test_the_week_of_the_waterfall_is_the_last_with_a_score() -> None:
    full = dict.fromkeys(MAXIMA, 4)
    late = not_computable(row("b", 12, None, full), "missing at the visit: strength")
    columns = as_columns([row("a", 4, None, full), row("b", 4, None, full), row("a", 8, None, full), late])
    picture = fallen(columns, arm=None)
    assert picture.week == 8
    assert [(p.scored, p.not_computable, p.not_seen) for p in picture.panels] == [(1, 0, 1)]
    assert fallen(columns, arm=None, week=4).panels[0].scored == 2


def test_a_rule_has_no_waterfall_though_it_counts_measures() -> None:
    columns = ruled(8, ("improved", "not improved"))
    assert waterfall(columns, cuts=(), arm=None, week=None) is None
    assert category_bars(columns, arm=None).words[:2] == ("not improved", "improved")
    assert not course(columns, cuts=(), maxima={}, patient=None).scored


def test_bounds_that_disagree_are_counted_apart() -> None:
    most = dict.fromkeys(MAXIMA, 4)
    agree, disagree = most | {"enzyme": None}, dict.fromkeys(MAXIMA, 0) | {"strength": None}
    columns = as_columns([row("a", 4, None, agree), row("b", 4, None, disagree)])
    (bar,) = category_bars(columns, arm=None).bars
    assert {part.word: part.count for part in bar.slices if part.count} == {"major": 1, BOUNDS_DISAGREE: 1}
    (panel,) = fallen(columns, arm=None).panels
    assert [(b.low, b.high, b.category) for b in panel.ranges] == [
        (100 - 7.5, 100, "major"),
        (0, 32.5, None),
    ]


def test_more_patients_than_ink_are_drawn_as_quantiles() -> None:
    many = MOST_BARS + 1
    rows = [row(f"{n}", 24, None, dict.fromkeys(MAXIMA, n % 5)) for n in range(many)]
    (panel,) = fallen(as_columns(rows), arm=None).panels
    assert (panel.scored, len(panel.bars)) == (many, QUANTILES)
    assert (panel.bars[0].low, panel.bars[-1].low) == (100, 0)
    shares = Counter(bar.low for bar in panel.bars)
    assert all(abs(count / QUANTILES - 1 / 5) < 2 / QUANTILES for count in shares.values())
    assert f"{QUANTILES} quantiles stand for the {many} patients" in waterfall_figure(
        fallen(as_columns(rows), arm=None), TITLE
    )


def test_arms_with_numbers_stand_in_the_order_of_the_numbers() -> None:
    bands = dict.fromkeys(MAXIMA, 1)
    arms = ["10 mg", None, "5 mg", "Placebo"]
    columns = as_columns([row(f"{n}", 4, arm, bands) for n, arm in enumerate(arms)])
    assert [arm for arm, _ in category_bars(columns, arm="arm").arms] == ["5 mg", "10 mg", "Placebo", None]


def test_a_picture_is_of_one_definition() -> None:
    columns = trial(4, (4,), (None,))
    columns["definition"][0] = "acr-eular-2016-jdm-imacs"
    with pytest.raises(WrongUsage, match="these rows hold 2"):
        category_bars(columns, arm=None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arm": "treatment"}, "no column 'treatment'"),
        ({"patient": "nobody"}, "No row is of patient 'nobody'"),
        ({"week": 5.0}, "Weeks with a score: 4, 8.5, 16, 24"),
    ],
)
def test_what_is_not_there_is_refused_and_nothing_is_written(
    small: Columns, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    asked: dict[str, Any] = {"arm": "arm", "patient": None, "week": None} | change
    with pytest.raises(WrongUsage, match=words):
        write_figures(small, tmp_path / "new", title=TITLE, cuts=ADULT, maxima=MAXIMA, **asked)
    assert list(tmp_path.iterdir()) == []


def test_no_rows_are_refused() -> None:
    with pytest.raises(WrongUsage, match="nothing to draw"):
        category_bars(as_columns([]), arm=None)


def test_categories_of_two_kinds_are_refused() -> None:
    columns = ruled(4, ("improved", "worse"))
    with pytest.raises(WrongUsage, match="do not belong together: improved, worse"):
        category_bars(columns, arm=None)


# --- the marks --------------------------------------------------------------------------------------------

LONG = (
    "Intravenous immunoglobulin 2 g/kg every four weeks with background methotrexate and prednisone",
    "Placebo with background methotrexate",
    "Rituximab-abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz",
    None,
)
SETS = {
    "two arms": trial(40, (-2, 0, 4.5, 8, 24), ("IVIG", "Placebo")),
    "four long arms": trial(60, (4, 24), LONG),
    "no arm": trial(10, (24,), (None,)),
    "one patient": trial(1, (4, 24), ("IVIG",)),
    "twelve visits": trial(30, (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48, 52), ("IVIG", "Placebo")),
    "many": trial(3000, (24,), ("IVIG",)),
}


@pytest.fixture(params=SETS)
def columns(request: pytest.FixtureRequest) -> Columns:
    return SETS[request.param]


def test_bars_stay_in_their_panel_and_panels_apart(columns: Columns) -> None:
    marks = waterfall_marks(fallen(columns))
    for panel in marks.panels:
        for area in panel.areas:
            steps = area.steps.replace("M", " M").replace("V", " V").replace("H", " H").replace("Z", "")
            words = steps.split()
            across = [float(word[1:]) for word in words if word[0] in "MH"]
            down = [float(word[1:]) for word in words if word[0] == "V"]
            assert panel.left - 0.01 <= min(across) <= max(across) <= panel.left + panel.width + 0.01
            assert panel.top - 0.01 <= min(down) <= max(down) <= panel.top + PLOT + 0.01
        assert panel.left + panel.width < WIDTH
    for one, other in pairwise(marks.panels):
        assert one.left + one.width < other.left or one.top + PLOT < other.top


def test_words_over_a_panel_fit_its_width(columns: Columns) -> None:
    for panel in waterfall_marks(fallen(columns)).panels:
        assert all(svg.text_width(line, SIZE * BOLD) <= panel.width for line in panel.name)
        assert all(svg.text_width(line, SMALL) <= panel.width for line in panel.notes)


def test_slices_fill_their_bar_and_labels_their_slice(columns: Columns) -> None:
    for arm in category_marks(category_bars(columns, arm="arm")).arms:
        for bar in arm.bars:
            assert sum(part.width for part in bar.slices) == pytest.approx(arm.width)
            assert bar.slices[0].left == pytest.approx(arm.left)
            for part in bar.slices:
                assert not part.label or svg.text_width(part.label, SMALL) <= part.width
        assert all(other.y - one.y > THICK for one, other in pairwise(arm.bars))


def test_columns_of_a_course_stand_apart_and_inside(columns: Columns) -> None:
    marks = course_marks(course(columns, cuts=JUVENILE, maxima=MAXIMA, patient=None), {})
    assert all(other.column - one.column > 60 for one, other in pairwise(marks.visits))
    assert all(0 < visit.x < marks.width and 0 < visit.column < marks.width for visit in marks.visits)
    assert all(cell.share is None or 0 <= cell.share <= 1 for cell in marks.cells)
    labels = [band.label for band in marks.bands]
    assert all(abs(one - other) >= 14 for one, other in pairwise(labels))


def test_a_visit_that_was_not_scored_breaks_the_line() -> None:
    bands = dict.fromkeys(MAXIMA, 2)
    rows = [row("a", week, None, bands) for week in (4, 8, 12, 16)]
    rows[1] = not_computable(rows[1], "missing at the visit: strength")
    marks = course_marks(course(as_columns(rows), cuts=ADULT, maxima=MAXIMA, patient=None), {})
    assert marks.joins == ((2, 3),)
    assert marks.notes == ("Week 8 × not computable: missing at the visit: strength",)


def test_a_cell_says_the_points_and_fills_their_share_of_the_most() -> None:
    bands: dict[str, int | None] = dict.fromkeys(MAXIMA, 1)
    columns = as_columns([row("a", 4, None, bands | {"function": None})])
    marks = course_marks(course(columns, cuts=ADULT, maxima=MAXIMA, patient=None), {})
    boxed = [(cell.words, cell.share) for cell in marks.cells if cell.boxed]
    assert boxed == [
        ("7.5", 7.5 / 20),
        ("2.5", 2.5 / 10),
        ("10", 10 / 32.5),
        ("–", None),
        ("2.5", 2.5 / 7.5),
        ("7.5", 7.5 / 20),
    ]
    assert [cell.words for cell in marks.cells if not cell.boxed] == ["30–40", "open"]


# --- the ink ----------------------------------------------------------------------------------------------


def test_figures_are_well_formed_and_only_the_course_names_a_patient(
    columns: Columns, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    paths = write_figures(
        columns, folder, title=TITLE, cuts=ADULT, maxima=MAXIMA, arm="arm", patient=None, week=None
    )
    assert [path.name for path in paths] == ["waterfall.svg", "categories.svg", "course.svg"]
    assert sorted(folder.iterdir()) == sorted(paths)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        ElementTree.fromstring(text)
        assert ("PT-" in text) == (path.name == "course.svg")
        assert "<title id=" in text
        assert "<desc id=" in text


def test_a_rule_gets_its_bars_and_its_course(tmp_path: Path) -> None:
    columns = ruled(8, ("active", "inactive"))
    paths = write_figures(
        columns, tmp_path, title="Inactive", cuts=(), maxima={}, arm=None, patient=None, week=None
    )
    assert [path.name for path in paths] == ["categories.svg", "course.svg"]


def test_nothing_computable_is_drawn_as_that(tmp_path: Path) -> None:
    rows = [not_computable(row("a", week, None, dict.fromkeys(MAXIMA, 0)), "") for week in (4, 8)]
    for found in rows:
        found["category"] = ""
    paths = write_figures(
        as_columns(rows), tmp_path, title=TITLE, cuts=ADULT, maxima=MAXIMA, arm=None, patient=None, week=None
    )
    assert [path.name for path in paths] == ["categories.svg", "course.svg"]
    assert "not computable: no reason given" in paths[1].read_text(encoding="utf-8")


def test_names_are_escaped_and_made_printable(tmp_path: Path) -> None:
    found = row("<p>&\x0b\ud800", 4, 'a < "b" & c\x00', dict.fromkeys(MAXIMA, 2))
    paths = write_figures(
        as_columns([found]),
        tmp_path,
        title="x & <y>",
        cuts=ADULT,
        maxima=MAXIMA,
        arm="arm",
        patient=None,
        week=None,
    )
    for path in paths:
        ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_every_category_looks_different_from_its_neighbours() -> None:
    bands = [
        dict.fromkeys(MAXIMA, n) | {"strength": strength} for n, strength in ((0, 0), (1, 1), (1, 2), (4, 4))
    ]
    rows = [row(f"{n}", 4, None, earned) for n, earned in enumerate(bands)]
    picture: CategoryBars = category_bars(as_columns(rows), arm=None)
    figure = ElementTree.fromstring(category_figure(picture, TITLE))
    boxes = [e.attrib for e in figure.iter("{http://www.w3.org/2000/svg}rect") if e.get("height") == "20"]
    fills = [box["fill"] for box in boxes]
    assert len(fills) == len(set(fills)) == 4


@given(
    st.lists(st.floats(-50, 50), max_size=8).map(sorted),
    st.floats(0, 10),
)
def test_spread_places_are_apart_and_inside(places: list[float], least: float) -> None:
    found = spread(places, least, -50, 50)
    assert all(other - one >= least - 1e-9 for one, other in pairwise(found))
    assert all(-50 - 1e-9 <= place <= 50 + 1e-9 for place in found)


def test_spread_leaves_places_that_are_apart() -> None:
    assert spread((1.0, 30.0, 60.0), 14, 0, 100) == (1.0, 30.0, 60.0)


@given(st.text(max_size=200), st.floats(60, 400))
def test_wrapped_lines_fit(words: str, width: float) -> None:
    lines = wrapped(words, width, SIZE)
    assert len(lines) <= 3
    assert all(svg.text_width(line, SIZE) <= width for line in lines)


@pytest.mark.parametrize(
    ("week", "words"),
    [(24.0, "24"), (-2.0, "−2"), (4.5, "4.5"), (0.0, "0"), (100.0, "100"), (30 / 7, "4.29")],
)
def test_a_week_is_written_without_needless_zeros(week: float, words: str) -> None:
    assert plain_number(week) == words


@given(st.floats(-200, 0), st.floats(1, 100_000))
def test_ticks_are_few_and_include_zero(lowest: float, highest: float) -> None:
    found = ticks(lowest, highest)
    assert 0 in found
    assert len(found) <= 8
    assert all(lowest <= tick <= highest for tick in found)
