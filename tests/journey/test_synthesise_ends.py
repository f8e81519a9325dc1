"""How a synthesis ends: files written whole or not at all, and one message with its remedy where it cannot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.journey.synthesising import (
    DATA,
    FREQUENTIST,
    POSTERIOR,
    SCHEMA,
    answer,
    effects,
    ends,
    run,
    words_of,
)

import myopoise.synthesis.checking as checking

# --- what is written ----------------------------------------------------------------------------------------


def test_json_on_standard_output_is_one_document_and_the_file_holds_the_same(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = ends("contrast.csv --json -")
    shown = run(DATA / "contrast.csv", "--json", out)
    assert (shown.code, shown.err) == (0, "")
    assert done.out == out.read_text(encoding="utf-8")
    assert done.out.startswith("{")
    assert done.out.endswith("}\n")
    assert "Effect against placebo" in shown.out
    assert f"Written: {out}" in shown.out
    written = run(DATA / "contrast.csv", "--json", "-", "--out", tmp_path / "page.html")
    assert written.out == done.out
    assert (tmp_path / "page.html").is_file()


def test_the_same_input_and_seed_give_the_same_bytes_in_another_process_and_at_another_time(
    tmp_path: Path,
) -> None:
    def files(folder: Path) -> list[str | Path]:
        folder.mkdir()
        outputs = ("--json", folder / "a.json", "--out", folder / "a.html", "--figures", folder / "figures")
        return [DATA / "contrast.csv", "--model", "node-split", "--seed", "3", *outputs]

    assert run(*files(tmp_path / "one")).code == 0
    command = [sys.executable, "-m", "myopoise", "synthesise", *map(str, files(tmp_path / "two"))]
    env = {**os.environ, "PYTHONHASHSEED": "5", "SOURCE_DATE_EPOCH": "86400", "PYTHONWARNINGS": "error"}
    subprocess.run(command, check=True, capture_output=True, env=env)
    names = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert {name.suffix for name in names} == {".json", ".html", ".svg"}
    assert {"network.svg", "effects.svg", "ranks.svg", "node-splits.svg", "funnel.svg"} <= {
        n.name for n in names
    }
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert len(list((tmp_path / "two").rglob("*.*"))) == len(names)


@pytest.mark.parametrize(
    "line", ["contrast.csv --model node-split", f"contrast.csv {FREQUENTIST}", "pieces.csv", "ordered.csv"]
)
def test_a_page_stands_alone_and_figures_are_well_formed(line: str, tmp_path: Path) -> None:
    done = run(*words_of(line), "--out", tmp_path / "page.html", "--figures", tmp_path / "figures")
    assert done.code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|srcset|action|data)\s*=\s*["\']?\s*(?:https?:)?//', page) == []
    assert re.findall(r"<link\b|<script[^>]*\bsrc|@import|url\(\s*['\"]?(?!#|data:)", page) == []
    outside = re.findall(r'https?://[^\s"\'<>)]+', page)
    assert [link for link in outside if not re.match(r"https?://(doi\.org|www\.w3\.org)/", link)] == []
    drawings = sorted((tmp_path / "figures").glob("*.svg"))
    assert {"network.svg", "effects.svg"} <= {path.name for path in drawings}
    for path in drawings:
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag == "{http://www.w3.org/2000/svg}svg"
    told = re.search(r"Written: (.*)", done.out, re.DOTALL)
    assert told
    listed = told[1].strip().split(", ")
    assert all(Path(name).is_file() for name in listed)
    assert len(listed) == 1 + len(list((tmp_path / "figures").iterdir()))


def test_paths_and_names_may_hold_spaces_and_accents(tmp_path: Path) -> None:
    folder = tmp_path / "Études de José – ärzte"
    folder.mkdir()
    file = folder / "données 1.csv"
    text = (DATA / "binomial.csv").read_text(encoding="utf-8").replace("alpha", "méthotrexate <10 mg> & co")
    file.write_text(text, encoding="utf-8")
    done = run(
        file,
        "--json",
        folder / "sortie é.json",
        "--out",
        folder / "page é.html",
        "--figures",
        folder / "fig é",
    )
    assert (done.code, done.err) == (0, "")
    document = json.loads((folder / "sortie é.json").read_text(encoding="utf-8"))
    assert document["inputs"]["file"] == "données 1.csv"
    assert str(tmp_path) not in json.dumps(document, ensure_ascii=False)
    assert "méthotrexate <10 mg> & co" in document["data"]["treatment_names"]
    assert "méthotrexate &lt;10 mg&gt; &amp; co" in (folder / "page é.html").read_text(encoding="utf-8")
    for path in (folder / "fig é").glob("*.svg"):
        ET.fromstring(path.read_text(encoding="utf-8"))


def test_an_output_that_was_there_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("x" * 1_000_000, encoding="utf-8")
    assert run(DATA / "contrast.csv", "--json", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == answer("contrast.csv")


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_writing_that_fails_leaves_the_old_file_and_nothing_half_written(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.txt"
    out.write_text("old", encoding="utf-8")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    done = run(DATA / "contrast.csv", option, out)
    assert done.code == 2
    assert done.err == f"myopoise: {out}: No space left on device. Check the path and its rights."
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert out.read_text(encoding="utf-8") == "old"


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("nothing is forbidden to this user")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = run(DATA / "contrast.csv", "--json", locked / "out.json")
    assert done.code == 2
    assert str(locked) in done.err
    assert list(locked.iterdir()) == []


# --- how it ends when it cannot -----------------------------------------------------------------------------

FAULTS = [
    ("row 2, r", "70 events among 60 patients"),
    ("row 5, r", "18.5 is not a whole number"),
    ("row 7, treatment", "study C has placebo twice (rows 6 and 7)"),
    ("row 8, r", "-2 is below zero"),
    ("row 10, treatment", "study E has one arm (beta)"),
]


def test_all_faults_of_the_data_are_told_together_and_nothing_is_written(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("old", encoding="utf-8")
    done = run(DATA / "faults.csv", "--json", old, "--out", tmp_path / "p.html", "--figures", tmp_path / "f")
    assert (done.code, done.out) == (3, "")
    first, *told = done.err.splitlines()
    assert first == "myopoise: faults.csv: 5 faults, nothing was read."
    assert [line.split(": ")[0] for line in told] == [f"faults.csv, {place}" for place, _ in FAULTS]
    for line, (_, found) in zip(told, FAULTS, strict=True):
        assert found in line
        assert line.endswith(".")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert old.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("study,treatment,y,se\nA,a,1,-0.3\nA,b,2,0.3\n", "row 2, se", "-0.3"),
        ("study,treatment,y,se\nA,a,1,0\nA,b,2,0.3\n", "row 2, se", "a standard error of zero"),
        ("study,treatment_1,treatment_2,estimate,se\nA,a,b,1,-0.3\n", "row 2, se", "-0.3"),
        ("study,treatment_1,treatment_2,estimate,se\nA,a,a,1,0.3\n", "row 2", "a"),
        ("study,treatment,r,exposure\nA,a,1,0\nA,b,2,10\n", "row 2, exposure", "0"),
        ("study,treatment,n,ge_1,ge_2\nA,a,20,5,8\nA,b,20,6,2\n", "row 2", "8"),
        ("study,treatment,r,n\nA,a,one,10\nA,b,2,10\n", "row 2, r", "one"),
        ("study,treatment,r,n\nA,a,,10\nA,b,2,10\n", "row 2", "A"),
        ("study,treatment,r,n\nA,,1,10\nA,b,2,10\n", "row 2, treatment", ""),
        (
            "study,treatment_1,treatment_2,estimate,se\nA,a,b,1,0.3\nA,b,c,1,0.3\nA,a,c,5,0.3\n",
            "A",
            "study A",
        ),
        ("study,drug,events\nA,a,1\n", "row 1", "no layout that is known"),
    ],
)
def test_a_fault_is_named_with_its_place_and_ends_with_3(
    text: str, place: str, found: str, tmp_path: Path
) -> None:
    file = tmp_path / "studies.csv"
    file.write_text(text, encoding="utf-8")
    done = run(file, "--json", tmp_path / "out.json")
    assert (done.code, done.out) == (3, "")
    first, told, *_ = done.err.splitlines()
    assert first.startswith("myopoise: studies.csv: 1 fault")
    assert told.startswith("studies.csv, ")
    assert place in told
    assert found in told
    assert not (tmp_path / "out.json").exists()


def test_spreads_that_look_like_errors_are_faults_until_they_are_trusted() -> None:
    done = ends("standard-errors.csv")
    assert done.code == 3
    assert "row 8, sd: study D, placebo: the SD 0.21" in done.err
    assert "write the SD, 2.1" in done.err
    assert "--trust-spread" in done.err
    assert answer("standard-errors.csv --trust-spread")["data"]["studies"] == 4


def test_studies_of_one_arm_are_faults_until_they_may_speak() -> None:
    done = ends("single-arms.csv")
    assert done.code == 3
    assert "row 8, treatment: study D has one arm (beta)" in done.err
    assert "--single-arms" in done.err
    document = answer("single-arms.csv --single-arms")
    assert document["network"]["single_arm_studies"] == ["D", "E"]
    assert effects(document)["beta", "placebo"]["sd"] < 3
    assert document["options"]["baselines"]


@pytest.mark.parametrize("more", ["", "--json -"])
def test_too_few_draws_for_an_interval_end_with_4_and_what_to_do(more: str) -> None:
    done = ends(f"binomial.csv --draws 64 {more}")
    assert done.code == 4
    assert "must not be believed" in done.err
    assert "ask for more draws" in done.err
    if more:
        document = json.loads(done.out)
        SCHEMA.validate(document)
        assert document["diagnostics"]["trusted"] is False
        assert document["diagnostics"]["warnings"] == [document["diagnostics"]["sentence"]]
    else:
        assert done.out.strip().startswith("This computation must not be believed")


def test_a_fit_that_fails_its_own_check_is_written_marked_and_ends_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SMALLEST_EFFECTIVE", 1e9)
    done = run(DATA / "contrast.csv", "--json", tmp_path / "out.json", "--out", tmp_path / "page.html")
    assert done.code == 4
    assert done.err.startswith("myopoise: This computation must not be believed")
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["diagnostics"]["trusted"] is False
    assert "must not be believed" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_network_almost_without_events_gets_advice_and_a_plausible_prior_settles_it() -> None:
    vague = ends("sparse.csv --draws 512")
    assert vague.code == 4
    for advice in ("treatment prior with sd 2 to 3", "common effects", "more draws", "reference sampler"):
        assert advice in vague.err
    document = answer("sparse.csv --prior-treatment normal:0,2 --prior-tau half-normal:0.5")
    assert document["diagnostics"]["trusted"]


def test_a_reader_that_is_not_installed_ends_with_5_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studies.xlsx"
    file.write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    done = run(file)
    assert (done.code, done.out) == (5, "")
    assert "myopoise[excel]" in done.err


# --- a network in pieces ------------------------------------------------------------------------------------


def test_a_network_in_pieces_is_told_in_its_pieces_and_nothing_is_said_across_them() -> None:
    document = answer("pieces.csv")
    pieces = [{"placebo", "alpha"}, {"beta", "gamma"}]
    assert sorted(map(sorted, document["network"]["pieces"])) == sorted(map(sorted, pieces))
    assert document["data"]["treatments"] == 4
    assert len(document["relative_effects"]) == 12
    for pair, row in effects(document).items():
        within = any(set(pair) <= piece for piece in pieces)
        assert all((row[key] is not None) is within for key in POSTERIOR)
    assert document["ranking"] == []
    assert any("No study joins these pieces" in told for told in document["diagnostics"]["warnings"])
    shown = ends("pieces.csv").out
    assert "The network is in 2 pieces" in shown
    assert "placebo, alpha" in shown
    assert "beta, gamma" in shown


def test_least_squares_names_the_pieces_and_what_can_be_done() -> None:
    done = ends(f"pieces.csv {FREQUENTIST}")
    assert (done.code, done.out) == (2, "")
    for told in ("2 pieces", "placebo, alpha", "gamma, beta", "--method bayes", "--model component"):
        assert told in done.err


def test_components_join_pieces_only_where_they_are_shared() -> None:
    joined = answer("components.csv --model component --inactive placebo")
    assert len(joined["network"]["pieces"]) == 2
    assert effects(joined)["exercise", "placebo"]["sd"] < 2
    apart = answer("pieces.csv --model component --reference placebo")
    assert effects(apart)["beta", "placebo"]["mean"] is None
    assert effects(apart)["alpha", "placebo"]["mean"] is not None
    assert apart["ranking"] == []


# --- a careless user ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nowhere.csv", ["nowhere.csv", "does not exist"]),
        ("binomial.csv --outcome ordinal", ["ordinal", "binomial", "ordered"]),
        ("binomial.csv --link log-odds", ["log-odds", "cloglog"]),
        ("binomial.csv --effects fixed", ["fixed", "common"]),
        ("binomial.csv --model network", ["network", "consistency"]),
        ("binomial.csv --method bayesian", ["bayesian", "bayes"]),
        ("binomial.csv --tau-estimator EB", ["EB", "REML"]),
        ("binomial.csv --direction up", ["up", "higher"]),
        ("binomial.csv --draws 5", ["5", "64"]),
        ("binomial.csv --seed -1", ["-1"]),
        ("binomial.csv --reference Placebo", ["Placebo", "Did you mean placebo?"]),
        ("binomial.csv --reference warfarin", ["warfarin", "placebo, alpha, beta, gamma"]),
        ("binomial.csv --prior-tau half-nomal:5", ["half-nomal", "Did you mean half-normal:5?"]),
        ("binomial.csv --prior-tau half-normal", ["1 number", "half-normal:5"]),
        ("binomial.csv --prior-tau half-normal:0", ["above zero"]),
        ("binomial.csv --prior-tau half-normal:wide", ["1 number", "half-normal:5"]),
        ("binomial.csv --prior-tau uniform:5,0", ["low end comes first"]),
        ("binomial.csv --prior-tau normal:0,1", ["half-normal:1"]),
        ("binomial.csv --prior-tau ''", ["--prior-tau is empty"]),
        ("binomial.csv --prior-treatment uniform:0,1", ["must be normal", "normal:0,100"]),
        ("binomial.csv --prior-intercept normal:0", ["2 numbers", "mean and sd"]),
        ("binomial.csv --model meta-regression", ["--model meta-regression needs --covariate"]),
        (
            "binomial.csv --model meta-regression --covariate severty",
            ["severty", "Did you mean severity?"],
        ),
        ("contrast.csv --model meta-regression --covariate dose", ["dose", "none"]),
        ("binomial.csv --covariate severity", ["--covariate goes with --model meta-regression"]),
        ("binomial.csv --interaction shared", ["--interaction goes with --model meta-regression"]),
        ("binomial.csv --model class", ["--model class needs --classes"]),
        ("binomial.csv --classes classes.csv", ["--classes goes with --model class"]),
        ("binomial.csv --class-kind common", ["--class-kind goes with --model class"]),
        ("binomial.csv --inactive placebo", ["--inactive goes with --model component"]),
        ("binomial.csv --separator '&'", ["--separator goes with --model component"]),
        ("components.csv --model component --separator ''", ["--separator is empty"]),
        ("components.csv --model component --inactive drugs", ["drugs", "Did you mean drug?", "placebo"]),
        (
            f"components.csv --model component {FREQUENTIST} --hartung-knapp",
            ["--hartung-knapp does not go with --model component"],
        ),
        ("binomial.csv --hartung-knapp", ["--hartung-knapp goes with --method frequentist"]),
        ("binomial.csv --tau-estimator DL", ["--tau-estimator goes with --method frequentist"]),
        ("binomial.csv --correction 0", ["--correction goes with --method frequentist"]),
        (
            f"binomial.csv {FREQUENTIST} --prior-tau half-normal:1 --draws 500",
            ["--prior-tau, --draws go with --method bayes"],
        ),
        (f"binomial.csv {FREQUENTIST} --hartung-knapp --hartung-knapp-ad-hoc", ["exclude each other"]),
        (f"binomial.csv {FREQUENTIST} --model ume", ["--model ume is Bayesian", "--method bayes"]),
        (f"binomial.csv {FREQUENTIST} --link probit", ["probit", "logit or log or identity"]),
        (f"ordered.csv {FREQUENTIST}", ["ordered", "--method bayes"]),
        (f"contrast.csv {FREQUENTIST} --link logit", ["--measure", "--link"]),
        (f"normal.csv {FREQUENTIST} --correction 1", ["--correction"]),
        (f"zero-cells.csv {FREQUENTIST} --correction 0", ["zero cell", "B", "correction (0.5 is usual)"]),
        (f"single-arms.csv {FREQUENTIST} --single-arms", ["--single-arms goes with --method bayes"]),
        ("contrast.csv --single-arms", ["--single-arms needs results by arm"]),
        ("single-arms.csv --single-arms --model node-split", ["--single-arms", "--model node-split"]),
        ("ordered.csv --link identity", ["identity", "ordered", "logit or probit or cloglog"]),
        ("normal.csv --link logit", ["logit", "normal", "use identity"]),
        ("binomial.csv --link log", ["log", "binomial", "logit or probit or cloglog"]),
        ("binomial.csv --measure 'log risk ratio' --link probit", ["--measure", "leave --link out"]),
        ("binomial.csv --measure 'log odd ratio'", ["Did you mean log odds ratio?"]),
        ("binomial.csv --measure 'hedges g'", ["binomial arms", "log risk ratio"]),
        ("binomial.csv --endpoint pain", ["--endpoint is for files of RevMan"]),
        ("binomial.csv --layout netmetta", ["netmetta", "Did you mean netmeta?"]),
        ("binomial.csv --out -", ["--out", "--json"]),
        ("binomial.csv --json binomial.csv", ["different files"]),
        ("binomial.csv --json no-such-folder/out.json", ["no-such-folder", "Make it first"]),
        ("binomial.csv --figures binomial.csv", ["is a file"]),
        ("binomial.csv --colour blue", ["--colour"]),
    ],
)
def test_a_misuse_gets_one_message_and_ends_with_2(line: str, told: list[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in DATA.rglob("*")}
    done = ends(line)
    assert (done.code, done.out) == (2, "")
    for words in told:
        assert words in done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) <= 4
    assert {path: path.stat().st_mtime_ns for path in DATA.rglob("*")} == before


HEADER = "study,treatment,r,n"
SILENT = f"{HEADER}\nA,placebo,0,10\nA,alpha,0,12\nB,beta,3,20\nB,alpha,5,20\nD,placebo,6,20\nD,delta,4,20\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            f"{HEADER},dose\nA,a,1,10,5\nA,b,2,10,5\nB,a,3,10,\nB,b,4,10,\n",
            "--model meta-regression --covariate dose",
            ["dose is not known for every study", "fill it in for B"],
        ),
        (
            f"{HEADER},dose\nA,a,1,10,5\nA,b,2,10,5\nB,a,3,10,5\nB,b,4,10,5\n",
            "--model meta-regression --covariate dose",
            ["dose is 5 in every study"],
        ),
        (
            f"{HEADER}\nA,a,0,10\nA,b,0,10\nB,a,0,10\nB,b,0,10\n",
            FREQUENTIST,
            ["No study has a log odds ratio", "risk difference", "--method bayes"],
        ),
        (SILENT, FREQUENTIST, ["were left out: A", "2 pieces", "placebo, delta", "--method bayes"]),
        (SILENT, "--measure 'log odds ratio'", ["were left out: A", "2 pieces", "Leave --measure out"]),
    ],
    ids=["covariate unknown", "covariate constant", "no events", "joined by no events", "so with a measure"],
)
def test_data_that_a_model_can_do_nothing_with_are_told_with_what_to_do(
    text: str, line: str, told: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "studies.csv"
    file.write_text(text, encoding="utf-8")
    done = run(file, *words_of(line), "--json", tmp_path / "out.json")
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    for words in told:
        assert words in done.err
    assert not (tmp_path / "out.json").exists()


def test_a_file_and_the_folder_of_figures_need_two_names(tmp_path: Path) -> None:
    done = run(DATA / "contrast.csv", "--json", tmp_path / "a", "--figures", tmp_path / "a")
    assert done.code == 2
    assert "--figures is a folder" in done.err
    assert list(tmp_path.iterdir()) == []


def test_several_misuses_are_told_at_once() -> None:
    done = ends("binomial.csv --hartung-knapp --inactive placebo --model class")
    assert done.code == 2
    for words in ("--hartung-knapp goes with", "--inactive goes with", "--model class needs --classes"):
        assert words in done.err


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("treatment,class\nalpa,x\n", "row 2, treatment", "Did you mean alpha?"),
        ("treatment,class\nalpha,\n", "row 2, class", "no class"),
        ("treatment,class\nalpha,x\nalpha,y\n", "row 3, class", "also in x"),
        ("drug,class\nalpha,x\n", "row 1", "treatment and class"),
        ("", "row 1", "treatment and class"),
    ],
)
def test_a_fault_of_the_classes_is_named_in_their_file(
    text: str, place: str, found: str, tmp_path: Path
) -> None:
    file = tmp_path / "classes.csv"
    file.write_text(text, encoding="utf-8")
    done = run(DATA / "binomial.csv", "--model", "class", "--classes", file)
    assert (done.code, done.out) == (3, "")
    assert f"classes.csv, {place}: " in done.err
    assert found in done.err


def test_a_treatment_without_a_class_is_one_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "classes.csv"
    file.write_text("treatment,class\nalpha,x\nbeta,x\n", encoding="utf-8")
    done = run(
        DATA / "binomial.csv", "--model", "class", "--class-kind", "common", "--classes", file, "--json", "-"
    )
    found = effects(json.loads(done.out), "mean")
    assert found["alpha", "beta"] == 0
    assert abs(found["gamma", "alpha"]) > 0.01


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("contrast.csv --effects common --prior-tau half-normal:1", "The prior of tau was not used"),
        (
            f"binomial.csv {FREQUENTIST} --effects common --tau-estimator DL",
            "The estimator of tau was not used",
        ),
        (
            f"binomial.csv {FREQUENTIST} --effects common --hartung-knapp",
            "Hartung-Knapp intervals were not used",
        ),
        ("contrast.csv --prior-intercept normal:0,3", "The prior of intercepts was not used"),
        ("binomial.csv --model component --inactive placebo", "each is a component of its own"),
        ("components.csv --model component", "the reference is taken as one: placebo"),
        (f"zero-cells.csv {FREQUENTIST}", "0.5 was added to every cell of the studies with a zero cell: B"),
        ("zero-cells.csv --measure 'log odds ratio'", "0.5 was added to every cell"),
        ("pieces.csv --model node-split", "nothing could be split"),
    ],
)
def test_what_had_no_say_or_was_taken_for_granted_is_told(line: str, told: str, tmp_path: Path) -> None:
    done = run(*words_of(line), "--json", tmp_path / "out.json")
    assert done.code == 0
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert any(told in warning for warning in document["diagnostics"]["warnings"])
    assert told in " ".join(done.out.split())


def test_zero_events_need_no_correction() -> None:
    document = answer("zero-cells.csv")
    assert document["diagnostics"]["warnings"] == []
    assert document["diagnostics"]["trusted"]
