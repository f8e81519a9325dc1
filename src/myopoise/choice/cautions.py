"""What public documents state against a treatment in patients who have something: refused with the source, or shown.

A missing statement means that none is held here, never that a treatment is safe.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources

from myopoise.choice.options import Refusal
from myopoise.errors import WrongUsage

__all__ = ["CONDITIONS", "Kind", "Statement", "forbidden", "read_statements", "stated"]

CONDITIONS = {
    "pregnancy": "pregnancy",
    "breastfeeding": "breastfeeding",
    "renal-impairment": "renal impairment",
    "hepatic-impairment": "liver disease",
    "active-infection": "an active severe infection",
    "thrombosis": "a risk of thrombosis",
    "heart-failure": "moderate or severe heart failure",
    "iga-deficiency": "IgA deficiency",
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
        The document.
    """

    treatment: str
    condition: str
    kind: Kind
    text: str
    source: str


@lru_cache
def read_statements() -> tuple[Statement, ...]:
    """Every statement held here."""
    text = resources.files("myopoise.choice").joinpath("cautions.toml").read_text(encoding="utf-8")
    return tuple(
        Statement(s["treatment"], s["condition"], Kind(s["kind"]), s["text"], s["source"])
        for s in tomllib.loads(text)["statement"]
    )


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
