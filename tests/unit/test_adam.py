"""ADaM data sets of basic structure: visits out of records, records out of scores, and SAS transport between."""

import re
from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput, WrongUsage
from myopoise.outcomes.definitions import Kind, definitions
from myopoise.outcomes.files.adam import adam_table, from_bds, is_bds, to_bds
from myopoise.outcomes.files.formats import open_source
from myopoise.outcomes.files.sinks import open_sink
from myopoise.outcomes.instruments import instruments

TABLE = adam_table()


def records(*rows: tuple[object, ...], names: str = "USUBJID PARAMCD AVISITN AVAL") -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=names.split(), orient="row", infer_schema_length=None)


def faults(frame: pl.DataFrame, **how: str) -> list[tuple[int, str, str]]:
    with pytest.raises(BadInput) as caught:
        from_bds(frame, **how)
    assert "S-001" not in str(caught.value)
    return [(fault.row, fault.column, fault.kind) for fault in caught.value.faults]


SCORES = pl.DataFrame(
    {
        "patient": ["S-002", "S-001", "S-001"],
        "week": [12.0, 12.0, 24.0],
        "definition": ["acr-eular-2016-adult"] * 3,
        "score": [None, 17.5, 62.5],
        "category": [None, "none", "major"],
        "enzyme": [None, "ck", "ck"],
        "TRT01P": ["placebo", "drug", "drug"],
    }
)
VISITS = pl.DataFrame(
    {
        "patient": ["S-001", "S-001", "S-001", "S-002"],
        "week": [0.0, 12.0, 24.0, 0.0],
        "physician_global": [6.0, 3.0, 1.5, 0.0],
        "mmt": [100.0, 110.0, None, 150.0],
        "mmt_max": [150.0, 150.0, 150.0, 150.0],
        "ck": [1900.0, 380.0, 190.0, None],
        "ck_uln": [190.0, 190.0, 190.0, None],
    }
)


# --- the table --------------------------------------------------------------------------------------------


def test_every_code_and_label_fits_sas_transport_and_stands_once() -> None:
    codes = [*TABLE.measures.values(), TABLE.most_abnormal, TABLE.score, *TABLE.levels, *TABLE.rules.values()]
    assert len(codes) == len(set(codes))
    assert all(code.isupper() and code.isalnum() and len(code) <= 8 for code in codes)
    assert set(codes) <= TABLE.labels.keys()
    assert all(len(label.encode()) <= 200 for label in TABLE.labels.values())
    assert all(len(name) <= 8 and len(label) <= 40 for name, label in TABLE.columns.items())


def test_every_measure_has_its_code_and_every_rule_too() -> None:
    assert {name: TABLE.measures[name] for name in instruments()} == {
        name: one.paramcd for name, one in instruments().items()
    }
    assert set(TABLE.rules) == {one.name for one in definitions().values() if one.kind is Kind.RULE}


def test_a_data_set_of_basic_structure_is_known_by_three_columns() -> None:
    assert is_bds(["AVAL", "PARAMCD", "USUBJID", "X"])
    assert not is_bds(["AVAL", "PARAMCD"])


def test_the_page_for_data_managers_has_every_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "bring-your-files.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9_-]+)` \| `([A-Z0-9]+)` \|", page, flags=re.MULTILINE)
    assert dict(rows) == {**TABLE.measures, **TABLE.rules}
    assert all(f"`{code}`" in page for code in TABLE.derived)


# --- reading ----------------------------------------------------------------------------------------------


def test_records_become_one_row_a_patient_and_week() -> None:
    found = from_bds(
        records(
            ("S-001", "PHGA", 0, 6.0, None, "drug", "01"),
            ("S-001", "CK", 0, 1900.0, 190.0, "drug", "01"),
            ("S-001", "MMT8TOT", 0, 110.0, None, "drug", "01"),
            ("S-001", "MMTMAX", 0, 150.0, None, "drug", "01"),
            ("S-001", "PHGA", 12, 3.0, None, "drug", "01"),
            names="USUBJID PARAMCD AVISITN AVAL A1HI TRT01P SITEID",
        )
    )
    assert found.visits.rows(named=True) == [
        {
            "patient": "S-001",
            "week": 0.0,
            "physician_global": 6.0,
            "mmt": 110.0,
            "ck": 1900.0,
            "ck_uln": 190.0,
        }
        | {"mmt_max": 150.0, "SITEID": "01", "TRT01P": "drug"},
        {"patient": "S-001", "week": 12.0, "physician_global": 3.0, "mmt": None, "ck": None, "ck_uln": None}
        | {"mmt_max": None, "SITEID": "01", "TRT01P": "drug"},
    ]
    assert found.lines == [2, 6]


def test_unfolding_agrees_with_a_pivot_by_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = to_bds(SCORES, VISITS)
    measured = frame.filter(pl.col("PARAMCD").is_in(list(TABLE.measures.values())))
    pivot = pandas.DataFrame(measured.to_dict(as_series=False)).pivot(
        index=["USUBJID", "AVISITN"], columns="PARAMCD", values="AVAL"
    )
    ours = from_bds(frame).visits.sort("patient", "week")
    for column, code in TABLE.measures.items():
        if column in VISITS.columns:
            theirs = pivot[code].astype(object)
            assert ours[column].to_list() == theirs.where(theirs.notna(), None).to_list()


def test_the_maximum_of_strength_may_be_a_column() -> None:
    frame = records(("S-001", "MMT8TOT", 0, 70.0, 80), names="USUBJID PARAMCD AVISITN AVAL MMTMAX")
    assert from_bds(frame).visits.rows(named=True) == [
        {"patient": "S-001", "week": 0.0, "mmt": 70.0, "mmt_max": 80}
    ]


@pytest.mark.parametrize("name", ["A1HI", "ANRHI", "LBORNRHI"])
def test_the_limit_of_an_enzyme_is_found_under_each_of_its_names(name: str) -> None:
    frame = records(("S-001", "CK", 0, 380.0, 190.0), names=f"USUBJID PARAMCD AVISITN AVAL {name}")
    assert from_bds(frame).visits["ck_uln"].to_list() == [190.0]


def test_the_day_gives_the_week_where_it_is_asked_for() -> None:
    frame = records(
        *(("S-001", "PHGA", place, 6.0, day) for place, day in enumerate([-7, 1, 85])),
        names="USUBJID PARAMCD AVISITN AVAL ADY",
    )
    assert from_bds(frame, week="ADY").visits["week"].to_list() == [-7 / 7, (1 - 1) / 7, (85 - 1) / 7]
    assert faults(frame.with_columns(ADY=0), week="ADY")[0] == (2, "ADY", "no-week")


def test_only_flagged_records_count_and_baselines() -> None:
    frame = records(
        ("S-001", "PHGA", 0, 6.0, "Y", None),
        ("S-001", "PHGA", 12, 4.0, None, None),
        ("S-001", "PHGA", 12, 3.0, None, "Y"),
        names="USUBJID PARAMCD AVISITN AVAL ABLFL ANL01FL",
    )
    assert from_bds(frame).visits["physician_global"].to_list() == [6.0, 3.0]


def test_a_screening_visit_does_not_pass_for_the_flagged_baseline() -> None:
    frame = records(
        ("S-001", "PHGA", -2, 9.0, None),
        ("S-001", "MMT8TOT", -2, 100.0, "Y"),
        ("S-001", "PHGA", 0, 6.0, "Y"),
        ("S-001", "MMT8TOT", 0, 101.0, None),
        ("S-001", "PHGA", 12, 3.0, None),
        names="USUBJID PARAMCD AVISITN AVAL ABLFL",
    )
    found = from_bds(frame)
    assert found.visits.select("week", "physician_global", "mmt").rows() == [
        (0.0, 6.0, 100.0),
        (12.0, 3.0, None),
    ]
    assert found.earlier == 2
    assert any("before the baseline" in note for note in found.notes)


def test_parameters_without_a_measure_and_derived_ones_are_told() -> None:
    frame = records(("S-001", "PHGA", 0, 6.0), ("S-001", "SF36PCS", 0, 40.0), ("S-001", "TIS", 12, 40.0))
    found = from_bds(frame)
    assert (found.unknown, found.derived) == (("SF36PCS",), ("TIS",))
    assert found.visits.height == 1


def test_every_fault_of_the_records_is_told_with_its_row_and_no_patient() -> None:
    frame = records(
        ("S-001", "PHGA", "Week 12", 3, 6.0, "drug"),
        ("S-001", "PTGA", None, 12, 6.0, "placebo"),
        (None, "PTGA", None, 12, 6.0, None),
        ("S-001", None, None, 12, 6.0, None),
        ("S-001", "HAQDI", None, None, 1.0, None),
        names="USUBJID PARAMCD AVISIT AVISITN AVAL TRT01P",
    )
    assert faults(frame) == [
        (2, "AVISITN", "other-week"),
        (3, "TRT01P", "two-values"),
        (4, "USUBJID", "empty"),
        (5, "PARAMCD", "empty"),
        (6, "AVISITN", "no-week"),
    ]


def test_two_records_for_one_visit_and_a_second_baseline_are_faults() -> None:
    twice = records(("S-001", "PHGA", 0, 6.0), ("S-001", "PHGA", 0, 5.0))
    assert faults(twice) == [(3, "PARAMCD", "two-records")]
    baselines = records(
        ("S-001", "PHGA", 0, 6.0, "Y"),
        ("S-001", "PHGA", 4, 5.0, "Y"),
        names="USUBJID PARAMCD AVISITN AVAL ABLFL",
    )
    assert faults(baselines) == [(3, "ABLFL", "second-baseline")]


def test_a_missing_column_is_a_fault_of_the_header() -> None:
    assert faults(records(("S-001", "PHGA", 6.0), names="USUBJID PARAMCD AVAL")) == [
        (1, "AVISITN", "no-column")
    ]


def test_text_files_keep_the_values_as_written(tmp_path: Path) -> None:
    path = tmp_path / "adeff.csv"
    path.write_text(
        "USUBJID,PARAMCD,AVISITN,AVAL,NOTE\nS-001,PHGA,0.0,5.,x\nS-001,XYZ,0,1,\n", encoding="utf-8"
    )
    source = open_source(path)
    assert source.columns == ("patient", "week", "physician_global")
    assert [frame.rows() for frame in source.batches(None, 10)] == [[("S-001", 0.0, "5.")]]
    assert source.notes == ("Parameters without a measure, passed over: XYZ.",)
    assert source.line(0) == 2


def test_a_column_map_names_other_codes_and_the_column_of_the_week(tmp_path: Path) -> None:
    path, chosen = tmp_path / "adeff.csv", tmp_path / "map.toml"
    path.write_text("USUBJID,PARAMCD,ADY,AVAL\nS-001,PGA,85,5\n", encoding="utf-8")
    chosen.write_text('[columns]\nweek = "ADY"\nphysician_global = "PGA"\n[constants]\nmmt_max = 150\n')
    (frame,) = open_source(path, chosen).batches(None, 10)
    assert frame.drop("ADY").rows(named=True) == [
        {"patient": "S-001", "week": 12.0, "physician_global": "5", "mmt_max": "150"}
    ]
    chosen.write_text('[columns]\nweek = "ADYY"\nmmt = "MMT"\n')
    with pytest.raises(BadInput, match="Did you mean ADY") as caught:
        open_source(path, chosen)
    assert [fault.kind for fault in caught.value.faults] == ["no-column", "no-parameter"]


def test_a_column_map_gives_visits_their_weeks_and_their_names_travel_on(tmp_path: Path) -> None:
    path, chosen = tmp_path / "adeff.csv", tmp_path / "map.toml"
    path.write_text("USUBJID,PARAMCD,AVISIT,AVAL\nS-001,PHGA,Baseline,5\nS-001,PHGA,Month 3,4\n")
    chosen.write_text('[columns]\nweek = "AVISIT"\n[weeks]\nBaseline = 0\n"Month 3" = 13\n')
    assert pl.concat(open_source(path, chosen).batches(("patient", "week", "AVISIT"), 9)).rows() == [
        ("S-001", 0.0, "Baseline"),
        ("S-001", 13.0, "Month 3"),
    ]
    chosen.write_text('[columns]\nweek = "AVISIT"\n[weeks]\nBaseline = 0\n')
    with pytest.raises(BadInput, match=r"row 3, AVISIT in \[weeks\]: no week"):
        open_source(path, chosen)


def test_numbers_of_visits_get_their_weeks_from_a_map_too(tmp_path: Path) -> None:
    path, chosen = tmp_path / "adeff.parquet", tmp_path / "map.toml"
    records(("S-001", "PHGA", 1.0, 6.0), ("S-001", "PHGA", 2.0, 5.0)).write_parquet(path)
    chosen.write_text("[weeks]\n1 = 0\n2 = 12\n")
    assert pl.concat(open_source(path, chosen).batches(("week",), 9))["week"].to_list() == [0.0, 12.0]
    pl.read_parquet(path).with_columns(AVISIT=pl.Series(["Week 0", "Week 24"])).write_parquet(path)
    with pytest.raises(BadInput, match=r"row 3, AVISITN .*AVISIT names another week"):
        open_source(path, chosen)


# --- writing ----------------------------------------------------------------------------------------------


def test_a_score_becomes_five_flags_of_one_visit() -> None:
    frame = to_bds(SCORES).filter(pl.col("USUBJID") == "S-001")
    assert frame.select("PARAMCD", "AVISIT", "AVAL", "AVALC", "CRIT1FL").rows() == [
        ("TIS", "Week 12", 17.5, "none", "N"),
        ("TIS", "Week 24", 62.5, "major", "Y"),
        ("TISMIN", "Week 12", 0.0, "N", None),
        ("TISMIN", "Week 24", 1.0, "Y", None),
        ("TISMOD", "Week 12", 0.0, "N", None),
        ("TISMOD", "Week 24", 1.0, "Y", None),
        ("TISMAJ", "Week 12", 0.0, "N", None),
        ("TISMAJ", "Week 24", 1.0, "Y", None),
    ]
    assert frame["TRT01P"].unique().to_list() == ["drug"]
    assert "ADT" not in frame.columns


def test_a_visit_that_could_not_be_scored_has_empty_records_without_an_analysis_flag() -> None:
    frame = to_bds(SCORES).filter(pl.col("USUBJID") == "S-002")
    assert frame.select("AVAL", "AVALC", "ANL01FL").unique().rows() == [(None, None, None)]


def test_the_day_is_a_number_even_where_it_was_read_as_text() -> None:
    frame = to_bds(SCORES.with_columns(ADY=pl.Series(["85", "85", None])))
    assert frame.schema["ADY"] == pl.Float64
    assert set(frame["ADY"]) == {85.0, None}


def test_a_rule_becomes_yes_and_no() -> None:
    scores = pl.DataFrame(
        {
            "patient": ["S-001", "S-001", "S-001"],
            "week": [4, 8, 12],
            "definition": ["imacs-worsening"] * 3,
            "category": ["worse", "not worse", None],
        }
    )
    frame = to_bds(scores)
    assert frame.select("PARAMCD", "AVISITN", "AVAL", "AVALC").rows() == [
        ("IMACSWRS", 4.0, 1.0, "Y"),
        ("IMACSWRS", 8.0, 0.0, "N"),
        ("IMACSWRS", 12.0, None, None),
    ]


def test_measures_carry_baseline_change_and_percent_change() -> None:
    frame = to_bds(SCORES, VISITS).filter((pl.col("USUBJID") == "S-001") & (pl.col("PARAMCD") == "CK"))
    assert frame.select("AVISITN", "AVAL", "BASE", "CHG", "PCHG", "A1HI", "ABLFL").rows() == [
        (0.0, 1900.0, 1900.0, None, None, 190.0, "Y"),
        (12.0, 380.0, 1900.0, 380.0 - 1900.0, 100 * (380.0 - 1900.0) / 1900.0, 190.0, None),
        (24.0, 190.0, 1900.0, 190.0 - 1900.0, 100 * (190.0 - 1900.0) / 1900.0, 190.0, None),
    ]
    most = to_bds(SCORES, VISITS).filter(pl.col("PARAMCD") == "ENZMAX")
    assert most.select("USUBJID", "AVAL").rows() == [
        ("S-001", 1900 / 190),
        ("S-001", 380 / 190),
        ("S-001", 1.0),
    ]


def test_a_baseline_of_zero_has_no_percent_change_and_a_version_no_change() -> None:
    visits = pl.DataFrame({"patient": ["S-001"] * 2, "week": [0, 12], "ck": ["0", "5"], "mmt_max": [80, 80]})
    frame = to_bds(SCORES.clear(), visits)
    assert frame.select("PARAMCD", "BASE", "CHG").rows() == [
        ("CK", 0.0, None),
        ("CK", 0.0, 5.0),
        ("MMTMAX", None, None),
        ("MMTMAX", None, None),
    ]
    assert "PCHG" not in frame.columns


def test_visits_survive_the_way_there_and_back() -> None:
    back = from_bds(to_bds(SCORES, VISITS))
    assert back.unknown == ()
    assert set(back.derived) == {"TIS", "TISMIN", "TISMOD", "TISMAJ", "ENZMAX"}
    assert back.visits.select(VISITS.columns).sort("patient", "week").equals(VISITS)


def test_two_definitions_with_one_code_are_refused() -> None:
    other = SCORES.with_columns(definition=pl.lit("acr-eular-2016-jdm-printo"))
    with pytest.raises(WrongUsage, match="both answer as TIS"):
        to_bds(pl.concat([SCORES, other]))
    with pytest.raises(WrongUsage, match="made of scores"):
        to_bds(VISITS)


def test_what_is_not_answered_by_visits_has_no_records() -> None:
    with pytest.raises(WrongUsage, match="eular-acr-2017 is not applied to visits"):
        to_bds(SCORES.with_columns(definition=pl.lit("eular-acr-2017")))


# --- SAS transport ----------------------------------------------------------------------------------------


def test_scores_go_to_sas_transport_and_pyreadstat_reads_them(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    with open_sink(tmp_path / "adeff.xpt") as sink:
        for piece in SCORES.iter_slices(1):
            sink.write(piece)
    found, about = pyreadstat.read_xport(str(tmp_path / "adeff.xpt"), output_format="polars")
    ours = to_bds(SCORES).with_columns(pl.col(pl.String).fill_null(""))
    assert found.columns == ours.columns
    assert found.rows() == ours.rows()
    assert about.table_name == "ADEFF"
    assert about.column_names_to_labels == {name: TABLE.columns[name] for name in ours.columns}
    assert b"01JAN00:00:00:00" in (tmp_path / "adeff.xpt").read_bytes()


def test_a_data_set_from_pyreadstat_is_opened_as_visits(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = to_bds(SCORES, VISITS).with_columns(pl.col(pl.String).fill_null(""))
    pyreadstat.write_xport(frame, str(tmp_path / "adeff.xpt"), file_format_version=5)
    source = open_source(tmp_path / "adeff.xpt")
    found = pl.concat(source.batches(None, 2)).sort("patient", "week")
    assert found.select(VISITS.columns).equals(VISITS)
    assert source.held(("mmt", "haq")) == {"mmt"}
