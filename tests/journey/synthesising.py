"""The command that synthesises, run through its own door, and its document held to the schema."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema

from myopoise.cli import main
from myopoise.report.synthesis_document import schema_text

DATA = Path(__file__).parents[1] / "data" / "synthesise"
SCHEMA = jsonschema.Draft202012Validator(json.loads(schema_text()))
POSTERIOR = ("mean", "sd", "q2_5", "q50", "q97_5")
FREQUENTIST = "--method frequentist"


class Ended(NamedTuple):
    """How a command ended, without the line that says it is at work."""

    code: int
    out: str
    err: str


def run(*words: str | Path) -> Ended:
    """The command through its own door, in this process."""
    out, err = io.StringIO(), io.StringIO()
    kept, sys.argv, code = sys.argv, ["myopoise", "synthesise", *map(str, words)], 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = kept
    told = [line for line in err.getvalue().splitlines() if not line.startswith("myopoise: reading and")]
    return Ended(code, out.getvalue(), "\n".join(told))


def words_of(line: str) -> list[str]:
    """The words of a command; a name that ends like a file of ours stands for it."""
    return [str(DATA / word) if word.endswith(".csv") else word for word in shlex.split(line)]


def ends(line: str) -> Ended:
    return run(*words_of(line))


@functools.cache
def answer(line: str) -> dict[str, Any]:
    """The document that ``--json -`` prints, held to the schema."""
    ended = ends(f"{line} --json -")
    assert (ended.code, ended.err) == (0, "")
    document: dict[str, Any] = json.loads(ended.out)
    SCHEMA.validate(document)
    return document


def effects(document: Mapping[str, Any], key: str = "") -> dict[tuple[str, str], Any]:
    """Rows of the effects by pair, or one number of each."""
    rows = {(row["treatment"], row["versus"]): row for row in document["relative_effects"]}
    return {pair: row[key] for pair, row in rows.items()} if key else rows
