"""What public documents state against a treatment in patients who have something: refused with the source, or shown.

A missing statement means that none is held here, never that a treatment is safe. The documents are labels, product
information and guidelines, most of them about other diseases than myositis; they differ between countries, and only
what was seen in one of them is here.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any

from myopoise.choice.options import Refusal
from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.evidence.reading import base_folder
from myopoise.references import references

__all__ = [
    "CONDITIONS",
    "NOT_SAFE",
    "Kind",
    "Statement",
    "cautions_for",
    "forbidden",
    "read_cautions",
    "read_statements",
    "stated",
]

NOT_SAFE = "Where nothing is stated, no statement is held here: that never means that a treatment is safe."
"""What must be read with any list of statements, above all with an empty one."""

_FILE = "cautions.toml"
_FIELDS = ("treatment", "condition", "kind", "text", "source", "references")

CONDITIONS = {
    "pregnancy": "pregnancy",
    "breastfeeding": "breastfeeding",
    "renal-impairment": "renal impairment",
    "hepatic-impairment": "liver disease",
    "active-infection": "an active severe infection",
    "hepatitis-b": "hepatitis B, now or in the past",
    "thrombosis": "a risk of thrombosis",
    "heart-failure": "moderate or severe heart failure",
    "iga-deficiency": "IgA deficiency",
    "malignancy": "cancer, now or in the past, or a raised risk of it",
    "live-vaccine": "a live vaccine, given or needed",
}
"""What a group may have, by code, in words."""


class Kind(StrEnum):
    """What a statement does."""

    CONTRAINDICATED = "contraindicated"
    CAUTION = "caution"


@dataclass(frozen=True)
class Statement:
    """What one document states.

    Parameters
    ----------
    treatment, condition
        Codes.
    kind
        Whether it refuses the treatment or is shown beside it.
    text
        What is stated, in our words.
    source
        The document, and the place in it.
    references
        Keys of the bibliography, which tell how the document was seen.
    """

    treatment: str
    condition: str
    kind: Kind
    text: str
    source: str
    references: tuple[str, ...] = ()


@lru_cache
def read_statements() -> tuple[Statement, ...]:
    """Every statement held here."""
    return read_cautions(resources.files("myopoise.choice").joinpath(_FILE).read_text(encoding="utf-8"))


def read_cautions(text: str) -> tuple[Statement, ...]:
    """Statements of a file, in its order.

    Parameters
    ----------
    text
        The file as text, laid out as `cautions.toml`.

    Raises
    ------
    BadInput
        With every fault found: an unknown treatment, condition or kind, a missing text or source, a reference that
        is not in the bibliography, the same statement twice.
    """
    try:
        entries = tomllib.loads(text).get("statement", [])
    except tomllib.TOMLDecodeError as error:
        fault = Fault(_FILE, 0, "", "unreadable", str(error), "Write it as TOML, one [[statement]] each.")
        raise BadInput("statements against treatments", (fault,)) from error
    lines = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[statement\]\]", line)]
    codes = _treatments()
    faults: list[Fault] = []
    seen: set[tuple[Any, Any, Any]] = set()
    for line, entry in zip(lines, entries, strict=False):
        faults += _faults(entry, line, codes)
        name = (entry.get("treatment"), entry.get("condition"), entry.get("kind"))
        if name in seen:
            faults.append(
                Fault(
                    _FILE, line, "", "twice", " ".join(map(str, name)), "State it once, with all its sources."
                )
            )
        seen.add(name)
    if faults:
        raise BadInput("statements against treatments", tuple(faults))
    return tuple(
        Statement(
            entry["treatment"],
            entry["condition"],
            Kind(entry["kind"]),
            entry["text"],
            entry["source"],
            tuple(entry["references"]),
        )
        for entry in entries
    )


def _faults(entry: dict[str, Any], line: int, codes: Collection[str]) -> Iterator[Fault]:
    for field in (name for name in entry if name not in _FIELDS):
        yield Fault(_FILE, line, field, "unknown-field", field, f"Allowed: {', '.join(_FIELDS)}.")
    for field in (name for name in _FIELDS if not entry.get(name)):
        yield Fault(_FILE, line, field, "missing", "nothing", "Fill it in, or leave the whole statement out.")
    for field, known in (("treatment", codes), ("condition", CONDITIONS), ("kind", tuple(Kind))):
        found = entry.get(field)
        if found and found not in known:
            yield Fault(_FILE, line, field, "unknown-code", f"'{found}'", _meant(str(found), known))
    for key in entry.get("references") or ():
        if key not in references():
            yield Fault(_FILE, line, "references", "unknown-code", f"'{key}'", "Add it to references.bib.")


def _meant(found: str, known: Collection[str]) -> str:
    near = get_close_matches(found, known, 1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."


@lru_cache
def _treatments() -> tuple[str, ...]:
    """Codes of treatments in the shipped vocabulary."""
    text = (base_folder() / "vocabulary.csv").read_text(encoding="utf-8")
    return tuple(row["code"] for row in csv.DictReader(io.StringIO(text)) if row["field"] == "treatment")


def cautions_for(treatments: Sequence[str], conditions: Sequence[str]) -> tuple[Statement, ...]:
    """What is stated about some treatments in patients with some conditions, contraindications first.

    Parameters
    ----------
    treatments
        Codes; for a combination, all of its treatments.
    conditions
        Codes of `CONDITIONS`.

    Returns
    -------
    statements
        None of them means that no statement is held here, never that a treatment is safe.

    Raises
    ------
    WrongUsage
        For a treatment or a condition that is not known: a slip of the pen would read as silence.
    """
    for treatment in treatments:
        if treatment not in _treatments():
            raise WrongUsage(f"'{treatment}' is not a treatment. {_meant(treatment, _treatments())}")
    found = [s for s in stated(conditions) if s.treatment in treatments]
    return tuple(sorted(found, key=lambda s: s.kind is not Kind.CONTRAINDICATED))


def stated(avoid: Sequence[str]) -> tuple[Statement, ...]:
    """What is stated about any of some conditions.

    Parameters
    ----------
    avoid
        Codes of conditions.

    Raises
    ------
    WrongUsage
        For a condition of which nothing could ever be stated here.
    """
    unknown = [condition for condition in avoid if condition not in CONDITIONS]
    if unknown:
        raise WrongUsage(
            f"--avoid: no statement is held here about {', '.join(unknown)}. Known: {', '.join(CONDITIONS)}."
        )
    return tuple(s for s in read_statements() if s.condition in avoid)


def forbidden(avoid: Sequence[str]) -> tuple[Refusal, ...]:
    """The treatments that some conditions forbid, each once with all its reasons and their sources."""
    reasons: dict[str, list[str]] = {}
    for s in stated(avoid):
        if s.kind is Kind.CONTRAINDICATED:
            reasons.setdefault(s.treatment, []).append(f"{CONDITIONS[s.condition]}: {s.text} ({s.source})")
    return tuple(Refusal(treatment, "; ".join(why)) for treatment, why in reasons.items())
