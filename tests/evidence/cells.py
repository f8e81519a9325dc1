"""Cells drawn from the declaration of their column: such as must be read, and such as must be refused."""

from __future__ import annotations

from hypothesis import strategies as st

from myopoise.evidence.columns import Column, Holds
from myopoise.evidence.reading import read_evidence

THIS_YEAR = 2026
_BASE = read_evidence()
_LARGE = 10**6
_WORDS = st.text(alphabet="abcdefghijkl mnoå–,;\"'µ≥", min_size=1, max_size=20).map(str.strip).filter(bool)
_SLUG = r"[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}"


def valid_cells(column: Column) -> st.SearchStrategy[str]:
    """Texts a cell of the column may hold."""
    filled = _filled(column)
    return filled if column.required else st.one_of(st.just(""), filled)


def invalid_cells(column: Column) -> st.SearchStrategy[str] | None:
    """Texts a cell of the column may not hold; nothing where the column takes any text."""
    wrong: list[st.SearchStrategy[str]] = [st.just("")] if column.required else []
    if column.holds in (Holds.WHOLE, Holds.NUMBER):
        wrong.append(
            st.sampled_from(["abc", "nan", "inf", "-inf", "1,5", "1 000", "5%", "0x1", "1e999", "1_0", "--1"])
        )
        if column.low is not None:
            wrong.append(st.integers(-_LARGE, int(column.low) - 1).map(str))
        highest = THIS_YEAR if column.until_now else column.high
        if highest is not None:
            wrong.append(st.integers(int(highest) + 1, _LARGE).map(str))
    if column.holds is Holds.WHOLE:
        wrong.append(st.sampled_from(["1.5", "007", "2e3", "12.0"]))
    if column.joined:
        wrong.append(st.sampled_from(["dm++pm", "+dm", "dm+", "dm + pm", "dm+dm"]))
    if column.pattern:
        wrong.append(st.sampled_from(["two words", "a b", " \t "]).filter(lambda text: bool(text.strip())))
    return st.one_of(wrong) if wrong else None


def _filled(column: Column) -> st.SearchStrategy[str]:
    if column.codes:
        codes = st.sampled_from(_BASE.codes(column.codes))
        return st.lists(codes, min_size=1, max_size=3, unique=True).map("+".join) if column.joined else codes
    if column.joined:
        names = st.from_regex(_SLUG, fullmatch=True)
        return st.lists(names, min_size=1, max_size=3, unique=True).map("+".join)
    if column.holds is Holds.TEXT:
        return st.from_regex(column.pattern, fullmatch=True).filter(_outer) if column.pattern else _WORDS
    low = column.low if column.low is not None else -_LARGE
    high = THIS_YEAR if column.until_now else column.high if column.high is not None else _LARGE
    whole = st.integers(int(low), int(high)).map(str)
    if column.holds is Holds.WHOLE:
        return whole
    decimal = st.decimals(min_value=low, max_value=high, places=2).map(str)
    return st.one_of(whole, decimal)


def _outer(text: str) -> bool:
    return text == text.strip()
