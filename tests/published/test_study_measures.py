"""Effects computed from the arms of published tables: against printed numbers, stored numbers and the formulas by hand.

Printed numbers have four decimals, so they are compared to half a unit of the last one. The numbers in the reference
folder were stored with twelve digits.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import myopoise as mp
from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.measures import MEASURES
from myopoise.synthesis.studies.values import Studies

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "studies-published"
sys.path.insert(0, str(ROOT / "validation"))

from reference_data import Missing, reference_folder, table  # noqa: E402

PRINTED = 0.5e-4
STORED = 1e-11


def stored(path: str) -> list[dict[str, str]]:
    try:
        return table(reference_folder() / path)
    except Missing as reason:
        pytest.skip(str(reason))


def pairs(studies: Studies) -> dict[tuple[str, str, str], tuple[float, float]]:
    """First treatment less second and its variance, for every pair of arms of every study."""
    found = {}
    for block in studies.contrasts:
        for at, study in enumerate(block.study):
            level = np.r_[0.0, block.estimate[at]]
            full = np.pad(block.covariance[at], ((1, 0), (1, 0)))
            for i, one in enumerate(block.treatment[at]):
                for j, other in enumerate(block.treatment[at]):
                    if i != j:
                        names = (studies.names[study], studies.treatments[one], studies.treatments[other])
                        found[names] = (level[i] - level[j], full[i, i] + full[j, j] - 2 * full[i, j])
    return found


def bcg() -> Studies:
    return mp.read_studies(DATA / "bcg-colditz-1994.csv").studies


# Viechtbauer W (2010), Journal of Statistical Software 36(3), 1-48: log risk ratios and their variances of the trials
# of Colditz GA et al. (1994), JAMA 271:698-702, vaccinated against not, as the program prints them.
LOG_RISK_RATIOS = {
    "Aronson 1948": (-0.8893, 0.3256),
    "Ferguson & Simes 1949": (-1.5854, 0.1946),
    "Rosenthal et al 1960": (-1.3481, 0.4154),
    "Hart & Sutherland 1977": (-1.4416, 0.0200),
    "Frimodt-Moller et al 1973": (-0.2175, 0.0512),
    "Stein & Aronson 1953": (-0.7861, 0.0069),
    "Vandiviere et al 1973": (-1.6209, 0.2230),
    "TPT Madras 1980": (0.0120, 0.0040),
    "Coetzee & Berjak 1968": (-0.4694, 0.0564),
    "Rosenthal et al 1961": (-1.3713, 0.0730),
    "Comstock et al 1974": (-0.3394, 0.0124),
    "Comstock & Webster 1969": (0.4459, 0.5325),
    "Comstock et al 1976": (-0.0173, 0.0714),
}

# The analysis of van Houwelingen HC, Arends LR, Stijnen T (2002), Statistics in Medicine 21:589-624, as repeated on the
# pages of the metafor project: log odds ratios and variances of the first seven trials.
LOG_ODDS_RATIOS = {
    "Aronson 1948": (-0.9387, 0.3571),
    "Ferguson & Simes 1949": (-1.6662, 0.2081),
    "Rosenthal et al 1960": (-1.3863, 0.4334),
    "Hart & Sutherland 1977": (-1.4564, 0.0203),
    "Frimodt-Moller et al 1973": (-0.2191, 0.0520),
    "Stein & Aronson 1953": (-0.9581, 0.0099),
    "Vandiviere et al 1973": (-1.6338, 0.2270),
}


def trial(name: str) -> str:
    """The name of a trial in our file of the same table."""
    known = {key(one): one for one in bcg().names}
    return known[key(name)]


def key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()).replace("etal", "")


@pytest.mark.parametrize(
    ("measure", "printed"), [("log risk ratio", LOG_RISK_RATIOS), ("log odds ratio", LOG_ODDS_RATIOS)]
)
def test_effects_of_the_bcg_trials_are_those_in_print(
    measure: Any, printed: dict[str, tuple[float, float]]
) -> None:
    found = pairs(mp.contrasts_of(bcg(), measure))
    for name, (estimate, variance) in printed.items():
        ours = found[trial(name), "BCG", "no vaccine"]
        assert ours[0] == pytest.approx(estimate, abs=PRINTED), name
        assert ours[1] == pytest.approx(variance, abs=PRINTED), name


def test_risk_differences_of_the_lidocaine_trials_are_those_in_print() -> None:
    """Normand SL (1999), Statistics in Medicine 18:321-359, Table III: percentage points and their variances."""
    given, control = (
        ((2, 39), (4, 44), (6, 107), (7, 103), (7, 110), (11, 154)),
        (
            (1, 43),
            (4, 44),
            (4, 110),
            (5, 100),
            (3, 106),
            (4, 146),
        ),
    )
    rows = {
        "study": [str(at) for at in range(6)],
        "ai": [r for r, _ in given],
        "n1i": [n for _, n in given],
        "ci": [r for r, _ in control],
        "n2i": [n for _, n in control],
    }
    found = pairs(mp.contrasts_of(mp.studies_from(rows).studies, "risk difference"))
    ours = [found[str(at), "treatment", "control"] for at in range(6)]
    difference = [2.8026, 0.0000, 1.9711, 1.7961, 3.5334, 4.4031]
    variance = [17.7575, 37.5657, 8.1323, 10.8998, 8.0114, 6.1320]
    np.testing.assert_allclose([100 * one for one, _ in ours], difference, atol=PRINTED)
    np.testing.assert_allclose([1e4 * one for _, one in ours], variance, atol=PRINTED)


def test_hedges_g_of_the_first_stroke_unit_is_the_one_that_metafor_checks_itself_by() -> None:
    """Normand SL (1999), Table IV, Edinburgh: stay of 155 and 156 patients; metafor's test of escalc prints g."""
    edinburgh = {
        "study": ["Edinburgh"],
        "n1i": [155], "m1i": [55], "sd1i": [47], "n2i": [156], "m2i": [75], "sd2i": [64],
    }  # fmt: skip
    found = pairs(mp.contrasts_of(mp.studies_from(edinburgh).studies, "hedges g"))
    estimate, variance = found["Edinburgh", "treatment", "control"]
    assert estimate == pytest.approx(-0.3552, abs=PRINTED)
    assert variance == pytest.approx(0.0131, abs=PRINTED)


def test_the_rate_ratio_of_the_first_catheter_trial_is_the_one_that_metafor_checks_itself_by() -> None:
    """Niel-Weise BS et al. (2008), first trial: 7 infections in 1344 catheter days against 11 in 1988."""
    first = {"study": ["Bach"], "x1i": [7], "t1i": [1344], "x2i": [11], "t2i": [1988]}
    found = pairs(mp.contrasts_of(mp.studies_from(first).studies, "log rate ratio"))
    estimate, variance = found["Bach", "treatment", "control"]
    assert estimate == pytest.approx(-0.0605, abs=PRINTED)
    assert variance == pytest.approx(0.2338, abs=PRINTED)


# --- numbers stored by the reference programs -------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "measure", "columns", "correction"),
    [
        ("dat_bcg", "log risk ratio", ("tpos", "tneg", "cpos", "cneg"), 0.0),
        ("dat_nielweise2007", "log odds ratio", ("ai", "n1i", "ci", "n2i"), 0.5),
        ("dat_yusuf1985", "log odds ratio", ("ai", "n1i", "ci", "n2i"), 0.5),
        ("dat_normand1999", "mean difference", ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"), 0.0),
    ],
)
def test_effects_are_those_that_metafor_stored(
    folder: str, measure: Any, columns: tuple[str, ...], correction: float
) -> None:
    rows = [row for row in stored(f"{folder}/data.csv") if row["yi"] not in ("", "NA")]
    read = {"study": [str(at) for at in range(len(rows))]}
    read |= {name: [row[name] for row in rows] for name in columns}
    studies = mp.studies_from(read, trust_spread=True).studies
    found = pairs(mp.contrasts_of(studies, measure, correction=correction, no_events="keep"))
    ours = np.array([found[str(at), "treatment", "control"] for at in range(len(rows))])
    np.testing.assert_allclose(ours[:, 0], [float(row["yi"]) for row in rows], rtol=1e-9, atol=STORED)
    np.testing.assert_allclose(ours[:, 1], [float(row["vi"]) for row in rows], rtol=1e-9)


@pytest.mark.parametrize(
    ("file", "measure", "correction"),
    [
        ("franchini2012/contrasts.csv", "mean difference", 0.0),
        ("franchini2012/contrasts_smd.csv", "standardised mean difference", 0.0),
        ("dong2013/contrasts.csv", "log odds ratio", 0.5),
        ("woods2010/contrasts.csv", "log odds ratio", 0.5),
        ("gurusamy2011/contrasts.csv", "log odds ratio", 0.5),
    ],
)
def test_effects_of_a_network_are_those_that_netmeta_stored(
    file: str, measure: Any, correction: float
) -> None:
    """Every pairwise contrast, of studies with three arms and more too, so the shared covariance is compared as well.

    netmeta stores its first treatment less its second.
    """
    rows = [row for row in stored(file) if row["TE"] not in ("", "NA")]
    data = stored(f"{file.split('/')[0]}/data.csv")
    names = {row["study"] for row in rows}
    arms = [row for row in data if row["study"] in names]
    studies = mp.studies_from(
        {name: [row[name] for row in arms] for name in arms[0]}, trust_spread=True
    ).studies
    found = pairs(mp.contrasts_of(studies, measure, correction=correction, no_events="keep"))
    assert len(found) == 2 * len(rows)
    ours = np.array([found[row["study"], row["treat1"], row["treat2"]] for row in rows])
    np.testing.assert_allclose(ours[:, 0], [float(row["TE"]) for row in rows], rtol=1e-9, atol=STORED)
    np.testing.assert_allclose(np.sqrt(ours[:, 1]), [float(row["seTE"]) for row in rows], rtol=1e-9)


# --- the formulas by hand ---------------------------------------------------------------------------------


def smoking_three_arms() -> Studies:
    """The first trial of Hasselblad V (1998), Medical Decision Making 18:37-43: 9/140, 23/140 and 10/138 stopped."""
    whole = mp.read_studies(DATA / "smoking-hasselblad-1998.csv").studies
    return mp.studies_from(
        {"study": ["1"] * 3, "treatment": list(whole.treatments[:3]), "r": [9, 23, 10], "n": [140, 140, 138]}
    ).studies


def test_the_first_trial_of_the_smoking_table_is_the_one_by_hand() -> None:
    whole = pairs(
        mp.contrasts_of(
            mp.read_studies(DATA / "smoking-hasselblad-1998.csv").studies, "log odds ratio", correction=0.5
        )
    )
    one = pairs(mp.contrasts_of(smoking_three_arms(), "log odds ratio"))
    assert {names: effect for names, effect in whole.items() if names[0] == "1"} == one


HAND = {
    # Covariance of the two contrasts with the first arm: the variance of that arm's own result.
    "log odds ratio": (
        [math.log(23 / 117) - math.log(9 / 131), math.log(10 / 128) - math.log(9 / 131)],
        [
            [1 / 23 + 1 / 117 + 1 / 9 + 1 / 131, 1 / 9 + 1 / 131],
            [1 / 9 + 1 / 131, 1 / 10 + 1 / 128 + 1 / 9 + 1 / 131],
        ],
    ),
    "log risk ratio": (
        [math.log(23 / 140) - math.log(9 / 140), math.log(10 / 138) - math.log(9 / 140)],
        [
            [1 / 23 - 1 / 140 + 1 / 9 - 1 / 140, 1 / 9 - 1 / 140],
            [1 / 9 - 1 / 140, 1 / 10 - 1 / 138 + 1 / 9 - 1 / 140],
        ],
    ),
    "risk difference": (
        [23 / 140 - 9 / 140, 10 / 138 - 9 / 140],
        [
            [23 * 117 / 140**3 + 9 * 131 / 140**3, 9 * 131 / 140**3],
            [9 * 131 / 140**3, 10 * 128 / 138**3 + 9 * 131 / 140**3],
        ],
    ),
}


@pytest.mark.parametrize("measure", HAND)
def test_contrasts_of_three_arms_share_the_variance_of_their_common_arm(measure: Any) -> None:
    (block,) = mp.contrasts_of(smoking_three_arms(), measure).contrasts
    estimate, covariance = HAND[measure]
    np.testing.assert_allclose(block.estimate[0], estimate, rtol=1e-12)
    np.testing.assert_allclose(block.covariance[0], covariance, rtol=1e-12)


def dietary_fat(*, without: str = "") -> list[dict[str, str]]:
    """Hooper L et al. (2000), Cochrane Database of Systematic Reviews 2:CD002137: deaths and person-years."""
    with (DATA / "dietary-fat-hooper-2000.csv").open(encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if row["study"] != without]


def test_log_rate_ratios_of_the_dietary_fat_trials_are_those_by_hand() -> None:
    kept = dietary_fat(without="London Corn/Olive")
    rows = {(row["study"], row["treatment"]): row for row in kept}
    found = pairs(mp.contrasts_of(mp.studies_from(kept).studies, "log rate ratio"))
    assert len(found) == 2 * 9
    for (study, one, other), (estimate, variance) in found.items():
        r, s = float(rows[study, one]["r"]), float(rows[study, other]["r"])
        t, u = float(rows[study, one]["exposure"]), float(rows[study, other]["exposure"])
        assert estimate == pytest.approx(math.log(r * u / (s * t)), rel=1e-10, abs=1e-13)
        assert variance == pytest.approx(1 / r + 1 / s, rel=1e-12)


def test_a_trial_with_two_arms_of_one_diet_is_read_and_has_no_contrasts_by_least_squares() -> None:
    """As in NICE DSU Technical Support Document 2, example 2, which keeps both arms on a reduced fat diet."""
    studies = mp.studies_from(dietary_fat()).studies
    assert (len(studies.names), studies.arm_count, len(studies.treatments)) == (10, 21, 2)
    with pytest.raises(
        WrongUsage, match="two arms of one treatment have no contrast between them: London Corn/Olive"
    ):
        mp.contrasts_of(studies, "log rate ratio")


MEANS = {
    "study": ["A"] * 3,
    "treatment": ["x", "y", "z"],
    "mean": [1.0, 2.0, 4.0],
    "sd": [2.0, 2.5, 3.0],
    "n": [5, 7, 9],
}


@pytest.mark.parametrize("measure", ["standardised mean difference", "hedges g"])
def test_standardised_differences_of_three_arms_share_the_arm_and_the_sd(measure: Any) -> None:
    """Gleser LJ, Olkin I (2009), in The Handbook of Research Synthesis and Meta-Analysis, chapter 19."""
    (block,) = mp.contrasts_of(mp.studies_from(MEANS, trust_spread=True).studies, measure).contrasts
    df = 4 + 6 + 8
    pooled = math.sqrt((4 * 2.0**2 + 6 * 2.5**2 + 8 * 3.0**2) / df)
    exact = (
        math.gamma(df / 2) / (math.sqrt(df / 2) * math.gamma((df - 1) / 2)) if measure == "hedges g" else 1.0
    )
    y, z = (exact * difference / pooled for difference in (1.0, 3.0))
    np.testing.assert_allclose(block.estimate[0], [y, z], rtol=1e-12)
    n = 5 + 7 + 9
    expected = [
        [1 / 5 + 1 / 7 + y * y / (2 * n), 1 / 5 + y * z / (2 * n)],
        [1 / 5 + y * z / (2 * n), 1 / 5 + 1 / 9 + z * z / (2 * n)],
    ]
    np.testing.assert_allclose(block.covariance[0], expected, rtol=1e-12)


def test_the_exact_correction_for_small_samples_is_near_the_usual_approximation() -> None:
    """Hedges LV (1981), Journal of Educational Statistics 6:107-128: 1 - 3 / (4 df - 1)."""
    studies = mp.studies_from(MEANS, trust_spread=True).studies
    (d,) = mp.contrasts_of(studies, "standardised mean difference").contrasts
    (g,) = mp.contrasts_of(studies, "hedges g").contrasts
    np.testing.assert_allclose(g.estimate / d.estimate, 1 - 3 / (4 * 18 - 1), rtol=1e-3)
    assert (g.estimate / d.estimate < 1).all()


def test_means_given_with_standard_errors_give_the_differences_that_sds_give() -> None:
    by_sd = pairs(mp.contrasts_of(mp.studies_from(MEANS, trust_spread=True).studies, "mean difference"))
    se = [sd / math.sqrt(n) for sd, n in zip(MEANS["sd"], MEANS["n"], strict=True)]  # type: ignore[call-overload]
    by_se = {"study": MEANS["study"], "treatment": MEANS["treatment"], "y": MEANS["mean"], "se": se}
    found = pairs(mp.contrasts_of(mp.studies_from(by_se).studies, "mean difference"))
    assert found.keys() == by_sd.keys()
    for names, effect in by_sd.items():
        assert found[names] == pytest.approx(effect)
    assert by_sd["A", "z", "x"] == pytest.approx((3.0, 2.0**2 / 5 + 3.0**2 / 9))


# --- zero cells -------------------------------------------------------------------------------------------

ZEROS = {
    "study": ["zero", "zero", "none", "none", "all", "all", "plain", "plain"],
    "treatment": ["x", "y"] * 4,
    "r": [0, 3, 0, 0, 10, 12, 2, 4],
    "n": [10, 12, 10, 12, 10, 12, 10, 12],
}


def zeros(*kept: str) -> Studies:
    chosen = [at for at, name in enumerate(ZEROS["study"]) if name in kept]
    return mp.studies_from({name: [column[at] for at in chosen] for name, column in ZEROS.items()}).studies


def test_a_zero_cell_asks_for_a_correction_by_name() -> None:
    with pytest.raises(
        WrongUsage, match=r"zero cell have no variance on this scale: zero\. Ask for a correction"
    ):
        mp.contrasts_of(zeros("zero", "plain"), "log odds ratio")


def test_a_correction_is_added_to_every_cell_of_the_study_and_told() -> None:
    found = mp.contrasts_of(zeros("zero", "plain"), "log odds ratio", correction=0.5)
    assert found.notes == ("0.5 was added to every cell of the studies with a zero cell: zero.",)
    effects = pairs(found)
    assert effects["zero", "y", "x"] == pytest.approx(
        (math.log(3.5 / 9.5) - math.log(0.5 / 10.5), 1 / 3.5 + 1 / 9.5 + 1 / 0.5 + 1 / 10.5)
    )
    assert effects["plain", "y", "x"] == pytest.approx(
        (math.log(4 / 8) - math.log(2 / 8), 1 / 4 + 1 / 8 + 1 / 2 + 1 / 8)
    )


def test_studies_without_any_event_are_asked_about() -> None:
    with pytest.raises(
        WrongUsage, match=r"Studies without any event, or with one in every patient: none, all\."
    ):
        mp.contrasts_of(zeros("none", "all", "plain"), "log odds ratio", correction=0.5)


def test_studies_without_any_event_are_dropped_with_a_note() -> None:
    found = mp.contrasts_of(zeros("none", "all", "plain"), "log risk ratio", no_events="drop")
    assert found.names == ("plain",)
    assert found.notes == (
        "Studies without any event, or with one in every patient, were left out: none, all.",
    )


def test_a_treatment_that_is_left_with_no_study_is_told() -> None:
    rows = {"study": ["A", "A", "B", "B"], "treatment": ["x", "y", "x", "z"], "r": [1, 2, 0, 0], "n": [9] * 4}
    found = mp.contrasts_of(mp.studies_from(rows).studies, "log odds ratio", no_events="drop")
    assert found.treatments == ("x", "y")
    assert "No study is left with z." in found.notes


def test_a_risk_difference_needs_no_events() -> None:
    found = pairs(mp.contrasts_of(zeros("zero", "plain"), "risk difference"))
    assert found["zero", "y", "x"] == pytest.approx((3 / 12, 3 * 9 / 12**3))


# --- misuse -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "said", "words"),
    [
        ("odds", {}, r"'odds' is not a measure\. Choose one of log odds ratio, log risk ratio"),
        ("hedges g", {}, r"A hedges g cannot be computed from binomial arms\. Choose one of log odds ratio"),
        ("log rate ratio", {}, "Choose one of log odds ratio, log risk ratio, risk difference"),
        ("log odds ratio", {"correction": -1}, r"The correction is -1; it is 0 for none, or above\."),
        ("log odds ratio", {"no_events": "ignore"}, r"'ignore' says nothing .*: refuse, keep or drop\."),
    ],
)
def test_what_cannot_be_computed_says_what_can(measure: Any, said: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongUsage, match=words):
        mp.contrasts_of(bcg(), measure, **said)


def test_contrasts_have_no_arms_to_compute_contrasts_from() -> None:
    senn = mp.read_studies(DATA / "senn-2013.csv").studies
    with pytest.raises(WrongUsage, match="These studies are contrasts already"):
        mp.contrasts_of(senn, "mean difference")


def test_a_standardised_difference_needs_the_number_of_patients() -> None:
    means = mp.studies_from(
        {"study": ["A", "A"], "treatment": ["x", "y"], "y": [1, 2], "se": [0.2, 0.3]}
    ).studies
    with pytest.raises(WrongUsage, match="needs the number of patients of every arm"):
        mp.contrasts_of(means, "hedges g")


def test_a_study_of_one_arm_has_no_contrast() -> None:
    rows = {"study": ["A", "A", "B"], "treatment": ["x", "y", "x"], "r": [1, 2, 3], "n": [9, 9, 9]}
    studies = mp.studies_from(rows, single_arms=True).studies
    with pytest.raises(
        WrongUsage, match=r"Studies with one arm have no contrast: B\. Leave them out first\."
    ):
        mp.contrasts_of(studies, "log odds ratio")


def test_the_scale_is_told_with_the_contrasts() -> None:
    assert {
        mp.contrasts_of(bcg(), measure).measure for measure, kind in MEASURES.items() if kind == "binomial"
    } == {  # type: ignore[arg-type]
        "log odds ratio",
        "log risk ratio",
        "risk difference",
    }
