"""What the specification derives by arithmetic, and the published table, run through the command.

Each check gives how many answers were looked at and those that differ.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from generated import EULAR_ITEMS
from running import classify, score_with
from second_reader import points, written

__all__ = ["FACTS"]

Row = dict[str, str]
Checked = tuple[int, list[Row]]
ADULT, JUVENILE = "acr-eular-2016-adult", "acr-eular-2016-jdm-imacs"


def _pairs_scored(
    pairs: list[tuple[str, str]], column: str, definition: str, folder: Path, **fixed: str
) -> list[Row]:
    """One patient per pair of values of one measure, in the order of the pairs."""
    rows = []
    for i, pair in enumerate(pairs):
        for week, value in zip(("0", "4"), pair, strict=True):
            rows.append({"patient": f"q{i:06d}", "week": week, column: value, **fixed})
    answers = {row["patient"]: row for row in score_with(rows, definition, folder)}
    return [answers[f"q{i:06d}"] for i in range(len(pairs))]


# SPEC 1.6: last whole improvement that still earns 0, 10, 20 and 27.5 points.
WHOLE_POINTS = {"80": (1, 8, 16, 24), "150": (3, 15, 30, 45), "260": (5, 26, 52, 78), "52": (1, 5, 10, 15)}


def whole_points(folder: Path) -> Checked:
    """Every pair of whole values of MMT and CMAS against the lookup of SPEC 1.6; every seventh baseline of MMT-24."""
    checked, differ = 0, []
    for maximum, last in WHOLE_POINTS.items():
        top, cmas = int(maximum), maximum == "52"
        pairs = [(b, f) for b in range(0, top + 1, 7 if top > 200 else 1) for f in range(top + 1)]
        texts = [(str(b), str(f)) for b, f in pairs]
        fixed = {} if cmas else {"mmt_max": maximum}
        answers = _pairs_scored(
            texts, "cmas" if cmas else "mmt", JUVENILE if cmas else ADULT, folder, **fixed
        )
        for (before, now), answer in zip(pairs, answers, strict=True):
            expected = ("0", "10", "20", "27.5", "32.5")[sum(now - before > edge for edge in last)]
            differ += _unlike(f"{before} to {now} of {maximum}", expected, answer["strength_points"])
        checked += len(pairs)
    return checked, differ


def _unlike(where: str, expected: str, found: str) -> list[Row]:
    return [] if expected == found else [{"row": where, "second_reader": expected, "program": found}]


def every_scale_pair(folder: Path) -> Checked:
    """All 10 201 one-decimal pairs of a 10-cm scale."""
    grid = [Decimal(i) / 10 for i in range(101)]
    pairs = [(b, f) for b in grid for f in grid]
    answers = _pairs_scored([(str(b), str(f)) for b, f in pairs], "physician_global", ADULT, folder)
    differ = []
    for (before, now), answer in zip(pairs, answers, strict=True):
        expected = written(points("physician_global", Fraction(before - now) * 10))
        differ += _unlike(f"{before} to {now}", expected, answer["physician_global_points"])
    return len(pairs), differ


def edge_pairs(folder: Path) -> Checked:
    """SPEC 1.6: 319 pairs lie on an edge, and binary floating point puts 26 of them into the band above."""
    tenths = [(b, b - d) for d in (5, 15, 25, 40) for b in range(101) if b >= d]
    texts = [(str(Decimal(b) / 10), str(Decimal(f) / 10)) for b, f in tenths]
    answers = _pairs_scored(texts, "patient_global", ADULT, folder)
    differ, naive = [], 0
    for (before, now), text, answer in zip(tenths, texts, answers, strict=True):
        exact = points("patient_global", Fraction(before - now))
        differ += _unlike(" to ".join(text), written(exact), answer["patient_global_points"])
        floating = (float(text[0]) - float(text[1])) / 10 * 100
        naive += points("patient_global", Fraction(floating)) > exact
    differ += _unlike("pairs on an edge", "319", str(len(tenths)))
    return len(tenths) + 2, differ + _unlike("misplaced by floating point", "26", str(naive))


def haq_grid(folder: Path) -> Checked:
    """SPEC 1.6: improvements <=0.125, 0.25-0.375, 0.5-1.125 and >=1.25 of the HAQ."""
    pairs = [(b, f) for b in range(25) for f in range(25)]
    texts = [(str(Decimal(b) / 8), str(Decimal(f) / 8)) for b, f in pairs]
    differ = []
    for (before, now), answer in zip(pairs, _pairs_scored(texts, "haq", ADULT, folder), strict=True):
        expected = ("0", "5", "7.5", "10")[sum(before - now > eighths for eighths in (1, 3, 9))]
        differ += _unlike(f"{before}/8 to {now}/8", expected, answer["function_points"])
    return len(pairs), differ


def mmt_ceiling(folder: Path) -> Checked:
    """SPEC 3: from 150 points 20% of MMT can be gained only from 125 or less; two other measures improve by 20%."""
    fixed = {"haq": "1", "ck": "200", "ck_uln": "200", "extramuscular": "2", "mmt_max": "150"}
    rows = []
    for start in range(151):
        for week, vas, mmt in (("0", "5", start), ("4", "4", 150)):
            row = {"patient": f"m{start:03d}", "week": week, "mmt": str(mmt)}
            rows.append(fixed | row | {"physician_global": vas, "patient_global": vas})
    differ = []
    for definition in ("imacs-doi-2004", "rim-mmt-20"):
        for start, answer in enumerate(score_with(rows, definition, folder)):
            expected = "improved" if 0 < start <= 125 else "not improved"
            differ += _unlike(f"{definition}, {start} to 150", expected, answer["category"])
    return 2 * 151, differ


def maxima(folder: Path) -> Checked:
    """SPEC 4.1: 20.8 without and 29.5 with biopsy."""
    rows = [
        {"patient": biopsy, "biopsy": biopsy, "age_at_onset": "40"}
        | {item: "1" if biopsy == "1" or not item.startswith("bx_") else "" for item in EULAR_ITEMS}
        for biopsy in ("0", "1")
    ]
    found = [row["score"] for row in classify(rows, "eular-acr-2017", folder)]
    return 2, _unlike("maxima", "20.8 29.5", " ".join(found))


def published_probabilities(folder: Path) -> Checked:
    """SPEC 4.3: P(5.3), P(5.5), P(7.5) fall under their stated cut and are classed by score all the same."""
    patients = {
        "5.3": (("prox_upper", "gottron_sign"), "25", "0.4925", "possible_iim"),
        "5.5": (("neck_flex", "prox_upper", "prox_lower"), "40", "0.5424", "probable_iim"),
        "7.5": (("gottron_sign", "heliotrope", "prox_upper"), "", "0.8975", "definite_iim"),
    }
    rows = []
    for score, (items, age, _, _) in patients.items():
        row = {"patient": score, "biopsy": "0", "age_at_onset": age or "10"}
        rows.append(
            row | {i: "" if i.startswith("bx_") else "0" for i in EULAR_ITEMS} | dict.fromkeys(items, "1")
        )
    # 3.3 + 3.1 + 0.7 = 7.1: the last 0.4 has no item, so 7.5 is reached by 0.8 + 0.7 + 2.1 + 3.9.
    rows[2] |= dict.fromkeys(("gottron_sign", "heliotrope"), "0")
    rows[2] |= {"age_at_onset": "40"} | dict.fromkeys(("prox_lower", "anti_jo1"), "1")
    differ = []
    for row in classify(rows, "eular-acr-2017", folder):
        _, _, chance, category = patients[row["patient"]]
        differ += _unlike(row["patient"], row["patient"], row["score"])
        differ += _unlike(row["patient"], chance, f"{float(row['probability']):.4f}")
        differ += _unlike(row["patient"], category, row["category"])
    return 9, differ


# Dastmalchi 2008: improved by >=20%, worse by >=30%, CK and MMT (of 80) before and after, published.
INFLIXIMAB = {
    "1": ("DGA PGA HAQ CK exm", "", "1.8 1.3", "57 61", "Improved"),
    "2": ("DGA HAQ exm", "", "1.9 3.9", "66 73", "Improved"),
    "3": ("HAQ", "DGA exm", "4.0 16.8", "76 77", "Worse"),
    "4": ("", "DGA exm", "4.4 8.1", "65 64", "Worse"),
    "6": ("DGA HAQ", "", "1.8 2.7", "48 56", "Unchanged"),
    "10": ("DGA PGA HAQ", "exm", "3.3 2.7", "61 56", "Improved"),
    "11": ("", "exm", "2.5 2.3", "49 57", "Unchanged"),
    "12": ("DGA", "", "4.6 3.8", "59 65", "Unchanged"),
    "13": ("DGA", "", "3.9 3.8", "57 61", "Unchanged"),
}
LISTED = {"DGA": "physician_global", "PGA": "patient_global", "HAQ": "haq", "exm": "extramuscular"}


def infliximab(folder: Path) -> Checked:
    """The nine published answers: CK and MMT as printed, listed measures moved by just 20% better or 30% worse.

    The extramuscular measure of patient 2 is listed both ways and is taken as improved; taken as worse, two measures
    would have improved and the published answer could not be reached.
    """
    rows = []
    for patient, (better, worse, ck, mmt, _) in INFLIXIMAB.items():
        for i, week in enumerate(("0", "16")):
            row = {"patient": patient, "week": week, "ck_uln": "2.5", "mmt_max": "80"}
            row |= {"ck": ck.split()[i], "mmt": mmt.split()[i]}
            for listed, column in LISTED.items():
                after = "1.6" if listed in better.split() else "2.6" if listed in worse.split() else "2"
                row[column] = after if i else "2"
            rows.append(row)
    improved = {r["patient"]: r["category"] for r in score_with(rows, "imacs-doi-2004", folder)}
    worsened = {r["patient"]: r["category"] for r in score_with(rows, "imacs-worsening", folder)}
    differ = []
    for patient, (*_, published) in INFLIXIMAB.items():
        said = "Improved" if improved[patient] == "improved" else "Unchanged"
        said = "Worse" if worsened[patient] == "worse" and said == "Unchanged" else said
        differ += _unlike(f"patient {patient}", published, said)
    return len(INFLIXIMAB), differ


FACTS: dict[str, Callable[[Path], Checked]] = {
    "whole-point lookup, every pair of MMT and CMAS": whole_points,
    "every one-decimal pair of a scale": every_scale_pair,
    "319 pairs on an edge, 26 misplaced by floating point": edge_pairs,
    "HAQ on its grid, every pair": haq_grid,
    "20% of MMT only from 125 of 150": mmt_ceiling,
    "largest classification scores": maxima,
    "classified by score, not by probability": published_probabilities,
    "published infliximab table (Dastmalchi 2008)": infliximab,
}
