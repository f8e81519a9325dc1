"""A horizontal axis of effects: where a value lies, and which values are written below it.

On the logarithm of a ratio the written values are ratios (0.5, 1, 2), because readers know those by heart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from myopoise.report.rounding import number, ratio

__all__ = ["Axis", "Span", "axis", "wrapped"]

_MOST = 8
"""Values written below an axis, at most."""


@dataclass(frozen=True)
class Axis:
    """A horizontal axis.

    Parameters
    ----------
    left, right
        Its ends, in units of the drawing.
    low, high
        The values there.
    ticks
        Place and words of each value that is written.
    """

    left: float
    right: float
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Where a value lies, whether on the axis or not."""
        return self.left + (self.right - self.left) * (value - self.low) / (self.high - self.low)

    def held(self, value: float) -> float:
        """Where a value lies, or the end of the axis it lies beyond."""
        return min(self.right, max(self.left, self.place(value)))

    def span(self, low: float, high: float) -> Span:
        """An interval on the axis."""
        return Span(
            self.held(low),
            self.held(high),
            self.place(low) < self.left - 1e-9,
            self.place(high) > self.right + 1e-9,
        )


@dataclass(frozen=True)
class Span:
    """An interval as far as the axis shows it, and whether it runs on beyond its ends."""

    low: float
    high: float
    runs_left: bool
    runs_right: bool


def axis(left: float, right: float, ends: tuple[float, float], *, ratios: bool) -> Axis:
    """An axis with its written values.

    Parameters
    ----------
    left, right
        In units of the drawing.
    ends
        Values at the ends.
    ratios
        Whether values are logarithms of ratios.
    """
    values = _ratio_values(*ends) if ratios else _round_values(*ends)
    plain = Axis(left, right, *ends, ())
    return Axis(left, right, *ends, tuple((plain.place(value), words) for value, words in values))


def wrapped(words: str, width: int, lines: int = 2) -> tuple[str, ...]:
    """Words in lines; what does not fit the last ends in an ellipsis.

    Parameters
    ----------
    words
        A name.
    width
        Characters of a line.
    lines
        At most.

    Examples
    --------
    >>> wrapped("individual counselling with a telephone line", 24)
    ('individual counselling', 'with a telephone line')
    >>> wrapped("a-name-without-any-space-in-it", 12, 1)
    ('a-name-with…',)
    """
    found: list[str] = []
    for word in words.split():
        if found and len(found[-1]) + 1 + len(word) <= width:
            found[-1] += f" {word}"
        else:
            found.append(word)
    kept = found[:lines] or [words]
    if len(found) > lines:
        kept[-1] += "…"
    return tuple(line if len(line) <= width else f"{line[: width - 1]}…" for line in kept)


def _round_values(low: float, high: float) -> list[tuple[float, str]]:
    rough = (high - low) / (_MOST - 2)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    count = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(step * at, number(step * at, digits)) for at in count]


def _ratio_values(low: float, high: float) -> list[tuple[float, str]]:
    """Ratios on the coarsest ladder that still has four within the axis; one is always among them."""
    ladders: Sequence[Sequence[float]] = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
    decades = range(math.floor(low / math.log(10)), math.ceil(high / math.log(10)) + 1)
    best: list[float] = []
    for ladder in ladders:
        every = [step * 10.0**decade for decade in decades for step in ladder]
        inside = [value for value in every if low <= math.log(value) <= high]
        if len(inside) <= _MOST or not best:
            best = inside
    if len(best) < 3:
        return [(value, ratio(math.exp(value))) for value, _ in _round_values(low, high)]
    while len(best) > _MOST:
        best = [
            value
            for place, value in enumerate(best)
            if (place - best.index(min(best, key=_off_one))) % 2 == 0
        ]
    return [(math.log(value), f"{value:g}") for value in best]


def _off_one(value: float) -> float:
    return abs(math.log(value))
