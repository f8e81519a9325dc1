import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from myopoise.report import sentences
from myopoise.report.page import page
from myopoise.report.writing import write_report

VOID = {"meta", "br", "img", "link", "input", "hr", "source"}


class Reader(HTMLParser):
    """Elements, anchors and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.cells: list[list[tuple[str, str]]] = []
        self.unclosed: list[str] = []
        self.in_answer = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table" and "answers" in found.get("class", ""):
            self.cells.append([])
            self.in_answer = True
        if tag == "data" and self.in_answer:
            self.cells[-1].append((found["value"], ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.in_answer = self.in_answer and tag != "table"
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        if self.in_answer and self.open[-1] == "data":
            value, shown = self.cells[-1][-1]
            self.cells[-1][-1] = (value, shown + data)

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    return Reader(html)


def leaves(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        for value in part.values():
            yield from leaves(value)
    elif isinstance(part, list):
        for value in part:
            yield from leaves(value)
    else:
        yield part


def test_every_number_of_the_answer_tables_stands_in_the_document(
    read: Reader, report: dict[str, Any]
) -> None:
    known = {repr(leaf) for leaf in leaves(report["answers"])}
    shown = [value for cells in read.cells for value, _ in cells]
    assert len(shown) > 10
    assert [value for value in shown if value not in known] == []


def test_no_number_of_an_answer_table_is_outside_a_data_element(html: str) -> None:
    for table in re.findall(r'<table class="cards answers".*?</table>', html, flags=re.DOTALL):
        body = table[table.index("<tbody") :]
        body = re.sub(r"<(svg|details)\b.*?</\1>", "", body, flags=re.DOTALL)
        body = re.sub(r"<data\b.*?</data>|<[^>]*>|in 100", "", body, flags=re.DOTALL)
        assert re.findall(r"\d+", body) == []


def test_what_is_shown_is_the_number_behind_it_rounded(read: Reader) -> None:
    for value, shown in (cell for cells in read.cells for cell in cells):
        number = float(shown.strip("<>%").replace("−", "-"))
        assert any(abs(scale * float(value) - number) <= 0.5 + 1e-9 for scale in (1, 100)) or "%" in shown


def test_nothing_is_loaded_from_elsewhere(html: str, read: Reader) -> None:
    assert [
        tag for tag, _ in read.elements if tag in ("link", "script", "img", "iframe", "object", "embed")
    ] == []
    assert [
        attributes for _, attributes in read.elements if "src" in attributes or "srcset" in attributes
    ] == []
    styles = "".join(re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL))
    assert "url(" not in html
    assert "@import" not in styles


def test_every_study_has_exactly_one_anchor(read: Reader, report: dict[str, Any]) -> None:
    for study in report["studies"]:
        assert read.ids.count(f"study-{study['id']}") == 1


def test_no_identifier_is_given_twice_and_every_link_inside_leads_somewhere(read: Reader) -> None:
    assert sorted(read.ids) == sorted(set(read.ids))
    inside = {a["href"][1:] for _, a in read.elements if a.get("href", "").startswith("#")}
    assert inside - set(read.ids) == set()


def test_a_source_with_an_address_is_one_click_away(read: Reader, report: dict[str, Any]) -> None:
    outward = {attributes["href"] for tag, attributes in read.elements if tag == "a" and "href" in attributes}
    addresses = {study["address"] for study in report["studies"] if study["address"]}
    assert addresses - outward == set()


def test_elements_are_closed_in_order(read: Reader) -> None:
    assert read.unclosed == []
    assert read.open == []


def test_every_figure_speaks_to_a_screen_reader(html: str) -> None:
    for figure in re.findall(r'<svg[^>]*class="figure".*?</svg>', html, flags=re.DOTALL):
        assert 'role="img"' in figure
        assert re.search(r"<title id=[^>]+>[^<]+</title><desc id=[^>]+>[^<]+</desc>", figure)


def test_certainty_and_answers_are_worded_by_the_sentences(html: str, report: dict[str, Any]) -> None:
    for answer in report["answers"]:
        for option in answer["options"]:
            assert option["certainty"]["words"] == sentences.certainty_words(option["certainty"]["grade"])
            assert option["verdict_words"] == sentences.verdict_words(option["verdict"])
            assert option["certainty"]["words"] in html


def test_the_page_says_what_it_is_not(html: str) -> None:
    assert "Not a medical device" in html
    assert "must not be the sole or main basis of a treatment decision" in html
    assert sentences.SUPPORTS in html


def test_what_comes_from_a_table_is_escaped(small: dict[str, Any]) -> None:
    html = page(small)
    assert "A study of <alpha-2001>" not in html
    assert "A study of &lt;alpha-2001&gt; &amp; others" in html
    hostile = {**small, "question": "<script>alert(1)</script>"}
    assert "<script" not in page(hostile)


def test_an_address_that_is_no_web_address_is_not_a_link(small: dict[str, Any]) -> None:
    studies = [{**study, "address": "javascript:alert(1)"} for study in small["studies"]]
    assert "javascript:" not in page({**small, "studies": studies})


def test_two_writes_give_the_same_bytes(small: dict[str, Any], tmp_path: Path) -> None:
    first = write_report(small, tmp_path / "one")
    second = write_report(small, tmp_path / "deep" / "two")
    assert [path.name for path in first] == ["report.html", "report.json", "report.schema.json"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(path.name for path in first)


def test_a_number_that_is_not_finite_is_refused(small: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_report({**small, "as_of": float("nan")}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_inquiry_without_any_study_still_makes_a_page(small: dict[str, Any]) -> None:
    bare = {
        **small,
        "answers": [
            {**answer, "options": [], "background": {}, "no_evidence": [], "verdict": "no evidence"}
            for answer in small["answers"]
        ],
        "readings": [],
        "counted": [],
        "observed": [],
        "network": {"nodes": [], "edges": [], "pieces": []},
    }
    assert Reader(page(bare)).unclosed == []
