import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from myopoise.report.synthesis_page import synthesis_page
from myopoise.synthesis.checking import Trust

VOID = {"meta", "br", "img", "link", "input", "hr", "source"}


class Reader(HTMLParser):
    """Elements, unclosed ones, and the numbers behind what is shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)


@pytest.fixture(scope="module")
def html(found: dict[str, Any]) -> str:
    return synthesis_page(found)


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    return Reader(html)


def test_every_element_is_closed_and_every_id_is_one_of_a_kind(read: Reader) -> None:
    assert (read.unclosed, read.open) == ([], [])
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert sorted(ids) == sorted(set(ids))


def test_nothing_runs_and_nothing_is_fetched(html: str, read: Reader) -> None:
    assert not {"script", "iframe", "link", "img", "object"} & {tag for tag, _ in read.elements}
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*", html) == []
    assert "@import" not in html
    assert "url(" not in html


def test_links_of_the_page_lead_somewhere(read: Reader) -> None:
    ids = {attributes.get("id") for _, attributes in read.elements}
    targets = {a["href"][1:] for tag, a in read.elements if tag == "a" and a.get("href", "").startswith("#")}
    assert len(targets) > 6
    assert targets - ids == set()


def test_what_scrolls_can_be_reached_and_named_without_a_mouse(read: Reader) -> None:
    scrolls = [attributes for _, attributes in read.elements if attributes.get("class") == "scroll"]
    assert len(scrolls) >= 5
    for attributes in scrolls:
        assert attributes["tabindex"] == "0"
        assert attributes["aria-label"]


def test_headings_step_down_one_at_a_time(read: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_numbers_of_the_league_table_are_those_of_the_document(html: str, found: dict[str, Any]) -> None:
    league = html[html.index('<table class="league') :]
    league = league[: league.index("</table>")]
    keys = ("q50", "q2_5", "q97_5") if found["method"] == "bayes" else ("estimate", "ci_low", "ci_high")
    known = {repr(row[key]) for row in found["relative_effects"] for key in keys}
    shown = re.findall(r'<data value="([^"]*)">', league)
    assert len(shown) == 4 * 3 * 3
    assert set(shown) <= known


def test_the_league_table_says_in_its_caption_which_way_to_read_it(html: str) -> None:
    caption = re.search(r"<caption>.*?League table.*?</caption>", html, flags=re.DOTALL)
    assert caption is not None
    words = re.sub(r"<[^>]*>", "", caption[0])
    assert "odds ratio of the treatment of its row against the treatment of its column" in words


def test_a_table_of_ranks_has_effect_interval_and_certainty(html: str) -> None:
    ranks = html[html.index('id="ranks"') : html.index('id="heterogeneity"')]
    heads = re.sub(r"<[^>]*>", "|", re.findall(r"<thead.*?</thead>", ranks, flags=re.DOTALL)[-1])
    assert "odds ratio v No intervention" in heads
    assert "95% c" in heads
    assert "Certainty" in heads
    assert ranks.count("not judged") >= 4


def test_names_are_escaped(html: str) -> None:
    assert "Group counselling &lt;6&gt;" in html
    assert "counselling <6>" not in html


def test_every_figure_has_its_numbers_in_a_table_or_beside_it(html: str, read: Reader) -> None:
    svgs = [attributes for tag, attributes in read.elements if tag == "svg"]
    assert all("aria-labelledby" in attributes for attributes in svgs)
    for words in (
        "Every comparison as a table",
        "The same as a table, with the difference",
        "The same as a table<",
    ):
        assert words in html


def test_the_page_is_the_same_twice(found: dict[str, Any], html: str) -> None:
    assert synthesis_page(found) == html


def test_a_result_not_to_be_believed_says_so_at_the_head(synthesis: Any) -> None:
    page = synthesis_page(synthesis.made(synthesis.bayes(trust=Trust(0.95, 90.0, 4096, False))))
    head = page[: page.index("<main>")]
    assert 'class="doubted"' in head
    assert "must not be believed" in head


def test_the_priors_and_the_hash_stand_under_methods(synthesis: Any) -> None:
    page = synthesis_page(synthesis.made(synthesis.bayes()))
    methods = page[page.index('id="methods"') :]
    assert "half-normal(5): 95% between 0.16 and 11" in methods
    assert "0" * 64 in methods
