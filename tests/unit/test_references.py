"""The bibliography: every entry is read, every key in the code resolves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from myopoise.references import cite, references

ROOT = Path(__file__).parent.parent.parent


def test_a_reference_prints_as_a_list_would() -> None:
    assert str(cite("ytterberg2006")) == (
        "Ytterberg S R. Treatment of refractory polymyositis and dermatomyositis. "
        "Current Rheumatology Reports 2006;8:167–173."
    )


def test_several_authors_and_others_are_kept_apart() -> None:
    assert cite("lu2004").authors == "Lu G, Ades A E"
    assert cite("guyatt2011").authors.endswith("Kunz R et al")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError):
        cite("nobody1900")


def test_every_key_the_code_cites_is_in_the_bibliography() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    cited = set(re.findall(r"cite\(\"([a-z]+\d{4}[a-z]?)\"\)", source))
    assert cited <= set(references())


def test_every_reference_has_somewhere_to_look() -> None:
    assert all(r.doi or (r.volume and r.pages) or r.key == "dias2011" for r in references().values())
