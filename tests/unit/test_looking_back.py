"""Looking back uses nothing that was not known, and counts each trial once."""

from __future__ import annotations

import pytest

from myopoise.backtest.looking_back import Backtest, backtest
from myopoise.evidence.reading import read_evidence
from myopoise.evidence.selection import Question, select
from myopoise.vocabulary import BACKGROUND


@pytest.fixture(scope="module")
def found() -> Backtest:
    return backtest(read_evidence(), 2019, draws=1024)


def test_only_what_came_later_is_predicted(found: Backtest) -> None:
    assert found.forecasts
    assert all(f.year > f.as_of for f in found.forecasts)
    assert {f.as_of for f in found.forecasts} == set(range(found.first, found.last + 1))


def test_the_future_moves_no_prediction(found: Backtest) -> None:
    evidence = read_evidence()
    only_until = 2022
    cut = backtest(evidence.published_by(only_until), 2019, draws=1024)
    earlier = {
        (f.as_of, f.study, f.arm, f.kind, f.method): f.mean for f in found.forecasts if f.year <= only_until
    }
    again = {(f.as_of, f.study, f.arm, f.kind, f.method): f.mean for f in cut.forecasts}
    assert again
    assert all(earlier[key] == pytest.approx(value, abs=1e-9) for key, value in again.items())


def test_every_later_trial_is_a_target_or_says_why_not(found: Backtest) -> None:
    today = select(read_evidence(), Question())
    trials = {row.study for row in today.rows if row.design.randomised} | {p.study for p in today.printed}
    predicted = {f.study for f in found.forecasts}
    assert predicted | set(found.left_out) == trials
    assert not predicted & {s for s, why in found.left_out.items() if "published" in why}


def test_scores_rest_on_each_arm_once(found: Backtest) -> None:
    for score in found.scores:
        ahead = {
            (f.study, f.arm)
            for f in found.forecasts
            if f.ahead
            and f.method == score.method
            and (f.of == score.of or (score.of == "all" and f.kind == "arm"))
        }
        assert score.score.forecasts == len(ahead)
    main = next(s for s in found.scores if s.method == "main" and s.of == "all")
    assert main.behind_main.mean == 0.0


def test_a_contrast_pairs_an_arm_with_the_background_arm_of_its_trial(found: Backtest) -> None:
    controls = {
        (f.study, f.events, f.n)
        for f in found.forecasts
        if f.kind == "arm" and f.method == "main" and f.treatment == BACKGROUND
    }
    for f in found.forecasts:
        if f.kind == "contrast":
            assert (f.study, f.control_events, f.control_n) in controls
            assert f.control_events is not None
            assert f.control_n is not None
            assert f.observed == pytest.approx(f.events / f.n - f.control_events / f.control_n)
