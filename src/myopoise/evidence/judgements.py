"""Exceptions to the rules of selection, read from `judgements.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from myopoise.vocabulary import Level, Phenotype

__all__ = ["Judgement", "read_judgements"]


@dataclass(frozen=True)
class Judgement:
    """What is decided by hand about one study, and why; the fields are described at the head of the file."""

    study: str
    include: bool = False
    exclude: str = ""
    arms: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    design: str = ""
    definition: str = ""
    shares: Mapping[Phenotype, float] = field(default_factory=dict)
    shares_assumed: bool = False
    n: Mapping[str, int] = field(default_factory=dict)
    sd: float | None = None
    levels: Mapping[str, Mapping[Level, int]] = field(default_factory=dict)
    contrasts: tuple[str, ...] = ()
    reason: str = ""


def read_judgements() -> tuple[Judgement, ...]:
    """The shipped judgements, in the order of the file."""
    text = (files("myopoise.evidence") / "judgements.toml").read_text(encoding="utf-8")
    return tuple(_judgement(entry) for entry in tomllib.loads(text)["judgement"])


def _judgement(entry: dict[str, object]) -> Judgement:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    shares, levels = values.get("shares"), values.get("levels")
    if isinstance(shares, dict):
        values["shares"] = {Phenotype(group): float(share) for group, share in shares.items()}
    if isinstance(levels, dict):
        values["levels"] = {
            arm: {Level(level): int(count) for level, count in counts.items()}
            for arm, counts in levels.items()
        }
    return Judgement(**values)  # type: ignore[arg-type]  # the file's keys are the fields; a wrong one fails loudly
