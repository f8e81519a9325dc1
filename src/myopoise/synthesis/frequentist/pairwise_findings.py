"""What a pairwise meta-analysis found, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from myopoise.synthesis.findings import Confidence, TestOfQ
from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["ModeratorTest", "PairwiseEstimate"]


@dataclass(frozen=True)
class ModeratorTest:
    """Test that all coefficients but the intercept are zero; that the effect is, where there is no covariate.

    Parameters
    ----------
    statistic
        Chi-squared with `df`, or F with `df` and `residual_df`.
    df
        Coefficients tested.
    residual_df
        Infinite for chi-squared.
    p_value
        Probability of a larger statistic.
    """

    statistic: float
    df: int
    residual_df: float
    p_value: float


@dataclass(frozen=True, eq=False)
class PairwiseEstimate:
    """Frequentist synthesis of one comparison.

    Parameters
    ----------
    model
        What was fitted, in one sentence.
    studies
        How many.
    coefficients
        ``intercept`` (the pooled effect, where there is no covariate), then each covariate.
    covariance
        Of the coefficients, shape ``(coefficient, coefficient)``.
    tau2, tau2_se, tau2_low, tau2_high
        Between-study variance, its standard error and its 95% interval; the interval is by Q-profile, by the
        generalised Q for ``GENQ``. NaN for common effects.
    i2, i2_low, i2_high, h2
        Share of the variation that is between studies, and total over sampling variation, from `tau2`.
    residual_heterogeneity
        Cochran's Q of what the covariates leave.
    moderators
        Test of the covariates.
    log_likelihood, restricted_log_likelihood
        At `tau2`, with all constants.
    prediction
        95% interval of the true effect in a new study, by the distribution of the test (normal, or t with studies less
        coefficients); NaN with covariates, see `predict_pairwise`.
    prediction_riley
        The same with t of one degree of freedom less (Higgins 2009, Riley 2011).
    weights
        Share of each study, shape ``(study,)``.
    residual_df
        Of the t distribution of intervals; infinite where they are normal.
    warnings
        What the reader should act on.
    """

    model: str
    studies: int
    coefficients: Mapping[str, Confidence]
    covariance: Floats
    tau2: float
    tau2_se: float
    tau2_low: float
    tau2_high: float
    i2: float
    i2_low: float
    i2_high: float
    h2: float
    residual_heterogeneity: TestOfQ
    moderators: ModeratorTest
    log_likelihood: float
    restricted_log_likelihood: float
    prediction: tuple[float, float]
    prediction_riley: tuple[float, float]
    weights: Floats = field(repr=False)
    residual_df: float
    warnings: tuple[str, ...]

    @property
    def effect(self) -> Confidence:
        """The pooled effect: with covariates, the effect where all of them are zero."""
        return self.coefficients["intercept"]
