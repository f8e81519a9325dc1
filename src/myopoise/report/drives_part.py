"""What drives an answer as a plain value, for the report and for a choice."""

from __future__ import annotations

from typing import Any

from myopoise.choice.changing import Change
from myopoise.choice.driving import TURNED, Drives
from myopoise.report.answer_parts import estimate_part
from myopoise.report.names import treatment_name
from myopoise.report.rounding import hundred, signed_hundred
from myopoise.synthesis.row_checks import RowCheck

__all__ = ["change_part", "drives_part"]

Part = dict[str, Any]

_EXPECTED = 0.05
"""Share of counts outside the middle 95% of their replicates that chance alone explains."""


def drives_part(drives: Drives) -> Part:
    """What the answer rests on.

    Parameters
    ----------
    drives
        Changes, turned assumptions and checks.
    """
    return {
        "changes": [
            {"group": group.value, "label": group.label, "changes": [change_part(c) for c in changes]}
            for group, changes in drives.changes.items()
        ],
        "assumptions": ["as it stands", *TURNED],
        "turned": [
            {
                "assumption": t.assumption,
                "group": t.group.value,
                "treatment": t.treatment,
                "name": treatment_name(t.treatment),
                "difference": estimate_part(t.difference),
            }
            for t in drives.turned
        ],
        "checks": [_check(check) for check in drives.checks],
        "checks_sentence": _checks_sentence(drives.checks),
    }


def _check(check: RowCheck) -> Part:
    return {
        "study": check.study,
        "arm": check.arm,
        "treatment": check.treatment,
        "level": check.level.value,
        "events": check.events,
        "n": check.n,
        "expected_own": check.expected_own,
        "expected_new": check.expected_new,
        "below_own": check.below_own,
        "below_new": check.below_new,
    }


def _checks_sentence(checks: tuple[RowCheck, ...]) -> str:
    counts = len(checks)
    own = sum(not 0.025 < check.below_own < 0.975 for check in checks)
    new = sum(not 0.025 < check.below_new < 0.975 for check in checks)
    return (
        f"Of {counts} counts, {own} lie outside the middle 95% of what the model says of that very study, and {new} "
        f"outside what it says of a new study of the same kind; chance alone would put about "
        f"{_EXPECTED * counts:.0f} there."
    )


def change_part(change: Change) -> Part:
    """One change, with its sentence."""
    name = treatment_name(change.treatment)
    if change.kind == "bias" and change.shift is not None and change.in_patients is not None:
        words = (
            f"If the effect of {name} is overstated by {change.shift:.2f} probits (about "
            f"{hundred(change.in_patients)} in 100 patients), its chance of adding anything no longer carries a "
            "preference."
        )
    elif change.after is None:
        words = (
            f"{change.study} weighs too much on {name} and others to be taken out by reweighting: what the answer is "
            "without it needs a new fit."
        )
    else:
        words = (
            f"Without {change.study} the median difference of {name} goes from {signed_hundred(change.before)} to "
            f"{signed_hundred(change.after)} in 100."
        )
    return {
        "kind": change.kind,
        "treatment": change.treatment,
        "study": change.study or None,
        "difference_before": change.before,
        "difference_after": change.after,
        "better_before": change.better_before,
        "better_after": change.better_after,
        "shift": change.shift,
        "in_patients": change.in_patients,
        "sentence": words,
    }
