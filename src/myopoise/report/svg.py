"""Ink: the few shapes the figures are drawn with, as SVG text, and how wide a text is likely to be.

Colours are those of Okabe and Ito, which readers with any colour vision can tell apart; every distinction is also one
of shape or of filling, so that a black-and-white print loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = [
    "BLUE",
    "FAINT",
    "INK",
    "ORANGE",
    "QUIET",
    "circle",
    "diamond",
    "figure",
    "group",
    "line",
    "link",
    "path",
    "rectangle",
    "text",
    "text_width",
]

BLUE = "#0072B2"
ORANGE = "#D55E00"
INK = "#1f2933"
QUIET = "#52606d"
FAINT = "#cbd2d9"

_NARROW = frozenset("iljftrI.,:;'|!()[] -1")
_WIDE = frozenset("mwMW%@")


def text_width(words: str, size: float) -> float:
    """Width a text is likely to take in a common sans-serif face, erring on the wide side.

    Parameters
    ----------
    words
        The text.
    size
        Size of the type, in units of the drawing.
    """
    units = sum(0.38 if c in _NARROW else 0.92 if c in _WIDE else 0.72 if c.isupper() else 0.6 for c in words)
    return size * units


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attributes(attributes: dict[str, str | float]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else _number(value))}"'
        for name, value in attributes.items()
    )


def _element(name: str, **attributes: str | float) -> str:
    return f"<{name}{_attributes(attributes)}/>"


def text(x: float, y: float, words: str, **attributes: str | float) -> str:
    """A line of text with its baseline at `y`."""
    return f"<text{_attributes({'x': x, 'y': y, **attributes})}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float) -> str:
    """A straight line."""
    return _element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def circle(x: float, y: float, radius: float, **attributes: str | float) -> str:
    """A circle."""
    return _element("circle", cx=x, cy=y, r=radius, **attributes)


def rectangle(x: float, y: float, width: float, height: float, **attributes: str | float) -> str:
    """A rectangle by its upper left corner."""
    return _element("rect", x=x, y=y, width=width, height=height, **attributes)


def path(steps: str, **attributes: str | float) -> str:
    """A path by its steps."""
    return _element("path", d=steps, **attributes)


def diamond(
    left: float, middle: float, right: float, y: float, half: float, **attributes: str | float
) -> str:
    """A diamond from `left` to `right`, widest at `middle`."""
    points = ((left, y), (middle, y - half), (right, y), (middle, y + half))
    return _element(
        "polygon", points=" ".join(f"{_number(px)},{_number(py)}" for px, py in points), **attributes
    )


def link(address: str, inside: str) -> str:
    """Ink that leads somewhere when followed."""
    return f'<a href="{escape(address)}">{inside}</a>'


def group(parts: Iterable[str], title: str = "", **attributes: str | float) -> str:
    """Several shapes as one, with the words a pointer shows over it."""
    told = f"<title>{escape(title)}</title>" if title else ""
    return f"<g{_attributes(attributes)}>{told}{''.join(parts)}</g>"


def figure(name: str, width: float, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """A whole drawing that scales with its container and speaks to a screen reader.

    Parameters
    ----------
    name
        Identifier, unique on the page.
    width, height
        Size in units of the drawing.
    title, description
        What it is and what it shows, for those who do not see it.
    parts
        The ink.
    """
    head = _attributes(
        {
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
            "class": "figure",
        }
    )
    words = (
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg"{head}>{words}{"".join(parts)}</svg>'
