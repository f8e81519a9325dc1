"""One bibliography: a key anywhere in code, data or a page resolves to a reference here, or it is a defect.

The file is the plainest BibTeX (one field a line), so that anyone can import it; twenty lines read it back, and a
library for the whole of BibTeX would be more to carry than what it saves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Reference", "cite", "references"]

_ENTRY = re.compile(r"^@\w+\{(?P<key>[a-z]+\d{4}[a-z]?),\n(?P<body>(?:  .*\n)+)\}", re.MULTILINE)
_FIELD = re.compile(r"^  (?P<name>\w+) = \{(?P<value>.*)\},$", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """One published source.

    Parameters
    ----------
    key
        How code and pages name it.
    authors, title, journal, year, volume, pages, doi
        As printed; empty where there is none.
    note
        How it was seen, where that matters: a web page read in a copy, a year or an author that was not visible.
    """

    key: str
    authors: str
    title: str
    journal: str
    year: str
    volume: str = ""
    pages: str = ""
    doi: str = ""
    note: str = ""

    @property
    def address(self) -> str:
        """Where it can be read, or empty."""
        return f"https://doi.org/{self.doi}" if self.doi else ""

    def __str__(self) -> str:
        """The reference as a list prints it."""
        where = f"{self.journal} {self.year}" + (f";{self.volume}:{self.pages}" if self.volume else "")
        return f"{self.authors}. {self.title}. {where}." + (f" {self.note}" if self.note else "")


@cache
def references() -> Mapping[str, Reference]:
    """Every reference by its key."""
    text = (files("myopoise") / "references.bib").read_text(encoding="utf-8")
    found = {entry["key"]: _reference(entry["key"], entry["body"]) for entry in _ENTRY.finditer(text)}
    if len(found) != text.count("\n@"):
        raise ValueError("references.bib has an entry that is not one field a line, or a key used twice")
    return found


def cite(key: str) -> Reference:
    """The reference of a key; `KeyError` for a key that is not in the bibliography."""
    return references()[key]


def _reference(key: str, body: str) -> Reference:
    fields = {field["name"]: field["value"] for field in _FIELD.finditer(body)}
    authors = "; ".join(name.replace(",", "").replace(".", "") for name in fields["author"].split(" and "))
    return Reference(
        key,
        authors.replace("; others", " et al").replace("; ", ", "),
        fields["title"],
        fields["journal"],
        fields["year"],
        fields.get("volume", ""),
        fields.get("pages", "").replace("--", "–"),
        fields.get("doi", ""),
        fields.get("note", ""),
    )
