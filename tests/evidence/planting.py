"""Faults planted in a copy of the shipped evidence: the twelve of the issue, each in several ways and any place.

A planting is a function of a `Garden`; it changes one thing and touches no study another planting has touched, so
that twelve plantings are twelve mistakes.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

from myopoise.evidence.columns import Holds
from myopoise.evidence.reading import base_folder
from myopoise.evidence.tables import TABLES, Table, table_of

THIS_YEAR = 2026
Cells = dict[str, str]
_BASE = {
    table.name: list(csv.DictReader(io.StringIO((base_folder() / table.file).read_text("utf-8"), newline="")))
    for table in TABLES
}


class Garden:
    """The tables as text, with what has been planted so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: dict[str, list[Cells]] = {
            name: [dict(row) for row in rows] for name, rows in _BASE.items()
        }
        self.names = {table.name: [column.name for column in table.columns] for table in TABLES}
        self.raw: dict[str, bytes] = {}
        self.bad_bytes: list[tuple[str, Cells, str, int, bytes]] = []
        self.touched: set[str] = set()
        self.whole_files: set[str] = set()

    def pick(self, table: str, fits: Callable[[Cells], bool] = lambda row: True) -> Cells:
        """A row of a table, of a study nothing was planted in."""
        row = self.random.choice(self.free(table, fits))
        self.touched |= _subjects(row)
        return row

    def free(self, table: str, fits: Callable[[Cells], bool]) -> list[Cells]:
        """The rows one may pick."""
        return [row for row in self.rows[table] if not (_subjects(row) & self.touched) and fits(row)]

    def table(self, *names: str) -> Table:
        """One of the tables no whole-file fault was planted in."""
        free = [name for name in names if name not in self.whole_files]
        return table_of(self.random.choice(free or [name for name in names if name not in self.raw]))

    def write(self, folder: Path) -> Path:
        """Write the seven files."""
        for table in TABLES:
            (folder / table.file).write_bytes(self.raw.get(table.name, self._bytes(table)))
        return folder

    def _bytes(self, table: Table) -> bytes:
        marks = {}
        for place, (name, row, column, at, byte) in enumerate(self.bad_bytes):
            if name == table.name:
                mark = f"\ue000{place}\ue001"
                row[column] = row[column][:at] + mark + row[column][at:]
                marks[mark.encode()] = byte
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        columns = [column.name for column in table.columns if column.name in self._kept(table)]
        writer.writerow([self._kept(table)[name] for name in columns])
        writer.writerows([[row[name] for name in columns] for row in self.rows[table.name]])
        data = text.getvalue().encode()
        for mark, byte in marks.items():
            data = data.replace(mark, byte)
        return data

    def _kept(self, table: Table) -> dict[str, str]:
        declared = [column.name for column in table.columns]
        return {
            name: shown
            for name, shown in zip(declared, self.names[table.name], strict=True)
            if shown is not None
        }


Planting = Callable[[Garden], None]


def _subjects(row: Cells) -> set[str]:
    """The studies, terms or references a row is about."""
    if "mechanism_class" in row:
        return {f"{row['field']}={row['code']}"}
    names = {*row["study_id"].split("+"), *row.get("overlaps_with", "").split("+")} - {""}
    return names or {f"seed {row.get('number', '')}"}


def _typo(garden: Garden, word: str) -> str:
    at = garden.random.randrange(len(word))
    return garden.random.choice([word[:at] + word[at + 1 :] + "k", word + "q", word[:at] + "zz" + word[at:]])


# Wrong code


def wrong_code(garden: Garden) -> None:
    table = garden.table("studies", "arms", "outcomes", "contrasts", "seed_references")
    column = garden.random.choice([column for column in table.columns if column.codes])
    row = garden.pick(table.name, lambda row: bool(row[column.name]))
    row[column.name] = garden.random.choice(
        [_typo(garden, row[column.name]), "nonsense", "Other words, entirely"]
    )


def wrong_code_in_a_list(garden: Garden) -> None:
    table = garden.table("studies", "arms")
    column = garden.random.choice([column for column in table.columns if column.codes and column.joined])
    row = garden.pick(table.name, lambda row: bool(row[column.name]))
    row[column.name] += "+nonsense"


def code_missing_from_vocabulary(garden: Garden, *fields: str) -> None:
    used = _codes_used(garden)
    row = garden.pick(
        "vocabulary",
        lambda row: (row["field"], row["code"]) in used and (not fields or row["field"] in fields),
    )
    garden.rows["vocabulary"].remove(row)


def _codes_used(garden: Garden) -> set[tuple[str, str]]:
    return {
        (column.codes, code)
        for table in TABLES
        for column in table.columns
        if column.codes
        for row in garden.rows[table.name]
        for code in row[column.name].split("+")
    }


# Events above n


def events_above_n(garden: Garden) -> None:
    row = garden.pick("outcomes", lambda row: row["type"] == "binary")
    row["events"] = str(int(row["n"]) * garden.random.choice([1, 2, 10]) + garden.random.randint(1, 9))


def n_below_events(garden: Garden) -> None:
    row = garden.pick("outcomes", lambda row: row["type"] == "binary" and int(row["events"]) > 0)
    row["n"] = str(int(row["events"]) - 1)


# Missing arm


def outcome_names_a_wrong_arm(garden: Garden) -> None:
    row = garden.pick("outcomes")
    row["arm_id"] = garden.random.choice([_typo(garden, row["arm_id"]), "nobody"])


def contrast_names_a_wrong_arm(garden: Garden) -> None:
    row = garden.pick("contrasts")
    column = garden.random.choice(["arm_1", "arm_2"])
    row[column] = _typo(garden, row[column])


def subgroup_names_a_wrong_whole(garden: Garden) -> None:
    row = garden.pick("arms", lambda row: bool(row["parent_arm"]))
    row["parent_arm"] = _typo(garden, row["parent_arm"])


def arm_is_deleted(garden: Garden) -> None:
    garden.rows["arms"].remove(garden.pick("arms", lambda row: _used_arm(garden, row)))


def arm_is_renamed(garden: Garden) -> None:
    row = garden.pick("arms", lambda row: _used_arm(garden, row))
    row["arm_id"] = garden.random.choice([_typo(garden, row["arm_id"]), "quite-another"])


def _used_arm(garden: Garden, arm: Cells) -> bool:
    own = [row for row in garden.rows["outcomes"] if row["study_id"] == arm["study_id"]]
    return any(row["arm_id"] == arm["arm_id"] for row in own)


# Duplicate key


def row_is_copied(garden: Garden) -> None:
    table = garden.table("studies", "arms", "outcomes", "contrasts", "seed_references", "vocabulary")
    row = garden.pick(table.name)
    place = garden.random.choice([len(garden.rows[table.name]), garden.rows[table.name].index(row)])
    garden.rows[table.name].insert(place, dict(row))


def row_is_copied_and_annotated(garden: Garden) -> None:
    table = garden.table("studies", "arms", "outcomes", "contrasts")
    row = garden.pick(table.name)
    garden.rows[table.name].append({**row, "notes": "a second reading"})


def row_takes_the_key_of_another(garden: Garden) -> None:
    table = garden.table("studies", "outcomes", "contrasts", "seed_references", "vocabulary")
    row, other = garden.pick(table.name), garden.pick(table.name)
    if table.name == "vocabulary":
        siblings = [
            term for term in garden.rows["vocabulary"] if term["field"] == row["field"] and term != row
        ]
        other = garden.random.choice(siblings or [row])
        if other is row:
            return row_takes_the_key_of_another(garden)
    for name in table.key:
        row[name] = other[name]
    return None


def arm_takes_the_name_of_its_neighbour(garden: Garden) -> None:
    def has_neighbour(row: Cells) -> bool:
        return row["role"] == "active" and any(
            other is not row and other["study_id"] == row["study_id"] for other in garden.rows["arms"]
        )

    row = garden.pick("arms", has_neighbour)
    others = [
        other for other in garden.rows["arms"] if other is not row and other["study_id"] == row["study_id"]
    ]
    row["arm_id"] = garden.random.choice(others)["arm_id"]


# Bad number


def bad_number(garden: Garden) -> None:
    table = garden.table("studies", "arms", "outcomes", "contrasts", "design_facts", "seed_references")
    numeric = [column.name for column in table.columns if column.holds in (Holds.WHOLE, Holds.NUMBER)]
    free = [name for name in numeric if garden.free(table.name, lambda row, name=name: bool(row[name]))]
    column = garden.random.choice(free)
    row = garden.pick(table.name, lambda row: bool(row[column]))
    row[column] = garden.random.choice(["abc", "12,5", "nan", "inf", "1e999", "--", "5%", "1_0", "5 of 9"])


# Wrong column


def column_is_misspelt(garden: Garden) -> None:
    table = garden.table(*_BASE)
    place = garden.random.randrange(len(table.columns))
    name = table.columns[place].name
    garden.names[table.name][place] = garden.random.choice(
        [_typo(garden, name), name.upper(), name[:-1] or "nn"]
    )
    _claim_file(garden, table.name)


def column_has_another_name(garden: Garden) -> None:
    table = garden.table(*_BASE)
    place = garden.random.randrange(len(table.columns))
    garden.names[table.name][place] = garden.random.choice(["", "spalte", "Unnamed: 7"])
    _claim_file(garden, table.name)


def column_has_the_name_of_another(garden: Garden, *names: str) -> None:
    table = garden.table(*(names or _BASE))
    place, other = garden.random.sample(range(len(table.columns)), 2)
    garden.names[table.name][place] = table.columns[other].name
    _claim_file(garden, table.name)


def column_is_deleted(garden: Garden, *names: str) -> None:
    table = garden.table(*(names or _BASE))
    garden.names[table.name][garden.random.randrange(len(table.columns))] = None  # type: ignore[call-overload]
    _claim_file(garden, table.name)


def _claim_file(garden: Garden, name: str) -> None:
    garden.whole_files.add(name)


# Bad encoding


def bad_byte(garden: Garden) -> None:
    table = garden.table(*_BASE)
    row = garden.pick(table.name)
    column = garden.random.choice([name for name in row if row[name]])
    at = garden.random.randint(0, len(row[column]))
    garden.bad_bytes.append(
        (table.name, row, column, at, garden.random.choice([b"\xff", b"\xe9", b"\xc3", b"\x96"]))
    )


# Empty file


def file_is_empty(garden: Garden, *names: str) -> None:
    table = garden.table(*(names or _BASE))
    garden.raw[table.name] = garden.random.choice([b"", b"\n\n", b"\xef\xbb\xbf", b"  \n"])
    _claim_file(garden, table.name)


# Percent above 100


def percent_above_100(garden: Garden) -> None:
    row = garden.pick("outcomes", _is_percentage)
    column = garden.random.choice([name for name in ("mean", "median", "value", "ci_high") if row[name]])
    row[column] = garden.random.choice(["101", "100.5", "750", "1e3"])


def _is_percentage(row: Cells) -> bool:
    return row["type"] == "rate" and row["unit"].startswith("%")


# Subgroup larger than its whole


def subgroup_grows(garden: Garden) -> None:
    row = garden.pick("arms", lambda row: bool(row["parent_arm"] and row["n"] and _whole(garden, row)["n"]))
    row["n"] = str(int(_whole(garden, row)["n"]) + garden.random.choice([1, 3, 400]))


def whole_shrinks(garden: Garden) -> None:
    row = garden.pick("arms", lambda row: bool(row["parent_arm"] and row["n"] and _whole(garden, row)["n"]))
    whole = _whole(garden, row)
    for name in ("n_dm", "n_pm", "n_jdm", "n_other", "female_n"):
        whole[name] = ""
    whole["n"] = str(int(row["n"]) - 1)


def _whole(garden: Garden, arm: Cells) -> Cells:
    own = [row for row in garden.rows["arms"] if row["study_id"] == arm["study_id"]]
    return next(row for row in own if row["arm_id"] == arm["parent_arm"])


# Unknown study


def row_names_a_wrong_study(garden: Garden) -> None:
    table = garden.table("arms", "outcomes", "contrasts", "design_facts", "seed_references")
    row = garden.pick(table.name, lambda row: bool(row["study_id"]) and row["study_id"] != "general")
    row["study_id"] = garden.random.choice([_typo(garden, row["study_id"]), "nobody-1900"])


def study_is_deleted(garden: Garden) -> None:
    garden.rows["studies"].remove(garden.pick("studies", lambda row: _has_arms(garden, row)))


def study_is_renamed(garden: Garden) -> None:
    row = garden.pick("studies", lambda row: _has_arms(garden, row))
    row["study_id"] = garden.random.choice([_typo(garden, row["study_id"]), "nobody-1900", "-not a name"])


def overlap_names_a_wrong_study(garden: Garden) -> None:
    row = garden.pick("studies", lambda row: bool(row["overlaps_with"]))
    row["overlaps_with"] += "+nobody-1900"


def _has_arms(garden: Garden, study: Cells) -> bool:
    return any(row["study_id"] == study["study_id"] for row in garden.rows["arms"])


# Date in the future


def year_in_the_future(garden: Garden) -> None:
    table = garden.table("studies", "seed_references")
    garden.pick(table.name)["year"] = garden.random.choice([str(THIS_YEAR + 1), "2100", "20221"])


PLANTINGS: dict[str, tuple[Planting, ...]] = {
    "wrong code": (wrong_code, wrong_code_in_a_list, code_missing_from_vocabulary),
    "events above n": (events_above_n, n_below_events),
    "missing arm": (
        outcome_names_a_wrong_arm,
        contrast_names_a_wrong_arm,
        subgroup_names_a_wrong_whole,
        arm_is_deleted,
        arm_is_renamed,
    ),
    "duplicate key": (
        row_is_copied,
        row_is_copied_and_annotated,
        row_takes_the_key_of_another,
        arm_takes_the_name_of_its_neighbour,
    ),
    "bad number": (bad_number,),
    "wrong column": (
        column_is_misspelt,
        column_has_another_name,
        column_has_the_name_of_another,
        column_is_deleted,
    ),
    "bad encoding": (bad_byte,),
    "empty file": (file_is_empty,),
    "percent above 100": (percent_above_100,),
    "subgroup larger than its whole": (subgroup_grows, whole_shrinks),
    "unknown study": (
        row_names_a_wrong_study,
        study_is_deleted,
        study_is_renamed,
        overlap_names_a_wrong_study,
    ),
    "date in the future": (year_in_the_future,),
}
"""The twelve faults of the issue, and the ways each is planted."""


def plant_all_twelve(garden: Garden) -> list[str]:
    """Plant each of the twelve faults once, in ways and places drawn at random.

    A fault of a whole file goes where it hides no other: an emptied file and a deleted column cannot show a second
    fault inside them.
    """
    small = ("contrasts", "design_facts", "seed_references")
    chosen = {name: garden.random.choice(ways) for name, ways in PLANTINGS.items()}
    file_is_empty(garden, *small)
    rest = tuple(name for name in small if name not in garden.whole_files)
    wrong_column = chosen["wrong column"]
    if wrong_column is column_is_deleted:
        column_is_deleted(garden, *rest)
    else:
        wrong_column(garden)
    if chosen["missing arm"] is contrast_names_a_wrong_arm and "contrasts" in garden.whole_files:
        chosen["missing arm"] = arm_is_deleted
    if chosen["wrong code"] is code_missing_from_vocabulary:
        # A code that many rows use, as type = rate, would rightly silence the rules about these rows.
        code_missing_from_vocabulary(garden, "endpoint", "treatment")
        del chosen["wrong code"]
    for name, plant in chosen.items():
        if name not in ("empty file", "wrong column"):
            plant(garden)
    return [plant.__name__ for plant in chosen.values()]
