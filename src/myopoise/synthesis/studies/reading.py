"""Reading studies: any recognised layout in, checked studies out, with how they were understood.

The word for what comes out is *studies file*: the vocabulary keeps *reading* for a number read off a chart.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.building import Allowed, Built, build
from myopoise.synthesis.studies.exclusive import without_exclusive
from myopoise.synthesis.studies.faults import FaultList
from myopoise.synthesis.studies.layouts import Match, recognise
from myopoise.synthesis.studies.revman import is_revman, revman_sheet
from myopoise.synthesis.studies.sheet import Sheet, sheet_from, sheet_of
from myopoise.synthesis.studies.showing import study_lines
from myopoise.synthesis.studies.values import Outcome, Studies

__all__ = ["StudiesFile", "read_studies", "studies_from"]

_SHOWN = 3


@dataclass(frozen=True)
class StudiesFile:
    """Studies as they were read, and how the file was understood.

    Parameters
    ----------
    studies
        The studies.
    layout
        Name of the recognised layout.
    guess
        How each column was understood, in one sentence.
    first
        The first few studies as text.
    sha256
        Of the bytes of the file, empty for a table that came from none.
    """

    studies: Studies
    layout: str
    guess: str
    first: tuple[str, ...]
    sha256: str = field(default="")

    def __str__(self) -> str:
        """The guess, the first studies, and the notes."""
        return "\n".join([self.guess, *(f"  {line}" for line in self.first), *self.studies.notes])


def read_studies(
    file: Path | str,
    *,
    outcome: Outcome | str | None = None,
    layout: str | None = None,
    endpoint: str | None = None,
    single_arms: bool = False,
    trust_spread: bool = False,
) -> StudiesFile:
    r"""Studies from a file in any layout that is recognised by its columns.

    Parameters
    ----------
    file
        CSV, TSV, Parquet or Excel; for RevMan also the folder of its four files.
    outcome
        ``binomial``, ``ordered``, ``normal``, ``poisson`` or ``contrast``; None for the one the layout prefers.
    layout
        Name of the layout; None to recognise it.
    endpoint
        Name of the outcome, where a file of RevMan holds several.
    single_arms
        Whether studies of one arm are kept, for a model that lets them speak.
    trust_spread
        Whether standard deviations that look like standard errors are taken as given.

    Returns
    -------
    file
        The studies, with notes of what a reader should know.

    Raises
    ------
    BadInput
        With every fault of the file: row, column, what was found, what to do.
    WrongUsage
        For a file that is not there, or a word that is not known.

    Examples
    --------
    >>> import tempfile
    >>> text = "study,treatment,r,n\nA,placebo,3,39\nA,active,2,38\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "trials.csv")
    ...     _ = path.write_text(text)
    ...     read_studies(path).first
    ('A: placebo 3/39; active 2/38',)
    """
    path = Path(file)
    wanted = _outcome(outcome)
    allowed = Allowed(single_arms, trust_spread)
    if path.is_dir() or (layout or "").lower() == "revman":
        sheet, notes = revman_sheet(path, endpoint)
        return _read(sheet, wanted, "revman", allowed, notes)
    sheet = sheet_of(path)
    if layout is None and is_revman(sheet):
        sheet, notes = revman_sheet(path, endpoint)
        return _read(sheet, wanted, "revman", allowed, notes)
    return _read(sheet, wanted, layout, allowed, ())


def studies_from(
    table: Any,
    *,
    outcome: Outcome | str | None = None,
    layout: str | None = None,
    single_arms: bool = False,
    trust_spread: bool = False,
    name: str = "studies",
) -> StudiesFile:
    """Studies from a dataframe, a mapping of columns or a list of rows, in any layout a file may have.

    Parameters
    ----------
    table
        polars, pandas or Arrow; a mapping of columns, or a list of rows.
    outcome, layout, single_arms, trust_spread
        As for `read_studies`.
    name
        What to call the table in messages; its first row is row 2, as below a header.

    Raises
    ------
    BadInput
        With every fault of the table.
    WrongUsage
        For what is no table, or a word that is not known.

    Examples
    --------
    >>> rows = [
    ...     {"study": "A", "treat1": "x", "treat2": "y", "TE": 0.5, "seTE": 0.2},
    ...     {"study": "B", "treat1": "x", "treat2": "y", "TE": 0.1, "seTE": 0.3},
    ... ]
    >>> studies_from(rows).layout
    'netmeta'
    """
    return _read(sheet_from(table, name), _outcome(outcome), layout, Allowed(single_arms, trust_spread), ())


def _outcome(outcome: Outcome | str | None) -> Outcome | None:
    if outcome is None:
        return None
    try:
        return Outcome(outcome)
    except ValueError:
        words = [one.value for one in Outcome]
        near = difflib.get_close_matches(str(outcome), words, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise WrongUsage(f"'{outcome}' is not an outcome.{hint} Choose one of {', '.join(words)}.") from None


def _read(
    sheet: Sheet, outcome: Outcome | None, layout: str | None, allowed: Allowed, notes: tuple[str, ...]
) -> StudiesFile:
    faults = FaultList(sheet.file, notes=list(notes))
    exclusive = without_exclusive(sheet, outcome, layout, faults)
    sheet = sheet if exclusive is None else exclusive
    match = recognise(sheet, outcome, layout if exclusive is None else None)
    built = build(sheet, match, outcome, allowed, faults)
    name = match.layout.name if exclusive is None else "multinma"
    return StudiesFile(
        studies=built.studies,
        layout=name,
        guess=_guess(name, match, built),
        first=study_lines(built.studies, _SHOWN),
        sha256=sheet.sha256,
    )


_WORDS = {
    "one": "the treatment",
    "other": "the treatment it is compared with",
    "r": "events",
    "n": "patients",
    "others": "patients without an event",
    "at_least": "patients at or above each threshold",
    "sd": "standard deviation",
    "se": "standard error",
    "estimate": "contrast",
    "exposure": "person-time",
}


def _guess(name: str, match: Match, built: Built) -> str:
    """How each column was understood."""
    arms = built.studies.arms
    kinds = ([arms.outcome.value] if arms is not None else []) + (
        ["contrast"] if built.studies.contrasts else []
    )
    parts = [
        f"{_WORDS.get(role, role)} from {', '.join(columns)}"
        for role, columns in built.roles.items()
        if columns
    ]
    text = f"Read as {' and '.join(kinds)} data in the layout of {name}: {'; '.join(parts)}"
    if built.covariates:
        text += f"; covariates {', '.join(built.covariates)}"
    if built.unused:
        text += f"; not used {', '.join(built.unused)}"
    return text + "."
