"""What is wrong in a file of studies, what its message says, and that all of it is said together.

Each row of `FAULTS` is a file, the kind of its one fault, where it stands, and words that the message has: the study,
what was found, and the remedy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import myopoise as mp
from myopoise.errors import BadInput, Fault, WrongUsage

DATA = Path(__file__).resolve().parents[1] / "data" / "studies" / "faults"

COUNTS = "study,treatment,r,n\n"
GOOD = "Good,x,1,10\nGood,y,2,10\n"
STEPS = "study,treatment,n,ge_1,ge_2,ge_3\nGood,x,10,5,2,1\nGood,y,10,6,3,2\n"
SPREADS = "study,treatment,y,se\nGood,x,1,0.2\nGood,y,2,0.3\n"
DEVIATIONS = "study,treatment,mean,sd,n\nGood,x,1,2,10\nGood,y,2,3,10\n"
RATES = "study,treatment,r,exposure\nGood,x,1,10\nGood,y,2,10\n"
PAIRS = "study,treatment_1,treatment_2,estimate,se\nGood,y,x,1,0.2\n"
SHARED = "study,treatment_1,treatment_2,estimate,se,covariance\nGood,y,x,1,0.2,\n"
BASELINE = "study,treatment,diff,se_diff\nGood,x,,\nGood,y,1,0.2\n"

FAULTS = {
    "events above n": (
        f"{COUNTS}{GOOD}Bad,x,11,10\nBad,y,2,10\n",
        "events-above-n", 4, "r",
        "study Bad, x: 11 events among 10 patients", "Events cannot exceed n",
    ),
    "events and patients in each other's columns": (
        f"{COUNTS}{GOOD}Bad,x,10,10\nBad,y,10,2\n",
        "events-above-n", 5, "r", "study Bad, y: 10 events among 2 patients", "Compare with the table of the source",
    ),
    "a fractional count": (
        f"{COUNTS}{GOOD}Bad,x,1.5,10\nBad,y,2,10\n",
        "fractional-count", 4, "r", "study Bad, x: 1.5 is not a whole number", "a percentage must be turned into",
    ),
    "a fractional number of patients": (
        f"{COUNTS}{GOOD}Bad,x,1,10.5\nBad,y,2,10\n",
        "fractional-count", 4, "n", "study Bad, x: 10.5 is not a whole number", "Compare with the table of the source",
    ),
    "a negative count": (
        f"{COUNTS}{GOOD}Bad,x,1,10\nBad,y,-2,10\n",
        "negative-count", 5, "r", "study Bad, y: -2 is below zero", "Compare with the table of the source",
    ),
    "an arm of nobody": (
        f"{COUNTS}{GOOD}Bad,x,0,0\nBad,y,2,10\n",
        "empty-arm", 4, "n", "study Bad, x: an arm of no patients", "write how many patients it had",
    ),
    "one result missing": (
        f"{COUNTS}{GOOD}Bad,x,,10\nBad,y,2,10\n",
        "missing-cell", 4, "r", "study Bad, x: the cell is empty", "Fill it from the source; leave out a study",
    ),
    "a size missing": (
        f"{COUNTS}{GOOD}Bad,x,1,NA\nBad,y,2,10\n",
        "missing-cell", 4, "n", "study Bad, x: the cell is empty", "Fill it from the source",
    ),
    "a copied row": (
        f"{COUNTS}{GOOD}Bad,x,1,10\nBad,x,1,10\nBad,y,2,10\n",
        "arm-twice", 5, "treatment", "study Bad has x twice (rows 4 and 5)", "Remove the row that was copied",
    ),
    "a copied row further down": (
        f"{COUNTS}Bad,x,1,10\nBad,y,2,10\n{GOOD}Bad,y,2,10\n",
        "arm-twice", 6, "treatment", "study Bad has y twice (rows 3 and 6)", "Remove the row that was copied",
    ),
    "two arms of one treatment and no other": (
        f"{COUNTS}{GOOD}Bad,x,1,10\nBad,x,3,12\n",
        "arm-twice", 5, "treatment",
        "study Bad has x twice (rows 4 and 5)", "Name two doses apart, give two studies two names, or add arms",
    ),
    "a copied row of an ordered outcome": (
        f"{STEPS}Bad,x,10,5,2,\nBad,x,10,5,2,\nBad,y,10,5,2,1\n",
        "arm-twice", 5, "treatment", "study Bad has x twice (rows 4 and 5)", "Remove the row that was copied",
    ),
    "a study of one arm": (
        f"{COUNTS}{GOOD}Bad,x,1,10\n",
        "one-arm", 4, "treatment", "study Bad has one arm (x)", "Add the arm it was compared with, or leave",
    ),
    "a study of one contrast's baseline alone": (
        f"{BASELINE}Bad,x,,0.1\n",
        "one-arm", 4, "diff", "study Bad has one arm (x) and no contrast", "Add the arm it was compared with",
    ),
    "a treatment without a name": (
        f"{COUNTS}{GOOD}Bad,x,1,10\nBad,,2,10\n",
        "no-treatment", 5, "treatment", "study Bad, : the treatment has no name", "Write the name of the treatment",
    ),
    "a study without a name": (
        f"{COUNTS}{GOOD}Bad,x,1,10\n,y,2,10\n",
        "no-study", 5, "study", "the study has no name", "Write the name of the study in every row",
    ),
    "a negative standard error": (
        f"{SPREADS}Bad,x,1,-0.2\nBad,y,2,0.3\n",
        "negative-se", 4, "se", "study Bad, x: a standard error of -0.2", "Write the standard error of the source",
    ),
    "a standard error of zero": (
        f"{SPREADS}Bad,x,1,0\nBad,y,2,0.3\n",
        "zero-se", 4, "se", "study Bad, x: a standard error of zero", "recompute it from the interval or the P value",
    ),
    "a negative standard deviation": (
        f"{DEVIATIONS}Bad,x,1,-2,10\nBad,y,2,3,10\n",
        "negative-sd", 4, "sd", "study Bad, x: a standard deviation of -2", "Write the standard deviation of",
    ),
    "a standard deviation of zero": (
        f"{DEVIATIONS}Bad,x,1,0,10\nBad,y,2,3,10\n",
        "zero-sd", 4, "sd", "study Bad, x: a standard deviation of zero", "recompute it from the interval",
    ),
    "no exposure": (
        f"{RATES}Bad,x,1,0\nBad,y,2,10\n",
        "exposure-not-positive", 4, "exposure", "study Bad, x: exposure is 0, not above zero", "Write the person-time",
    ),
    "no follow-up": (
        "study,treatment,r,n,time\nBad,x,1,10,-2\nBad,y,2,10,2\n",
        "time-not-positive", 2, "time", "study Bad, x: time is -2, not above zero", "Leave it empty where",
    ),
    "cumulative counts that rise": (
        f"{STEPS}Bad,x,10,5,6,1\nBad,y,10,5,2,1\n",
        "counts-rise", 4, "ge_2", "study Bad, x: 6 among 5 at or above ge_1", "Counts of categories that exclude each",
    ),
    "cumulative counts that rise over an empty cell": (
        f"{STEPS}Bad,x,10,5,,6\nBad,y,10,5,2,1\n",
        "counts-rise", 4, "ge_3", "study Bad, x: 6 among 5 at or above ge_1", "The counts are cumulative",
    ),
    "more at a threshold than patients": (
        f"{STEPS}Bad,x,10,11,2,1\nBad,y,10,5,2,1\n",
        "events-above-n", 4, "ge_1", "study Bad, x: 11 among 10 patients", "The counts are cumulative",
    ),
    "no threshold reported in one arm": (
        f"{STEPS}Bad,x,10,,,\nBad,y,10,5,2,1\n",
        "missing-cell", 4, "ge_1", "study Bad, x: no threshold is reported", "Fill at least one of the counts",
    ),
    "a contrast with a negative standard error": (
        f"{PAIRS}Bad,y,x,1,-0.2\n",
        "negative-se", 3, "se", "study Bad: a standard error or variance of -0.2", "It must be above zero",
    ),
    "a contrast with a standard error of zero": (
        f"{PAIRS}Bad,y,x,1,0\n",
        "zero-se", 3, "se", "study Bad: a standard error or variance of 0", "Recompute it from the interval",
    ),
    "a variance of zero": (
        "study,yi,vi\nGood,0.1,0.2\nBad,0.1,0\n",
        "zero-se", 3, "vi", "study Bad: a standard error or variance of 0", "It must be above zero",
    ),
    "a contrast without its standard error": (
        f"{PAIRS}Bad,y,x,1,\n",
        "missing-cell", 3, "se", "study Bad: the cell is empty", "or leave the whole contrast empty",
    ),
    "a standard error without its contrast": (
        f"{PAIRS}Bad,y,x,,0.2\n",
        "missing-cell", 3, "estimate", "study Bad: the cell is empty", "or leave the whole contrast empty",
    ),
    "a contrast of a treatment with itself": (
        f"{PAIRS}Bad,x,x,1,0.2\n",
        "contrast-with-itself", 3, "", "study Bad compares x with itself", "Name the two treatments that were compared",
    ),
    "a contrast without one treatment": (
        f"{PAIRS}Bad,,x,1,0.2\n",
        "no-treatment", 3, "treatment_1", "study Bad: the treatment has no name", "Write the name of the treatment",
    ),
    "a contrast given twice, the second time turned round": (
        f"{PAIRS}Bad,y,x,1,0.2\nBad,x,y,-1,0.2\n",
        "contrast-twice", 4, "", "study Bad gives the contrast y v x more than once (rows 3, 4)", "Keep one",
    ),
    "a triangle that does not close": (
        f"{PAIRS}Bad,y,x,1,0.2\nBad,z,x,2,0.2\nBad,z,y,-1,0.2\n",
        "triangle-does-not-close", 5, "estimate",
        "study Bad gives contrasts that do not add up", "Look for a wrong sign, a wrong treatment or a wrong number",
    ),
    "two contrasts of three arms and nothing on what they share": (
        f"{PAIRS}Bad,y,x,1,0.2\nBad,z,x,2,0.2\n",
        "no-covariance", 3, "covariance",
        "study Bad has 3 arms and gives 2 contrasts with one arm, but not how they are correlated",
        "or give all 3 pairwise contrasts",
    ),
    "a baseline arm without its own standard error": (
        f"{BASELINE}Bad,x,,\nBad,y,1,0.2\nBad,z,2,0.2\n",
        "no-covariance", 5, "se_diff",
        "study Bad has 3 arms and gives 2 contrasts with one arm",
        "Fill se_diff of the arm without a contrast with the standard error of its own result",
    ),
    "some of the contrasts of four arms": (
        f"{PAIRS}Bad,y,x,1,0.2\nBad,z,x,2,0.2\nBad,w,x,3,0.2\nBad,z,y,1,0.2\n",
        "too-few-contrasts", 3, "",
        "study Bad has 4 arms (x, y, z, w) and gives 4 contrasts", "(missing: y v w; z v w)",
    ),
    "two covariances of one study": (
        f"{SHARED}Bad,y,x,1,0.3,0.04\nBad,z,x,2,0.3,0.05\n",
        "covariances-differ", 3, "covariance", "study Bad states more than one covariance", "share one covariance",
    ),
    "a shared arm less certain than a contrast with it": (
        f"{SHARED}Bad,y,x,1,0.3,0.16\nBad,z,x,2,0.5,0.16\n",
        "covariance-not-positive", 3, "covariance",
        "study Bad: the shared arm has a standard error of 0.4, and a contrast with it one of 0.3",
        "above 0 and below 0.3 (its square, the covariance, below 0.09)",
    ),
    "a standard error that no three arms can have": (
        f"{PAIRS}Bad,y,x,1,0.3\nBad,z,x,2,0.4\nBad,z,y,1,0.9\n",
        "negative-arm-variance", 5, "se",
        "study Bad: the standard error of y v z is 0.9, which would make the variance of x negative",
        "It can be at most 0.5",  # the root of 0.3^2 + 0.4^2
    ),
    "two arms without a contrast": (
        f"{BASELINE}Bad,x,,0.1\nBad,y,,0.2\nBad,z,1,0.2\n",
        "no-baseline", 4, "diff", "study Bad has 2 rows with an empty contrast", "of that arm only",
    ),
    "no arm without a contrast": (
        f"{BASELINE}Bad,x,1,0.1\nBad,y,2,0.2\n",
        "no-baseline", 4, "diff", "study Bad has 0 rows with an empty contrast", "Leave the contrast of the baseline",
    ),
    "a word for a count": (
        f"{COUNTS}{GOOD}Bad,x,two,10\nBad,y,2,10\n",
        "not-a-number", 4, "r", "study Bad: 'two' is not a number", "Write a number, or leave the cell empty",
    ),
    "a word for a contrast": (
        f"{PAIRS}Bad,y,x,inf,0.2\n",
        "not-a-number", 3, "estimate", "study Bad: 'inf' is not a number", "Write a number, or leave the cell empty",
    ),
    "patients without an event missing": (
        "study,ai,bi,ci,di\nGood,1,9,2,8\nBad,1,9,2,\n",
        "missing-cell", 3, "di", "study Bad, control: the cell is empty", "Fill it from the source",
    ),
    "a third arm without a result in a wide row": (
        "Study,T.1,R.1,N.1,T.2,R.2,N.2,T.3,R.3,N.3\nGood,x,1,10,y,2,10,,,\nBad,x,1,10,y,2,10,z,3,\n",
        "missing-cell", 3, "N.3", "study Bad, z: the cell is empty", "Fill it from the source",
    ),
    "an arm that two rows of a study tell differently": (
        "studlab,treat1,treat2,event1,n1,event2,n2\nBad,x,y,1,10,2,10\nBad,x,z,4,10,3,10\n",
        "arm-twice", 3, "treat1", "study Bad has x twice (rows 2 and 3)", "give two studies two names",
    ),
}  # fmt: skip


def faults_of(text: str | Path, folder: Path, **said: bool) -> tuple[Fault, ...]:
    """The faults of a file, or of a text as a file."""
    path = text if isinstance(text, Path) else folder / "studies.csv"
    if isinstance(text, str):
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        mp.read_studies(path, **said)  # type: ignore[arg-type]
    assert caught.value.exit_code == 3
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "kind", "row", "column", "found", "remedy"), FAULTS.values(), ids=list(FAULTS)
)
def test_a_fault_is_told_with_its_study_row_column_and_remedy(
    text: str, kind: str, row: int, column: str, found: str, remedy: str, tmp_path: Path
) -> None:
    (fault,) = faults_of(text, tmp_path)
    assert (fault.file, fault.kind, fault.row, fault.column) == ("studies.csv", kind, row, column)
    assert found in fault.found
    assert remedy in fault.remedy
    assert str(fault).startswith(f"studies.csv, row {row}")


def test_all_faults_of_a_file_come_together_in_the_order_of_its_rows() -> None:
    faults = faults_of(DATA / "every-kind.csv", DATA)
    assert [(fault.row, fault.column, fault.kind) for fault in faults] == [
        (2, "r", "events-above-n"),
        (4, "r", "fractional-count"),
        (7, "treatment", "arm-twice"),
        (9, "treatment", "one-arm"),
        (10, "r", "missing-cell"),
        (11, "r", "not-a-number"),
        (12, "r", "negative-count"),
        (13, "n", "empty-arm"),
        (14, "treatment", "no-treatment"),
    ]


def test_a_table_in_memory_is_told_by_the_name_it_was_given() -> None:
    table = {"study": ["A", "A"], "treatment": ["x", "y"], "r": [3, 12], "n": [10, 10]}
    with pytest.raises(BadInput, match=r"my table, row 3, r: study A, y: 12 events among 10 patients\."):
        mp.studies_from(table, name="my table")


def test_of_very_many_faults_the_first_hundred_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    rows = "".join(f"s{at},x,11,10\ns{at},y,1,10\n" for at in range(150))
    faults = faults_of(COUNTS + rows, tmp_path)
    assert len(faults) == 100 + 1
    assert faults[-1].found == "50 more faults"


@pytest.mark.parametrize("word", ["Drug ", "drug"])
def test_a_merged_cell_of_a_spreadsheet_tells_each_empty_name_and_nothing_else(
    word: str, tmp_path: Path
) -> None:
    text = f"{COUNTS}A,placebo,1,10\n,{word},2,10\nB,placebo,1,10\n,{word},2,10\n"
    faults = faults_of(text, tmp_path)
    assert [(fault.row, fault.column, fault.kind) for fault in faults] == [
        (3, "study", "no-study"),
        (5, "study", "no-study"),
    ]


# --- two arms of one treatment, and one arm ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{COUNTS}{GOOD}Doses,x,1,10\nDoses,x,3,10\nDoses,y,2,10\n",
        f"{STEPS}Doses,x,10,5,2,1\nDoses,x,12,6,2,1\nDoses,y,10,5,2,1\n",
        f"{SPREADS}Doses,x,1,0.2\nDoses,x,1,0.3\nDoses,y,1,0.2\n",
        f"{RATES}Doses,x,1,10\nDoses,x,1,11\nDoses,y,2,10\n",
    ],
)
def test_two_arms_of_one_treatment_with_different_results_are_kept_with_a_note(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(text, encoding="utf-8")
    studies = mp.read_studies(path).studies
    assert studies.arm_count == 2 + 3
    assert studies.notes == (
        "Studies with two arms of one treatment, kept as two arms: Doses. Name doses apart to compare them.",
    )


def test_two_trials_under_one_name_are_a_fault_where_each_has_a_row(tmp_path: Path) -> None:
    faults = faults_of("study,ai,n1i,ci,n2i\nBad,1,10,2,10\nBad,3,11,4,12\n", tmp_path)
    assert [fault.found for fault in faults] == [
        "study Bad has treatment twice (rows 2 and 3)",
        "study Bad has control twice (rows 2 and 3)",
    ]
    assert all("give two studies two names" in fault.remedy for fault in faults)


def test_a_study_of_one_arm_is_kept_where_it_may_speak(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(f"{COUNTS}{GOOD}Alone,x,1,10\n", encoding="utf-8")
    studies = mp.read_studies(path, single_arms=True).studies
    assert studies.names == ("Good", "Alone")
    assert studies.notes == ("Studies with one arm: Alone. They compare nothing by themselves.",)


# --- a triangle -------------------------------------------------------------------------------------------


def test_an_open_triangle_names_its_study_rows_and_gap() -> None:
    (fault,) = faults_of(DATA / "open-triangle.csv", DATA)
    assert fault.row == 5
    # The arms as first met are placebo, drug A, drug B: -0.40 + 0.50 less -0.90.
    assert fault.found == (
        "study Berg gives contrasts that do not add up: placebo v drug A plus drug A v drug B differs from "
        "placebo v drug B by 1 (rows 3, 5 and 4)"
    )


TRIANGLE = "study,treatment_1,treatment_2,estimate,se\nA,y,x,0.33,0.5\nA,z,x,0.67,0.5\nA,z,y,{},0.5\n"


@pytest.mark.parametrize(
    ("third", "fate"),
    [
        ("0.34", "closes"),  # 0.67 - 0.33
        ("0.35", "closes"),  # off by 0.01, and three halves of the last decimal may go by rounding: 0.015
        ("0.36", "note"),  # off by 0.02, less than a twentieth of the standard error: 0.025
        ("0.37", "fault"),  # off by 0.03
    ],
)
def test_a_gap_of_rounding_is_none_a_negligible_one_a_note_and_a_larger_one_a_fault(
    third: str, fate: str, tmp_path: Path
) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(TRIANGLE.format(third), encoding="utf-8")
    if fate == "fault":
        (fault,) = faults_of(path, tmp_path)
        assert fault.kind == "triangle-does-not-close"
        return
    studies = mp.read_studies(path).studies
    told = f"The contrasts of study A do not quite add up (by at most {0.02 / 0.5:.2g} of a standard error)"
    assert [note.startswith(told) for note in studies.notes] == ([True] if fate == "note" else [])
    # Equal weights: the gap is spread over the three contrasts in thirds.
    gap = 0.33 + float(third) - 0.67
    (block,) = studies.contrasts
    np.testing.assert_allclose(block.estimate[0], [0.33 - gap / 3, 0.67 + gap / 3], rtol=1e-12)


# --- SD or SE ---------------------------------------------------------------------------------------------


def test_an_sd_that_looks_like_an_se_says_what_the_sd_would_be() -> None:
    first, second = faults_of(DATA / "sd-looks-like-se.csv", DATA)
    assert [(one.row, one.column, one.kind) for one in (first, second)] == [
        (6, "sd", "sd-looks-like-se"),
        (7, "sd", "sd-looks-like-se"),
    ]
    # The median of the other studies' SDs 9, 10, 10, 11 is 10, on the log scale too.
    assert "study Chen, placebo: the SD 1 is 10.0 times smaller than in the other studies" in first.found
    assert "(root of n is 10.0)" in first.found
    assert f"If it is an SE, write the SD, {1.1 * np.sqrt(100):.4g}." in second.remedy


def test_an_se_that_looks_like_an_sd_says_what_the_se_would_be() -> None:
    first, second = faults_of(DATA / "se-looks-like-sd.csv", DATA)
    assert (first.row, first.column, first.kind) == (6, "se", "se-looks-like-sd")
    assert "study Chen, placebo: the SE 10 would mean an SD 10.0 times larger" in first.found
    assert f"If it is an SD, write the SE, {11 / np.sqrt(100):.4g}." in second.remedy


@pytest.mark.parametrize("file", ["sd-looks-like-se.csv", "se-looks-like-sd.csv"])
def test_spreads_are_taken_as_given_when_trusted(file: str) -> None:
    studies = mp.read_studies(DATA / file, trust_spread=True).studies
    assert studies.arms is not None
    assert studies.arms.se is not None
    assert studies.names == ("Adams", "Berg", "Chen")
    np.testing.assert_allclose(studies.arms.se[-1], 1.1 / 10 if file.startswith("sd") else 11)


def test_spreads_that_differ_among_all_studies_are_a_note_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    spreads = (2, 8, 20, 50, 100)
    rows = "".join(f"s{sd},x,1,{sd},100\ns{sd},y,1,{sd},100\n" for sd in spreads)
    path.write_text(f"study,treatment,mean,sd,n\n{rows}", encoding="utf-8")
    studies = mp.read_studies(path).studies
    assert len(studies.names) == len(spreads)
    assert any("study s2, x" in note and "Compare with the source." in note for note in studies.notes)


# --- the file as a whole ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "kind", "row", "words"),
    [
        (
            "empty.csv",
            "empty-file",
            0,
            "the file is empty. Its first row names the columns. Each row is one arm",
        ),
        (
            "only-a-header.csv",
            "no-rows",
            0,
            "there is no row below the header. Each row is one arm, or one contrast",
        ),
        (
            "utf-16.csv",
            "bad-encoding",
            0,
            "the file is UTF-16 or not text at all. Save it as CSV in UTF-8 again.",
        ),
        ("latin-1.csv", "bad-encoding", 2, "byte 0xfc is not UTF-8. Save the file as CSV in UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_says_why(file: str, kind: str, row: int, words: str) -> None:
    (fault,) = faults_of(DATA / file, DATA)
    assert (fault.file, fault.kind, fault.row) == (file, kind, row)
    assert words in str(fault)


@pytest.mark.parametrize(
    ("text", "kind", "row", "words"),
    [
        (f"{COUNTS},,,\n,,,\n", "no-rows", 0, "there is no row below the header"),
        (f"{COUNTS}A,x,1,10\nA,y,2\n", "wrong-width", 3, "3 cells where the header has 4"),
        (
            f"{COUNTS}A,x,1,234,10\nA,y,2,10\n",
            "wrong-width",
            2,
            "Put a cell that holds the separator between",
        ),
        ("study,treatment,r,r,n\nA,x,1,1,10\n", "name-twice", 1, "2 columns have this name"),
    ],
)
def test_a_damaged_table_says_where(text: str, kind: str, row: int, words: str, tmp_path: Path) -> None:
    (fault,) = faults_of(text, tmp_path)
    assert (fault.kind, fault.row) == (kind, row)
    assert words in str(fault)


@pytest.mark.parametrize(
    ("header", "nearest"),
    [
        ("study,treatment,r", "Nearest is myopoise, without exposure or without n."),
        ("study,treatment,y", "Nearest is myopoise, without se."),
        ("stduy,treatment,r,n", "Nearest is myopoise, without study (did you mean it by stduy?)."),
        ("study,treatment1,treatment2,estimate,ci_low", "Nearest is myopoise, without se."),
        ("studlab,treat1,treat2,TE,lower", "Nearest is netmeta, without sete."),
        ("slab,ai,n1i,ci", "Nearest is metafor, without n2i."),
        ("study|treatment|r|n", "Separate cells with commas, semicolons or tabs."),
    ],
)
def test_columns_of_no_layout_are_told_what_is_missing(header: str, nearest: str, tmp_path: Path) -> None:
    text = header + "\n" + ",".join("1" for _ in header.split(",")) + "\n"
    (fault,) = faults_of(text, tmp_path)
    assert (fault.kind, fault.row) == ("unknown-layout", 1)
    assert fault.found == f"the columns {', '.join(header.split(','))} are no layout that is known"
    assert fault.remedy.count(nearest) == 1
    assert "metainsight: study, t, r, n | study, t, mean, sd, n" in fault.remedy


def test_a_layout_that_the_columns_are_not_says_what_it_wants(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(COUNTS + GOOD, encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"Nearest is gemtc, without .* gemtc: study, treatment, responders"
    ) as caught:
        mp.read_studies(path, layout="gemtc")
    assert "netmeta" not in str(caught.value)


@pytest.mark.parametrize("outcome", ["normal", "contrast", "ordered", "poisson"])
def test_an_outcome_that_the_columns_do_not_hold_is_said(outcome: str, tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(COUNTS + GOOD, encoding="utf-8")
    with pytest.raises(BadInput, match=f"are no layout that is known with outcome {outcome}"):
        mp.read_studies(path, outcome=outcome)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"layout": "netmta"},
            r"'netmta' is not a layout\. Did you mean netmeta\? Known are myopoise, revman",
        ),
        ({"layout": "stata"}, r"'stata' is not a layout\. Known are myopoise, revman"),
        (
            {"outcome": "binominal"},
            r"'binominal' is not an outcome\. Did you mean binomial\? Choose one of binomial",
        ),
        (
            {"outcome": "xyz"},
            r"'xyz' is not an outcome\. Choose one of binomial, ordered, normal, poisson, contrast",
        ),
    ],
)
def test_a_word_that_is_not_known_is_met_with_those_that_are(
    said: dict[str, str], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(COUNTS + GOOD, encoding="utf-8")
    with pytest.raises(WrongUsage, match=words) as caught:
        mp.read_studies(path, **said)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent.csv", "absent.csv does not exist"),
        ("studies.docx", r"studies.docx: cannot read '.docx' files"),
    ],
)
def test_a_file_that_is_not_there_or_of_another_kind_is_misuse(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=words):
        mp.read_studies(tmp_path / name)


def test_a_folder_without_revmans_results_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(
        WrongUsage, match=r"no file of study results \(columns Study, Outcome, Arm, Sample size\)"
    ):
        mp.read_studies(tmp_path)


def test_an_arm_of_revman_without_an_intervention_is_named(tmp_path: Path) -> None:
    (tmp_path / "study-arms.csv").write_text(
        "Study,Arm,Intervention\nA,a1,drug\nA,a2,placebo\n", encoding="utf-8"
    )
    text = "Study,Outcome,Arm,Cases,Sample size\nA,Death,a1,1,10\nA,Death,a3,2,10\n"
    (tmp_path / "study-results.csv").write_text(text, encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"results.csv, row 3, Arm: study A has no arm 'a3' with an intervention\."
    ):
        mp.read_studies(tmp_path)


@pytest.mark.parametrize(
    ("cell", "words"),
    [("three", "'three' is not a number"), ("2 mg", r"'2 mg' is not a number\. Did you mean 2\?")],
)
def test_a_word_in_revmans_results_is_told_and_not_taken_as_empty(
    cell: str, words: str, tmp_path: Path
) -> None:
    text = f"Study,Outcome,Arm,Mean,SD,Sample size\nA,Pain,x,{cell},2,10\nA,Pain,y,4,2,10\n"
    (tmp_path / "study-results.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=f"results.csv, row 2, Mean: study A: {words}"):
        mp.read_studies(tmp_path)


# --- numbers as people write them -------------------------------------------------------------------------


def meant(cell: str, *, counts: bool, separator: str, folder: Path) -> str:
    """The remedy for a cell in a column of counts, or of means."""
    quoted = f'"{cell}"' if separator in cell else cell
    head = ("study", "treatment", "r", "n") if counts else ("study", "treatment", "y", "se")
    rows = (head, ("A", "x", quoted, "99999"), ("A", "y", "2", "99999"))
    (fault,) = faults_of("".join(separator.join(row) + "\n" for row in rows), folder)
    assert (fault.row, fault.column, fault.kind) == (2, head[2], "not-a-number")
    assert fault.found == f"study A: '{cell}' is not a number"
    return fault.remedy.removesuffix("Write a number, or leave the cell empty.").strip()


@pytest.mark.parametrize(
    ("cell", "counts", "separator", "remedy"),
    [
        ("1,234", True, ",", "Did you mean 1234?"),
        ("1 234", True, ",", "Did you mean 1234?"),
        ("1'234", True, ",", "Did you mean 1234?"),
        ("1\u202f234", True, ",", "Did you mean 1234?"),
        ("12.000", True, ";", "Did you mean 12000?"),
        ("12,000", True, ";", "Did you mean 12000?"),
        ("1.234.567", True, ";", "Did you mean 1234567?"),
        ("1,234", False, ",", "Did you mean 1.234 or 1234?"),
        ("1,5", False, ",", "Did you mean 1.5?"),
        ("0,123", False, ",", "Did you mean 0.123?"),
        ("1.234,5", False, ";", "Did you mean 1234.5?"),
        ("1,234.5", False, ",", "Did you mean 1234.5?"),
        ("\u22120.5", False, ",", "Did you mean -0.5?"),
        ("1.5 (0.3)", False, ",", "Did you mean 1.5?"),
        ("4/39", True, ",", "Did you mean 4?"),
        ("12*", True, ",", "Did you mean 12?"),
        ("1O", True, ",", "Did you mean 10?"),
        ("10%", True, ",", "Did you mean a count instead of 10%?"),
        ("<5", True, ",", ""),
        ("≥ 5", True, ",", ""),
        ("01-Mar", True, ",", ""),
        ("missing", True, ",", ""),
    ],
)
def test_a_cell_that_is_no_number_is_met_with_what_it_may_mean(
    cell: str, counts: bool, separator: str, remedy: str, tmp_path: Path
) -> None:
    assert meant(cell, counts=counts, separator=separator, folder=tmp_path) == remedy


@pytest.mark.parametrize(
    ("cell", "value"), [("10.0", 10), ("1e1", 10), (" 10 ", 10), ("+10", 10), ("010", 10)]
)
def test_a_whole_number_may_be_written_in_its_usual_ways(cell: str, value: float, tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text(f"{COUNTS}A,x,1,{cell}\nA,y,2,10\n", encoding="utf-8")
    studies = mp.read_studies(path).studies
    assert studies.arms is not None
    assert studies.arms.n is not None
    assert studies.arms.n[0] == value


# --- the reference treatment ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("Placbo", " Did you mean Placebo?"), ("placebo", " Did you mean Placebo?"), ("zzz", "")],
)
def test_an_unknown_reference_is_met_with_the_nearest_and_all_there_are(asked: str, hint: str) -> None:
    table = {"study": ["A", "A"], "treatment": ["Placebo", "Drug"], "r": [1, 2], "n": [9, 9]}
    with pytest.raises(WrongUsage) as caught:
        mp.network(mp.studies_from(table).studies, asked)
    assert (
        str(caught.value) == f"'{asked}' is not a treatment of these studies.{hint} They have: Placebo, Drug."
    )
