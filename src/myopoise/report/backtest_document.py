"""Looking back as one plain value: a row for each prediction, the score table, and what it comes to in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myopoise.backtest.looking_back import METHODS, SETS, Backtest, Forecast, MethodScore
from myopoise.backtest.scores import LEVELS, Average
from myopoise.report.names import treatment_name
from myopoise.report.rounding import hundred
from myopoise.report.sentences import FOOTER

__all__ = ["backtest_document"]

Part = dict[str, Any]


def backtest_document(found: Backtest, *, version: str) -> Part:
    """A backtest as a plain value.

    Parameters
    ----------
    found
        The predictions and scores.
    version
        Of the program.

    Returns
    -------
    document
        Dictionaries, lists, texts, numbers, truth values and nulls only.
    """
    return {
        "from": found.first,
        "to": found.last,
        "version": version,
        "methods": dict(METHODS),
        "sets": dict(SETS),
        "rows": [_row(f) for f in found.forecasts],
        "scores": [_score(s) for s in found.scores],
        "words": _words(found),
        "left_out": dict(found.left_out),
        "footer": FOOTER,
    }


def _row(f: Forecast) -> Part:
    row: Part = {
        "as_of": f.as_of,
        "study": f.study,
        "year": f.year,
        "arm": f.arm,
        "treatment": f.treatment,
        "level": f.level.value,
        "kind": f.kind,
        "method": f.method,
        "events": f.events,
        "n": f.n,
        "control_events": f.control_events,
        "control_n": f.control_n,
        "observed": f.observed,
        "mean": f.mean,
        "log_score": f.score.log_score,
        "crps": f.score.crps,
        "one_year_ahead": f.ahead,
    }
    for level in LEVELS:
        low, high = f.intervals[level]
        name = f"{100 * level:.0f}"
        row |= {f"low_{name}": low, f"high_{name}": high, f"covered_{name}": f.score.covered[level]}
    return row


def _score(s: MethodScore) -> Part:
    return {
        "set": s.of,
        "method": s.method,
        "label": METHODS[s.method],
        "forecasts": s.score.forecasts,
        "coverage": {f"{100 * level:.0f}": s.score.coverage[level] for level in LEVELS},
        "promised": {f"{100 * level:.0f}": s.score.promised[level] for level in LEVELS},
        "log_score": _average(s.score.log_score),
        "crps": _average(s.score.crps),
        "model_better_by": _average(s.behind_main),
    }


def _average(a: Average) -> Part:
    """A mean and its standard error, null where a score is infinite or there is one study only."""
    return {"mean": a.mean if abs(a.mean) < float("inf") else None, "se": a.se if a.se == a.se else None}


def _words(found: Backtest) -> list[str]:
    """What the scores say, the model's defeats before its victories, then where it was wrong."""
    said = [_contest(of, [s for s in found.scores if s.of == of]) for of in SETS]
    return [*filter(None, said), *_misses(found.forecasts)]


def _contest(of: str, scores: Sequence[MethodScore]) -> str:
    main = next((s for s in scores if s.method == "main"), None)
    if main is None:
        return ""
    others = [s for s in scores if s.method != "main"]
    ahead = [s for s in others if s.behind_main.mean < 0.0]
    best = max(others, key=lambda s: s.score.log_score.mean)
    head = f"{SETS[of].capitalize()} ({main.score.forecasts} predictions one year ahead): "
    gap, error = abs(best.behind_main.mean), best.behind_main.se
    settled = "beyond twice its standard error" if gap > 2.0 * error else "within twice its standard error"
    if not ahead:
        return (
            f"{head}the model has the best mean log score; the nearest rival is '{METHODS[best.method]}', "
            f"{gap:.2f} behind (se {error:.2f}), {settled}."
        )
    names = " and ".join(f"'{METHODS[s.method]}'" for s in ahead)
    return (
        f"{head}the model is beaten by {names}; the best of them is ahead by {gap:.2f} (se {error:.2f}) in mean log "
        f"score, {settled}."
    )


def _misses(forecasts: Sequence[Forecast]) -> list[str]:
    """Arms the main reading foresaw wrongly one year ahead: outside its 95% interval."""
    said = []
    for f in forecasts:
        if f.method == "main" and f.ahead and f.kind == "arm" and not f.score.covered[0.95]:
            low, high = f.intervals[0.95]
            said.append(
                f"Wrong: {f.study} ({f.year}), {treatment_name(f.treatment)}: {hundred(f.observed)} in 100 reached "
                f"the level '{f.level}', predicted {hundred(f.mean)} ({hundred(low)} to {hundred(high)})."
            )
    return said
