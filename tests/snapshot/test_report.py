"""The small example as it was accepted: first the marks, then the ink.

Set MYOPOISE_ACCEPT=1 to accept what is drawn now, and look at it before committing.
"""

import importlib.util
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from myopoise.report.document import document
from myopoise.report.figures import forest_figure, network_figure, panels_figure
from myopoise.report.forest_marks import forest_marks
from myopoise.report.intervals import panels_marks
from myopoise.report.network_graph import network_marks

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "report" / "example.py"


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("report_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_example"] = module
    spec.loader.exec_module(module)
    return document(module.inquiry(), generated_at="2020-01-01T00:00:00Z", version="0")


def accepted(name: str, text: str) -> None:
    path = HERE / "report" / name
    if os.environ.get("MYOPOISE_ACCEPT"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def as_text(marks: Any) -> str:
    return json.dumps(asdict(marks), indent=1, ensure_ascii=False) + "\n"


def test_network_marks_then_ink(small: dict[str, Any]) -> None:
    accepted("network.marks.json", as_text(network_marks(small["network"])))
    accepted("network.svg", network_figure(small) + "\n")


def test_forest_marks_then_ink(small: dict[str, Any]) -> None:
    accepted("forest.marks.json", as_text(forest_marks(small, "ivig")))
    accepted("forest.svg", forest_figure(small, "ivig") + "\n")


def test_readings_marks_then_ink(small: dict[str, Any]) -> None:
    accepted("readings.marks.json", as_text(panels_marks(small["answers"][0])))
    accepted("readings.svg", panels_figure(small["answers"][0]) + "\n")


def test_sentences(small: dict[str, Any]) -> None:
    answer = small["answers"][0]
    lines = [answer["sentence"]]
    for option in answer["options"]:
        lines += [option["sentence"], *(f"  note: {note}" for note in option["notes"])]
    accepted("sentences.txt", "\n".join(lines) + "\n")
