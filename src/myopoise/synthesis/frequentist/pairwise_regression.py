"""Weighted regression of contrasts on covariates, at any between-study variance: what pairwise meta-analysis is.

    y_i ~ N(x_i'b, v_i + tau2),   weights w_i = 1 / (v_i + tau2)

All that is asked of tau2 (Q, likelihood, score) is a sum over studies of powers of the weights times columns that do
not depend on tau2. The columns are made once, with y replaced by its residual from the fit at tau2 = 0, so that no sum
of squares is a small difference of large ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myopoise.errors import WrongUsage

__all__ = ["AtTau2", "Floats", "Regression", "regression_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AtTau2:
    """The weighted regression at one between-study variance.

    Parameters
    ----------
    tau2
        Between-study variance.
    weights
        Of each study, shape ``(study,)``.
    coefficients, covariance
        Shapes ``(column,)`` and ``(column, column)``.
    residuals
        Shape ``(study,)``.
    q
        Weighted sum of squares of the residuals.
    """

    tau2: float
    weights: Floats
    coefficients: Floats
    covariance: Floats
    residuals: Floats
    q: float


@dataclass(frozen=True, eq=False)
class Regression:
    """Contrasts with their variances and what they are regressed on.

    Parameters
    ----------
    names
        Of the columns of `design`.
    y, v
        Estimate and sampling variance of each study, shape ``(study,)``.
    design
        Shape ``(study, column)``, full rank.
    """

    names: tuple[str, ...]
    y: Floats
    v: Floats
    design: Floats

    @property
    def df(self) -> int:
        """Studies less columns."""
        count: int = self.design.shape[0] - self.design.shape[1]
        return count

    @cached_property
    def common(self) -> AtTau2:
        """The fit without heterogeneity."""
        return self._solved(self.y, 0.0)

    @cached_property
    def _columns(self) -> Floats:
        """``[XX, Xr, rr]`` of each study, r the residual of the common fit."""
        x, r = self.design, self.common.residuals
        count, width = x.shape
        return np.column_stack(
            [(x[:, :, None] * x[:, None, :]).reshape(count, width * width), x * r[:, None], r**2]
        )

    def at(self, tau2: float) -> AtTau2:
        """The fit at a between-study variance."""
        return self.common if tau2 == 0.0 else self._solved(self.y, tau2)

    def without(self, study: int) -> Regression:
        """The same regression of all studies but one."""
        kept = np.arange(len(self.y)) != study
        return Regression(self.names, self.y[kept], self.v[kept], self.design[kept])

    def _solved(self, y: Floats, tau2: float) -> AtTau2:
        weight = 1.0 / (self.v + tau2)
        weighted = self.design * weight[:, None]
        inverse = np.linalg.inv(weighted.T @ self.design)
        coefficients = inverse @ (weighted.T @ y)
        residuals = y - self.design @ coefficients
        # Once more on the residuals: normal equations of a column far from zero lose half of the digits.
        step = inverse @ (weighted.T @ residuals)
        residuals = residuals - self.design @ step
        return AtTau2(
            tau2,
            weight,
            coefficients + step,
            0.5 * (inverse + inverse.T),
            residuals,
            float(weight @ residuals**2),
        )

    def moments(self, weight: Floats) -> tuple[Floats, Floats, Floats]:
        """``X'W X``, ``X'W r`` and ``r'W r`` for sets of weights ``(set, study)``, first axis the set."""
        width = self.design.shape[1]
        summed = weight @ self._columns
        return (
            summed[:, : width * width].reshape(-1, width, width),
            summed[:, width * width : -1],
            summed[:, -1],
        )

    def powers(self, tau2: float) -> list[list[float]]:
        """Sums of the first three powers of the weights times ``[XX, Xr, rr]``, for an intercept alone."""
        weight = 1.0 / (self.v + tau2)
        squared = weight * weight
        sums: list[list[float]] = (np.stack([weight, squared, squared * weight]) @ self._columns).tolist()
        return sums

    def q_and_slope(self, tau2: float) -> tuple[float, float]:
        """Generalised Q at a between-study variance, and its derivative there (never positive).

        Examples
        --------
        >>> two = regression_of([0.0, 2.0], [1.0, 1.0])
        >>> two.q_and_slope(0.0)
        (2.0, -2.0)
        """
        if self.design.shape[1] == 1:
            once, twice, _ = self.powers(tau2)
            shift = once[1] / once[0]
            return once[2] - shift * once[1], -(twice[2] - shift * (2.0 * twice[1] - shift * twice[0]))
        weight = 1.0 / (self.v + tau2)
        (a, a2), (b, b2), (c, c2) = self.moments(np.stack([weight, weight * weight]))
        across = np.linalg.solve(a, b)
        return float(c - across @ b), -float(c2 - 2.0 * across @ b2 + across @ a2 @ across)

    def projection(self, weight: Floats) -> Floats:
        """``P = W - W X (X'WX)⁻¹ X'W`` for any weights, shape ``(study, study)``."""
        weighted = self.design * weight[:, None]
        inverse = np.linalg.inv(weighted.T @ self.design)
        return np.diag(weight) - weighted @ inverse @ weighted.T


def regression_of(
    y: ArrayLike, v: ArrayLike, covariates: Mapping[str, ArrayLike] | None = None
) -> Regression:
    """Studies as a regression with an intercept.

    Parameters
    ----------
    y, v
        Estimate and sampling variance of each study.
    covariates
        Columns beside the intercept, one number a study.

    Returns
    -------
    regression
        With ``intercept`` as the first column.

    Raises
    ------
    WrongUsage
        A number is missing, a variance is not positive, lengths differ, or columns tell the same thing.
    """
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in (covariates or {}).items()}
    estimate, variance = np.asarray(y, dtype=np.float64), np.asarray(v, dtype=np.float64)
    _refuse_lengths(estimate, {"v": variance, **columns})
    bad = ~np.isfinite(estimate) | ~(variance > 0.0) | np.isinf(variance)
    for column in columns.values():
        bad |= ~np.isfinite(column)
    if bad.any():
        places = ", ".join(str(place + 1) for place in np.flatnonzero(bad))
        raise WrongUsage(
            f"studies that cannot be used, counted from one: {places}. Each needs a finite estimate, a variance above "
            "zero and every covariate; leave the others out, or correct them."
        )
    design = np.column_stack([np.ones_like(estimate), *columns.values()])
    if design.shape[0] < design.shape[1] or (columns and np.linalg.matrix_rank(design) < design.shape[1]):
        raise WrongUsage(
            f"{design.shape[0]} studies cannot tell {design.shape[1]} coefficients apart; leave out a covariate that "
            "is constant, or that the others add up to"
        )
    return Regression(("intercept", *columns), estimate, variance, design)


def _refuse_lengths(estimate: Floats, others: Mapping[str, Floats]) -> None:
    if estimate.ndim != 1 or not len(estimate):
        raise WrongUsage("estimates must be a list of at least one number")
    wrong = [name for name, column in others.items() if column.shape != estimate.shape]
    if wrong:
        raise WrongUsage(f"not one number for each of the {len(estimate)} studies: {', '.join(wrong)}")
