import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import myopoise.report
from myopoise.inquiry import Inquiry
from myopoise.report.document import SCHEMA_NAME, document
from myopoise.report.writing import as_json, schema_text

MODULES = sorted(Path(myopoise.report.__file__).parent.glob("*.py"))


def test_the_document_follows_its_schema(report: dict[str, Any]) -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    faults = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(as_json(report)))
    assert [f"{fault.json_path}: {fault.message[:80]}" for fault in faults] == []


def test_the_schema_describes_every_number() -> None:
    assert [
        place
        for place, part in parts(json.loads(schema_text()))
        if numeric(part) and "description" not in part
    ] == []


def test_a_key_the_schema_does_not_know_is_a_fault(small: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**small, "surprise": 1}, json.loads(schema_text()))


def test_the_schema_has_the_name_the_document_gives(small: dict[str, Any]) -> None:
    assert small["schema"] == SCHEMA_NAME == json.loads(schema_text())["properties"]["schema"]["const"]


def test_numbers_are_not_rounded(inquiry: Inquiry, real: dict[str, Any]) -> None:
    for answer, shown in zip(inquiry.answers.values(), real["answers"], strict=True):
        for option, found in zip(answer.options, shown["options"], strict=True):
            for reading, predicted in option.predicted.items():
                assert found["predicted"][reading.value]["response"]["median"] == predicted.response.median
                assert found["predicted"][reading.value]["p_better"] == predicted.p_better


def test_only_generated_at_depends_on_the_clock(example: Any, small: dict[str, Any]) -> None:
    later = document(example.inquiry(), generated_at="2021-01-01T00:00:00Z", version="0")
    assert {key for key in small if small[key] != later[key]} == {"generated_at"}


def test_every_founding_reference_has_a_status(real: dict[str, Any]) -> None:
    assert [seed["number"] for seed in real["seeds"]] == list(range(1, 51))
    assert all(seed["status_words"] for seed in real["seeds"])


def test_every_study_of_the_evidence_has_one_role(inquiry: Inquiry, real: dict[str, Any]) -> None:
    roles = {study["id"]: study["role"] for study in real["studies"]}
    assert set(roles) == {study.study_id for study in inquiry.evidence.studies}
    assert {key for key, role in roles.items() if role == "model"} == set(inquiry.selection.studies)


def test_every_study_that_enters_shows_where_its_numbers_stand(real: dict[str, Any]) -> None:
    entering = [study for study in real["studies"] if study["role"] != "aside"]
    assert [study["id"] for study in entering if not study["numbers"]] == []
    assert [n["id"] for study in entering for n in study["numbers"] if not n["place"]] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_report_computes_nothing(module: Path) -> None:
    named = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named.add(node.module.split(".")[0])
    assert named & {"scipy", "numpy", "random", "statistics"} == set()


def parts(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        yield place, schema
        for key, value in schema.items():
            yield from parts(value, f"{place}/{key}")


def numeric(part: dict[str, Any]) -> bool:
    kinds = part.get("type", [])
    return bool({"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds))
