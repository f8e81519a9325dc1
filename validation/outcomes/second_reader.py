"""A second reading of the definitions of response, one patient at a time.

Written from the text and the numbers of the criteria's specification alone, without the program's code or tables and
before the two were compared. Slow, exact and plain on purpose: every value is a `Fraction`, nothing is shared
between the two sides but the names of the columns. "SPEC 1.1" in a comment is the section that decides; a comment
that begins "Reading:" marks a choice the specification leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["MEASURES", "PRINTO", "Asked", "points", "read_patient", "written"]

Row = dict[str, str]

# SPEC 1.1: the upper edge belongs to the band ("closed above").
EDGES = (5, 15, 25, 40)
STRENGTH_EDGES = (2, 10, 20, 30)
POINTS = {
    "physician_global": ("0", "7.5", "15", "17.5", "20"),
    "patient_global": ("0", "2.5", "5", "7.5", "10"),
    "strength": ("0", "10", "20", "27.5", "32.5"),
    "function": ("0", "5", "7.5", "7.5", "10"),
    "enzyme": ("0", "2.5", "5", "7.5", "7.5"),
    "extramuscular": ("0", "7.5", "12.5", "15", "20"),
}
MEASURES = tuple(POINTS)
# SPEC 1.2
ADULT_CUTS = ((60, "major"), (40, "moderate"), (20, "minimal"), (0, "none"))
JUVENILE_CUTS = ((70, "major"), (45, "moderate"), (30, "minimal"), (0, "none"))
# SPEC 1.4 (multiples of ULN; the juvenile ones are the adult ones, UNCONFIRMED) and, in this order, 1.5 (ties).
TIMES_ULN = {"ck": 15, "aldolase": 6, "ldh": 3, "ast": 3, "alt": 3}


@dataclass(frozen=True)
class Asked:
    """What the command was asked.

    Parameters
    ----------
    definition
        Name of the definition.
    bounds
        Whether a missing measure gives bounds in place of a refusal.
    millimetres
        Whether the scales are 0-100 mm.
    cmas
        Whether strength is the CMAS.
    chaq
        Whether function is the CHAQ; None takes the HAQ where the patient's baseline holds it, else the CHAQ.
    scale_for_das
        Whether PRINTO 20/50/70/90 take the extramuscular scale in place of the DAS (SPEC 2: "DAS or MDAAT").
    baseline_week
        Week of the baseline; the earliest visit if None.
    worsening_limit
        Whether PRINTO 20/50/70/90 use their unconfirmed limit of worsening.
    """

    definition: str
    bounds: bool = False
    millimetres: bool = False
    cmas: bool = False
    chaq: bool | None = False
    scale_for_das: bool = False
    baseline_week: Fraction | None = None
    worsening_limit: bool = False


def _value(row: Row, column: str) -> Fraction | None:
    text = row.get(column, "").strip()
    return Fraction(text) if text else None


def written(value: Fraction | None) -> str:
    """A number as the program writes it: no trailing zeros, empty when there is none."""
    if value is None:
        return ""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def points(measure: str, percent: Fraction) -> Fraction:
    """Points of one measure for an improvement in percent of its range (SPEC 1.1)."""
    edges = STRENGTH_EDGES if measure == "strength" else EDGES
    band = sum(percent > edge for edge in edges)
    return Fraction(POINTS[measure][band])


@dataclass(frozen=True)
class Pair:
    """One measure at baseline and now, with its range and whether more is better."""

    before: Fraction | None
    now: Fraction | None
    span: Fraction | None
    more_is_better: bool = False

    @property
    def improvement(self) -> Fraction | None:
        """SPEC 1.3; negative is worse."""
        if self.before is None or self.now is None:
            return None
        return self.now - self.before if self.more_is_better else self.before - self.now

    @property
    def of_range(self) -> Fraction | None:
        """Percent of the range (SPEC 1.3)."""
        if self.improvement is None or self.span is None:
            return None
        return 100 * self.improvement / self.span

    @property
    def possible(self) -> tuple[Fraction | None, Fraction | None]:
        """Lowest and highest relative change in percent (SPEC 3); None stands for no change that counts.

        Reading: a baseline of zero, or below it as a T-score may be, is never evaluable, whether the follow-up is known
        or not. (The first draft took the size of a negative baseline; SPEC has no sentence on it.)
        """
        if self.before is not None and self.before <= 0:
            return None, None
        if self.improvement is None or self.before is None:
            return Fraction(-(10**9)), Fraction(10**9)
        relative = 100 * self.improvement / self.before
        return relative, relative

    @property
    def missing(self) -> bool:
        """Whether either visit lacks it."""
        return self.improvement is None


def followed_enzyme(baseline: Row) -> str:
    """The enzyme with the highest value / ULN at baseline; the first of SPEC 1.5 wins a tie."""
    best, chosen = None, ""
    for enzyme in TIMES_ULN:
        value, uln = _value(baseline, enzyme), _value(baseline, f"{enzyme}_uln")
        if value is None or uln is None:
            continue
        if best is None or value / uln > best:
            best, chosen = value / uln, enzyme
    return chosen


def _ratio(row: Row, enzyme: str) -> Fraction | None:
    # SPEC 1.5 "the ratio removes the unit". Reading: each value over the ULN of its own visit.
    value, uln = _value(row, enzyme), _value(row, f"{enzyme}_uln")
    return None if value is None or uln is None else value / uln


def _pairs(asked: Asked, baseline: Row, now: Row) -> dict[str, Pair]:
    scale = Fraction(100 if asked.millimetres else 10)

    def pair(column: str, span: Fraction | None, more_is_better: bool = False) -> Pair:
        return Pair(_value(baseline, column), _value(now, column), span, more_is_better)

    maximum = _value(baseline, "mmt_max") or _value(now, "mmt_max")
    enzyme = followed_enzyme(baseline)
    chaq = not baseline.get("haq", "") if asked.chaq is None else asked.chaq
    found = {
        "physician_global": pair("physician_global", scale),
        "patient_global": pair("patient_global", scale),
        "strength": pair("cmas", Fraction(52), True) if asked.cmas else pair("mmt", maximum, True),
        "function": pair("chaq" if chaq else "haq", Fraction(3)),
    }
    if asked.definition.startswith("acr-eular-2016-jdm-printo") or asked.definition in PRINTO:
        quality_range = _value(baseline, "chq_phs_range") or _value(now, "chq_phs_range")
        found["enzyme"] = pair("chq_phs", quality_range, True)
        found["extramuscular"] = (
            pair("extramuscular", scale) if asked.scale_for_das else pair("das", Fraction(20))
        )
    else:
        times = Fraction(TIMES_ULN[enzyme]) if enzyme else None
        found["enzyme"] = (
            Pair(_ratio(baseline, enzyme), _ratio(now, enzyme), times) if enzyme else Pair(None, None, times)
        )
        found["extramuscular"] = pair("extramuscular", scale)
    return found


PRINTO = {"printo-20": 20, "printo-50": 50, "printo-70": 70, "printo-90": 90}


def _category(cuts: tuple[tuple[int, str], ...], score: Fraction) -> str:
    return next(name for cut, name in cuts if score >= cut)


def _total_improvement(asked: Asked, baseline: Row, now: Row) -> Row:
    cuts = ADULT_CUTS if asked.definition.endswith("adult") else JUVENILE_CUTS
    given: dict[str, Fraction | None] = {}
    for measure, pair in _pairs(asked, baseline, now).items():
        given[measure] = None if pair.of_range is None else points(measure, pair.of_range)
    known = sum((p for p in given.values() if p is not None), Fraction(0))
    # SPEC 1.5, missing measure: "missing = 0 and = its maximum".
    high = known + sum((Fraction(POINTS[m][-1]) for m, p in given.items() if p is None), Fraction(0))
    answer = {f"{m}_points": written(p) for m, p in given.items()}
    if None not in given.values():
        text = written(known)
        return answer | _said("ok", _category(cuts, known), text, text, text)
    if not asked.bounds:
        return answer | _said("not computable")
    agreed = _category(cuts, known) == _category(cuts, high)
    return answer | _said(
        "bounded", _category(cuts, known) if agreed else "", "", written(known), written(high)
    )


def _said(status: str, category: str = "", score: str = "", low: str = "", high: str = "") -> Row:
    return {"status": status, "category": category, "score": score, "score_low": low, "score_high": high}


def _settled(asked: Asked, missing: bool, worst: bool, best: bool, words: tuple[str, str]) -> Row:
    """`words` are those for yes and no; `worst` and `best` are the answers at the two ends."""
    if not missing:
        return _said("ok", words[0] if worst else words[1])
    if not asked.bounds:
        return _said("not computable")
    return _said("bounded", "" if worst != best else words[0] if worst else words[1])


def _relative_rule(asked: Asked, baseline: Row, now: Row) -> Row:
    """IMACS DOI and PRINTO 20/50/70/90 (SPEC 3)."""
    pairs = _pairs(asked, baseline, now)
    missing = any(p.missing for p in pairs.values())
    ends = []
    for end in (0, 1):
        change = {m: p.possible[end] for m, p in pairs.items()}
        ends.append(_doi(change) if asked.definition == "imacs-doi-2004" else _printo(asked, change))
    return _settled(asked, missing, ends[0], ends[1], ("improved", "not improved"))


def _doi(change: dict[str, Fraction | None]) -> bool:
    improved = [m for m, c in change.items() if c is not None and c >= 20]
    worse = [m for m, c in change.items() if c is not None and c <= -25]
    return len(improved) >= 3 and len(worse) <= 2 and "strength" not in worse


def _printo(asked: Asked, change: dict[str, Fraction | None]) -> bool:
    improved = [m for m, c in change.items() if c is not None and c >= PRINTO[asked.definition]]
    # "worse by >30%": equality is not worse here, unlike in the 2004 definition.
    worse = [m for m, c in change.items() if c is not None and c < -30]
    within = len(worse) <= 1 and "strength" not in worse
    return len(improved) >= 3 and (within or not asked.worsening_limit)


def _inactive(asked: Asked, now: Row) -> Row:
    """PRINTO clinically inactive disease, 2012 and modified (SPEC 3)."""
    global_cut = Fraction(2) if asked.millimetres else Fraction(2, 10)
    ck, cmas, mmt = _value(now, "ck"), _value(now, "cmas"), _value(now, "mmt")
    physician = _value(now, "physician_global")
    muscle = [
        None if ck is None else ck <= 150,
        None if cmas is None else cmas >= 48,
        # Reading: "MMT-8 >=78/80" can be asked of the 80-point version alone.
        None if mmt is None or _value(now, "mmt_max") != 80 else mmt >= 78,
    ]
    calm = None if physician is None else physician <= global_cut
    counts, met = [], []
    for unknown in (False, True):
        strong = sum(unknown if m is None else m for m in muscle)
        quiet = unknown if calm is None else calm
        counts.append(strong + quiet)
        modified = quiet and strong >= 2
        met.append(modified if asked.definition.endswith("modified") else strong + quiet >= 3)
    missing = calm is None or None in muscle
    answer = _settled(asked, missing, met[0], met[1], ("inactive", "active"))
    low, high = (str(c) for c in counts)
    if not missing:
        return answer | {"score": low, "score_low": low, "score_high": low}
    return answer | ({"score_low": low, "score_high": high} if asked.bounds else {})


def _deterioration_at(asked: Asked, baseline: Row, now: Row) -> tuple[bool, bool, bool]:
    """Whether one visit meets the ProDERM rule at best and at worst, and whether a measure is missing (SPEC 3)."""
    pairs = {m: p for m, p in _pairs(asked, baseline, now).items() if m != "enzyme"}
    if _value(baseline, "mmt_max") == 260:
        # The rule says MMT-8, which is out of 80 or of 150; 260 is MMT-24 (SPEC 2), another measure.
        pairs["strength"] = Pair(None, None, None, True)
    two = Fraction(20 if asked.millimetres else 2)
    met = []
    for worst in (False, True):

        def fell(measure: str, worst: bool = worst) -> bool:
            gain = pairs[measure].improvement
            return worst if gain is None else gain <= -two

        def share(measure: str, percent: int, end: int = 0 if worst else 1) -> bool:
            change = pairs[measure].possible[end]
            return change is not None and change <= -percent

        many = sum(share(m, 30) for m in pairs) >= 3
        met.append((fell("physician_global") and share("strength", 20)) or fell("extramuscular") or many)
    return met[0], met[1], any(p.missing for p in pairs.values())


def _deterioration(asked: Asked, baseline: Row, before: Row | None, now: Row) -> Row:
    words = ("worse", "not worse")
    surely, perhaps, missing = _deterioration_at(asked, baseline, now)
    if before is None:
        # The first follow-up visit confirms nothing.
        return _settled(asked, missing, False, False, words)
    surely_before, perhaps_before, missing_before = _deterioration_at(asked, baseline, before)
    worst, best = perhaps and perhaps_before, surely and surely_before
    if not missing and missing_before:
        # Reading: a complete visit that does not meet the rule is settled whatever was missing at the visit before; one
        # that meets it leans on that visit. The program once called such an answer ok: this reader's finding, mended.
        return _settled(asked, perhaps, best, worst, words)
    return _settled(asked, missing, best, worst, words)


def read_patient(visits: list[Row], asked: Asked) -> list[Row]:
    """One row per follow-up visit of one patient, in the order of the weeks."""
    visits = sorted(visits, key=lambda row: Fraction(row["week"]))
    start = Fraction(visits[0]["week"]) if asked.baseline_week is None else asked.baseline_week
    # Reading: visits before the stated baseline are no follow-up visits.
    baseline = next((row for row in visits if Fraction(row["week"]) == start), None)
    later = [row for row in visits if Fraction(row["week"]) > start]
    if asked.definition.startswith("printo-inactive") and not later and baseline is not None:
        # Reading: a state needs no baseline, so a patient with nothing after it is judged there. The first draft gave
        # such a patient no row.
        later = [baseline]
    answers: list[Row] = []
    before: Row | None = None
    for now in later:
        if baseline is None and not asked.definition.startswith("printo-inactive"):
            # Reading: without a baseline visit there are no bounds either.
            said = _said("not computable")
        else:
            said = _one(asked, baseline or {}, before, now)
            said["enzyme"] = followed_enzyme(baseline or {}) if _uses_enzyme(asked) else ""
        said["patient"], said["week"] = now["patient"], now["week"]
        answers.append(said)
        before = now
    return answers


def _uses_enzyme(asked: Asked) -> bool:
    return asked.definition in {"acr-eular-2016-adult", "acr-eular-2016-jdm-imacs", "imacs-doi-2004"}


def _one(asked: Asked, baseline: Row, before: Row | None, now: Row) -> Row:
    if asked.definition.startswith("acr-eular"):
        return _total_improvement(asked, baseline, now)
    if asked.definition.startswith("printo-inactive"):
        return _inactive(asked, now)
    if asked.definition == "proderm-deterioration":
        return _deterioration(asked, baseline, before, now)
    return _relative_rule(asked, baseline, now)
