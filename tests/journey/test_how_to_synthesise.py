"""The page on synthesising one's own data: each command and snippet runs, and says what the page says it does."""

from __future__ import annotations

import io
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import myopoise as mp
from myopoise.cli import commands
from myopoise.errors import MyopoiseError

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "synthesise-your-data.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
_PICTURE = str.maketrans("", "", "━●┊┿‹›─")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]


def shown_by(language: str) -> list[tuple[str, str]]:
    """Each block of a language, with the output that stands below it."""
    after = zip(blocks(), [*blocks()[1:], Block("", "")], strict=True)
    return [
        (one.text, two.text if two.language == "text" else "")
        for one, two in after
        if one.language == language
    ]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a fresh clone to the page, where its commands may write."""
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str) -> tuple[int, str]:
    """Exit code and everything that was printed, translated as the door does."""
    found = CliRunner().invoke(commands, shlex.split(command)[1:])
    if isinstance(found.exception, MyopoiseError):
        return found.exception.exit_code, f"{found.output}\nmyopoise: {found.exception}"
    if found.exception is not None and not isinstance(found.exception, SystemExit | click.ClickException):
        raise found.exception
    return found.exit_code, found.output


def lines_of(block: str) -> Iterator[tuple[str, int]]:
    """The commands of a block, and the exit code that each is said to end with."""
    for line in block.replace("\\\n", " ").splitlines():
        command, _, remark = line.partition("    # ")
        yield command, int(remark.removeprefix("exit code ")) if remark else 0


def _differs(shown: str, printed: str) -> bool:
    """Whether a line of the page is not that of the output: other words, or numbers that are not near."""
    if _words(shown) != _words(printed):
        return True
    if "k-hat" in shown:
        # How well draws did changes with every improvement of the proposals, and decides nothing that is shown.
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return not all(abs(_value(a) - _value(b)) <= 0.02 + 0.03 * abs(_value(a)) for a, b in pairs)


def _words(line: str) -> str:
    return " ".join(_NUMBER.sub("#", line.translate(_PICTURE)).split())


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))


def not_printed(shown: str, output: str) -> list[str]:
    """Lines of the page that the output does not have."""
    wanted = [line for line in shown.splitlines() if line.strip() not in ("", "...")]
    printed = output.splitlines()
    return [line for line in wanted if all(_differs(line, other) for other in printed)]


@pytest.mark.parametrize(
    ("block", "shown"), shown_by("sh"), ids=lambda text: str(text).split("\n", 1)[0][:70]
)
def test_a_command_of_the_page_ends_and_prints_as_the_page_says(clone: Path, block: str, shown: str) -> None:
    printed = ""
    for command, code in lines_of(block):
        if command.startswith("printf "):
            text, name = re.fullmatch(r"printf '(.*)' > (\S+)", command).groups()  # type: ignore[union-attr]
            (clone / name).write_text(text.replace("\\n", "\n"), encoding="utf-8")
            continue
        ended, output = run(command)
        assert ended == code, output
        printed += output
    assert not_printed(shown, printed) == []


def test_the_snippets_of_the_page_run_one_after_another_and_print_what_it_shows(clone: Path) -> None:
    ended, output = run(
        'myopoise synthesise docs/examples/smoking.csv --reference "No intervention" --json smoking.json'
    )
    assert ended == 0, output
    names: dict[str, object] = {}
    for block, shown in shown_by("python"):
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(block, str(PAGE), "exec"), names)
        assert not_printed(shown, printed.getvalue()) == [], printed.getvalue()


@pytest.mark.parametrize(("block", "_"), shown_by("csv"), ids=lambda text: str(text).split("\n", 1)[0])
def test_a_layout_of_the_page_is_read(clone: Path, block: str, _: str) -> None:
    path = clone / "layout.csv"
    path.write_text(block, encoding="utf-8")
    file = mp.read_studies(path)
    assert file.layout == "myopoise"
    assert len(file.studies.names) == len({line.split(",")[0] for line in block.splitlines()[1:]})


def test_a_line_that_is_not_in_the_output_is_found_out() -> None:
    output = "Group counselling  1.10  0.44   ┊ ━━●━━"
    assert not_printed("Group counselling  1.10  0.44     ┊ ━●━\n...", output) == []
    assert not_printed("Group counselling  1.30  0.44", output)
    assert not_printed("Self-help  1.10  0.44", output)
