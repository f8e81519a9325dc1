"""Numbers of a synthesis as words: effects with their interval, on either method's keys, and what a scale is called."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myopoise.report.rounding import decimals_for, number, ratio

__all__ = [
    "Shown",
    "axis_ends",
    "better",
    "effect_digits",
    "effect_words",
    "favours",
    "in_order",
    "interval_name",
    "missing",
    "new_study",
    "of",
    "plural",
    "ratio_name",
    "ratio_words",
    "ratio_words_of",
    "sentence",
    "shown",
    "standing",
    "versus_reference",
]

Part = Mapping[str, Any]

DASH = "–"


@dataclass(frozen=True)
class Shown:
    """An effect as a picture or a table needs it, whichever method found it; NaN where it cannot be had.

    Parameters
    ----------
    centre, spread
        Posterior mean and standard deviation, or estimate and standard error.
    middle
        Posterior median, or the estimate.
    low, high
        Ends of the 95% interval.
    """

    centre: float
    spread: float
    middle: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval to show."""
        return all(map(math.isfinite, (self.middle, self.low, self.high)))


def missing(value: float | None) -> bool:
    """Whether a number of the document cannot be had.

    Parameters
    ----------
    value
        None where it cannot.
    """
    return value is None or not math.isfinite(value)


def of(row: Part, key: str) -> float:
    """A number of the document, NaN where it is null or not there.

    Parameters
    ----------
    row
        Part of the document.
    key
        Its name.
    """
    value = row.get(key)
    return math.nan if value is None else float(value)


def shown(row: Part) -> Shown:
    """A row of the document on either method's keys.

    Parameters
    ----------
    row
        With ``mean, sd, q2_5, q50, q97_5`` or ``estimate, se, ci_low, ci_high``.
    """
    if "mean" in row:
        return Shown(*(of(row, key) for key in ("mean", "sd", "q50", "q2_5", "q97_5")))
    return Shown(*(of(row, key) for key in ("estimate", "se", "estimate", "ci_low", "ci_high")))


def versus_reference(document: Part, key: str = "relative_effects") -> dict[str, Part]:
    """Effects of each treatment against the reference, by treatment.

    Parameters
    ----------
    document
        The document of a synthesis.
    key
        ``relative_effects`` or ``predictive_effects``.
    """
    reference = document["reference"]
    return {row["treatment"]: row for row in document[key] if row["versus"] == reference}


def new_study(document: Part) -> dict[str, tuple[float, float]]:
    """Ends of the interval for a new study against the reference, by treatment; empty where studies do not differ.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    found = {}
    for name, row in versus_reference(document, "predictive_effects").items():
        low, high = (of(row, key) for key in (("q2_5", "q97_5") if "q2_5" in row else ("ci_low", "ci_high")))
        if math.isfinite(low) and math.isfinite(high):
            found[name] = (low, high)
    here = versus_reference(document)
    same = all((shown(here[name]).low, shown(here[name]).high) == ends for name, ends in found.items())
    return {} if same else found


def standing(document: Part) -> dict[str, tuple[float, Part | None]]:
    """Treatments best first, each with its SUCRA or P-score and its row of ranks where there is one.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    if document.get("ranking"):
        return {row["treatment"]: (of(row, "sucra"), row) for row in document["ranking"]}
    scores = document.get("p_scores", {})
    names = sorted(scores, key=lambda name: (-of(scores, name), name))
    return {name: (of(scores, name), None) for name in names}


def in_order(document: Part) -> list[str]:
    """Every treatment: those that were ranked best first, then the others as they were met.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    return list(dict.fromkeys([*standing(document), *document["data"]["treatment_names"]]))


def interval_name(document: Part) -> str:
    """What the intervals are: credible or confidence."""
    return "credible interval" if document["method"] == "bayes" else "confidence interval"


def ratio_name(document: Part) -> str:
    """The ratio whose logarithm the scale is, such as ``odds ratio``; empty where it is none.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    scale = str(document["scale"])
    return scale.removeprefix("log ") if scale.startswith("log ") and scale.endswith("ratio") else ""


def effect_digits(rows: Iterable[Part]) -> int:
    """Decimals for the effects of a table: two figures of their typical standard deviation, at least one decimal.

    Parameters
    ----------
    rows
        Of the document.
    """
    spreads = sorted(s for s in (shown(row).spread for row in rows) if math.isfinite(s) and s > 0)
    return decimals_for(spreads[len(spreads) // 2]) if spreads else 2


def effect_words(row: Part, digits: int) -> str:
    """Middle and interval on the scale of the linear predictor.

    Parameters
    ----------
    row
        Of the document.
    digits
        Decimals.
    """
    found = shown(row)
    if not found.known:
        return DASH
    low, high = number(found.low, digits), number(found.high, digits)
    return f"{number(found.middle, digits)} ({low} to {high})"


def ratio_words_of(middle: float, low: float, high: float) -> str:
    """The same as a ratio, from three logarithms.

    Parameters
    ----------
    middle, low, high
        Logarithms of ratios.
    """
    return f"{_exp(middle)} ({_exp(low)} to {_exp(high)})"


def ratio_words(row: Part) -> str:
    """Middle and interval as ratios.

    Parameters
    ----------
    row
        Of the document, on a logarithmic scale.
    """
    found = shown(row)
    return ratio_words_of(found.middle, found.low, found.high) if found.known else DASH


def better(document: Part) -> str:
    """What better means here, in a phrase."""
    return f"{document['direction']} is better"


def favours(document: Part, treatment: str = "treatment", versus: str = "reference") -> tuple[str, str]:
    """Whom an effect to the left of zero favours, and whom one to the right.

    Parameters
    ----------
    document
        The document of a synthesis.
    treatment, versus
        The two names.
    """
    ends = (versus, treatment) if document["direction"] == "higher" else (treatment, versus)
    return f"favours {ends[0]}", f"favours {ends[1]}"


def axis_ends(intervals: Sequence[tuple[float, float]], zero: bool = True) -> tuple[float, float]:
    """Ends of an axis that holds most intervals whole; one far longer than the others runs out of it.

    Parameters
    ----------
    intervals
        Low and high, finite.
    zero
        Whether no effect must lie on the axis.
    """
    if not intervals:
        return -1.0, 1.0
    halves = sorted((high - low) / 2 for low, high in intervals)
    reach = 3.0 * halves[len(halves) // 2] or halves[-1] or 1.0
    middles = [((low + high) / 2, min((high - low) / 2, reach)) for low, high in intervals]
    left = min([middle - half for middle, half in middles] + ([0.0] if zero else []))
    right = max([middle + half for middle, half in middles] + ([0.0] if zero else []))
    room = 0.04 * (right - left)
    return left - room, right + room


def plural(count: float, one: str, many: str = "") -> str:
    """A count with its noun.

    Parameters
    ----------
    count
        How many.
    one, many
        The noun for one, and for any other number; by default with an s.

    Examples
    --------
    >>> plural(1, "study", "studies"), plural(12, "arm"), plural(1049, "patient")
    ('1 study', '12 arms', '1,049 patients')
    """
    return f"{count:,.0f} {one if count == 1 else many or one + 's'}"


def sentence(words: str) -> str:
    """Words as a sentence: a capital first, a full stop last.

    Examples
    --------
    >>> sentence("network meta-analysis; random effects")
    'Network meta-analysis; random effects.'
    """
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _exp(logarithm: float) -> str:
    return ratio(math.exp(min(max(logarithm, -700.0), 700.0)))
