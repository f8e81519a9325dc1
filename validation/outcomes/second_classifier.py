"""A second reading of the two classification criteria, one patient at a time, under the rules of `second_reader.py`."""

from __future__ import annotations

from fractions import Fraction
from math import exp

from second_reader import written

__all__ = ["bohan_peter_1975", "eular_acr_2017"]

Row = dict[str, str]

# SPEC 4.1, in tenths: (without, with) biopsy.
WEIGHTS = {
    "prox_upper": (7, 7),
    "prox_lower": (8, 5),
    "neck_flex": (19, 16),
    "legs_prox_distal": (9, 12),
    "heliotrope": (31, 32),
    "gottron_papules": (21, 27),
    "gottron_sign": (33, 37),
    "dysphagia": (7, 6),
    "anti_jo1": (39, 38),
    "enzymes": (13, 14),
    "bx_endomysial": (0, 17),
    "bx_peri": (0, 12),
    "bx_perifascicular": (0, 19),
    "bx_rimmed": (0, 31),
}
AGE_18_39, AGE_40 = (13, 15), (21, 22)
SKIN = ("heliotrope", "gottron_papules", "gottron_sign")
WEAKNESS = ("prox_upper", "prox_lower", "neck_flex", "legs_prox_distal")
# SPEC 4.2, in tenths: possible, probable, definite.
CUTS = ((53, 55, 75), (65, 67, 87))
CLASSES = ("not_iim", "possible_iim", "probable_iim", "definite_iim")
INTERCEPTS = (5.33, 6.49)


def _age(row: Row) -> Fraction | None:
    return Fraction(row["age_at_onset"]) if row.get("age_at_onset", "") else None


def _tenths(row: Row, biopsy: int, unknown: int) -> int:
    # SPEC 4.5: unknown is absent for the minimum, present for the maximum.
    total = 0
    for item, weights in WEIGHTS.items():
        if item.startswith("bx_") and not biopsy:
            continue
        total += weights[biopsy] * (int(row[item]) if row.get(item, "") else unknown)
    age = _age(row)
    if age is None:
        return total + (AGE_40[biopsy] if unknown else 0)
    return total + (AGE_40[biopsy] if age >= 40 else AGE_18_39[biopsy] if age >= 18 else 0)


def _subgroup(row: Row, biopsy: int, unknown: bool) -> str:
    """SPEC 4.4, with every unknown item read as `unknown`."""

    def has(item: str) -> bool:
        return row[item] == "1" if row.get(item, "") else unknown

    age = _age(row)
    skin = any(has(item) for item in SKIN)
    if age is None:
        return ""
    if age < 18:
        return "JDM" if skin else "JM_OTHER"
    if skin:
        return "DM" if any(has(item) for item in WEAKNESS) else "ADM"
    fingers = has("finger_flexor_weakness") and has("treatment_response_not_improved")
    return "IBM" if fingers or (biopsy == 1 and has("bx_rimmed")) else "PM_IMNM"


def eular_acr_2017(row: Row) -> Row:
    """Class, probabilities and subgroup of one patient (SPEC 4.1 to 4.5)."""
    biopsy = int(row["biopsy"])
    low, high = _tenths(row, biopsy, 0), _tenths(row, biopsy, 1)

    def probability(tenths: int) -> str:
        return repr(1.0 / (1.0 + exp(INTERCEPTS[biopsy] - tenths / 10)))

    rank = sum(low >= cut for cut in CUTS[biopsy])
    first, second = (_subgroup(row, biopsy, unknown) for unknown in (False, True))
    return {
        "model": ("no_biopsy", "biopsy")[biopsy],
        "score": written(Fraction(low, 10)),
        "probability_min": probability(low),
        "probability_max": probability(high),
        "category": CLASSES[rank],
        # Reading: with unknown items a subgroup is given only where both readings of them lead to the same one.
        "subgroup": (first if first == second else "") if rank >= 2 else "",
    }


def bohan_peter_1975(row: Row) -> Row:
    """Class of one patient (SPEC 4.6); empty where unknown items leave it open."""
    four = [row.get(item, "") for item in ("weakness", "biopsy", "enzymes", "emg")]
    answers = set()
    for rest in (0, 1):
        met = sum(int(c) if c else rest for c in four)
        for rash in [row["rash"] == "1"] if row.get("rash", "") else [False, True]:
            for excluded in [row["excluded"] == "1"] if row.get("excluded", "") else [False, True]:
                answers.add(_bohan_peter_class(met, rash, excluded))
    return {"category": answers.pop() if len(answers) == 1 else "", "score": str(four.count("1"))}


def _bohan_peter_class(met: int, rash: bool, excluded: bool) -> str:
    if excluded:
        return "none"
    name, degrees = ("DM", (1, 2, 3)) if rash else ("PM", (2, 3, 4))
    rank = sum(met >= needed for needed in degrees)
    return f"{('possible', 'probable', 'definite')[rank - 1]} {name}" if rank else "none"
