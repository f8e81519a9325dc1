"""What ADaM and this package call the same thing: codes of parameters, names and labels of columns.

No supplement of CDISC for these measures could be confirmed, so the codes (PARAMCD) are ours. Those of the measures
stand in ``instruments.toml``, the rest in ``adam.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from myopoise.outcomes.definitions import definition
from myopoise.outcomes.instruments import instruments

__all__ = ["MARKS", "AdamTable", "adam_table", "is_bds"]

MARKS = ("USUBJID", "PARAMCD", "AVAL")
"""Columns by which a data set of basic structure is known."""


@dataclass(frozen=True)
class AdamTable:
    """What ADaM and this package call the same thing.

    Parameters
    ----------
    measures
        PARAMCD of each column of visits that can be read and written.
    labels
        PARAM of each PARAMCD.
    upper_limits
        Columns that may hold the upper limit of normal, in the order of preference.
    carried
        Columns that travel beside the measures.
    most_abnormal, score, levels
        PARAMCDs of the most abnormal enzyme, of the total improvement score, and of its levels from minimal up.
    criterion
        Text of CRIT1 for the score.
    rules
        PARAMCD of each definition that answers yes or no.
    columns
        Label of each column of a data set, in the order of writing.
    """

    measures: Mapping[str, str]
    labels: Mapping[str, str]
    upper_limits: tuple[str, ...]
    carried: tuple[str, ...]
    most_abnormal: str
    score: str
    levels: tuple[str, ...]
    criterion: str
    rules: Mapping[str, str]
    columns: Mapping[str, str]

    @property
    def derived(self) -> frozenset[str]:
        """PARAMCDs that are written and not read, because they follow from the measures."""
        return frozenset((self.most_abnormal, self.score, *self.levels, *self.rules.values()))


@cache
def adam_table() -> AdamTable:
    """The table of ``adam.toml``, with the measures of ``instruments.toml``."""
    table = tomllib.loads((files("myopoise.outcomes.files") / "adam.toml").read_text(encoding="utf-8"))
    known = instruments().values()
    rows = [*table["companions"], table["most_abnormal"], table["score"], *table["levels"]]
    labels = {instrument.paramcd: instrument.full for instrument in known}
    labels |= {row["paramcd"]: row["label"] for row in rows}
    labels |= {code: definition(name).title for name, code in table["rules"].items()}
    measures = {instrument.name: instrument.paramcd for instrument in known}
    measures |= {row["column"]: row["paramcd"] for row in table["companions"]}
    return AdamTable(
        measures=MappingProxyType(measures),
        labels=MappingProxyType(labels),
        upper_limits=tuple(table["upper_limits"]),
        carried=tuple(table["carried"]),
        most_abnormal=table["most_abnormal"]["paramcd"],
        score=table["score"]["paramcd"],
        levels=tuple(row["paramcd"] for row in table["levels"]),
        criterion=table["score"]["criterion"],
        rules=MappingProxyType(table["rules"]),
        columns=MappingProxyType(table["columns"]),
    )


def is_bds(columns: Collection[str]) -> bool:
    """Whether columns with these names make an ADaM data set of basic structure.

    Parameters
    ----------
    columns
        Names of the columns of a file.
    """
    return set(MARKS) <= set(columns)
