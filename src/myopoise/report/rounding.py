"""Numbers as a reader sees them: the only place where anything is rounded.

A probability is shown as patients in a hundred. The minus sign is the typographic one, so that a column of differences
lines up and a screen reader says *minus*.
"""

from __future__ import annotations

import math

__all__ = ["chance", "decimals_for", "hundred", "number", "p_value", "ratio", "signed_hundred"]


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


def decimals_for(spread: float) -> int:
    """Decimals that show two figures of a standard deviation, and not more: the rest is noise.

    Parameters
    ----------
    spread
        A typical standard deviation or standard error of the numbers of a table.

    Examples
    --------
    >>> decimals_for(0.42), decimals_for(0.06), decimals_for(12.0)
    (2, 3, 0)
    """
    if not (math.isfinite(spread) and spread > 0.0):
        return 2
    return min(6, max(0, 1 - math.floor(math.log10(spread))))


def ratio(value: float) -> str:
    """A ratio with two decimals, or two figures where it is small or large.

    Examples
    --------
    >>> ratio(1.084), ratio(0.0034), ratio(31.7), ratio(1250.0), ratio(4e9)
    ('1.08', '0.0034', '32', '1,250', '>1,000,000')
    """
    if value > 1e6:
        return ">1,000,000"
    if value < 1e-6:
        return "<0.000001"
    if value >= 10.0:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.{1 - math.floor(math.log10(value))}f}"


def p_value(value: float) -> str:
    """A P value with two figures, never zero.

    Examples
    --------
    >>> p_value(0.7123), p_value(0.0351), p_value(0.00012)
    ('0.71', '0.035', '<0.001')
    """
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"
