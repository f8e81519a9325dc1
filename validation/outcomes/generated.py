"""Visits and patients that sit on every edge of the definitions, from a generator handed in.

A pair of values is drawn so that its change lies exactly on an edge, or one step of the instrument beside it, far more
often than chance would put it there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from itertools import product

__all__ = ["STARTS", "VISIT_COLUMNS", "eular_patients", "every_bohan_patient", "every_combination", "visits"]

Row = dict[str, str]
ENZYMES = ("ck", "aldolase", "ldh", "ast", "alt")
TIMES = {"ck": 15, "aldolase": 6, "ldh": 3, "ast": 3, "alt": 3}
ULNS = {
    "ck": ("200", "173", "145", "3.2"),
    "aldolase": ("8", "7.6", "7.7"),
    "ldh": ("250", "333", "245"),
    "ast": ("35", "41", "0.6"),
    "alt": ("40", "33", "45"),
}
VISIT_COLUMNS = (
    *("patient", "week", "physician_global", "patient_global", "mmt", "mmt_max", "cmas", "haq", "chaq"),
    *(c for e in ENZYMES for c in (e, f"{e}_uln")),
    *("extramuscular", "das", "chq_phs", "chq_phs_range"),
)
# Percent of the range (TIS) and percent of baseline (2004, PRINTO, ProDERM), improvement positive.
OF_RANGE = ("5", "15", "25", "40")
STRENGTH_OF_RANGE = ("2", "10", "20", "30")
OF_BASELINE = ("20", "-20", "-25", "30", "-30", "50", "70", "90")


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _beside(rng: random.Random, step: str) -> Decimal:
    return Decimal(step) * rng.choice((0, 0, 0, 1, -1))


MOODS = {"mixed": OF_BASELINE, "better": ("20", "50", "70", "90"), "worse": ("-20", "-25", "-30")}


def _now(
    rng: random.Random, before: Decimal, span: Decimal, step: str, up: bool, edges: Sequence[str], mood: str
) -> Decimal:
    """A later value of one instrument, mostly on an edge or a step beside it."""
    way = rng.random() if mood == "mixed" else rng.uniform(0.35, 0.95)
    sign = Decimal(1 if up else -1)
    if way < 0.40:
        now = before + sign * span * Decimal(rng.choice(edges)) / 100 + _beside(rng, step)
    elif way < 0.75:
        now = before + sign * before * Decimal(rng.choice(MOODS[mood])) / 100 + _beside(rng, step)
    elif way < (0.85 if mood == "mixed" else 0.9):
        now = before + rng.choice((-1, 1) if mood == "mixed" else (1,)) * span / 5 + _beside(rng, step)
    elif way < 0.92:
        now = before
    else:
        now = Decimal(rng.randint(0, int(span / Decimal(step)))) * Decimal(step)
    return min(max(now, Decimal(0)), span)


def _series(
    rng: random.Random,
    n: int,
    span: str,
    step: str,
    *,
    up: bool = False,
    edges: Sequence[str] = OF_RANGE,
    mood: str = "mixed",
) -> list[str]:
    whole, unit = Decimal(span), Decimal(step)
    before = unit * (0 if rng.random() < 0.06 else rng.randint(0, int(whole / unit)))
    later: list[Decimal] = []
    for _ in range(n - 1):
        # A value often stays, so that what holds at one visit holds at the next.
        stays = later and rng.random() < (0.0 if mood == "mixed" else 0.5)
        later.append(later[-1] if stays else _now(rng, before, whole, step, up, edges, mood))
    # Whole-point instruments keep whole points, the HAQ its grid of eighths; a scale keeps what the edge asks for.
    kept = [value if unit == Decimal("0.1") else value // unit * unit for value in later]
    return [_text(v) for v in (before, *kept)]


def _enzyme(rng: random.Random, n: int, name: str, ratio: Decimal) -> list[tuple[str, str]]:
    """Values with their ULN, on the edges of the range in multiples of ULN; the ULN may double between visits."""
    uln = Decimal(rng.choice(ULNS[name]))
    rows = [(ratio * uln, uln)]
    for _ in range(n - 1):
        way = rng.random()
        now_uln = uln * rng.choice((1, 1, 1, 2))
        if way < 0.5:
            now = ratio - TIMES[name] * Decimal(rng.choice(OF_RANGE)) / 100 + _beside(rng, "0.01")
        elif way < 0.85:
            now = ratio - ratio * Decimal(rng.choice(OF_BASELINE)) / 100 + _beside(rng, "0.01")
        else:
            now = Decimal(rng.randint(0, 2000)) / 100
        rows.append((max(now, Decimal(0)) * now_uln, now_uln))
    return [(_text(v), _text(u)) for v, u in rows]


def _enzymes(rng: random.Random, n: int) -> list[Row]:
    """Five enzymes; often two or more tie exactly at baseline by way of different ULNs."""
    rows: list[Row] = [{} for _ in range(n)]
    shared = Decimal(rng.randint(0, 1500)) / 100
    for name in ENZYMES:
        tied = rng.random() < 0.45
        ratio = shared if tied else Decimal(rng.randint(0, 2200)) / 100
        for row, (value, uln) in zip(
            rows, _enzyme(rng, n, name, Decimal(0) if rng.random() < 0.05 else ratio), strict=True
        ):
            row[name], row[f"{name}_uln"] = value, uln
    return rows


def _quiet(rng: random.Random, row: Row) -> None:
    """Values on the cuts of inactive disease."""
    row["ck"] = rng.choice(("150", "149", "151", "150.1", row["ck"]))
    row["cmas"] = rng.choice(("48", "47", "49", row["cmas"]))
    row["mmt"], row["mmt_max"] = rng.choice(("78", "77", "79")), "80"
    row["physician_global"] = rng.choice(("0.2", "0.1", "0.3", "0.21", row["physician_global"]))


def _patient(rng: random.Random, name: str, missing: float, quiet: bool) -> list[Row]:
    weeks = [0, *sorted(rng.sample((4, 8, 12, 16, 24, 36, 48, 100, 104), rng.randint(1, 4)))]
    mood = rng.choice(("mixed", "better", "worse", "worse"))
    n, maximum = len(weeks), "80" if quiet else rng.choice(("80", "80", "150", "150", "260"))
    columns = {
        "physician_global": _series(rng, n, "10", "0.1", mood=mood),
        "patient_global": _series(rng, n, "10", "0.1", mood=mood),
        "mmt": _series(rng, n, maximum, "1", up=True, edges=STRENGTH_OF_RANGE, mood=mood),
        "cmas": _series(rng, n, "52", "1", up=True, edges=STRENGTH_OF_RANGE, mood=mood),
        "haq": _series(rng, n, "3", "0.125", mood=mood),
        "chaq": _series(rng, n, "3", "0.125", mood=mood),
        "extramuscular": _series(rng, n, "10", "0.1", mood=mood),
        "das": _series(rng, n, "20", "1", mood=mood),
        "chq_phs": _series(rng, n, "60", "0.1", up=True, mood=mood),
    }
    rows = []
    for i, enzymes in enumerate(_enzymes(rng, n)):
        row = {"patient": name, "week": str(weeks[i]), "mmt_max": maximum, "chq_phs_range": "60"}
        row |= {c: values[i] for c, values in columns.items()} | enzymes
        if quiet and i:
            _quiet(rng, row)
        rows.append(row)
    _lose(rng, rows, missing)
    return rows


def _lose(rng: random.Random, rows: list[Row], missing: float) -> None:
    for row in rows:
        for column in VISIT_COLUMNS[2:]:
            if column in ("mmt_max", "chq_phs_range") or column.endswith("_uln"):
                continue
            if rng.random() < missing:
                row[column] = ""
                if f"{column}_uln" in row and rng.random() < 0.5:
                    row[f"{column}_uln"] = ""


def visits(
    rng: random.Random, patients: int, *, missing: float, quiet: bool = False, millimetres: bool = False
) -> list[Row]:
    """Visits of many patients, in no order."""
    rows = [
        row for i in range(patients) for row in _patient(rng, f"p{i:04d}", rng.choice((0.0, missing)), quiet)
    ]
    if millimetres:
        for row in rows:
            for column in ("physician_global", "patient_global", "extramuscular"):
                row[column] = _text(Decimal(row[column]) * 10) if row[column] else ""
    rng.shuffle(rows)
    return rows


# Starts from which every change that is asked for is a legal value; the CHQ-PhS starts at 40, the DAS at 5.
STARTS = {
    "physician_global": ("5", -1),
    "patient_global": ("5", -1),
    "mmt": ("100", 1),
    "function": ("2", -1),
    "fifth": ("10", -1),
    "sixth": ("5", -1),
}


def every_combination(changes: Sequence[int], measures: Sequence[str], weeks: Sequence[str]) -> list[Row]:
    """One patient for every way the measures can change, in percent of baseline; each follow-up visit is the same."""
    rows = []
    for number, taken in enumerate(product(changes, repeat=len(measures))):
        change = dict.fromkeys(STARTS, 0) | dict(zip(measures, taken, strict=True))
        for week in weeks:
            row = {"patient": f"e{number:05d}", "week": week, "mmt_max": "150"}
            for measure, (start, sign) in STARTS.items():
                moved = Decimal(start) * (100 + sign * change[measure]) / 100
                row |= _named(measure, Decimal(start) if week == "0" else moved, change[measure], week)
            rows.append(row)
    return rows


def _named(measure: str, value: Decimal, change: int, week: str) -> Row:
    """The columns of one measure: the fifth is CK and the CHQ-PhS, the sixth the extramuscular scale and the DAS."""
    text = _text(value)
    if measure == "function":
        return {"haq": text, "chaq": text}
    if measure == "sixth":
        return {"extramuscular": text, "das": text}
    if measure == "fifth":
        quality = Decimal(40) * (100 + (0 if week == "0" else change)) / 100
        return {"ck": text, "ck_uln": "1", "chq_phs": _text(quality), "chq_phs_range": "60"}
    return {measure: text}


EULAR_ITEMS = (
    *("prox_upper", "prox_lower", "neck_flex", "legs_prox_distal", "heliotrope", "gottron_papules"),
    *("gottron_sign", "dysphagia", "anti_jo1", "enzymes"),
    *("bx_endomysial", "bx_peri", "bx_perifascicular", "bx_rimmed"),
    *("finger_flexor_weakness", "treatment_response_not_improved"),
)


IBM_ITEMS = ("bx_rimmed", "finger_flexor_weakness", "treatment_response_not_improved")


def eular_patients(rng: random.Random, patients: int, unknown: float, of_ibm: float = 0.0) -> list[Row]:
    """Patients for the 2017 criteria; without a biopsy its four items are empty.

    `unknown` and `of_ibm` are shares of unknown items: of all but the three that lead to IBM, and of those three.
    """
    rows = []
    for i in range(patients):
        biopsy, share = rng.choice("01"), rng.choice((0.15, 0.3, 0.5))
        row = {"patient": f"c{i:05d}", "biopsy": biopsy}
        row["age_at_onset"] = rng.choice(("17", "18", "39", "40", "17.9", "39.9", str(rng.randint(1, 85))))
        skin = rng.random() < 0.5
        for item in EULAR_ITEMS:
            value = "1" if rng.random() < share else "0"
            if item in ("heliotrope", "gottron_papules", "gottron_sign") and not skin:
                value = "0"
            row[item] = "" if rng.random() < (of_ibm if item in IBM_ITEMS else unknown) else value
            if item.startswith("bx_") and biopsy == "0":
                row[item] = ""
        if rng.random() < unknown / 2:
            row["age_at_onset"] = ""
        rows.append(row)
    return rows


BOHAN_ITEMS = ("weakness", "biopsy", "enzymes", "emg", "rash", "excluded")


def every_bohan_patient() -> list[Row]:
    """All 3 to the power of 6 patients: each item present, absent or unknown."""
    rows = []
    for number in range(3 ** len(BOHAN_ITEMS)):
        row, rest = {"patient": f"b{number:03d}"}, number
        for item in BOHAN_ITEMS:
            rest, digit = divmod(rest, 3)
            row[item] = ("0", "1", "")[digit]
        rows.append(row)
    return rows
