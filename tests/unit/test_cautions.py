"""What documents state against a treatment: the shipped file, faulty files, and silence that is not safety."""

from __future__ import annotations

import pytest

from myopoise.choice.cautions import (
    CONDITIONS,
    NOT_SAFE,
    Kind,
    cautions_for,
    forbidden,
    read_cautions,
    read_statements,
    stated,
)
from myopoise.errors import BadInput, WrongUsage
from myopoise.evidence.reading import read_evidence
from myopoise.references import cite

ENTRY = {
    "treatment": '"ivig"',
    "condition": '"thrombosis"',
    "kind": '"caution"',
    "text": '"thrombosis may occur"',
    "source": '"a label, boxed warning"',
    "references": '["octagamlabel2022"]',
}


def written(**changed: str | None) -> str:
    """One statement as the file has it, with some fields changed or, where None, left out."""
    fields = {name: value for name, value in (ENTRY | changed).items() if value is not None}
    return "\n".join(["[[statement]]", *(f"{name} = {value}" for name, value in fields.items())])


def told(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read_cautions(text)
    return str(caught.value)


def test_a_statement_is_read_as_it_is_written() -> None:
    [statement] = read_cautions(written())
    assert (statement.treatment, statement.condition, statement.kind) == ("ivig", "thrombosis", Kind.CAUTION)
    assert (statement.text, statement.source) == ("thrombosis may occur", "a label, boxed warning")
    assert statement.references == ("octagamlabel2022",)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"treatment": '"rituximap"'}, "row 1, treatment: 'rituximap'. Did you mean 'rituximab'?"),
        ({"treatment": '"xyz"'}, "row 1, treatment: 'xyz'. Known: placebo"),
        ({"condition": '"pregnant"'}, "row 1, condition: 'pregnant'. Did you mean 'pregnancy'?"),
        ({"condition": '"gout"'}, "row 1, condition: 'gout'. Known: pregnancy"),
        ({"kind": '"forbidden"'}, "row 1, kind: 'forbidden'. Known: contraindicated, caution."),
        ({"source": None}, "row 1, source: nothing. Fill it in, or leave the whole statement out."),
        ({"source": '""'}, "row 1, source: nothing."),
        ({"text": '""'}, "row 1, text: nothing."),
        ({"references": "[]"}, "row 1, references: nothing."),
        ({"references": '["nobody1900"]'}, "row 1, references: 'nobody1900'. Add it to references.bib."),
        ({"sauce": '"a label"'}, "row 1, sauce: sauce. Allowed: treatment"),
        ({"text": "unquoted"}, "Write it as TOML, one [[statement]] each."),
    ],
)
def test_a_faulty_statement_is_told_with_its_row_and_what_to_do(
    changed: dict[str, str | None], words: str
) -> None:
    assert words in told(written(**changed))


def test_all_faults_of_a_file_are_told_together_each_with_its_row() -> None:
    text = "\n\n".join(["# a remark", written(treatment='"xyz"'), written(source=None)])
    message = told(text)
    assert "2 faults" in message
    assert "row 3, treatment" in message
    assert "row 11, source" in message


def test_a_statement_made_twice_is_a_fault() -> None:
    assert "State it once" in told(f"{written()}\n{written()}")


def test_every_shipped_statement_is_about_a_treatment_of_the_tables_and_a_known_condition() -> None:
    codes = read_evidence().codes("treatment")
    assert {s.treatment for s in read_statements()} <= set(codes)
    assert {s.condition for s in read_statements()} <= set(CONDITIONS)


def test_every_shipped_source_tells_how_it_was_seen() -> None:
    for statement in read_statements():
        for key in statement.references:
            reference = cite(key)
            assert reference.doi or reference.note, key


def test_every_condition_has_a_label_and_a_statement() -> None:
    assert all(CONDITIONS.values())
    assert {s.condition for s in read_statements()} == set(CONDITIONS)


def test_a_live_vaccine_never_refuses_a_treatment() -> None:
    # It is the vaccine that can be withheld.
    assert {s.kind for s in stated(["live-vaccine"])} == {Kind.CAUTION}


@pytest.mark.parametrize(
    ("treatment", "condition", "kind"),
    [
        ("methotrexate", "pregnancy", Kind.CONTRAINDICATED),
        ("methotrexate", "renal-impairment", Kind.CONTRAINDICATED),
        ("mycophenolate", "breastfeeding", Kind.CONTRAINDICATED),
        ("cyclophosphamide", "active-infection", Kind.CONTRAINDICATED),
        ("ivig", "iga-deficiency", Kind.CONTRAINDICATED),
        ("ivig", "thrombosis", Kind.CAUTION),
        ("infliximab", "heart-failure", Kind.CONTRAINDICATED),
        ("rituximab", "hepatitis-b", Kind.CAUTION),
        ("tofacitinib", "thrombosis", Kind.CAUTION),
        ("baricitinib", "pregnancy", Kind.CONTRAINDICATED),
        ("azathioprine", "malignancy", Kind.CAUTION),
        ("ciclosporin", "renal-impairment", Kind.CAUTION),
    ],
)
def test_a_statement_seen_in_a_document_is_held(treatment: str, condition: str, kind: Kind) -> None:
    assert [s.kind for s in cautions_for([treatment], [condition])] == [kind]


def test_contraindications_come_first_and_a_combination_has_those_of_all_its_drugs() -> None:
    found = cautions_for(["rituximab", "tofacitinib"], ["pregnancy", "hepatitis-b"])
    assert [(s.treatment, s.condition) for s in found] == [
        ("tofacitinib", "pregnancy"),
        ("rituximab", "pregnancy"),
        ("rituximab", "hepatitis-b"),
        ("tofacitinib", "hepatitis-b"),
    ]
    assert found[0].kind is Kind.CONTRAINDICATED


def test_only_contraindications_refuse() -> None:
    refused = {refusal.treatment for refusal in forbidden(["thrombosis", "malignancy", "hepatitis-b"])}
    assert refused == set()
    assert "tofacitinib" in {refusal.treatment for refusal in forbidden(["pregnancy"])}


def test_silence_is_empty_and_is_never_called_safe() -> None:
    assert cautions_for(["creatine"], list(CONDITIONS)) == ()
    assert "never" in NOT_SAFE
    assert "safe" not in " ".join(s.text for s in read_statements()).replace("safer", "")


def test_a_slip_of_the_pen_is_refused_where_it_would_read_as_silence() -> None:
    with pytest.raises(WrongUsage, match="Did you mean 'rituximab'"):
        cautions_for(["rituximap"], ["pregnancy"])
    with pytest.raises(WrongUsage, match="gout"):
        cautions_for(["rituximab"], ["gout"])
