"""Study and arm terms drawn from what they are given the data and a draw of (x, theta).

Inference integrates these terms out; replicated data and the baseline of one study need them back. They touch one
study only: a study's own term u is drawn from its density on a fine grid, with the arms' terms w integrated out on an
inner one, and then each w is drawn given u. Grids are centred and scaled by a Gauss-Newton step, or by where the
likelihood turns for a study in which nobody (or everybody) had the event and its vague intercept runs off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.latent import LatentModel
from myopoise.synthesis.likelihoods import Likelihood, Mix, spread
from myopoise.synthesis.nesting import group_sum

__all__ = ["Terms", "draw_terms"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEPS = 6
_OUTER = np.linspace(-6.5, 6.5, 45)
_INNER = np.linspace(-4.5, 4.5, 9)
_INNER_OF_ONE_SIDED = np.linspace(-5.0, 5.0, 15)
"""The trapezoid sum of a near-Gaussian at a spacing of 1.1 sd is exact to six digits; a one-sided one needs more."""
_FINE = np.linspace(-6.0, 6.0, 61)
_VAGUE = 4.0
_TURN = np.r_[np.linspace(-8.0, 12.0, 41), 12.0 + np.geomspace(0.5, 600.0, 24)]
"""Distances from where a one-sided study's likelihood turns, out to its plateau."""
_SMALLEST_VARIANCE = 1e-14
_CHUNK = 500_000


@dataclass(frozen=True, eq=False)
class Terms:
    """One draw of the terms for each draw of (x, theta).

    Parameters
    ----------
    study
        Term shared by the arms of a study, shape ``(study, draw)``.
    arm
        Each arm's own term, shape ``(arm, draw)``.
    log_density
        Log density of each study's data given (x, theta), terms integrated, constants left out, ``(study, draw)``.
    """

    study: Floats
    arm: Floats
    log_density: Floats


def draw_terms(
    model: LatentModel,
    x: Floats,
    theta: Floats,
    level: Floats,
    random: np.random.Generator,
    *,
    arms: Ints | None = None,
    study: Ints | None = None,
) -> Terms:
    """Terms of some arms, a draw for each draw of (x, theta).

    Parameters
    ----------
    model
        The model.
    x, theta
        Shapes ``(draw, column)`` and ``(draw, hyper)``.
    level
        Linear predictor of each arm of the model near its mode, shape ``(arm, draw)``.
    random
        Where chance comes from.
    arms, study
        Arms to take (one may come several times) and the group each is put in, non-decreasing from zero; None for
        the model's own.
    """
    arms = np.arange(len(model.study)) if arms is None else arms
    study = model.study if study is None else study
    found = Terms(
        *(np.empty((count, len(x))) for count in (int(study[-1]) + 1, len(arms), int(study[-1]) + 1))
    )
    one_sided = np.unique(study[model.likelihood.lean(model.arm)[arms] != 0.0])
    for chosen in (np.isin(study, one_sided), ~np.isin(study, one_sided)):
        # One-sided studies need more points; the others are not to pay for them.
        mine = np.flatnonzero(chosen)
        if len(mine):
            studies, renumbered = np.unique(study[mine], return_inverse=True)
            size = max(8, _CHUNK // (len(_TURN) * len(mine)))
            for i in range(0, len(x), size):
                c = slice(i, i + size)
                piece = _Piece.of(model, x[c], theta[c], level[:, c], arms[mine], renumbered)
                drawn = piece.drawn(random)
                found.study[studies, c] = drawn.study
                found.arm[mine, c] = drawn.arm
                found.log_density[studies, c] = drawn.log_density
    return found


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some arms seen from some draws, renumbered from zero."""

    likelihood: Likelihood
    mix: Mix
    arm: Ints
    study: Ints
    offset: Floats
    study_variance: Floats
    arm_variance: Floats
    level: Floats
    lean: Floats

    @classmethod
    def of(
        cls, model: LatentModel, x: Floats, theta: Floats, level: Floats, arms: Ints, study: Ints
    ) -> _Piece:
        results, arm = _members(model.arm, arms)
        parts, part = _members(model.result, results)
        first = np.searchsorted(study, np.arange(int(study[-1]) + 1))
        variance = model.study_variance.at(theta).T[model.study[arms[first]]]
        return cls(
            model.likelihood,
            Mix(results, part, model.shares_at(theta)[parts]),
            arm,
            study,
            model.predictor(x, theta)[parts],
            np.maximum(variance, _SMALLEST_VARIANCE),
            model.arm_variance.at(theta).T[arms],
            level[arms],
            model.likelihood.lean(model.arm)[arms],
        )

    @property
    def part_arm(self) -> Ints:
        return self.arm[self.mix.part]

    def by_arm(self, values: Floats) -> Floats:
        """Mean over the parts of each arm."""
        return np.asarray((group_sum(values, self.part_arm).T / np.bincount(self.part_arm)).T)

    def eta(self, term: Floats) -> Floats:
        return np.asarray(spread(self.offset, term.ndim) + term[self.part_arm])

    def log_likelihood(self, term: Floats) -> Floats:
        """Log likelihood of each arm at its total term, ``(arm, ..., draw)``."""
        return np.asarray(group_sum(self.likelihood.log_density(self.eta(term), self.mix), self.arm))

    def drawn(self, random: np.random.Generator) -> Terms:
        centre, precision = self._gaussian()
        u = self._study_grid(centre, precision)
        log_arm = self._inner(u[self.study], centre, precision)
        log_u = group_sum(log_arm, self.study) - 0.5 * u * u / self.study_variance[:, None]
        drawn, log_total = _pick(u, log_u, random)
        log_total = log_total - 0.5 * np.log(2.0 * np.pi * self.study_variance)
        w = self._arm_terms(drawn[self.study], centre, precision, random)
        return Terms(drawn, w, log_total)

    def _gaussian(self) -> tuple[Floats, Floats]:
        """Centre and precision of each arm's likelihood in its total term, at the joint mode; one-sided arms: none."""
        term = self.level - self.by_arm(self.offset)
        reach = 3.0 * np.sqrt(self.study_variance[self.study] + self.arm_variance)
        term = np.clip(term, -reach, reach)
        for _ in range(_STEPS):
            residual, variance, slope = self.likelihood.working(self.eta(term), self.mix)
            total = group_sum(slope, self.mix.part)
            precision = np.maximum(group_sum(total * total / variance, self.arm), 1e-12)
            centre = term + group_sum(total * residual / variance, self.arm) / precision
            width = 1.0 / precision + self.arm_variance
            u = group_sum(centre / width, self.study)
            u = u / (1.0 / self.study_variance + group_sum(1.0 / width, self.study))
            target = u[self.study] + self.arm_variance / width * (centre - u[self.study])
            term = term + np.clip(target - term, -2.0, 2.0)
        return centre, precision

    def _study_grid(self, centre: Floats, precision: Floats) -> Floats:
        width = 1.0 / precision + self.arm_variance
        variance = 1.0 / (1.0 / self.study_variance + group_sum(1.0 / width, self.study))
        middle = variance * group_sum(centre / width, self.study)
        size = np.bincount(self.study)
        side = group_sum(self.lean, self.study) / size
        one_sided = (np.abs(side) == 1.0) & (self.study_variance.min(1) > _VAGUE)
        if not one_sided.any():
            return np.asarray(middle[:, None] + np.sqrt(variance)[:, None] * _OUTER[:, None])
        outer = np.linspace(_OUTER[0], _OUTER[-1], len(_TURN))[:, None]
        regular = middle[:, None] + np.sqrt(variance)[:, None] * outer
        turn = self.likelihood.start(self.offset, self.mix)
        turn = group_sum(turn, self.arm) / np.bincount(self.arm)[:, None]
        turn = group_sum(turn, self.study) / size[:, None]
        inward = turn[:, None] + side[:, None, None] * _TURN[:, None]
        return np.asarray(np.where(one_sided[:, None, None], inward, regular))

    def _conditional(self, u: Floats, centre: Floats, precision: Floats) -> tuple[Floats, Floats]:
        """Centre and spread of an arm's own term given the study's, for a grid; the prior's for one-sided arms."""
        two_sided = (self.lean == 0.0)[:, None]
        precision = np.where(two_sided, precision, 0.0)
        prior = np.maximum(self.arm_variance, _SMALLEST_VARIANCE)
        variance = 1.0 / (1.0 / prior + precision)
        pull = (variance * precision)[:, None] * (centre[:, None] - u)
        return pull, np.sqrt(variance)[:, None]

    def _inner(self, u: Floats, centre: Floats, precision: Floats) -> Floats:
        """Log likelihood of each arm with its own term integrated, ``(arm, point, draw)``."""
        if not self.arm_variance.any():
            return self.log_likelihood(u)
        prior = np.maximum(self.arm_variance, _SMALLEST_VARIANCE)[:, None]
        middle, sd = self._conditional(u, centre, precision)
        points = _INNER_OF_ONE_SIDED if self.lean.any() else _INNER
        logs = []
        for point in points:
            w = middle + sd * point
            logs.append(self.log_likelihood(u + w) - 0.5 * w * w / prior)
        peak = logs[0]
        for each in logs[1:]:
            peak = np.maximum(peak, each)
        total = np.zeros_like(peak)
        for each in logs:
            total += np.exp(each - peak)
        step = np.log(points[1] - points[0]) + np.log(sd)
        return np.asarray(np.log(total) + peak + step - 0.5 * np.log(2.0 * np.pi * prior))

    def _arm_terms(self, u: Floats, centre: Floats, precision: Floats, random: np.random.Generator) -> Floats:
        if not self.arm_variance.any():
            return np.zeros_like(u)
        prior = np.maximum(self.arm_variance, _SMALLEST_VARIANCE)[:, None]
        middle, sd = self._conditional(u[:, None], centre, precision)
        w = middle + sd * _FINE[:, None]
        log_density = self.log_likelihood(u[:, None] + w) - 0.5 * w * w / prior
        return _pick(w, log_density, random)[0]


def _members(owner: Ints, groups: Ints) -> tuple[Ints, Ints]:
    """Members of `groups` in the order asked for, and the place of each member's group in that order."""
    first = np.searchsorted(owner, np.arange(int(owner[-1]) + 2))
    runs = [np.arange(first[g], first[g + 1]) for g in groups.tolist()]
    return np.concatenate(runs), np.repeat(np.arange(len(groups)), [len(run) for run in runs])


def _halved(values: Floats, *, curved: bool = False) -> Floats:
    """Values between the points too: halfway, or where a cubic through four points passes.

    A density that is straight between points is a little wider than the one it stands for, by a sixth of the spacing
    squared; halving the spacing makes that negligible.
    """
    middle = 0.5 * (values[:, 1:] + values[:, :-1])
    if curved:
        middle[:, 1:-1] = (9.0 * (values[:, 1:-2] + values[:, 2:-1]) - values[:, :-3] - values[:, 3:]) / 16.0
    both = np.empty((values.shape[0], 2 * values.shape[1] - 1, *values.shape[2:]))
    both[:, ::2], both[:, 1::2] = values, middle
    return both


def _pick(grid: Floats, log_density: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """A point of each density, ``(item, draw)`` from ``(item, point, draw)``, and the log of its integral."""
    grid, log_density = _halved(np.broadcast_to(grid, log_density.shape)), _halved(log_density, curved=True)
    step = np.diff(grid, axis=1)
    peak = log_density.max(1, keepdims=True)
    density = np.exp(log_density - peak)
    mass = 0.5 * (density[:, 1:] + density[:, :-1]) * np.abs(step)
    below = np.cumsum(mass, axis=1)
    total = below[:, -1]
    target = random.uniform(size=total.shape) * total
    place = np.minimum((below < target[:, None]).sum(1), mass.shape[1] - 1)[:, None]
    here = np.take_along_axis(mass, place, 1)
    before = np.take_along_axis(below, place, 1) - here
    fraction = np.clip((target[:, None] - before) / np.maximum(here, 1e-300), 0.0, 1.0)
    start = np.take_along_axis(grid, place, 1)
    width = np.take_along_axis(step, place, 1)
    return (start + fraction * width)[:, 0], np.log(total) + peak[:, 0]
