"""Numbers as a reader sees them: the only place where anything is rounded.

A probability is shown as patients in a hundred. The minus sign is the typographic one, so that a column of differences
lines up and a screen reader says *minus*.
"""

from __future__ import annotations

__all__ = ["chance", "hundred", "number", "signed_hundred"]


def hundred(probability: float) -> str:
    """Patients in a hundred, as a whole number.

    Examples
    --------
    >>> hundred(0.617)
    '62'
    """
    return f"{100 * probability:.0f}"


def signed_hundred(difference: float) -> str:
    """A difference in patients in a hundred, always with its sign; no sign at zero.

    Examples
    --------
    >>> signed_hundred(0.213), signed_hundred(-0.048), signed_hundred(0.001)
    ('+21', '−5', '0')
    """
    text = f"{100 * difference:+.0f}"
    return "0" if text in ("+0", "-0") else text.replace("-", "−")


def chance(probability: float) -> str:
    """A probability in per cent that never claims to be certain.

    Examples
    --------
    >>> chance(0.943), chance(0.998), chance(0.002)
    ('94%', '>99%', '<1%')
    """
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{100 * probability:.0f}%"


def number(value: float, digits: int = 2) -> str:
    """A number on a scale without a unit, with a fixed number of decimals.

    Parameters
    ----------
    value
        The number.
    digits
        Decimals shown.
    """
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")
