"""Every layout is recognised by its columns and read unchanged: the same facts in two layouts are the same studies.

The files in ``tests/data/studies`` hold the same invented studies, a file for each layout. Study ``007`` has two arms,
``Müller & Søn`` three, and ``de la Cruz`` compares the two active treatments.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import myopoise as mp
from myopoise.errors import WrongUsage
from myopoise.synthesis.studies.values import Arms, Studies

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "studies"
sys.path.insert(0, str(ROOT / "validation"))

from reference_data import Missing, reference_folder  # noqa: E402

NUMBERS = ("events", "n", "mean", "se", "exposure", "time")


def of_arms(arms: Arms | None, names: tuple[str, ...], treatments: tuple[str, ...]) -> dict[Any, Any]:
    """Numbers of each arm by study and treatment."""
    if arms is None:
        return {}
    steps = arms.at_least if arms.at_least is not None else np.empty((len(arms), 0))
    return {
        (names[arms.study[at]], treatments[arms.treatment[at]]): [
            *(np.nan if getattr(arms, one) is None else getattr(arms, one)[at] for one in NUMBERS),
            *steps[at],
        ]
        for at in range(len(arms))
    }


def of_contrasts(studies: Studies) -> dict[Any, Any]:
    """Every difference within a study and its variance, whichever arm the contrasts were taken from."""
    found = {}
    for block in studies.contrasts:
        for at, study in enumerate(block.study):
            level = np.r_[0.0, block.estimate[at]]
            full = np.pad(block.covariance[at], ((1, 0), (1, 0)))
            arms = [studies.treatments[one] for one in block.treatment[at]]
            for i, one in enumerate(arms):
                for j, other in enumerate(arms):
                    if one < other:
                        variance = full[i, i] + full[j, j] - 2 * full[i, j]
                        found[studies.names[study], one, other] = [level[i] - level[j], variance]
    return found


def assert_same_facts(one: Studies, other: Studies) -> None:
    assert one.names == other.names
    assert sorted(one.treatments) == sorted(other.treatments)
    for left, right in (
        (of_arms(one.arms, one.names, one.treatments), of_arms(other.arms, other.names, other.treatments)),
        (of_contrasts(one), of_contrasts(other)),
    ):
        assert left.keys() == right.keys()
        for key, numbers in left.items():
            np.testing.assert_allclose(numbers, right[key], rtol=1e-12, err_msg=str(key))


COUNTS = "our-binomial"
MEANS = "our-normal-se"
RATES = "our-poisson"
STEPS = "our-ordered"
CONTRASTS = "our-contrast-pairs"

FIRST = {
    COUNTS: (
        "007: Placebo 5/50; Ácido A 8/52",
        "Müller & Søn: Placebo 3/40; drug b 6/41; Ácido A 7/39",
        "de la Cruz: drug b 0/30; Ácido A 2/31",
    ),
    MEANS: (
        "007: Placebo 1.5 (SE 0.45); Ácido A 2.5 (SE 0.5)",
        "Müller & Søn: Placebo 1 (SE 0.5); drug b 0.5 (SE 0.6); Ácido A 1.75 (SE 0.7)",
        "de la Cruz: drug b 0.25 (SE 0.5); Ácido A 1 (SE 0.48)",
    ),
    RATES: (
        "007: Placebo 5 in 120.5; Ácido A 8 in 118",
        "Müller & Søn: Placebo 3 in 90; drug b 6 in 88.25; Ácido A 7 in 91",
        "de la Cruz: drug b 0 in 30; Ácido A 2 in 31.5",
    ),
    STEPS: (
        "007: Placebo 20, -, 2 of 50; Ácido A 30, -, 9 of 52",
        "Müller & Søn: Placebo 18, 6, 1 of 40; drug b 22, 15, 9 of 41; Ácido A 30, 24, 20 of 39",
        "de la Cruz: drug b 9, 3, 0 of 30; Ácido A 14, 8, - of 31",
    ),
    CONTRASTS: (
        "007: Ácido A v Placebo 1 (SE 0.67)",
        "Müller & Søn: drug b v Placebo -0.5 (SE 0.5); Ácido A v Placebo 0.75 (SE 0.5831)",
        "de la Cruz: Ácido A v drug b 0.75 (SE 0.64)",
    ),
    "our-binomial-two-arms": (
        "007: treatment 8/52; control 5/50",
        "Müller & Søn: treatment 7/39; control 3/40",
        "de la Cruz: treatment 2/31; control 0/30",
    ),
    "our-normal-two-arms": (
        "007: treatment 2.5 (SE 0.5); control 1.5 (SE 0.45)",
        "Müller & Søn: treatment 1.75 (SE 0.7); control 1 (SE 0.5)",
        "de la Cruz: treatment 1 (SE 0.48); control 0.25 (SE 0.5)",
    ),
    "our-poisson-two-arms": (
        "007: treatment 8 in 118; control 5 in 120.5",
        "Müller & Søn: treatment 7 in 91; control 3 in 90",
        "de la Cruz: treatment 2 in 31.5; control 0 in 30",
    ),
    "our-contrast-two-arms": (
        "007: treatment v control 0.5 (SE 0.3)",
        "Müller & Søn: treatment v control -0.25 (SE 0.2)",
        "de la Cruz: treatment v control 1.5 (SE 0.5)",
    ),
}

CASES = [
    # file, layout, the file of ours with the same facts, how its columns were understood
    (COUNTS, "myopoise", COUNTS, "treatment from treatment; events from r; patients from n."),
    ("our-normal-sd", "myopoise", MEANS, "mean from mean; standard deviation from sd; patients from n."),
    (MEANS, "myopoise", MEANS, "mean from y; standard error from se; patients from n."),
    (RATES, "myopoise", RATES, "events from r; person-time from exposure."),
    (STEPS, "myopoise", STEPS, "patients from n; patients at or above each threshold from ge_1, ge_2, ge_3."),
    (
        CONTRASTS,
        "myopoise",
        CONTRASTS,
        "the treatment from treatment_1; the treatment it is compared with from treatment_2; contrast from estimate; "
        "standard error from se.",
    ),
    ("our-contrast-covariance", "myopoise", CONTRASTS, "standard error from se; covariance from covariance."),
    (
        "our-contrast-baseline",
        "myopoise",
        CONTRASTS,
        "treatment from treatment; contrast from diff; standard error from se_diff.",
    ),
    ("our-binomial-two-arms", "myopoise", "our-binomial-two-arms", "events from r; patients from n."),
    ("our-normal-two-arms", "myopoise", "our-normal-two-arms", "mean from mean; standard deviation from sd"),
    ("our-poisson-two-arms", "myopoise", "our-poisson-two-arms", "person-time from exposure."),
    ("our-contrast-two-arms", "myopoise", "our-contrast-two-arms", "contrast from estimate"),
    (
        "netmeta-binomial-long",
        "netmeta",
        COUNTS,
        "study from studlab; treatment from treat; events from event",
    ),
    (
        "netmeta-binomial-pairwise",
        "netmeta",
        COUNTS,
        "treatment from treat1, treat2; events from event1, event2; patients from n1, n2.",
    ),
    ("netmeta-normal-pairwise", "netmeta", MEANS, "mean from mean1, mean2; standard deviation from sd1, sd2"),
    ("netmeta-poisson-pairwise", "netmeta", RATES, "person-time from time1, time2."),
    (
        "netmeta-contrast",
        "netmeta",
        CONTRASTS,
        "study from studlab; the treatment from treat1; the treatment it is compared with from treat2; contrast from "
        "TE; standard error from seTE.",
    ),
    (
        "metafor-abcd",
        "metafor",
        "our-binomial-two-arms",
        "study from slab; events from ai, ci; patients without an event from bi, di.",
    ),
    ("metafor-n1i-n2i", "metafor", "our-binomial-two-arms", "events from ai, ci; patients from n1i, n2i."),
    ("metafor-tpos-tneg", "metafor", "our-binomial-two-arms", "patients without an event from tneg, cneg."),
    (
        "metafor-xi-ni",
        "metafor",
        "our-binomial-two-arms",
        "treatment from trt; events from xi; patients from ni",
    ),
    (
        "metafor-normal",
        "metafor",
        "our-normal-two-arms",
        "mean from m1i, m2i; standard deviation from sd1i, sd2i; patients from n1i, n2i.",
    ),
    (
        "metafor-poisson",
        "metafor",
        "our-poisson-two-arms",
        "events from x1i, x2i; person-time from t1i, t2i.",
    ),
    ("metafor-yi-vi", "metafor", "our-contrast-two-arms", "contrast from yi; variance from vi."),
    ("metafor-yi-sei", "metafor", "our-contrast-two-arms", "contrast from yi; standard error from sei."),
    (
        "multinma-binomial",
        "multinma",
        COUNTS,
        "study from studyc; treatment from trtc; events from r; patients from n; not used trtn.",
    ),
    ("multinma-normal", "multinma", MEANS, "mean from y; standard error from se; patients from sample_size."),
    ("multinma-poisson", "multinma", RATES, "events from r; person-time from E."),
    ("multinma-ordered", "multinma", STEPS, "patients at or above each threshold from ge_1, ge_2, ge_3."),
    ("multinma-contrast", "multinma", CONTRASTS, "contrast from y; standard error from se."),
    ("gemtc-binomial", "gemtc", COUNTS, "events from responders; patients from sampleSize."),
    ("gemtc-normal", "gemtc", MEANS, "standard deviation from std.dev; patients from sampleSize."),
    ("gemtc-normal-se", "gemtc", MEANS, "standard error from std.err; patients from sampleSize."),
    ("gemtc-poisson", "gemtc", RATES, "events from responders; person-time from exposure."),
    ("gemtc-contrast", "gemtc", CONTRASTS, "contrast from diff; standard error from std.err."),
    ("metainsight-binomial-long", "metainsight", COUNTS, "study from Study; treatment from T; events from R"),
    (
        "metainsight-binomial-wide",
        "metainsight",
        COUNTS,
        "treatment from T.1, T.2, T.3; events from R.1, R.2, R.3; patients from N.1, N.2, N.3.",
    ),
    ("metainsight-normal-long", "metainsight", MEANS, "mean from Mean; standard deviation from SD"),
    ("metainsight-normal-wide", "metainsight", MEANS, "mean from Mean.1, Mean.2, Mean.3; standard deviation"),
    (
        "cinema-binomial",
        "cinema",
        COUNTS,
        "study from study; treatment from t; events from r; patients from n; covariates rob, indirectness.",
    ),
    ("cinema-normal", "cinema", MEANS, "mean from y; standard deviation from sd; patients from n."),
    ("cinema-contrast", "cinema", CONTRASTS, "contrast from effect; standard error from se; covariates rob."),
]
KINDS = {COUNTS: "binomial", MEANS: "normal", RATES: "poisson", STEPS: "ordered", CONTRASTS: "contrast"}


def kind_of(like: str) -> str:
    return KINDS.get(like) or like.removeprefix("our-").split("-")[0]


@pytest.mark.parametrize(("file", "layout", "like", "columns"), CASES, ids=[case[0] for case in CASES])
def test_a_layout_is_recognised_by_its_columns_and_says_how(
    file: str, layout: str, like: str, columns: str
) -> None:
    read = mp.read_studies(DATA / f"{file}.csv")
    assert read.layout == layout
    assert read.guess.startswith(f"Read as {kind_of(like)} data in the layout of {layout}: study from ")
    assert columns in read.guess
    assert read.first == FIRST[like]


@pytest.mark.parametrize(("file", "layout", "like", "columns"), CASES, ids=[case[0] for case in CASES])
def test_the_same_facts_in_another_layout_are_the_same_studies(
    file: str, layout: str, like: str, columns: str
) -> None:
    found = mp.read_studies(DATA / f"{file}.csv").studies
    ours = mp.read_studies(DATA / f"{like}.csv").studies
    assert found.names == ("007", "Müller & Søn", "de la Cruz")
    assert_same_facts(found, ours)


@pytest.mark.parametrize(("file", "layout", "like", "columns"), CASES, ids=[case[0] for case in CASES])
def test_a_layout_asked_for_by_name_is_the_one_recognised(
    file: str, layout: str, like: str, columns: str
) -> None:
    asked = mp.read_studies(DATA / f"{file}.csv", layout=layout, outcome=kind_of(like))
    assert asked.layout == layout
    assert asked.guess == mp.read_studies(DATA / f"{file}.csv").guess


# --- RevMan -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "like", "columns"),
    [
        ("Response", COUNTS, "treatment from Intervention; events from Cases; patients from Sample size."),
        ("Pain", MEANS, "mean from Mean; standard deviation from SD; patients from Sample size."),
        (
            "Function",
            CONTRASTS,
            "the treatment from Intervention; the treatment it is compared with from Reference intervention; contrast "
            "from Mean; standard error from SE; covariance from Covariance.",
        ),
    ],
)
@pytest.mark.parametrize("part", ["", "study-results.csv", "study-arms.csv", "risk-of-bias.csv"])
def test_revman_is_read_from_its_folder_or_any_of_its_files(
    part: str, endpoint: str, like: str, columns: str
) -> None:
    read = mp.read_studies(DATA / "revman" / part, endpoint=endpoint)
    assert read.layout == "revman"
    assert columns in read.guess
    assert read.first == FIRST[like]
    assert read.studies.notes == (f"The outcome is {endpoint}.",)
    assert_same_facts(read.studies, mp.read_studies(DATA / f"{like}.csv").studies)


def test_study_information_is_revmans_when_the_layout_is_named() -> None:
    read = mp.read_studies(DATA / "revman" / "study-information.csv", layout="RevMan", endpoint="Response")
    assert read.first == FIRST[COUNTS]


def test_a_revman_review_of_several_outcomes_asks_which() -> None:
    with pytest.raises(WrongUsage, match=r"holds 3 outcomes: Response; Pain; Function\. Say which"):
        mp.read_studies(DATA / "revman")


def test_an_unknown_outcome_of_a_review_is_met_with_the_nearest() -> None:
    with pytest.raises(
        WrongUsage, match=r"no outcome 'Responce'. Did you mean Response\? It has: Response; Pain"
    ):
        mp.read_studies(DATA / "revman", endpoint="Responce")


def test_without_the_file_of_arms_revmans_arms_keep_their_own_names(tmp_path: Path) -> None:
    shutil.copy(DATA / "revman" / "study-results.csv", tmp_path)
    read = mp.read_studies(tmp_path, endpoint="Response")
    assert read.first[0] == "007: P1 5/50; A1 8/52"
    assert "The file of study arms is not beside the results: arms are called by their own names." in str(
        read
    )


RESULTS = (
    "Study,Outcome,Arm,Reference arm,Sample size,Mean,SD,SE,Variance,CI start,CI end,CI level,{}\n".format(
        "Exp(mean),Exp(CI start),Exp(CI end)"
    )
)


def test_revmans_other_ways_to_give_a_spread_are_turned_into_the_sd(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(
        RESULTS
        + "A,Pain,x,,25,3,2,,,,,,,,\n"  # an SD
        + "A,Pain,y,,16,4,,0.5,,,,,,,\n"  # the SE of the mean
        + "B,Pain,x,,16,3,,,0.25,,,,,,\n"  # its variance
        + "B,Pain,y,,25,4,,,,3.2160144062,4.7839855938,95,,,\n"  # 4 plus and minus 1.959963985 x 0.4
        + "C,Pain,x,,25,3,,,,2.3420585492,3.6579414508,90,,,\n"  # 3 plus and minus 1.644853627 x 0.4
        + "C,Pain,y,,25,3,2,,,,,,,,\n",
        encoding="utf-8",
    )
    read = mp.read_studies(tmp_path)
    assert read.studies.arms is not None
    np.testing.assert_allclose(read.studies.arms.se, [0.4, 0.5, 0.5, 0.4, 0.4, 0.4], rtol=1e-9)
    assert "In 4 arms the SD was computed from the SE, variance or interval given." in read.studies.notes


def test_revmans_ratios_are_taken_to_the_log_scale(tmp_path: Path) -> None:
    low, high = 0.8 * np.exp(-1.959963985 * 0.25), 0.8 * np.exp(1.959963985 * 0.25)
    (tmp_path / "results.csv").write_text(
        f"{RESULTS}A,HR,x,y,,,,,,,,95,0.8,{low:.12f},{high:.12f}\nB,HR,x,y,,-0.5,,0.2,,,,,,,\n",
        encoding="utf-8",
    )
    (block,) = mp.read_studies(tmp_path).studies.contrasts
    np.testing.assert_allclose(block.estimate[:, 0], [np.log(0.8), -0.5])
    np.testing.assert_allclose(block.covariance[:, 0, 0], [0.25**2, 0.2**2], rtol=1e-8)


# --- the same table in other files ------------------------------------------------------------------------


def frame() -> polars.DataFrame:
    return polars.read_csv(DATA / "our-normal-sd.csv", schema_overrides={"study": polars.String})


def as_semicolons() -> str:
    text = (DATA / "our-normal-sd.csv").read_text(encoding="utf-8")
    return text.replace(",", ";").replace(".", ",")


def written(path: Path, kind: str) -> Path:
    plain = (DATA / "our-normal-sd.csv").read_text(encoding="utf-8")
    texts = {
        "tsv": plain.replace(",", "\t"),
        "txt": plain.replace(",", "\t"),
        "semicolons and decimal commas": as_semicolons(),
        "semicolons and decimal points": plain.replace(",", ";"),
        "byte order mark": "\ufeff" + plain,
        "line ends of Windows": plain.replace("\n", "\r\n"),
        "no line end at the end": plain.rstrip("\n"),
        "blank rows at the end": plain + ",,,,\n,,,,\n\n",
        "a blank row between": plain.replace("Müller & Søn,Placebo", ",,,,\nMüller & Søn,Placebo", 1),
        "spaces round the numbers": plain.replace(",2,16\n", ", 2 , 16\n"),
        "every cell in quotation marks": "".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in plain.splitlines()
        ),
        "columns in another order": frame().select("n", "sd", "study", "mean", "treatment").write_csv(),
        "names of columns in capitals": plain.replace(
            "study,treatment,mean,sd,n", "STUDY,Treatment,Mean,S.D.,N"
        ),
    }
    if kind == "parquet":
        path = path.with_suffix(".parquet")
        frame().write_parquet(path)
    elif kind == "xlsx":
        path = path.with_suffix(".xlsx")
        frame().write_excel(path)
    else:
        path = path.with_suffix(f".{kind}" if kind in ("tsv", "txt") else ".csv")
        path.write_text(texts[kind], encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "tsv",
        "txt",
        "parquet",
        "xlsx",
        "semicolons and decimal commas",
        "semicolons and decimal points",
        "byte order mark",
        "line ends of Windows",
        "no line end at the end",
        "blank rows at the end",
        "a blank row between",
        "spaces round the numbers",
        "every cell in quotation marks",
        "columns in another order",
        "names of columns in capitals",
    ],
)
def test_the_same_table_in_another_file_is_the_same_studies(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / "table", kind)
    read = mp.read_studies(path)
    assert read.first == FIRST[MEANS]
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert_same_facts(read.studies, mp.read_studies(DATA / "our-normal-sd.csv").studies)


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "arrow", "columns", "rows"])
def test_a_table_in_memory_is_read_as_its_file_is(kind: str) -> None:
    table = frame()
    if kind in ("pandas", "arrow"):
        pytest.importorskip("pandas" if kind == "pandas" else "pyarrow")
    made: dict[str, Any] = {
        "polars": lambda: table,
        "lazy": table.lazy,
        "pandas": table.to_pandas,
        "arrow": table.to_arrow,
        "columns": lambda: table.to_dict(as_series=False),
        "rows": table.to_dicts,
    }
    read = mp.studies_from(made[kind]())
    assert (read.layout, read.sha256) == ("myopoise", "")
    assert read.first == FIRST[MEANS]
    assert_same_facts(read.studies, mp.read_studies(DATA / "our-normal-sd.csv").studies)


@pytest.mark.parametrize("table", [3, "A,B", None])
def test_what_is_no_table_is_refused_with_what_would_be_one(table: object) -> None:
    with pytest.raises(
        WrongUsage, match=r"This is not a table but of the type .* a file is read by read_studies"
    ):
        mp.studies_from(table)


# --- names ------------------------------------------------------------------------------------------------

ODD_NAMES = ("007", "7", " Ångström", "Ångström ", "ångström", "O'Neil, 2004", 'the "B" trial', "試験", "1e3")


def test_names_are_kept_letter_by_letter(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["study", "treatment", "r", "n"])
        for name in ODD_NAMES:
            rows.writerow([name, "Placebo ", 1, 10])
            rows.writerow([name, f"drug {name}", 2, 10])
    studies = mp.read_studies(path).studies
    assert studies.names == ODD_NAMES
    assert studies.treatments == ("Placebo ", *(f"drug {name}" for name in ODD_NAMES))


def test_names_that_differ_only_by_case_or_spaces_are_kept_apart_with_a_note() -> None:
    rows = [
        {"study": "A", "treatment": "placebo", "r": 1, "n": 10},
        {"study": "A", "treatment": "drug", "r": 1, "n": 10},
        {"study": "B", "treatment": "Placebo ", "r": 1, "n": 10},
        {"study": "B", "treatment": "drug", "r": 1, "n": 10},
    ]
    studies = mp.studies_from(rows).studies
    assert studies.treatments == ("placebo", "drug", "Placebo ")
    assert studies.notes == (
        "'placebo' and 'Placebo ' are read as different names. Did you mean one treatment?",
    )


def test_studies_are_shown_in_the_order_of_the_file_and_no_more_than_three() -> None:
    rows = [
        {"study": name, "treatment": treatment, "r": 1, "n": 10}
        for name in ("z", "y", "x", "w")
        for treatment in ("b", "a")
    ]
    read = mp.studies_from(rows)
    assert read.studies.names == ("z", "y", "x", "w")
    assert read.studies.treatments == ("b", "a")
    assert read.first == ("z: b 1/10; a 1/10", "y: b 1/10; a 1/10", "x: b 1/10; a 1/10")
    assert str(read) == "\n".join([read.guess, *(f"  {line}" for line in read.first)])


def test_arms_of_a_study_that_stand_apart_come_together() -> None:
    apart = {
        "study": ["A", "B", "A", "B"],
        "treatment": ["x", "x", "y", "y"],
        "r": [1, 2, 3, 4],
        "n": [9, 9, 9, 9],
    }
    assert mp.studies_from(apart).first == ("A: x 1/9; y 3/9", "B: x 2/9; y 4/9")


def test_trials_of_one_author_are_told_apart_by_their_years() -> None:
    table = {
        "study": ["Gottlieb", "Gottlieb", "Gottlieb", "Gottlieb"],
        "year": [2003, 2003, 2004, 2004],
        "treatment": ["x", "y", "x", "y"],
        "r": [1, 2, 3, 4],
        "n": [9, 9, 9, 9],
    }
    read = mp.studies_from(table)
    assert read.studies.names == ("Gottlieb 2003", "Gottlieb 2004")
    assert (
        "Studies of one name and different years (Gottlieb) are told apart by their year."
        in read.studies.notes
    )


def test_rows_without_a_column_of_studies_are_numbered_and_it_is_said() -> None:
    read = mp.studies_from({"yi": [0.1, 0.3], "vi": [0.04, 0.09]})
    assert read.studies.names == ("1", "2")
    assert read.studies.notes == ("No column names the studies, so the rows are numbered.",)


# --- which result, and what stands beside it --------------------------------------------------------------

BOTH = {
    "studlab": ["A", "B"],
    "treat1": ["x", "x"],
    "treat2": ["y", "y"],
    "TE": [0.5, -0.25],
    "seTE": [0.2, 0.3],
    "event1": [3, 4],
    "n1": [10, 20],
    "event2": [5, 6],
    "n2": [11, 21],
}


def test_a_file_with_contrasts_and_events_is_read_by_contrast_and_names_what_it_left() -> None:
    read = mp.studies_from(BOTH)
    assert read.first[0] == "A: x v y 0.5 (SE 0.2)"
    assert read.guess.endswith("not used event1, n1, event2, n2.")


def test_the_events_beside_contrasts_are_read_when_asked_for() -> None:
    read = mp.studies_from(BOTH, outcome="binomial")
    assert read.first[0] == "A: x 3/10; y 5/11"
    assert "not used TE, seTE" in read.guess


def test_contrasts_without_an_estimate_are_left_out_with_a_note() -> None:
    read = mp.studies_from({**BOTH, "TE": [0.5, None], "seTE": [0.2, None]})
    assert read.studies.names == ("A",)
    assert read.studies.notes == ("Rows without an estimate were left out, of the studies B.",)


def test_a_study_that_does_not_report_the_outcome_is_left_out_with_a_note() -> None:
    rows = {
        "study": ["A", "A", "B", "B"],
        "treatment": ["x", "y", "x", "y"],
        "r": [1, 2, None, None],
        "n": [9] * 4,
    }
    read = mp.studies_from(rows)
    assert read.studies.names == ("A",)
    assert read.studies.notes == ("Studies that do not report the outcome were left out: B.",)


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", ".", "-", "NR", "null", "*"])
def test_what_people_write_for_nothing_is_nothing(word: str) -> None:
    rows = {
        "study": ["A", "A", "B", "B"],
        "treatment": ["x", "y", "x", "y"],
        "r": ["1", "2", word, word],
        "n": ["9"] * 4,
    }
    assert mp.studies_from(rows).studies.names == ("A",)


def test_other_numbers_are_covariates_and_other_words_are_not_used() -> None:
    read = mp.studies_from(
        {
            "study": ["A", "A"],
            "treatment": ["x", "y"],
            "r": [1, 2],
            "n": [9, 9],
            "age": [50.5, 51],
            "country": ["Spain", "Spain"],
        }
    )
    assert read.guess.endswith("covariates age; not used country.")
    assert read.studies.arms is not None
    np.testing.assert_array_equal(read.studies.arms.covariates["age"], [50.5, 51])


def test_follow_up_stands_beside_the_counts() -> None:
    read = mp.studies_from(
        {"study": ["A", "A"], "treatment": ["x", "y"], "r": [1, 2], "n": [9, 9], "time": [5.8, None]}
    )
    assert "time from time" in read.guess
    assert read.studies.arms is not None
    np.testing.assert_array_equal(read.studies.arms.time, [5.8, np.nan])


def test_words_of_several_programs_are_understood_and_called_mixed() -> None:
    read = mp.studies_from({"Study": ["A", "A"], "Drug": ["x", "y"], "Events": [1, 2], "Total": [9, 9]})
    assert read.layout == "mixed"
    assert read.first == ("A: x 1/9; y 2/9",)


# --- reference sets ---------------------------------------------------------------------------------------

REFERENCE = [
    # File, layout, outcome, studies, arms, treatments, studies of more than two treatments. Where the title in
    # model.json gives a number it is that one; the others were counted in the file.
    ("bcg_vaccine/data.csv", "myopoise", "binomial", 13, 26, 2, 0),
    ("blocker/data.csv", "myopoise", "binomial", 22, 44, 2, 0),
    ("crins2014/data.csv", "metafor", "contrast", 6, 12, 2, 0),
    ("dat_bcg/data.csv", "metafor", "contrast", 13, 26, 2, 0),
    ("dat_hackshaw1998/data.csv", "metafor", "contrast", 37, 74, 2, 0),
    ("dat_nielweise2007/data.csv", "metafor", "contrast", 18, 36, 2, 0),
    ("dat_normand1999/data.csv", "metafor", "contrast", 9, 18, 2, 0),
    ("dat_yusuf1985/data.csv", "metafor", "contrast", 21, 42, 2, 0),
    ("diabetes/data.csv", "myopoise", "binomial", 22, 48, 6, 4),
    ("dong2013/data.csv", "myopoise", "binomial", 41, 99, 6, 10),
    ("dong2013/contrasts.csv", "netmeta", "contrast", 41, 99, 6, 10),
    ("franchini2012/data.csv", "myopoise", "normal", 7, 15, 5, 1),
    ("franchini2012/contrasts.csv", "netmeta", "contrast", 7, 15, 5, 1),
    ("franchini2012/contrasts_smd.csv", "netmeta", "contrast", 7, 15, 5, 1),
    ("gurusamy2011/data.csv", "myopoise", "binomial", 14, 29, 7, 1),
    ("gurusamy2011/contrasts.csv", "netmeta", "contrast", 11, 23, 6, 1),
    ("hta_psoriasis/data.csv", "multinma", "ordered", 16, 36, 8, 2),
    ("konstantopoulos2011/data.csv", "metafor", "contrast", 56, 112, 2, 0),
    ("linde2016/data.csv", "netmeta", "contrast", 93, 201, 22, 14),
    ("parkinsons/data.csv", "myopoise", "normal", 7, 15, 5, 1),
    ("plaque_psoriasis/data.csv", "multinma", "binomial", 1, 4, 4, 1),
    ("plaque_psoriasis/data_agd.csv", "multinma", "binomial", 1, 4, 4, 1),
    ("rubin1981/data.csv", "metafor", "contrast", 8, 16, 2, 0),
    ("senn2013/data.csv", "netmeta", "contrast", 26, 53, 10, 1),
    ("smoking/data.csv", "myopoise", "binomial", 24, 50, 4, 2),
    ("synthetic/binary_s100_t10.csv", "myopoise", "binomial", 100, 213, 10, 13),
    ("synthetic/binary_s1000_t50.csv", "myopoise", "binomial", 1000, 2093, 50, 93),
    ("synthetic/binary_s5000_t100.csv", "myopoise", "binomial", 5000, 10494, 100, 494),
    ("woods2010/data.csv", "myopoise", "binomial", 3, 8, 4, 1),
    ("woods2010/contrasts.csv", "netmeta", "contrast", 3, 8, 4, 1),
]


@pytest.mark.parametrize(
    ("file", "layout", "outcome", "studies", "arms", "treatments", "multi_arm"),
    REFERENCE,
    ids=[case[0] for case in REFERENCE],
)
def test_a_reference_set_is_read_whole(
    file: str, layout: str, outcome: str, studies: int, arms: int, treatments: int, multi_arm: int
) -> None:
    try:
        path = reference_folder() / file
    except Missing as reason:
        pytest.skip(str(reason))
    read = mp.read_studies(path)
    found = read.studies
    assert read.layout == layout
    assert read.guess.startswith(f"Read as {outcome} data")
    assert (len(found.names), found.arm_count, len(found.treatments)) == (studies, arms, treatments)
    designs = mp.network(found).designs
    assert sum(len(names) for _, names in designs.items()) == studies
    assert sum(len(held) for design, held in designs.items() if len(design) > 2) == multi_arm


@pytest.mark.parametrize("file", ["smoking", "blocker", "diabetes", "dong2013", "bcg_vaccine", "woods2010"])
def test_events_and_patients_of_a_reference_set_are_those_of_its_rows(file: str) -> None:
    try:
        path = reference_folder() / file / "data.csv"
    except Missing as reason:
        pytest.skip(str(reason))
    with path.open(encoding="utf-8") as handle:
        rows = {(row["study"], row["treatment"]): (row["r"], row["n"]) for row in csv.DictReader(handle)}
    found = mp.read_studies(path).studies
    assert found.arms is not None
    assert found.arms.events is not None
    assert found.arms.n is not None
    assert {
        (found.names[study], found.treatments[treatment]): (f"{r:.0f}", f"{n:.0f}")
        for study, treatment, r, n in zip(
            found.arms.study, found.arms.treatment, found.arms.events, found.arms.n, strict=True
        )
    } == rows
