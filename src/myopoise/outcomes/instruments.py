"""The instruments: what each measures, in which unit and range, and which way is better.

They stand in ``instruments.toml``, declared once. The same rows check a file of visits, drive the scores, write the
page of `myopoise outcomes show`, and name the parameters of an ADaM data set. No item wording of a questionnaire is
shipped.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["ENZYMES", "ENZYME_UNITS", "VAS_UNITS", "Instrument", "Scale", "instruments"]

ENZYMES = ("ck", "aldolase", "ldh", "ast", "alt")
"""In the order that decides a tie for the most abnormal (OPERATIONAL)."""

VAS_UNITS: Mapping[str, int] = MappingProxyType({"cm": 1, "mm": 10})
"""Units of a visual analogue scale, as how many make one centimetre."""

ENZYME_UNITS: Mapping[str, int] = MappingProxyType({"U/L": 1, "microkat/L": 60})
"""Units of an enzyme activity, as U/L in one: a katal turns over a mole a second, a unit a micromole a minute."""


class Scale(StrEnum):
    """How the numbers of an instrument come."""

    POINTS = "points"
    VAS = "vas"
    ENZYME = "enzyme"


@dataclass(frozen=True)
class Instrument:
    """One instrument.

    Parameters
    ----------
    name
        Name of its column in a file of visits.
    label, full
        Short name for tables, and what it is.
    better
        Which way is better: ``lower`` or ``higher``.
    unit
        Unit of `low` and `high`.
    status, sources
        How well the range is known, and keys of the bibliography.
    licence, licence_status
        What is known of the terms of use, and how well.
    paramcd
        Code of the parameter in an ADaM data set; ours, since none is published.
    low, high
        Smallest and largest value, in `unit`; `None` where there is no limit.
    high_column, range_column, uln_column
        Columns that hold the maximum of the version used, the range, or the upper limit of normal; empty where none.
    versions
        The values that `high_column` may hold.
    scale
        How the numbers come.
    """

    name: str
    label: str
    full: str
    better: str
    unit: str
    status: str
    sources: tuple[str, ...]
    licence: str
    licence_status: str
    paramcd: str
    low: float | None = None
    high: float | None = None
    high_column: str = ""
    range_column: str = ""
    uln_column: str = ""
    versions: tuple[int, ...] = ()
    scale: Scale = Scale.POINTS

    @property
    def companion(self) -> str:
        """The column a value cannot be read without, or empty."""
        return self.high_column or self.range_column or self.uln_column

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.high_column:
            return f"0 to {self.high_column}, which is one of {', '.join(map(str, self.versions))}"
        if self.low is None:
            return "any number"
        if self.high is None:
            return f"{self.low:g} or more {self.unit}"
        return f"{self.low:g} to {self.high:g} {self.unit}"

    def __str__(self) -> str:
        """What it is, in one sentence."""
        return f"{self.full}: {self.allowed}, {self.better} is better."


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument by its name, in the order of the file."""
    text = (files("myopoise.outcomes") / "instruments.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["instruments"]
    return MappingProxyType({row["name"]: _instrument(row) for row in rows})


def _instrument(row: Mapping[str, Any]) -> Instrument:
    lists = {name: tuple(row[name]) for name in ("sources", "versions") if name in row}
    return Instrument(**{**row, **lists, "scale": Scale(row.get("scale", "points"))})
