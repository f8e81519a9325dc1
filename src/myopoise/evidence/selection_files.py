"""A selection as a folder of four CSV files, so that the exact rows of an analysis can be looked at and passed on.

- ``rows.csv``: one line per group of patients, with the counts at or above each level;
- ``p_rows.csv``: comparisons known only through a P value;
- ``treatments.csv``: mechanism class of each treatment;
- ``excluded.csv``: every study left out, and why; ``parts_excluded.csv``: parts of studies that do enter.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from myopoise.evidence.rows import PrintedP, Row, Selection
from myopoise.files import write_whole
from myopoise.vocabulary import Level, Phenotype

__all__ = ["EXCLUDED_COLUMNS", "PRINTED_COLUMNS", "ROW_COLUMNS", "write_selection"]

_SHARES = tuple(f"share_{group}" for group in Phenotype)
_LEVELS = tuple(f"ge_{level}" for level in Level)
ROW_COLUMNS = (
    *("study", "arm", "year", "kind", "design", "definition", "treatments"),
    *_SHARES,
    "n",
    *_LEVELS,
    *("mean", "se", "variant", "outcome_ids", "shares_assumed", "note"),
)
PRINTED_COLUMNS = (
    *("contrast_id", "study", "year", "treatments_1", "n_1", "treatments_0", "n_0", "how", "abs_z"),
    *_SHARES,
    "shares_assumed",
    "note",
)
EXCLUDED_COLUMNS = ("study_id", "year", "design", "population", "reason")


def write_selection(selection: Selection, folder: Path) -> tuple[Path, ...]:
    """Write the selection's files into a folder, made if need be; each file appears whole or not at all.

    Parameters
    ----------
    selection
        What to write.
    folder
        Where.

    Returns
    -------
    paths
        The files written.
    """
    aside = [(a.study, a.year, a.design, a.population, a.reason) for a in selection.set_aside]
    parts = [(a.study, a.year, a.design, a.population, a.reason, a.part) for a in selection.parts_set_aside]
    tables = {
        "rows.csv": _table(ROW_COLUMNS, (_row(row) for row in selection.rows)),
        "p_rows.csv": _table(PRINTED_COLUMNS, (_printed(p) for p in selection.printed)),
        "treatments.csv": _table(("treatment", "mechanism_class"), selection.mechanism.items()),
        "excluded.csv": _table(EXCLUDED_COLUMNS, aside),
        "parts_excluded.csv": _table((*EXCLUDED_COLUMNS, "part"), parts),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in tables)


def _row(row: Row) -> tuple[object, ...]:
    return (
        *(row.study, row.arm, row.year, row.kind, row.design, row.definition, "+".join(row.treatments)),
        *_share_cells(row.shares),
        row.n,
        *(row.counts.get(level) for level in Level),
        *(_exact(row.mean), _exact(row.se)),
        *(row.variant, "+".join(row.outcome_ids), "yes" if row.shares_assumed else "", row.note),
    )


def _printed(p: PrintedP) -> tuple[object, ...]:
    return (
        *(
            p.contrast_id,
            p.study,
            p.year,
            "+".join(p.treatments_1),
            p.n_1,
            "+".join(p.treatments_0),
            p.n_0,
            p.how,
        ),
        _exact(p.abs_z),
        *_share_cells(p.shares),
        "yes" if p.shares_assumed else "",
        p.note,
    )


def _share_cells(shares: Mapping[Phenotype, float]) -> tuple[str, ...]:
    return tuple(_exact(shares.get(group, 0.0)) or "" for group in Phenotype)


def _exact(value: float | None) -> str | None:
    """As many digits as it takes to read the same number back."""
    return None if value is None else f"{value:.17g}" if float(f"{value:.15g}") != value else f"{value:.15g}"


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()
