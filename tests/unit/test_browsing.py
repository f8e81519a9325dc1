"""What a reader of the evidence asks for: lists, founding references, one study in words."""

import json
import re

import pytest

from myopoise.errors import WrongUsage
from myopoise.evidence.browsing import describe_study, list_studies, seed_lines, to_json
from myopoise.evidence.reading import read_evidence

BASE = read_evidence()


def test_without_filters_every_study_is_listed_once_by_its_id() -> None:
    ids = [line.study_id for line in list_studies(BASE)]
    assert ids == sorted(study.study_id for study in BASE.studies)


def test_a_treatment_is_found_through_the_arms() -> None:
    ids = {line.study_id for line in list_studies(BASE, treatment="rituximab")}
    assert ids == {arm.study_id for arm in BASE.arms if arm.treatment == "rituximab"}


def test_a_mechanism_class_stands_for_all_of_its_treatments() -> None:
    ids = {line.study_id for line in list_studies(BASE, treatment="jak-inhibition")}
    assert {line.study_id for line in list_studies(BASE, treatment="tofacitinib")} < ids


def test_filters_do_not_mind_capitals_and_narrow_one_another() -> None:
    assert list_studies(BASE, population="DM") == list_studies(BASE, population="dm")
    both = list_studies(BASE, population="jdm", design="rct")
    assert set(both) == set(list_studies(BASE, population="jdm")) & set(list_studies(BASE, design="rct"))


def test_rct_stands_for_every_randomised_design() -> None:
    ids = {line.study_id for line in list_studies(BASE, design="rct")}
    assert ids == {study.study_id for study in BASE.studies if study.randomised}
    assert {line.study_id for line in list_studies(BASE, design="rct-crossover")} < ids


@pytest.mark.parametrize(
    ("filters", "hint"),
    [
        ({"treatment": "rituximb"}, "Did you mean rituximab"),
        ({"population": "dmm"}, "Did you mean dm"),
        ({"design": "rct-paralel"}, "Did you mean rct-parallel"),
        ({"population": "zzz"}, "Choose one of dm, pm"),
    ],
)
def test_an_unknown_filter_is_refused_with_a_suggestion(filters: dict[str, str], hint: str) -> None:
    with pytest.raises(WrongUsage, match=hint):
        list_studies(BASE, **filters)


def test_an_unknown_study_is_refused_with_a_suggestion() -> None:
    with pytest.raises(WrongUsage, match="Did you mean oddis-2013"):
        describe_study(BASE, "odis-2013")


def test_all_fifty_references_come_with_a_status_in_words() -> None:
    lines = seed_lines(BASE)
    assert [line.number for line in lines] == list(range(1, 51))
    for line in lines:
        assert line.status_meaning == BASE.meaning("status", line.status)


def test_a_reference_names_only_studies_that_are_there() -> None:
    lines = seed_lines(BASE.published_by(1990))
    assert {study for line in lines for study in line.studies} <= {
        study.study_id for study in BASE.published_by(1990).studies
    }


def test_a_card_holds_every_row_of_its_study_and_says_why_it_is_in_or_out() -> None:
    for study in BASE.studies:
        card = describe_study(BASE, study.study_id)
        assert len(card.arms) == len(BASE.arms_of(study.study_id))
        assert len(card.outcomes) == len(BASE.outcomes_of(study.study_id))
        assert len(card.contrasts) == len(BASE.contrasts_of(study.study_id))
        assert len(card.planning) == len(BASE.facts_of(study.study_id))
        assert card.standing.startswith(
            "In the main" if study.included else "Left out of the main set of the tables: "
        )
        assert all(line.result for line in card.outcomes)
        json.dumps(to_json(card), allow_nan=False)


def test_a_card_never_shows_a_bare_code() -> None:
    bare = {
        term.code
        for term in BASE.vocabulary
        if "-" in term.code
        and term.code not in term.meaning
        and term.field not in ("treatment", "risk_of_bias")
    }
    for study in BASE.studies:
        card = describe_study(BASE, study.study_id)
        words = [*card.facts.values(), card.standing, card.publication, *card.definitions]
        words += [
            text for line in card.outcomes for text in (line.endpoint, line.definition_class, line.level)
        ]
        words += [line.role for line in card.arms] + [line.measure for line in card.contrasts]
        shown = {word for text in words for word in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", text)}
        assert not (bare & shown) - _said_in_free_text(study)


def _said_in_free_text(study) -> set[str]:
    texts = [study.primary_endpoint, study.refractory_definition, study.background_therapy]
    texts += [outcome.definition for outcome in BASE.outcomes_of(study.study_id)]
    texts += [term.meaning for term in BASE.vocabulary]
    return {word for text in texts for word in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", text)}


def test_results_are_said_in_the_order_one_would_say_them() -> None:
    card = describe_study(BASE, "aggarwal-2022")
    results = [line.result for line in card.outcomes]
    assert "37 of 47" in results
    assert "mean 48.4 points in 47 patients" in results
