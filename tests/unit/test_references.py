"""The bibliography: every entry is read, every key in the code resolves."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
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


def test_every_line_of_a_references_section_is_a_key_of_the_bibliography() -> None:
    cited = {
        (str(path.relative_to(ROOT)), line)
        for path in (ROOT / "src").rglob("*.py")
        for text in _docstrings(path)
        for line in _cited_by(text)
    }
    assert len(cited) > 30
    assert [found for found in sorted(cited) if found[1] not in references()] == []


def test_a_key_that_is_not_in_the_bibliography_is_seen_in_a_docstring() -> None:
    text = "What comes out.\n\nReferences\n----------\nlu2004\nnobody1900\n\nExamples\n--------\n>>> 1\n1"
    assert _cited_by(text) == ["lu2004", "nobody1900"]
    assert [key for key in _cited_by(text) if key not in references()] == ["nobody1900"]


def test_every_key_in_backticks_on_a_page_or_in_code_is_in_the_bibliography() -> None:
    folders = [ROOT / name for name in ("src", "docs", "tests", "validation", "benchmarks")]
    files = [path for folder in folders for kind in ("*.py", "*.md") for path in folder.rglob(kind)]
    files += [ROOT / "README.md", ROOT / "GLOSSARY.md"]
    cited = {
        (str(path.relative_to(ROOT)), key)
        for path in files
        for key in re.findall(r"`([a-z]+(?:19|20)\d{2}[a-z]?)`", path.read_text(encoding="utf-8"))
    }
    assert cited
    assert [found for found in sorted(cited) if found[1] not in references()] == []


def test_every_reference_has_somewhere_to_look() -> None:
    # A note says how a page, form, registry record or table was seen; an article normally has more than that.
    assert all(
        r.doi or (r.volume and r.pages) or r.note or r.key == "dias2011" for r in references().values()
    )


def test_a_note_is_printed_after_the_reference() -> None:
    assert cite("bohan1975").note
    assert str(cite("bohan1975")).endswith(f"New England Journal of Medicine 1975. {cite('bohan1975').note}")
    assert str(cite("oddis2013")).endswith("Arthritis and Rheumatism 2013;65:314–324.")


def test_every_line_of_an_entry_is_one_field_that_was_read() -> None:
    text = (ROOT / "src/myopoise/references.bib").read_text(encoding="utf-8")
    written = [line for line in text.splitlines() if line.startswith("  ")]
    shape = re.compile(r"  (author|title|journal|year|volume|pages|doi|note) = \{.+\},")
    assert [line for line in written if not shape.fullmatch(line)] == []


def test_a_reference_is_listed_once() -> None:
    dois = [r.doi.casefold() for r in references().values() if r.doi]
    assert len(dois) == len(set(dois))


def test_what_was_not_seen_is_said() -> None:
    nameless = [r for r in references().values() if r.authors in ("Author not seen", "Authors not seen")]
    assert nameless
    assert all(r.note for r in nameless)


def test_every_key_of_definitions_and_instruments_is_in_the_bibliography() -> None:
    cited = {
        key
        for path in (ROOT / "src/myopoise/outcomes").rglob("*.toml")
        for key in _keys(tomllib.loads(path.read_text(encoding="utf-8")))
    }
    assert cited <= set(references())


def _keys(part: object) -> Iterator[str]:
    """Every key under the name ``sources``, however deep."""
    if isinstance(part, dict):
        yield from part.get("sources", ())
        for below in part.values():
            yield from _keys(below)
    elif isinstance(part, list):
        for below in part:
            yield from _keys(below)


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def _cited_by(docstring: str) -> list[str]:
    """The lines of the section of references, which ends at the next underlined heading."""
    section = re.search(
        r"^References\n-+\n(.*?)(?=\n\n[^\n]+\n-{3,}\n|\Z)", docstring, re.DOTALL | re.MULTILINE
    )
    return [line.strip() for line in section[1].splitlines() if line.strip()] if section else []
