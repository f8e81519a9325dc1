"""Column maps, and the records of REDCap merged into visits."""

from pathlib import Path

import polars as pl
import pytest

from myopoise.errors import BadInput
from myopoise.outcomes.files.formats import open_source
from myopoise.outcomes.files.redcap import read_map

DATA = Path(__file__).parents[1] / "data" / "outcomes"


def visits(path: Path, column_map: Path) -> pl.DataFrame:
    return pl.concat(open_source(path, column_map).batches(None, 1000))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path, column_map: Path) -> list[tuple[str, int, str, str]]:
    with pytest.raises(BadInput) as caught:
        pl.concat(open_source(path, column_map).batches(None, 1000))
    return [(fault.file, fault.row, fault.column, fault.kind) for fault in caught.value.faults]


def test_the_instruments_of_a_record_and_event_become_one_visit() -> None:
    assert visits(DATA / "redcap_raw.csv", DATA / "redcap_map.toml").rows(named=True) == [
        {"patient": "1", "week": "0", "physician_global": "6", "patient_global": "4.5", "mmt": "110"}
        | {"ck": "1240", "ck_uln": "190", "mmt_max": "150"},
        {"patient": "1", "week": "24", "physician_global": "3", "patient_global": "2.5", "mmt": "131"}
        | {"ck": "410", "ck_uln": "190", "mmt_max": "150"},
        {"patient": "2", "week": "0", "physician_global": "7", "patient_global": None, "mmt": None}
        | {"ck": "n/a", "ck_uln": "190", "mmt_max": "150"},
    ]


def test_merging_agrees_with_a_second_route_through_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(DATA / "redcap_raw.csv", dtype=str, keep_default_na=False, na_values=[""])
    frame = frame[frame["redcap_event_name"] != "enrolment_arm_1"]
    frame["week"] = frame["redcap_event_name"].map({"baseline_arm_1": "0", "week_24_arm_1": "24"})
    names = ["phga_vas", "ptga_vas", "mmt8_total", "ck_value", "ck_limit"]
    second = frame.groupby(["record_id", "week"], sort=False)[names].first()
    ours = visits(DATA / "redcap_raw.csv", DATA / "redcap_map.toml")
    expected = [
        tuple(None if pandas.isna(cell) else cell for cell in row) for row in second.itertuples(index=False)
    ]
    assert ours.select("physician_global", "patient_global", "mmt", "ck", "ck_uln").rows() == expected


def test_a_visit_knows_the_row_of_the_file_it_starts_in() -> None:
    source = open_source(DATA / "redcap_raw.csv", DATA / "redcap_map.toml")
    assert [source.line(place) for place in range(3)] == [3, 6, 9]


def test_fields_that_the_map_does_not_name_are_not_read() -> None:
    source = open_source(DATA / "redcap_raw.csv", DATA / "redcap_map.toml")
    assert "first_name" not in source.columns


def test_a_label_export_is_read_by_its_labels() -> None:
    found = visits(DATA / "redcap_label.csv", DATA / "redcap_label_map.toml")
    assert found.select("week", "physician_global", "mmt").rows() == [("0", "6", "110"), ("24", "3", "131")]


def test_an_event_without_a_week_and_a_row_without_a_patient_are_faults() -> None:
    assert faults(DATA / "redcap_conflict.csv", DATA / "redcap_map.toml") == [
        ("redcap_conflict.csv", 4, "redcap_event_name", "no-week"),
        ("redcap_conflict.csv", 5, "record_id", "no-patient"),
    ]


def test_rows_of_one_visit_that_disagree_are_faults(tmp_path: Path) -> None:
    text = (DATA / "redcap_conflict.csv").read_text().splitlines()[:3]
    path = written(tmp_path, "conflict.csv", "\n".join(text) + "\n")
    assert faults(path, DATA / "redcap_map.toml") == [("conflict.csv", 3, "phga_vas", "conflict")]


def test_a_field_that_holds_the_week_serves_instead_of_events(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "visits.csv",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,when,vas\n1,,,,\n1,visit,1,0,6\n1,visit,2,12,4\n",
    )
    chosen = written(
        tmp_path, "map.toml", '[columns]\npatient = "record_id"\nweek = "when"\nphysician_global = "vas"\n'
    )
    assert visits(path, chosen).rows() == [("1", "0", "6"), ("1", "12", "4")]


def test_an_export_without_a_map_says_that_it_needs_one() -> None:
    with pytest.raises(BadInput, match="column map"):
        open_source(DATA / "redcap_raw.csv")


# --- any file ---------------------------------------------------------------------------------------------


def test_a_map_renames_adds_constants_and_lets_other_columns_pass(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "subject,arm,visit,vas\nA,x,Baseline,6\nA,x,Week 12,4\n")
    chosen = written(
        tmp_path,
        "map.toml",
        '[columns]\npatient = "subject"\nweek = "visit"\nphysician_global = "vas"\n'
        '[weeks]\nBaseline = 0\n"Week 12" = 12\n[constants]\nck_uln = 190.5\n',
    )
    source = open_source(path, chosen)
    assert source.columns == ("patient", "arm", "week", "physician_global", "ck_uln")
    assert [frame.rows() for frame in source.batches(None, 1)] == [
        [("A", "x", "0", "6", "190.5")],
        [("A", "x", "12", "4", "190.5")],
    ]
    assert source.held(("ck_uln", "arm", "mmt")) == {"ck_uln", "arm"}
    assert pl.concat(source.batches(("ck_uln",), 9)).rows() == [("190.5",), ("190.5",)]


def test_a_map_of_a_parquet_file_keeps_numbers(tmp_path: Path) -> None:
    path = tmp_path / "trial.parquet"
    pl.DataFrame({"id": [1, 1], "event": ["b", "f"], "vas": [6.0, 4.0]}).write_parquet(path)
    chosen = written(
        tmp_path,
        "map.toml",
        '[columns]\npatient = "id"\nweek = "event"\nphysician_global = "vas"\n[weeks]\nb = 0\nf = 12\n'
        "[constants]\nmmt_max = 80\n",
    )
    found = visits(path, chosen)
    assert found.rows() == [(1, 0.0, 6.0, 80), (1, 12.0, 4.0, 80)]
    assert found.schema["week"] == pl.Float64


def test_every_event_without_a_week_is_a_fault_with_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "id,visit\nA,Baseline\nA,Week 12\nB,Secret\nB,\n")
    chosen = written(
        tmp_path, "map.toml", '[columns]\npatient = "id"\nweek = "visit"\n[weeks]\nBaseline = 0\n'
    )
    assert faults(path, chosen) == [("trial.csv", row, "visit", "no-week") for row in (3, 4, 5)]
    with pytest.raises(BadInput) as caught:
        open_source(path, chosen)
    assert "Secret" not in str(caught.value)


def test_a_column_that_the_file_does_not_have_gets_did_you_mean(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "subject,vas\nA,6\n")
    chosen = written(tmp_path, "map.toml", '[columns]\npatient = "subjct"\nphysician_global = "vas"\n')
    with pytest.raises(BadInput, match=r"map.toml, \[columns\] patient: .*Did you mean subject\?"):
        open_source(path, chosen)


def test_a_map_without_events_leaves_the_weeks_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "subject,wk,vas\nA,0,6\nA,12.5,4\n")
    chosen = written(
        tmp_path, "map.toml", '[columns]\npatient = "subject"\nweek = "wk"\nphysician_global = "vas"\n'
    )
    assert visits(path, chosen)["week"].to_list() == ["0", "12.5"]


def test_a_map_of_events_for_a_file_without_events_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "subject,visit\nA,Baseline\n")
    chosen = written(tmp_path, "map.toml", '[columns]\npatient = "number"\n[weeks]\nBaseline = 0\n')
    assert faults(path, chosen) == [
        ("map.toml", 0, "[columns] patient", "no-column"),
        ("map.toml", 0, "[weeks]", "no-events"),
    ]
    with pytest.raises(BadInput, match=r"no column 'number'\. Look at the header of the file"):
        open_source(path, chosen)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "trial.csv", "patient,week,mmt,total\nA,0,1,2\n")
    chosen = written(tmp_path, "map.toml", '[columns]\nmmt = "total"\n')
    assert faults(path, chosen) == [("map.toml", 0, "mmt", "name-taken")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[colums]\npatient = "id"\n', [("[colums]", "unknown-key")]),
        ('[xyz]\npatient = "id"\n', [("[xyz]", "unknown-key")]),
        ("columns = 3\n", [("columns", "not-a-table")]),
        ('[columns]\nphysican_global = "x"\n', [("[columns] physican_global", "unknown-key")]),
        ("[columns]\npatient = 3\n[weeks]\nb = 'x'\nc = true\n[constants]\nck_uln = []\n",
         [("[columns] patient", "wrong-value"), ("[weeks] b", "wrong-value"), ("[weeks] c", "wrong-value"),
          ("[constants] ck_uln", "wrong-value")]),
        ('[columns]\nmmt_max = "m"\n[constants]\nmmt_max = 150\n', [("[constants] mmt_max", "given-twice")]),
        ("[columns\n", [("", "not-toml")]),
    ],
)  # fmt: skip
def test_a_map_with_faults_reports_them_together(
    tmp_path: Path, text: str, expected: list[tuple[str, str]]
) -> None:
    path = written(tmp_path, "map.toml", text)
    with pytest.raises(BadInput) as caught:
        read_map(path)
    assert [(fault.column, fault.kind) for fault in caught.value.faults] == expected


def test_a_map_that_is_missing_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_map(tmp_path / "none.toml")


def test_a_map_in_another_encoding_says_so(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_bytes('[weeks]\n"Größe" = 0\n'.encode("latin-1"))
    with pytest.raises(BadInput, match="is not UTF-8"):
        read_map(tmp_path / "map.toml")
