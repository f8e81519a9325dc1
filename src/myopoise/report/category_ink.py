"""How categories of response look, and the sheet their figures are drawn on.

The better a category, the more ink: empty, sparse stripes, dense stripes the other way, solid. So the order survives a
black-and-white print, and a run of bars too thin to be told apart still shows its filling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from myopoise.outcomes.pictures import BOUNDS_DISAGREE
from myopoise.outcomes.reasons import NOT_COMPUTABLE
from myopoise.report import svg
from myopoise.report.rounding import number

__all__ = [
    "BOLD",
    "MARGIN",
    "SIZE",
    "SMALL",
    "WIDTH",
    "arm_name",
    "bold_width",
    "cut_words",
    "filling",
    "heading",
    "inside_text",
    "key",
    "plain_number",
    "sheet",
    "spread",
    "ticks",
    "wrapped",
]

WIDTH, MARGIN = 1000.0, 20.0
SIZE, SMALL = 13.0, 11.5
BOLD = 1.15
"""How much wider bold type runs than plain type."""

SKY = "#56B4E9"

_PATTERNS = (
    "<defs>"
    '<pattern id="sparse" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="8" height="8" fill="#fff"/><rect width="3" height="8" fill="{SKY}"/></pattern>'
    '<pattern id="dense" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    f'<rect width="6" height="6" fill="{SKY}"/><rect width="2.6" height="6" fill="{svg.BLUE}"/></pattern>'
    '<pattern id="warning" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="#fff"/><path d="M0 1.2H6M1.2 0V6" stroke="{svg.ORANGE}" stroke-width="1.6"/>'
    "</pattern>"
    '<pattern id="open" width="5" height="5" patternUnits="userSpaceOnUse">'
    f'<rect width="5" height="5" fill="#fff"/><rect width="5" height="1.8" fill="{svg.ORANGE}"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">'
    f'<rect width="6" height="6" fill="#eef0f2"/><circle cx="3" cy="3" r="1.1" fill="{svg.QUIET}"/></pattern>'
    "</defs>"
)

_FILLINGS = {
    "none": "#fff",
    "minimal": "url(#sparse)",
    "moderate": "url(#dense)",
    "major": svg.BLUE,
    "not improved": "#fff",
    "improved": svg.BLUE,
    "active": "#fff",
    "inactive": svg.BLUE,
    "worse": "url(#warning)",
    "not worse": "#fff",
    BOUNDS_DISAGREE: "url(#open)",
    NOT_COMPUTABLE: "url(#dots)",
}

_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def filling(word: str) -> str:
    """Fill of a category: a colour, or one of the patterns that `sheet` defines."""
    return _FILLINGS[word]


def plain_number(value: float) -> str:
    """A week or a score without needless zeros.

    Examples
    --------
    >>> plain_number(24.0), plain_number(-2), plain_number(27.5)
    ('24', '−2', '27.5')
    """
    return number(value).rstrip("0").rstrip(".")


def cut_words(word: str, cut: float) -> str:
    """A category with the score from which it counts."""
    return f"{word} ≥ {plain_number(cut)}"


def bold_width(words: str, size: float) -> float:
    """Width a text is likely to take in bold type, erring on the wide side.

    Parameters
    ----------
    words
        The text.
    size
        Size of the type, in units of the drawing.
    """
    return BOLD * svg.text_width(words, size)


def arm_name(arm: str | None, arms: int) -> str:
    """Name above the patients of an arm: those without one are all patients, unless others have one.

    Parameters
    ----------
    arm
        As the rows have it.
    arms
        How many there are in the figure.
    """
    return arm if arm is not None else "All patients" if arms == 1 else "No arm given"


def wrapped(words: str, width: float, size: float, most: int = 3) -> tuple[str, ...]:
    """Words in lines that fit a width; what exceeds the last line ends in an ellipsis.

    Parameters
    ----------
    words
        The text.
    width
        Room for each line, in units of the drawing.
    size
        Size of the type; of bold type, `BOLD` times as much.
    most
        Lines at most.
    """
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and svg.text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += " …"
    return tuple(_shortened(line, width, size) for line in kept)


def _shortened(line: str, width: float, size: float) -> str:
    if svg.text_width(line, size) <= width:
        return line
    while line and svg.text_width(f"{line}…", size) > width:
        line = line[:-1]
    return f"{line}…"


def spread(places: Sequence[float], least: float, low: float, high: float) -> tuple[float, ...]:
    """Ascending places moved apart until each is `least` from the next, within `low` and `high`.

    Parameters
    ----------
    places
        Where the labels would stand by themselves, ascending.
    least
        Room for each; there must be enough of it between the ends.
    low, high
        Ends of the room.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least if moved else low))
    ceiling = high
    for at in reversed(range(len(moved))):
        moved[at] = min(moved[at], ceiling)
        ceiling = moved[at] - least
    return tuple(moved)


def ticks(lowest: float, highest: float) -> tuple[float, ...]:
    """Round numbers along an axis, at most eight.

    Examples
    --------
    >>> ticks(0, 100)
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    """
    step = 1.0
    while (highest - lowest) / step > 7:
        step *= 2.5 if f"{step:g}".startswith("2") else 2
    first, last = -int(-lowest // step), int(highest // step)
    return tuple(step * at for at in range(first, last + 1))


def heading(title: str, below: str, width: float = WIDTH) -> tuple[list[str], float]:
    """Title and subtitle of a figure, and the height they take.

    Parameters
    ----------
    title, below
        The two texts; each is broken into lines where it must be.
    width
        Of the drawing.
    """
    parts: list[str] = []
    y = 8.0
    for words, size, weight, colour in ((title, 16.0, "600", svg.INK), (below, SIZE, "400", svg.QUIET)):
        for row in wrapped(words, width - 2 * MARGIN, size * BOLD):
            y += size + 5
            parts.append(svg.text(MARGIN, y, row, font_size=size, font_weight=weight, fill=colour))
    return parts, y + 14


def key(words: Iterable[str], y: float, width: float = WIDTH) -> tuple[list[str], float]:
    """Swatches with the names of categories, and the height down to which they reach.

    Parameters
    ----------
    words
        Categories in the order of the figure.
    y
        Upper end.
    width
        Of the drawing.
    """
    parts: list[str] = []
    x = MARGIN
    for word in words:
        room = 24 + svg.text_width(word, SIZE) + 18
        if x > MARGIN and x + room > width - MARGIN:
            x, y = MARGIN, y + 22
        parts.append(svg.rectangle(x, y, 18, 13, fill=filling(word), stroke=svg.INK, stroke_width=0.8))
        parts.append(svg.text(x + 24, y + 11, word, font_size=SIZE, fill=svg.INK))
        x += room
    return parts, y + 24


def inside_text(x: float, y: float, words: str, word: str) -> str:
    """A text centred inside the filling of a category, readable on any of them."""
    solid = filling(word) == svg.BLUE
    style: dict[str, str | float] = {"text_anchor": "middle", "font_size": SMALL, "font_weight": "600"}
    if solid:
        return svg.text(x, y, words, fill="#fff", **style)
    halo: dict[str, str | float] = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 4}
    return svg.text(x, y, words, fill=svg.INK, stroke_linejoin="round", **halo, **style)


def sheet(
    name: str, height: float, title: str, description: str, parts: Iterable[str], width: float = WIDTH
) -> str:
    """A whole figure as a file of its own: white paper, a typeface, and the fillings.

    Parameters
    ----------
    name
        Identifier of the figure.
    height
        Of the drawing.
    title, description
        What it is and what it shows, for those who do not see it.
    parts
        The ink.
    width
        Of the drawing.
    """
    paper = svg.rectangle(0, 0, width, height, fill="#fff")
    face = (
        "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
    )
    inked = svg.group([paper, *parts], font_family=face)
    drawn = svg.figure(name, width, height, title, description, [_PATTERNS, inked])
    return _UNPRINTABLE.sub("�", drawn) + "\n"
