"""From syntheses to the answer for one group of patients: own evidence, predictions, certainty, verdict.

The display rules were learned from looking back: on the evidence of 2012 ciclosporin stood above 0.95 on series in
which everybody responded, and the randomised trial of 2015 found no significant effect. A treatment that was never
randomised against background therapy gets no probability of beating it, and one set against placebo arms of another
era is never called worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from myopoise.choice.certainty import Certainty, Grade, Grounds, Override, grade
from myopoise.choice.comparing import beside_each_other, promise_of, responses
from myopoise.choice.options import Answer, Comparison, NotAnswered, Option, OwnEvidence, Predicted
from myopoise.evidence.rows import Selection
from myopoise.evidence.tables import Evidence, Study
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.leaving_out import information_shares
from myopoise.synthesis.myositis import MyositisPriors, effect_row
from myopoise.synthesis.network import Network, Node
from myopoise.synthesis.prediction import PredictedResponse, predict
from myopoise.vocabulary import BACKGROUND, Level, Phenotype, Reading, Verdict, treatment_label

__all__ = ["answer", "verdict_of"]

SURE_BETTER = 0.975
"""Probability of any benefit above which an option may be preferred: two-sided 5% in other words."""

SURE_IMPORTANT = 0.80
"""Probability of helping ten more patients in a hundred above which an option may be preferred."""

TRIALS_AGREE = 0.90
"""Probability of any benefit that the randomised trials alone must give before an option may be preferred."""

EQUIVALENT_WITHIN = 0.10
"""A credible interval of the difference inside plus or minus this is called equivalent."""


def answer(
    evidence: Evidence,
    selection: Selection,
    network: Network,
    syntheses: Mapping[Reading, Synthesis],
    group: Phenotype,
    priors: MyositisPriors,
    seed: int,
    *,
    level: Level = Level.MINIMAL,
    reading: Reading = Reading.MAIN,
    overrides: Sequence[Override] = (),
) -> Answer:
    """The options for one group of patients.

    Parameters
    ----------
    evidence, selection, network, syntheses
        What is known.
    group
        Diagnosis asked about.
    priors, seed
        For the predictions.
    level
        The level of response that probabilities, ranks and verdicts are about.
    reading
        The one that orders the options and ranks them; verdicts and certainty always come from the main reading.
    overrides
        A panel's judgements of certainty, each in the place of a rule's.
    """
    if not {Reading.MAIN, reading} <= set(syntheses) or not any(
        node.name == BACKGROUND for node in network.nodes
    ):
        # Without a single arm on background therapy its response would be the prior's word alone.
        return Answer(group, {}, (), _unanswered(evidence, selection, network), Verdict.NO_EVIDENCE)

    def forecast(treatments: Sequence[str], of: Reading) -> PredictedResponse:
        """Prediction of one reading for this group."""
        return predict(syntheses[of], treatments, group, selection.mechanism, priors, seed, level)

    main = syntheses[Reading.MAIN]
    nodes = [node for node in network.nodes if node.name != BACKGROUND and _readings(node, syntheses)]
    contrasts = [
        effect_row(main.posterior.model.columns, node.treatments, group, selection.mechanism)
        for node in nodes
    ]
    shares = information_shares(main, np.array(contrasts)) if nodes else {}
    options = []
    for place, node in enumerate(nodes):
        forecasts = {each: forecast(node.treatments, each) for each in _readings(node, syntheses)}
        information = {study: float(share[place]) for study, share in shares.items() if share[place] > 0.0}
        mine = [override for override in overrides if override.treatment == node.name]
        options.append(_option(evidence, selection, network, node, group, forecasts, information, mine))
    # What was randomised against background therapy comes first: seven of seven responding is not a second place.
    order = list(Comparison)
    options = [option for option in options if reading in option.predicted]
    options.sort(key=lambda o: (order.index(o.own.comparison), -o.predicted[reading].response.median))
    ranked = [replace(option, rank=i) for i, option in enumerate(options, 1)]
    connected = [o for o in ranked if o.own.comparison is Comparison.RANDOMISED]
    names = [*(tuple(o.treatment.split("+")) for o in connected), (BACKGROUND,)]
    chance = responses(syntheses[reading], names, group, selection.mechanism, priors, seed, level)
    beside = dict(
        zip([o.treatment for o in connected], beside_each_other(chance, syntheses[reading]), strict=False)
    )
    ranked = [replace(option, beside=beside.get(option.treatment)) for option in ranked]
    background = {each: _shown(forecast((BACKGROUND,), each), None) for each in syntheses}
    return Answer(
        group, background, tuple(ranked), _unanswered(evidence, selection, network), _overall(ranked)
    )


def _readings(node: Node, syntheses: Mapping[Reading, Synthesis]) -> tuple[Reading, ...]:
    """Readings in which the treatment has evidence of its own."""
    return tuple(
        r for r in Reading if r in syntheses and (r is not Reading.RANDOMISED or node.randomised_studies)
    )


def _option(
    evidence: Evidence,
    selection: Selection,
    network: Network,
    node: Node,
    group: Phenotype,
    forecasts: Mapping[Reading, PredictedResponse],
    information: Mapping[str, float],
    overrides: Sequence[Override],
) -> Option:
    own = _own_evidence(selection, network, node, group)
    certainty = grade(_grounds(evidence, selection, own, node, forecasts, information), overrides)
    main, trials = forecasts[Reading.MAIN], forecasts.get(Reading.RANDOMISED)
    verdict = verdict_of(main, trials, own, certainty)
    preferred = verdict is Verdict.PREFERRED
    return Option(
        treatment=node.name,
        label=" + ".join(treatment_label(t) for t in node.treatments),
        mechanism=" + ".join(dict.fromkeys(selection.mechanism[t] for t in node.treatments)),
        own=own,
        predicted={reading: _shown(found, own.comparison) for reading, found in forecasts.items()},
        certainty=certainty,
        verdict=verdict,
        promise=promise_of(main, own.comparison, certainty.grade, preferred=preferred),
        information=information,
        beside=None,
        rank=0,
    )


def _shown(found: PredictedResponse, comparison: Comparison | None) -> Predicted:
    """Prediction with the probabilities of benefit taken out where the display rules forbid them."""
    allowed = comparison is Comparison.RANDOMISED
    return Predicted(
        found.response,
        found.predictive,
        found.difference,
        found.predictive_difference,
        found.p_better if allowed else None,
        found.p_better_by_ten if allowed else None,
        found.p_mcse if allowed else None,
        found.levels,
    )


def _own_evidence(selection: Selection, network: Network, node: Node, group: Phenotype) -> OwnEvidence:
    rows = [row for row in selection.rows if row.treatments == node.treatments and not row.juvenile]
    printed = [p for p in selection.printed if p.treatments_1 == node.treatments]
    groups = [(row.n * row.shares.get(group, 0.0), row.shares_assumed) for row in rows]
    groups += [(p.n_1 * p.shares.get(group, 0.0), p.shares_assumed) for p in printed]
    connected = network.connected(node.name)
    comparison = Comparison.RANDOMISED if connected else Comparison.UNCONTROLLED
    if node.randomised_studies and not connected:
        comparison = Comparison.UNCONNECTED
    return OwnEvidence(
        studies=len(set(node.randomised_studies) | set(node.other_studies)),
        patients=node.randomised_patients + node.other_patients,
        randomised_studies=len(node.randomised_studies),
        randomised_patients=node.randomised_patients,
        patients_in_group=sum(n for n, _ in groups),
        assumed_in_group=sum(n for n, assumed in groups if assumed),
        randomised_compared=_compared(selection, node),
        responders=sum(row.counts.get(Level.MINIMAL, 0) for row in rows),
        evaluated=sum(row.n for row in rows if Level.MINIMAL in row.counts),
        comparison=comparison,
        only_p=bool(printed) and not any(row.design.randomised for row in rows),
        study_ids=tuple(dict.fromkeys((*node.randomised_studies, *node.other_studies))),
    )


def _grounds(
    evidence: Evidence,
    selection: Selection,
    own: OwnEvidence,
    node: Node,
    forecasts: Mapping[Reading, PredictedResponse],
    information: Mapping[str, float],
) -> Grounds:
    only_p = {p.study for p in selection.printed if p.treatments_1 == node.treatments}
    main, trials = forecasts[Reading.MAIN], forecasts.get(Reading.RANDOMISED)
    told = sum(information.values())
    known = {study.study_id: study for study in evidence.studies}
    at_random = {row.study for row in selection.rows if row.design.randomised}
    risk = {s: _risk(known[s]) if s in known else 1 if s in at_random else 2 for s in information}
    both = trials is not None and bool(node.other_studies)

    def share(studies: Iterable[str]) -> float:
        """Share of what the studies tell that comes from some of them."""
        return sum(information[study] for study in studies) / told if told > 0.0 else 0.0

    return Grounds(
        randomised_against_background=own.comparison is Comparison.RANDOMISED,
        randomised_at_all=bool(node.randomised_studies),
        randomised_compared=own.randomised_compared,
        unblinded_trials=sum(
            study not in known or known[study].blinding != "double-blind" for study in node.randomised_studies
        ),
        patients_in_group=own.patients_in_group,
        assumed_in_group=own.assumed_in_group,
        patients=own.patients,
        low=main.difference.low,
        high=main.difference.high,
        predictive_low=main.predictive_difference.low,
        predictive_high=main.predictive_difference.high,
        only_p=len(only_p),
        some_risk=share(study for study in information if risk[study] == 1),
        high_risk=share(study for study in information if risk[study] == 2),
        not_in_journals=share(
            s for s in information if s in known and known[s].publication_status != "journal"
        ),
        partly_refractory=share(s for s in information if s in known and known[s].refractory != "all"),
        trials_difference=trials.difference.median if trials is not None and both else None,
        main_difference=main.difference.median if both else None,
    )


def _risk(study: Study) -> int:
    """Risk of bias of a study: 0 low, 1 some, 2 high; a published judgement before what its design says."""
    if study.risk_of_bias in _JUDGED:
        return _JUDGED[study.risk_of_bias]
    if not study.randomised:
        return 2
    return 0 if study.blinding == "double-blind" else 1


_JUDGED = {
    "high": 2,
    "serious": 2,
    "moderate": 1,
    "some": 1,
    "unclear": 1,
    "jadad-2": 1,
    "jadad-3": 1,
    "low": 0,
}
"""Published judgements; a Jadad score below 4 of 5 is some risk."""


def _compared(selection: Selection, node: Node) -> int:
    """Patients in the arms of a treatment's randomised trials: its own and those it was compared with."""
    sizes: dict[tuple[str, tuple[str, ...], str], int] = {}
    for row in selection.rows:
        if row.study in node.randomised_studies:
            sizes[row.study, row.treatments, row.arm] = row.n
    for p in selection.printed:
        if p.study in node.randomised_studies and node.treatments in (p.treatments_1, p.treatments_0):
            sizes[p.study, p.treatments_1, ""], sizes[p.study, p.treatments_0, ""] = p.n_1, p.n_0
    return sum(sizes.values())


def verdict_of(
    main: PredictedResponse, trials: PredictedResponse | None, own: OwnEvidence, certainty: Certainty
) -> Verdict:
    """What may be said of an option against continued background therapy.

    Parameters
    ----------
    main
        Prediction of the main reading.
    trials
        Prediction of the randomised reading; series of the same class must not carry a preference alone.
    own
        Its own evidence; without a randomised comparison the verdict is always `undecided`.
    certainty
        A preference needs more than very low certainty.
    """
    if own.comparison is not Comparison.RANDOMISED:
        return Verdict.UNDECIDED
    if main.difference.low > -EQUIVALENT_WITHIN and main.difference.high < EQUIVALENT_WITHIN:
        return Verdict.EQUIVALENT
    # Above the thresholds by more than the computation may be wrong, so that no verdict hangs on a seed.
    margin = 2.0 * main.p_mcse
    sure = main.p_better - margin >= SURE_BETTER and main.p_better_by_ten - margin >= SURE_IMPORTANT
    agreed = trials is not None and trials.p_better >= TRIALS_AGREE
    known = certainty.grade is not Grade.VERY_LOW
    return Verdict.PREFERRED if sure and agreed and known else Verdict.UNDECIDED


def _overall(options: Sequence[Option]) -> Verdict:
    if not options:
        return Verdict.NO_EVIDENCE
    preferred = any(option.verdict is Verdict.PREFERRED for option in options)
    return Verdict.PREFERRED if preferred else Verdict.UNDECIDED


def _unanswered(evidence: Evidence, selection: Selection, network: Network) -> tuple[NotAnswered, ...]:
    """Treatments given in some study without a result this analysis can use, and why."""
    names = {node.name for node in network.nodes}
    answered = names if BACKGROUND in names else frozenset()
    given: dict[str, dict[str, None]] = {}
    for arm in evidence.arms:
        if arm.role == "active" and evidence.mechanism_class(arm.treatment) not in (
            "control",
            "mixed",
            "supportive",
        ):
            given.setdefault(arm.treatment, {})[arm.study_id] = None
    reasons = {aside.study: aside.reason for aside in selection.set_aside}
    found = []
    for treatment in sorted(set(given) - answered):
        studies = tuple(given[treatment])
        why = [reasons[study].split(":")[-1].strip() for study in studies if study in reasons]
        if treatment in names:
            why.insert(
                0, "only series without a control group, and no arm on background therapy to set them against"
            )
        elif any(study not in reasons for study in studies):
            why.insert(0, "given only to children or only in combination")
        label = treatment_label(treatment)
        found.append(NotAnswered(treatment, label, studies, "; ".join(dict.fromkeys(why))))
    return tuple(found)
