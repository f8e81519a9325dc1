import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from myopoise.evidence.selection import Question
from myopoise.inquiry import Inquiry, inquire
from myopoise.report.document import document
from myopoise.report.page import page


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def example() -> Any:
    return load(Path(__file__).with_name("example.py"))


@pytest.fixture(scope="session")
def small(example: Any) -> dict[str, Any]:
    """The document of an inquiry made by hand."""
    return document(example.inquiry(), generated_at="2020-01-01T00:00:00Z", version="0")


@pytest.fixture(scope="session")
def inquiry() -> Inquiry:
    """The real evidence, with few draws: what is tested here does not depend on them."""
    return inquire(Question(), draws=512)


@pytest.fixture(scope="session")
def real(inquiry: Inquiry) -> dict[str, Any]:
    return document(inquiry, generated_at="2020-01-01T00:00:00Z", version="0")


@pytest.fixture(scope="session", params=["small", "real"])
def report(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def html(report: dict[str, Any]) -> str:
    return page(report)


@pytest.fixture(scope="session")
def synthesis() -> Any:
    """A synthesis made by hand, by either method."""
    return load(Path(__file__).with_name("synthesis_example.py"))


@pytest.fixture(scope="session", params=["bayes", "frequentist"])
def found(request: pytest.FixtureRequest, synthesis: Any) -> dict[str, Any]:
    """The document of a synthesis made by hand."""
    made: dict[str, Any] = synthesis.made(getattr(synthesis, request.param)())
    return made
