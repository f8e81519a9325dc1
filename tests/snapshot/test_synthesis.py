"""The small synthesis as it was accepted: first the marks, then the ink.

Set MYOPOISE_ACCEPT=1 to accept what is drawn now, and look at it before committing.
"""

import importlib.util
import io
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from myopoise.report.synthesis_forests import effects_marks, splits_marks
from myopoise.report.synthesis_funnel import funnel_marks
from myopoise.report.synthesis_network import oval_marks
from myopoise.report.synthesis_page import figures
from myopoise.report.synthesis_ranks import ranks_marks
from myopoise.report.synthesis_terminal import print_synthesis

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "report" / "synthesis_example.py"
MARKS = {
    "network": oval_marks,
    "effects": effects_marks,
    "ranks": ranks_marks,
    "node-splits": splits_marks,
    "funnel": funnel_marks,
}


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("synthesis_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["synthesis_example"] = module
    spec.loader.exec_module(module)
    return module


def accepted(name: str, text: str) -> None:
    path = HERE / "synthesis" / name
    if os.environ.get("MYOPOISE_ACCEPT"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MARKS)
def test_marks_then_ink(example: Any, name: str) -> None:
    made = example.made(example.bayes())
    accepted(f"{name}.marks.json", json.dumps(asdict(MARKS[name](made)), indent=1, ensure_ascii=False) + "\n")
    accepted(f"{name}.svg", figures(made)[name] + "\n")


@pytest.mark.parametrize("method", ["bayes", "frequentist"])
def test_terminal(example: Any, method: str) -> None:
    out = io.StringIO()
    print_synthesis(example.made(getattr(example, method)()), Console(file=out, width=110, highlight=False))
    accepted(f"{method}.txt", "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n")
