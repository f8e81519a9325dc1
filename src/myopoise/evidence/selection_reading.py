"""A selection given back: the folder that `selection_files` writes, or one like it, checked row by row.

Every fault of every file is found before anything is refused. Columns a file lacks without harm (notes, outcome
identifiers, whether shares were assumed) may be absent; a column nobody knows is a fault, for it may be a misspelt one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from myopoise.errors import BadInput, Fault
from myopoise.evidence.rows import PrintedP, Row, Selection, SetAside
from myopoise.evidence.selection_files import EXCLUDED_COLUMNS, PRINTED_COLUMNS, ROW_COLUMNS
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, StudyKind

__all__ = ["read_selection"]

Cells = Mapping[str, str]

_OPTIONAL = {"outcome_ids", "shares_assumed", "note", "year", "variant"}
_TREATMENT_COLUMNS = ("treatment", "mechanism_class")
_VARIANTS = ("adult", "jdm")
_SHARES_WITHIN = 0.005
_ROUNDED = 0.0005
"""Shares written with few digits: they are taken as they stand."""


def read_selection(folder: Path) -> Selection:
    """Read a selection folder.

    Parameters
    ----------
    folder
        Holds ``rows.csv`` and ``treatments.csv``; ``p_rows.csv``, ``excluded.csv`` and ``parts_excluded.csv`` may be
        absent.

    Returns
    -------
    selection
        What was written there.

    Raises
    ------
    BadInput
        With every fault of every file.
    """
    reader = _Reader(folder)
    mechanism = {
        line["treatment"]: line["mechanism_class"]
        for _, line in reader.lines("treatments.csv", _TREATMENT_COLUMNS, needed=True)
    }
    rows = [
        row
        for number, line in reader.lines("rows.csv", ROW_COLUMNS, needed=True)
        if (row := _Line(reader, "rows.csv", number, line).row(mechanism)) is not None
    ]
    printed = [
        p
        for number, line in reader.lines("p_rows.csv", PRINTED_COLUMNS)
        if (p := _Line(reader, "p_rows.csv", number, line).printed(mechanism)) is not None
    ]
    aside = tuple(_aside(line) for _, line in reader.lines("excluded.csv", EXCLUDED_COLUMNS))
    parts = tuple(_aside(line) for _, line in reader.lines("parts_excluded.csv", (*EXCLUDED_COLUMNS, "part")))
    _no_study_twice(reader, rows, printed, aside)
    if not rows and not printed and not reader.faults:
        reader.fault("rows.csv", 0, "", "empty", "no row", "Give at least one row.")
    if reader.faults:
        raise BadInput(str(folder), tuple(sorted(reader.faults)))
    used = {t for row in rows for t in row.treatments}
    used |= {t for p in printed for t in (*p.treatments_1, *p.treatments_0)}
    known = {t: c for t, c in mechanism.items() if t in used}
    return Selection(tuple(rows), tuple(printed), aside, parts, known)


def _aside(line: Cells) -> SetAside:
    year = line.get("year", "")
    return SetAside(
        *(line["study_id"], int(year) if year.isdigit() else None, line["design"], line["population"]),
        *(line["reason"], line.get("part", "")),
    )


def _no_study_twice(
    reader: _Reader, rows: list[Row], printed: list[PrintedP], aside: tuple[SetAside, ...]
) -> None:
    out = {a.study for a in aside}
    for study in sorted({row.study for row in rows} | {p.study for p in printed}):
        if study in out:
            reader.fault(
                *("excluded.csv", 0, "study_id", "in-and-out", study),
                "It has rows that enter as well: take it out of one of the files.",
            )


class _Reader:
    """The files of a folder, and the faults found in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def fault(self, file: str, row: int, column: str, kind: str, found: str, remedy: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(file, row, column, kind, found, remedy))

    def lines(self, name: str, columns: tuple[str, ...], *, needed: bool = False) -> list[tuple[int, Cells]]:
        """Lines of a file with their numbers; none where it is absent or its header has faults."""
        path = self.folder / name
        if not path.is_file():
            if needed:
                self.fault(name, 0, "", "missing-file", "absent", "`myopoise evidence select` writes it.")
            return []
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            self.fault(name, 0, "", "encoding", "not UTF-8", "Save the file as UTF-8.")
            return []
        table = list(csv.reader(text.splitlines()))
        if not table:
            self.fault(name, 0, "", "empty", "no header", f"Its columns are {', '.join(columns)}.")
            return []
        header = [cell.strip() for cell in table[0]]
        missing = [c for c in columns if c not in header and c not in _OPTIONAL]
        for column in missing:
            self.fault(name, 1, column, "missing-column", "absent", "Add the column.")
        for column in header:
            if column not in columns:
                self.fault(
                    name, 1, column, "unknown-column", column, f"Its columns are {', '.join(columns)}."
                )
        if missing:
            return []
        return [
            (number, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
            for number, cells in enumerate(table[1:], 2)
            if any(cell.strip() for cell in cells)
        ]


class _Line:
    """One line of a file, read cell by cell; a cell with a fault reads as None."""

    def __init__(self, reader: _Reader, file: str, number: int, cells: Cells) -> None:
        self.reader, self.file, self.number, self.cells = reader, file, number, cells
        self.sound = True

    def _fault(self, column: str, kind: str, remedy: str, found: str | None = None) -> None:
        self.sound = False
        seen = self.cells.get(column, "") if found is None else found
        self.reader.fault(self.file, self.number, column, kind, seen, remedy)

    def row(self, mechanism: Mapping[str, str]) -> Row | None:
        """A group of patients."""
        n = self._whole("n", least=1)
        counts = self._counts(n)
        mean, se = self._number("mean"), self._number("se")
        if mean is not None and (se is None or not se > 0.0):
            self._fault("se", "no-standard-error", "Give the standard error of the mean, above zero.")
        if not counts and mean is None and self.sound:
            self._fault(
                "n", "no-result", "Give the count at one level at least, or a mean score with its error."
            )
        values = {
            "study": self._text("study"),
            "arm": self._text("arm"),
            "definition": self._text("definition"),
            "year": self._whole("year", least=1900) if self.cells.get("year") else None,
            "design": self._one_of("design", tuple(StudyKind)),
            "variant": self._one_of("variant", _VARIANTS) if self.cells.get("variant") else "adult",
            "treatments": self._treatments("treatments", mechanism),
            "shares": self._shares(),
        }
        if not self.sound or n is None:
            return None
        return Row(
            study=str(values["study"]),
            arm=str(values["arm"]),
            year=values["year"],  # type: ignore[arg-type]
            kind="ord" if counts else "mean",
            design=StudyKind(str(values["design"])),
            definition=str(values["definition"]),
            treatments=values["treatments"],  # type: ignore[arg-type]
            shares=values["shares"],  # type: ignore[arg-type]
            n=n,
            counts=counts,
            mean=mean,
            se=se if mean is not None else None,
            variant=str(values["variant"]),
            outcome_ids=tuple(filter(None, self.cells.get("outcome_ids", "").split("+"))),
            shares_assumed=self.cells.get("shares_assumed", "") == "yes",
            note=self.cells.get("note", ""),
        )

    def printed(self, mechanism: Mapping[str, str]) -> PrintedP | None:
        """A comparison of which only a P value was printed."""
        how = self._one_of("how", ("p", "ns"))
        z = self._number("abs_z")
        if how == "p" and (z is None or z < 0.0):
            self._fault(
                "abs_z", "no-z", "Give the absolute z score of the printed P value, or write ns under how."
            )
        n_1, n_0 = self._whole("n_1", least=1), self._whole("n_0", least=1)
        one, other = (self._treatments(f"treatments_{i}", mechanism) for i in (1, 0))
        shares = self._shares()
        study, contrast = self._text("study"), self._text("contrast_id")
        year = self._whole("year", least=1900) if self.cells.get("year") else None
        if not self.sound or n_1 is None or n_0 is None:
            return None
        return PrintedP(
            *(contrast, study, year, one, n_1, other, n_0, how, z if how == "p" else None, shares),
            shares_assumed=self.cells.get("shares_assumed", "") == "yes",
            note=self.cells.get("note", ""),
        )

    def _text(self, column: str) -> str:
        found = self.cells.get(column, "")
        if not found:
            self._fault(column, "empty-cell", "It may not be empty.")
        return found

    def _one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        found = self.cells.get(column, "")
        if found not in tuple(map(str, allowed)):
            self._fault(column, "unknown-code", f"Allowed: {', '.join(map(str, allowed))}.")
        return found

    def _number(self, column: str) -> float | None:
        found = self.cells.get(column, "")
        if not found:
            return None
        try:
            value = float(found)
        except ValueError:
            value = float("nan")
        if value != value or value in (float("inf"), float("-inf")):
            self._fault(column, "not-a-number", "Write a number with a point, or nothing.")
            return None
        return value

    def _whole(self, column: str, *, least: int = 0) -> int | None:
        value = self._number(column)
        if value is None:
            if not self.cells.get(column):
                self._fault(column, "empty-cell", f"Write a whole number, {least} or more.")
            return None
        if value != int(value) or value < least:
            self._fault(column, "not-whole", f"Write a whole number, {least} or more.")
            return None
        return int(value)

    def _counts(self, n: int | None) -> dict[Level, int]:
        """Patients at each level or better: never more than at a lower level, nor than there are."""
        found: dict[Level, int] = {}
        most = n
        for level in Level:
            column = f"ge_{level}"
            if not self.cells.get(column):
                continue
            count = self._whole(column)
            if count is None:
                continue
            if most is not None and count > most:
                self._fault(
                    column, "too-many", f"At most {most}: everyone at this level is also at the lower ones."
                )
            found[level], most = count, count
        return found

    def _treatments(self, column: str, mechanism: Mapping[str, str]) -> tuple[str, ...]:
        found = tuple(filter(None, self.cells.get(column, "").split("+")))
        if not found:
            self._fault(column, "empty-cell", "Write treatment codes joined by a plus sign, or background.")
        for code in found:
            if code != BACKGROUND and not mechanism.get(code):
                self._fault(
                    column, "no-mechanism", "Add it with its mechanism class to treatments.csv.", code
                )
        return found

    def _shares(self) -> dict[Phenotype, float]:
        """Shares of the diagnoses, brought to a sum of one where they are further off than rounding."""
        found: dict[Phenotype, float] = {}
        for group in Phenotype:
            column = f"share_{group}"
            value = self._number(column) or 0.0
            if not 0.0 <= value <= 1.0:
                self._fault(column, "not-a-share", "A share lies between 0 and 1.")
            if value > 0.0:
                found[group] = value
        total = sum(found.values())
        if abs(total - 1.0) > _SHARES_WITHIN:
            self._fault(
                "share_DM", "shares", "The shares of the diagnoses must sum to 1.", f"they sum to {total:.3f}"
            )
            return found
        return (
            found
            if abs(total - 1.0) <= _ROUNDED
            else {group: share / total for group, share in found.items()}
        )
