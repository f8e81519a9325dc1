"""What one table names in another: codes in the vocabulary, studies, arms; and the keys by which rows are named.

Several cells that name one missing thing are one fault, which lists them. A name that is missing only because the row
that should carry it has a fault of its own (a bad byte, an empty key, a doubled key, a wrong number of cells) is no
fault at all: that row has been reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TypeAlias

from myopoise.errors import Fault
from myopoise.evidence.sheets import BAD_BYTE, MisshapenRow, Row, Sheet
from myopoise.evidence.tables import TABLES

__all__ = ["arms_named", "codes_named", "keys_of", "repeated_keys", "studies_named"]

Key: TypeAlias = tuple[str, ...]
Sheets: TypeAlias = Mapping[str, Sheet]

_ALLOWED_SHOWN = 14
"""Longest list of allowed codes that a message spells out."""
_SIMILAR = 0.5
"""Resemblance above which a faulty key explains a missing name by itself."""
_MISSPELT = 0.8
"""Resemblance above which a study named by an arm is a misspelling; below it the rows around the arm are asked."""
_COPY = 0.8
"""Share of equal cells above which a second row of one key is a copy of the first, not another row misnamed."""


@dataclass(frozen=True)
class _Mention:
    """A cell that names something in another table."""

    row: Row
    column: str
    target: Key


def keys_of(sheet: Sheet) -> dict[Key, Row]:
    """The first row of each key of a table."""
    keys: dict[Key, Row] = {}
    for row in sheet.rows:
        key = _key(row)
        if all(key):
            keys.setdefault(key, row)
    return keys


def repeated_keys(sheet: Sheet) -> list[Fault]:
    """One fault for each row whose key another row above it has; the keys of both are in doubt from then on."""
    faults = []
    names = sheet.table.key
    first: dict[Key, Row] = {}
    for row in sheet.rows if names else ():
        if not row.sure(*names):
            continue
        key = _key(row)
        earlier = first.setdefault(key, row)
        if earlier is row:
            continue
        row.repeats = earlier
        found = f"'{' / '.join(key)}' stands in row {earlier.line} already"
        remedy = f"Remove one of rows {earlier.line} and {row.line}, or correct {' or '.join(names)}."
        faults.append(Fault(sheet.table.file, row.line, names[-1], "repeated-key", found, remedy))
    for row in sheet.rows:
        if row.repeats is not None:
            row.doubtful.update(names)
            row.repeats.doubtful.update(names)
            row.repeats.is_repeated = True
    return faults


def codes_named(sheets: Sheets) -> list[Fault]:
    """One fault for each code that is used and not in the vocabulary."""
    vocabulary = sheets["vocabulary"]
    if not vocabulary.readable:
        return []
    keys = keys_of(vocabulary)

    def describe(target: Key, mentions: Sequence[_Mention]) -> Fault:
        field, code = target
        codes = [known for used, known in keys if used == field and BAD_BYTE not in known]
        allowed = f"Allowed: {', '.join(codes)}." if len(codes) <= _ALLOWED_SHOWN else ""
        see = allowed or f"See vocabulary.csv, field {field}."
        if not codes:
            see = "Put the codes of this field into vocabulary.csv."
        remedy = f"{_did_you_mean(code, codes)}{see}"
        return _fault(mentions, "unknown-code", f"unknown code '{code}'", remedy)

    return _told(vocabulary, _missing(keys, _code_mentions(sheets)), describe)


def studies_named(sheets: Sheets) -> list[Fault]:
    """One fault for each study that is named and not in studies.csv."""
    studies = sheets["studies"]
    if not studies.readable:
        return []
    keys = keys_of(studies)
    ids = [study_id for (study_id,) in keys]

    def describe(target: Key, mentions: Sequence[_Mention]) -> Fault:
        hint = _did_you_mean(target[0], _owners(mentions, ids) or ids)
        remedy = f"{hint}Correct the name, or add the study to studies.csv."
        return _fault(mentions, "unknown-study", f"no study '{target[0]}' in studies.csv", remedy)

    arms_tell = sheets["arms"].readable

    def at_home(mentions: Sequence[_Mention]) -> bool:
        return not arms_tell or any(mention.row.table.name == "arms" for mention in mentions)

    missing = _missing(keys, _study_mentions(sheets))
    for (name,), mentions in missing.items():
        _guess_study(name, mentions, ids)
    return _told(studies, missing, describe, at_home)


def _guess_study(name: str, mentions: Sequence[_Mention], ids: Sequence[str]) -> None:
    """Note which study the arms of an unknown one belong to: the one it resembles, or itself if others name it too."""
    near = get_close_matches(name.casefold(), ids, n=1, cutoff=_MISSPELT)
    named_elsewhere = any(mention.row.table.name != "arms" for mention in mentions)
    meant = name if named_elsewhere else near[0] if near else ""
    for mention in mentions if meant else ():
        mention.row.meant[mention.column] = meant


def arms_named(sheets: Sheets) -> list[Fault]:
    """One fault for each arm that is named and not in arms.csv."""
    arms = sheets["arms"]
    if not arms.readable:
        return []
    keys = keys_of(arms)
    by_study: dict[str, list[str]] = defaultdict(list)
    for study_id, arm_id in keys:
        by_study[study_id].append(arm_id)

    def describe(target: Key, mentions: Sequence[_Mention]) -> Fault:
        study_id, arm_id = target
        own = by_study[study_id]
        has = f"It has {', '.join(own)} in arms.csv." if own else "It has no arm in arms.csv."
        found = f"study {study_id} has no arm '{arm_id}'"
        remedy = f"{_did_you_mean(arm_id, own)}{has} Correct the name, or add the arm."
        return _fault(mentions, "unknown-arm", found, remedy)

    return _told(arms, _missing(keys, _arm_mentions(sheets)), describe)


def _code_mentions(sheets: Sheets) -> Iterator[_Mention]:
    for table in TABLES:
        coded = [column for column in table.columns if column.codes]
        for row in sheets[table.name].rows:
            for column in coded:
                value = getattr(row.record, column.name)
                for code in value if column.joined else (value,):
                    if code:
                        yield _Mention(row, column.name, (column.codes, code))


def _study_mentions(sheets: Sheets) -> Iterator[_Mention]:
    for table in TABLES:
        for column in (column for column in table.columns if column.refers == "studies"):
            for row in sheets[table.name].rows:
                value = getattr(row.record, column.name)
                for study_id in value if column.joined else (value,):
                    if study_id and study_id != column.also:
                        yield _Mention(row, column.name, (study_id,))


def _arm_mentions(sheets: Sheets) -> Iterator[_Mention]:
    for table in TABLES:
        for column in (column for column in table.columns if column.refers == "arms"):
            for row in sheets[table.name].rows:
                arm_id = getattr(row.record, column.name)
                if arm_id and row.sure("study_id", column.name):
                    yield _Mention(row, column.name, (row.record.study_id, arm_id))


def _missing(keys: Mapping[Key, Row], mentions: Iterable[_Mention]) -> dict[Key, list[_Mention]]:
    """The names no row carries, each with the cells that name it; these cells are in doubt from now on."""
    groups: dict[Key, list[_Mention]] = defaultdict(list)
    cells = set()
    for mention in mentions:
        cell = (mention.row, mention.column)
        if (
            mention.target not in keys and cell not in cells
        ):  # of several wrong names in one cell the first is told
            cells.add(cell)
            groups[mention.target].append(mention)
    for row, column in cells:
        row.doubtful.add(column)
    return groups


def _told(
    sheet: Sheet,
    groups: Mapping[Key, Sequence[_Mention]],
    describe: Callable[[Key, Sequence[_Mention]], Fault],
    at_home: Callable[[Sequence[_Mention]], bool] = lambda mentions: True,
) -> list[Fault]:
    """The faults of missing names, less those a faulty row of `sheet` explains."""
    if not groups:
        return []
    explained = _explained(sheet, groups, at_home)
    for mention in (mention for target in explained for mention in groups[target]):
        mention.row.doubtful.discard(
            mention.column
        )  # the name is right: the row that should carry it is wrong
    return [describe(target, group) for target, group in groups.items() if target not in explained]


def _explained(
    sheet: Sheet, groups: Mapping[Key, Sequence[_Mention]], at_home: Callable[[Sequence[_Mention]], bool]
) -> set[Key]:
    """The missing names that rows with a faulty key should carry: each such row explains one.

    Notes
    -----
    The best resemblance is taken first. Where a key is lost altogether, the name that most cells miss is taken.
    """
    suspects: list[Row | MisshapenRow] = [*sheet.misshapen, *filter(_suspect, sheet.rows)]
    pairs = []
    for place, suspect in enumerate(suspects):
        for target, group in groups.items():
            score = _score(sheet, suspect, target)
            if score >= _SIMILAR or (score > 0 and at_home(group)):
                pairs.append((score if score >= _SIMILAR else 0.0, len(group), -place, target))
    explained: set[Key] = set()
    used: set[int] = set()
    for _, _, place, target in sorted(pairs, reverse=True):
        suspect = suspects[-place]
        if target in explained or place in used:
            continue
        explained.add(target)
        if not (isinstance(suspect, MisshapenRow) and suspect.swallowed_others):
            used.add(place)
    return explained


def _suspect(row: Row) -> bool:
    """Whether the key of a row may hide another: it is in doubt, and not only because a later row repeats it."""
    if row.sure(*row.table.key) or row.is_repeated:
        return False
    return row.repeats is None or not _copy(row, row.repeats)


def _copy(row: Row, other: Row) -> bool:
    rest = [
        name for name in row.cells if name not in row.table.key and (row.cells[name] or other.cells[name])
    ]
    return sum(row.cells[name] == other.cells[name] for name in rest) >= _COPY * len(rest)


def _score(sheet: Sheet, suspect: Row | MisshapenRow, target: Key) -> float:
    """How well a faulty row may be the one that should carry a name: 0 for not at all, 1 for surely."""
    if isinstance(suspect, MisshapenRow):
        text = "\n".join(suspect.cells)
        within = text if suspect.torn else suspect.cells
        share = sum(part in within for part in target) / len(target)
        return share if share or len(target) > 1 else 0.1
    if suspect.repeats is not None:  # either of the two rows may be the one misnamed
        return max(_row_score(sheet, row, target) for row in (suspect, suspect.repeats))
    return _row_score(sheet, suspect, target)


def _row_score(sheet: Sheet, suspect: Row, target: Key) -> float:
    key = sheet.table.key
    scores = [_part_score(suspect, name, part) for name, part in zip(key, target, strict=True)]
    if min(scores) == 0 or (len(scores) > 1 and max(scores) < 1):
        return 0.0
    if len(scores) > 1 and scores[0] < _MISSPELT and not _among_its_own(sheet, suspect, key[0], target[0]):
        return 0.0
    return sum(scores) / len(scores)


def _among_its_own(sheet: Sheet, suspect: Row, name: str, part: str) -> bool:
    """Whether the row stands beside the rows of a study (or field), or the study has no row that carries its name."""
    place = sheet.rows.index(suspect)
    beside = sheet.rows[max(place - 1, 0) : place + 2]
    return any(row.cells[name] == part for row in beside) or all(
        row.cells[name] != part for row in sheet.rows
    )


def _part_score(row: Row, name: str, part: str) -> float:
    text = row.cells[name]
    if text == part:
        return 1.0
    if row.sure(name) or name in row.meant:
        return float(row.meant.get(name) == part)
    if BAD_BYTE in text:
        pattern = ".{0,3}".join(re.escape(piece) for piece in re.split(f"{BAD_BYTE}+", text))
        return 1.0 if re.fullmatch(pattern, part) else 0.0
    if _author_year(row) and part.startswith(_author_year(row)):
        return 0.9
    return max(SequenceMatcher(None, text.casefold(), part.casefold()).ratio(), 0.1)


def _author_year(row: Row) -> str:
    """What the id of a study should start with, going by its first author and year."""
    author, year = row.cells.get("first_author", ""), row.cells.get("year", "")
    return f"{author.split()[0].casefold()}-{year}" if author and year else ""


def _key(row: Row) -> Key:
    return tuple(row.cells[name] for name in row.table.key)


def _owners(mentions: Sequence[_Mention], ids: Sequence[str]) -> list[str]:
    """The known study by which the row itself is called, if there is one."""
    row = mentions[0].row
    own = row.cells[row.table.key[0]].rsplit(".", 1)[0] if row.table.key else ""
    return [own] if own in ids else []


def _did_you_mean(word: str, words: Sequence[str]) -> str:
    if len(words) == 1:
        return f"Did you mean {words[0]}? "
    folded = {known.casefold(): known for known in words}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return f"Did you mean {folded[near[0]]}? " if near else ""


def _fault(mentions: Sequence[_Mention], kind: str, found: str, remedy: str) -> Fault:
    first = mentions[0]
    return Fault(first.row.table.file, first.row.line, first.column, kind, found + _also(mentions), remedy)


def _also(mentions: Sequence[_Mention]) -> str:
    """The other rows that name the same thing, by file."""
    home = mentions[0].row.table.file
    lines: dict[str, list[int]] = defaultdict(list)
    for mention in mentions:
        file, line = mention.row.table.file, mention.row.line
        if (file, line) != (home, mentions[0].row.line) and line not in lines[file]:
            lines[file].append(line)
    phrases = [_rows(lines.pop(home))] if lines.get(home) else []
    phrases += [f"{file} {_rows(numbers)}" for file, numbers in lines.items() if numbers]
    return f" (also {', '.join(phrases)})" if phrases else ""


def _rows(lines: Sequence[int], shown: int = 6) -> str:
    word = "row" if len(lines) == 1 else "rows"
    more = f" and {len(lines) - shown} more" if len(lines) > shown else ""
    return f"{word} {', '.join(map(str, lines[:shown]))}{more}"
