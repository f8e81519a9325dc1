"""The model against its future: fit on what was known at the end of each year, predict what came later.

Every randomised arm with counts, and every comparison of such an arm with background therapy in the same trial, is
predicted from each year before its publication, by the main reading, by the randomised reading, and by rivals that know
less. Nothing of a study is used before the year it was published in; an arm whose year is unknown is no target.

The same arm predicted from 1995 and from 2004 is not two pieces of evidence. So the score of a method rests on the
predictions made at the end of the year before publication, each arm once; predictions from earlier years are rows too,
and say how early something could have been known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.backtest.rivals import FittedRival, Rival, Target, TrainingArm, fit_rival
from myopoise.backtest.scores import (
    LEVELS,
    Average,
    CountForecast,
    DifferenceForecast,
    ForecastScore,
    Score,
    paired_difference,
    summarised,
)
from myopoise.evidence.rows import Row, Selection
from myopoise.evidence.selection import Question, select
from myopoise.evidence.tables import Evidence
from myopoise.synthesis.effects import Synthesis
from myopoise.synthesis.myositis import MyositisPriors, synthesise
from myopoise.synthesis.observed import counted_level
from myopoise.synthesis.prediction import chances_of_rows
from myopoise.vocabulary import BACKGROUND, Level, Reading

__all__ = ["METHODS", "SETS", "Backtest", "Forecast", "MethodScore", "backtest"]

Floats = NDArray[np.float64]

METHODS: Mapping[str, str] = {
    "main": "the model, main reading",
    "randomised": "the model, randomised trials only",
    **{rival.value: rival.label for rival in Rival},
}
"""Every forecaster, by name, in words."""

SETS: Mapping[str, str] = {
    "all": "all arms",
    "background": "arms on background therapy",
    "active": "active arms",
    "contrast": "differences from background therapy",
}
"""What a score is about."""


@dataclass(frozen=True)
class Forecast:
    """One prediction and what happened.

    Parameters
    ----------
    as_of
        Year at whose end it was made.
    study, year, arm, treatment, level
        What was predicted, and when it was published.
    kind
        ``arm`` or ``contrast``.
    method
        Who predicted.
    events, n
        Responders and patients of the arm.
    control_events, control_n
        Of the background arm of a contrast, else None.
    observed
        Proportion, or difference of proportions.
    mean
        Predicted.
    intervals
        Ends of the predictive interval of each level, on the scale of `observed`.
    score
        How good it was.
    """

    as_of: int
    study: str
    year: int
    arm: str
    treatment: str
    level: Level
    kind: str
    method: str
    events: int
    n: int
    control_events: int | None
    control_n: int | None
    observed: float
    mean: float
    intervals: Mapping[float, tuple[float, float]]
    score: ForecastScore

    @property
    def ahead(self) -> bool:
        """Whether it was made at the end of the year before publication."""
        return self.as_of == self.year - 1

    @property
    def of(self) -> str:
        """The set the score belongs to, beside all arms."""
        if self.kind == "contrast":
            return "contrast"
        return "background" if self.treatment == BACKGROUND else "active"


@dataclass(frozen=True)
class MethodScore:
    """How a method did on one set of targets.

    Parameters
    ----------
    method, of
        Who, on what.
    score
        Coverage, log score, CRPS.
    behind_main
        Mean log score of the main reading less this method's on the same targets; above 0 the model is better.
    """

    method: str
    of: str
    score: Score
    behind_main: Average


@dataclass(frozen=True)
class Backtest:
    """Every prediction, and how each method did.

    Parameters
    ----------
    first, last
        Years at whose ends predictions were made.
    forecasts
        Every prediction.
    scores
        By set of targets and method, from the predictions one year ahead.
    left_out
        Studies that are no target, and why.
    """

    first: int
    last: int
    forecasts: tuple[Forecast, ...]
    scores: tuple[MethodScore, ...]
    left_out: Mapping[str, str]


def backtest(
    evidence: Evidence,
    first: int,
    *,
    priors: MyositisPriors | None = None,
    draws: int = 2048,
    seed: int = 20061,
    progress: Callable[[str], None] = lambda step: None,
) -> Backtest:
    """Predict every later randomised arm and contrast from each year.

    Parameters
    ----------
    evidence
        Everything known today.
    first
        First year at whose end predictions are made.
    priors, draws, seed, progress
        As for `inquire`.
    """
    priors = priors or MyositisPriors()
    today = select(evidence, Question())
    targets, left_out = _targets(today, first)
    forecasts: list[Forecast] = []
    seen: dict[str, dict[str, _Forecaster]] = {}
    last = max((rows[0].year or 0 for rows in targets.values()), default=first)
    for as_of in range(first, last):
        later = {study: rows for study, rows in targets.items() if (rows[0].year or 0) > as_of}
        known = select(evidence, Question(as_of))
        if known.digest not in seen:
            progress(f"fitting what was known at the end of {as_of}")
            # Only the latest is kept: a year that brings nothing new asks the same fits again.
            seen = {known.digest: _forecasters(known, today.mechanism, priors, draws, seed)}
        for method, forecaster in seen[known.digest].items():
            for rows in later.values():
                forecasts.extend(_predicted(method, forecaster, rows, as_of))
    return Backtest(first, last - 1, tuple(forecasts), _scores(forecasts), left_out)


_Forecaster = Callable[[Sequence[Row], Sequence[Level]], tuple[Floats, Floats]]
"""From the rows of one new study and the level asked of each to joint draws ``(row, draw)`` and their weights."""


def _targets(selection: Selection, first: int) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The randomised arms with counts, by study, and why other trials are none."""
    targets: dict[str, list[Row]] = {}
    left_out: dict[str, str] = {}
    for row in selection.rows:
        if not row.design.randomised or row.juvenile:
            continue
        if row.year is None:
            left_out[row.study] = "its year of publication is not known"
        elif row.year <= first:
            left_out[row.study] = f"published by {first}"
        elif counted_level(row) is None:
            left_out[row.study] = "it printed a mean score and no count of responders"
        else:
            targets.setdefault(row.study, []).append(row)
    for p in selection.printed:
        if p.study not in targets:
            left_out.setdefault(p.study, "it printed a P value only")
    return targets, left_out


def _forecasters(
    known: Selection, mechanism: Mapping[str, str], priors: MyositisPriors, draws: int, seed: int
) -> dict[str, _Forecaster]:
    """Every method fitted to what was known."""
    found: dict[str, _Forecaster] = {}
    for reading in (Reading.MAIN, Reading.RANDOMISED):
        fitted = synthesise(known, reading, priors, draws=draws, seed=seed)
        if fitted is not None:
            found[reading.value] = _of_model(fitted, mechanism, priors, seed)
    arms = [
        TrainingArm(row.treatments, row.counts[level], row.n, level, row.design.randomised, row.study)
        for row in known.rows
        if not row.juvenile and (level := counted_level(row)) is not None
    ]
    for rival in Rival:
        found[rival.value] = _of_rival(fit_rival(rival, arms))
    return found


def _of_model(
    fitted: Synthesis, mechanism: Mapping[str, str], priors: MyositisPriors, seed: int
) -> _Forecaster:
    def forecaster(rows: Sequence[Row], levels: Sequence[Level]) -> tuple[Floats, Floats]:
        return (
            chances_of_rows(fitted, rows, levels, mechanism, priors, seed),
            fitted.posterior.weights.values,
        )

    return forecaster


def _of_rival(fitted: FittedRival) -> _Forecaster:
    def forecaster(rows: Sequence[Row], levels: Sequence[Level]) -> tuple[Floats, Floats]:
        asked = [Target(row.treatments, level, row.n) for row, level in zip(rows, levels, strict=True)]
        chances = fitted.chances(asked)
        return chances.T, np.full(len(chances), 1.0 / len(chances))

    return forecaster


def _predicted(method: str, forecaster: _Forecaster, rows: Sequence[Row], as_of: int) -> Iterator[Forecast]:
    """Predictions for every arm of one study, and for every arm beside its background arm."""
    levels = [level for row in rows if (level := counted_level(row)) is not None]
    chance, weight = forecaster(rows, levels)
    for row, level, one in zip(rows, levels, chance, strict=True):
        forecast, events = CountForecast(one, weight, row.n), row.counts[level]
        ends = {p: forecast.interval(p) for p in LEVELS}
        yield Forecast(
            *(as_of, row.study, row.year or 0, row.arm, "+".join(row.treatments), level, "arm", method),
            *(events, row.n, None, None, events / row.n, float(weight @ one)),
            {p: (low / row.n, high / row.n) for p, (low, high) in ends.items()},
            forecast.scored(events),
        )
    for i, j in _pairs(rows, levels):
        row, control, level = rows[i], rows[j], levels[i]
        events, others = row.counts[level], control.counts[level]
        both = DifferenceForecast(chance[i], row.n, chance[j], control.n, weight)
        yield Forecast(
            *(as_of, row.study, row.year or 0, row.arm, "+".join(row.treatments), level, "contrast", method),
            *(events, row.n, others, control.n, events / row.n - others / control.n),
            float(weight @ (chance[i] - chance[j])),
            {p: both.interval(p) for p in LEVELS},
            both.scored(events, others),
        )


def _pairs(rows: Sequence[Row], levels: Sequence[Level]) -> Iterator[tuple[int, int]]:
    """Each active arm with the background arm of the same diagnoses that counts the same level."""
    for i, row in enumerate(rows):
        if row.treatments == (BACKGROUND,):
            continue
        for j, other in enumerate(rows):
            alike = set(other.shares) == set(row.shares) and levels[j] is levels[i]
            if other.treatments == (BACKGROUND,) and alike:
                yield i, j
                break


def _scores(forecasts: Sequence[Forecast]) -> tuple[MethodScore, ...]:
    """Scores of each method on each set, from predictions one year ahead that every method made."""
    ahead = [f for f in forecasts if f.ahead]
    by_method: dict[str, dict[tuple[str, str, str], Forecast]] = {}
    for f in ahead:
        by_method.setdefault(f.method, {})[f.study, f.arm, f.kind] = f
    if "main" not in by_method:
        return ()
    common = set.intersection(*(set(found) for found in by_method.values()))
    scores = []
    for of in SETS:
        keys = sorted(key for key in common if _belongs(by_method["main"][key], of))
        if not keys:
            continue
        study = [key[0] for key in keys]
        main = [by_method["main"][key].score for key in keys]
        for method, found in by_method.items():
            mine = [found[key].score for key in keys]
            scores.append(
                MethodScore(method, of, summarised(mine, study), paired_difference(main, mine, study))
            )
    return tuple(scores)


def _belongs(forecast: Forecast, of: str) -> bool:
    return forecast.of == of or (of == "all" and forecast.kind == "arm")
