"""The EULAR/ACR classification criteria of 2017 as read from their file: items, weights, cut points, intercepts.

Weights and scores are whole tenths of a point: in binary fractions 2.1 + 0.7 + 0.8 + 1.9 falls just short of the cut
point 5.5 in some orders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from myopoise.outcomes.patients.classification import read_definition

__all__ = ["IBM_QUESTIONS", "JUVENILE", "NAME", "RIMMED", "AgeBand", "Definition", "Model", "definition"]

NAME = "eular-acr-2017"

IBM_QUESTIONS = ("finger_flexor_weakness", "treatment_response_not_improved")
"""Asked together at the last node of the tree."""

RIMMED = "bx_rimmed"
"""The biopsy finding that answers the last node of the tree alone."""

JUVENILE = ""
"""The age item of onset below 18: there is none, and it adds nothing."""


@dataclass(frozen=True)
class AgeBand:
    """Ages at onset that add the same weight: from the first, the last not included; the item that names them."""

    item: str
    onset_from: float
    onset_below: float


@dataclass(frozen=True)
class Model:
    """One set of weights, with what its scores mean.

    Parameters
    ----------
    name
        ``no_biopsy`` or ``biopsy``.
    tenths
        Weight of each item it asks for, in tenths of a point.
    cuts
        Score in tenths from which a category holds, itself included, with the category; rising.
    intercept
        Score at which the probability is one half.
    """

    name: str
    tenths: Mapping[str, int]
    cuts: tuple[tuple[int, str], ...]
    intercept: float

    def category(self, tenths: int) -> str:
        """The category of a score in tenths."""
        return next(category for start, category in reversed(self.cuts) if tenths >= start)

    def probability(self, tenths: int) -> float:
        """The probability that goes with a score in tenths (SECONDARY: seen in a public calculator only)."""
        return 1.0 / (1.0 + math.exp(self.intercept - tenths / 10.0))


@dataclass(frozen=True)
class Definition:
    """The criteria as read from their file."""

    models: Mapping[str, Model]
    groups: Mapping[str, tuple[str, ...]]
    bands: tuple[AgeBand, ...]
    subgrouped: tuple[str, ...]
    words: Mapping[str, str]
    oldest: float

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Every item but age: what a file gives as 1, 0 or empty."""
        return tuple(item for group, items in self.groups.items() if group != "age" for item in items)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a file of patients, beside ``patient``."""
        return ("age_at_onset", "biopsy", *self.groups["age"], *self.findings, *IBM_QUESTIONS)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns a file cannot lack; age items repeat the age, and biopsy items are asked after a biopsy only."""
        optional = {*self.groups["age"], *self.groups["biopsy"]}
        return tuple(column for column in self.columns if column not in optional)


@cache
def definition() -> Definition:
    """The published criteria."""
    read = read_definition(NAME)
    items = read["items"]
    groups: dict[str, tuple[str, ...]] = {}
    for item in items:
        groups[item["group"]] = (*groups.get(item["group"], ()), item["id"])
    bands = [
        AgeBand(item["id"], item["onset_from"], item.get("onset_below", math.inf))
        for item in items
        if item["group"] == "age"
    ]
    return Definition(
        models={row["model"]: _model(read, row["model"]) for row in read["probability"]},
        groups=groups,
        bands=(AgeBand(JUVENILE, 0, bands[0].onset_from), *bands),
        subgrouped=tuple(row["id"] for row in read["categories"] if row.get("subgrouped")),
        words={row["id"]: row["meaning"] for row in (*read["categories"], *read["subgroups"])},
        oldest=read["limits"]["age_at_onset_most"],
    )


def _model(read: Mapping[str, Any], name: str) -> Model:
    lowest = read["categories"][0]["id"]
    cuts = [(int(10 * row["score_from"]), row["category"]) for row in _of_model(read["cut_points"], name)]
    (probability,) = _of_model(read["probability"], name)
    return Model(
        name=name,
        tenths={item["id"]: int(10 * item[name]) for item in read["items"] if name in item},
        cuts=((0, lowest), *cuts),
        intercept=float(probability["intercept"]),
    )


def _of_model(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["model"] == name]
