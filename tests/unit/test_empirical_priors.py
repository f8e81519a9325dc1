"""The empirical priors are the published ones, and every question about a setting has an answer in words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from myopoise.errors import WrongUsage
from myopoise.synthesis.empirical_priors import empirical_entry, empirical_prior, empirical_settings
from myopoise.synthesis.priors import LogNormalVariance, LogTVariance

ODDS = "log odds ratio"
SMD = "standardised mean difference"
PLACEBO = "pharmacological v placebo"
ACTIVE = "pharmacological v pharmacological"

# Turner 2012, the medians and 95% ranges of tau squared printed beside the parameters.
PRINTED_2012 = [
    ("general", "", 0.08, 0.003, 2.34),
    ("all-cause mortality", PLACEBO, 0.017, 0.001, 0.30),
    ("semi-objective", PLACEBO, 0.049, 0.001, 1.83),
    ("subjective", PLACEBO, 0.12, 0.005, 2.63),
    ("all-cause mortality", ACTIVE, 0.014, 0.0008, 0.25),
    ("semi-objective", ACTIVE, 0.040, 0.001, 1.58),
    ("subjective", ACTIVE, 0.096, 0.004, 2.31),
    ("all-cause mortality", "non-pharmacological v any", 0.020, 0.001, 0.38),
    ("semi-objective", "non-pharmacological v any", 0.056, 0.001, 2.35),
    ("subjective", "non-pharmacological v any", 0.13, 0.005, 3.33),
]

# Rhodes 2015, printed medians of tau squared, outside cancer and respiratory medicine, drug against placebo.
PRINTED_RHODES = [
    ("obstetric", 0.016),
    ("resource use, hospital stay or process", 0.078),
    ("internal or structure-related", 0.086),
    ("physical health, adverse event, pain or quality of life", 0.040),
    ("signs or symptoms, infection or new disease", 0.048),
    ("mental health", 0.049),
    ("biological marker", 0.033),
    ("subjective", 0.063),
]


@pytest.mark.parametrize(("outcome", "comparison", "median", "low", "high"), PRINTED_2012)
def test_a_prior_of_turner_2012_has_the_printed_median_and_range(
    outcome: str, comparison: str, median: float, low: float, high: float
) -> None:
    prior = empirical_prior(ODDS, outcome, comparison, source="turner-2012")
    found = prior.value(np.array([-1.959964, 0.0, 1.959964])) ** 2
    assert found[1] == pytest.approx(median, rel=0.04)
    assert found[2] == pytest.approx(high, rel=0.02)
    # The lower ends are printed with one digit.
    assert found[0] == pytest.approx(low, rel=0.5)


@pytest.mark.parametrize(("outcome", "median"), PRINTED_RHODES)
def test_a_prior_of_rhodes_2015_has_the_printed_median(outcome: str, median: float) -> None:
    prior = empirical_prior(SMD, outcome, PLACEBO)
    # The medians are those of the predictive distribution, the location that of the t fitted to it.
    assert float(prior.value(np.array(0.0))) ** 2 == pytest.approx(median, rel=0.07)


def test_the_settings_that_others_quote_are_theirs() -> None:
    assert empirical_prior(ODDS) == LogNormalVariance(-2.56, 1.74)
    assert empirical_prior(ODDS, "all-cause mortality", PLACEBO) == LogNormalVariance(-3.95, 1.34)
    assert empirical_prior(ODDS, "all-cause mortality", PLACEBO, source="turner-2012") == LogNormalVariance(
        -4.06, 1.45
    )
    assert empirical_prior(ODDS, "pain", PLACEBO) == LogNormalVariance(-1.83, 1.52)
    assert empirical_prior(SMD) == LogTVariance(5.0, -3.44, 2.59)
    pain = "physical health, adverse event, pain or quality of life"
    assert empirical_prior(SMD, pain, PLACEBO, area="cancer") == LogTVariance(5.0, -0.60, 2.61)


def test_every_setting_that_is_listed_has_a_prior() -> None:
    for measure, how_many in ((ODDS, 3 * 3 + 5 * 16), (SMD, 9 * 8 - 4)):
        settings = empirical_settings(measure)
        assert len(settings) == how_many
        for source, outcome, comparison, area in settings:
            entry = empirical_entry(measure, outcome, comparison, area=area, source=source)
            assert (entry.source, entry.outcome, entry.comparison, entry.area) == (
                source,
                outcome,
                comparison,
                area,
            )


@pytest.mark.parametrize(
    ("measure", "source", "areas"),
    [
        (ODDS, "turner-2012", [""]),
        (ODDS, "turner-2015", [""]),
        (SMD, "rhodes-2015", ["", "cancer", "respiratory"]),
    ],
)
def test_within_a_table_two_comparisons_differ_by_a_constant(
    measure: str, source: str, areas: list[str]
) -> None:
    """A mistyped digit stands out: the papers' models add an effect of the outcome and one of the comparison."""
    locations: dict[tuple[str, str], dict[str, float]] = {}
    for table, outcome, comparison, area in empirical_settings(measure):
        if table == source and area in areas:
            prior = empirical_prior(measure, outcome, comparison, area=area, source=source)
            location = prior.mu if isinstance(prior, LogNormalVariance) else prior.location
            locations.setdefault((comparison, area), {})[outcome] = location
    first = locations[(PLACEBO, "")]
    # Both copies of the table have this one, and it is told in its note.
    suspect = (("non-pharmacological v any", ""), "mental health")
    for setting, column in locations.items():
        difference = {o: column[o] - first[o] for o in column if (setting, o) != suspect and o in first}
        middle = float(np.median(list(difference.values())))
        assert all(abs(d - middle) < 0.025 for d in difference.values()), (setting, difference)


def test_a_cell_on_which_copies_disagree_is_refused_with_what_to_do() -> None:
    with pytest.raises(WrongUsage, match="copies of the table disagree"):
        empirical_prior(SMD, "internal or structure-related", PLACEBO, area="cancer")


def test_what_is_odd_about_a_cell_is_told_with_it() -> None:
    assert "-2.85" in empirical_entry(SMD, "mental health", "non-pharmacological v any").sentence
    assert "narrower" in empirical_entry(SMD).note
    assert empirical_entry(ODDS, "pain", PLACEBO).note == ""


def test_the_sentence_names_the_setting_the_interval_and_the_paper() -> None:
    words = empirical_entry(ODDS, "pain", PLACEBO).sentence
    ends = [math.exp(0.5 * (-1.83 + z * 1.52)) for z in (-1.96, 1.96)]
    assert f"tau 95% between {ends[0]:.2g} and {ends[1]:.2g}" in words
    assert "(pain, pharmacological v placebo; Turner R M" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("log hazard ratio",), "write a prior of your own"),
        ((ODDS, "pains", PLACEBO), "Did you mean 'pain'?"),
        ((ODDS, "pain", "pharmacological vs placebo"), "Did you mean 'pharmacological v placebo'?"),
        ((ODDS, "pain"), "has no comparison ''"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_known_ones(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        empirical_prior(*arguments)
    assert words in str(refused.value)


def test_a_table_or_area_that_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongUsage, match="no table 'rhodes-2015' for a log odds ratio"):
        empirical_prior(ODDS, source="rhodes-2015")
    with pytest.raises(WrongUsage, match="no medical area 'cancer'"):
        empirical_prior(ODDS, "pain", PLACEBO, area="cancer")
