import io
from typing import Any

import pytest
from rich.console import Console

from myopoise.report.terminal import print_answer


def printed(report: dict[str, Any], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_answer(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(report: dict[str, Any], width: int) -> None:
    text = printed(report, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 100])
def test_effect_interval_and_certainty_never_give_way(small: dict[str, Any], width: int) -> None:
    line = next(line for line in printed(small, width).splitlines() if line.startswith("IVIG"))
    assert "71 (52–86)" in line
    assert "+24 (+4 to +43)" in line
    assert "98%" in line
    assert "moderate" in line


def test_the_sentence_of_each_group_and_the_footer_are_printed(report: dict[str, Any]) -> None:
    text = " ".join(printed(report, 100).split())
    for answer in report["answers"]:
        assert answer["sentence"] in text
    assert report["footer"] in text
