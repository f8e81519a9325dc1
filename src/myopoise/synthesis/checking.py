"""Whether a fit may be believed, and what to do if not: a value, never an exception.

The limits are those of Vehtari et al. (2024): k-hat above 0.7 means the importance weights have no useful variance.
"""

from __future__ import annotations

from dataclasses import dataclass

from myopoise.synthesis.importance import K_HAT_LIMIT
from myopoise.synthesis.laplace import Posterior

__all__ = ["SMALLEST_EFFECTIVE", "Trust", "trust_in"]

SMALLEST_EFFECTIVE = 400.0
"""Below this many effective draws the ends of a 95% interval are noise."""


@dataclass(frozen=True)
class Trust:
    """How far a computation may be trusted.

    Parameters
    ----------
    k_hat
        Pareto shape of the importance weights; above 0.7 the result must not be used. None where nothing was weighted.
    effective, draws
        Effective number of independent draws, of how many.
    converged
        Whether every node that matters reached its mode.
    """

    k_hat: float | None
    effective: float
    draws: int
    converged: bool

    @property
    def ok(self) -> bool:
        """Whether the result may be believed."""
        weights = self.k_hat is None or self.k_hat <= K_HAT_LIMIT
        return weights and self.converged and self.effective >= SMALLEST_EFFECTIVE

    @property
    def sentence(self) -> str:
        """What was found, and what to do if it is not good enough."""
        k_hat = (
            "nothing weighted"
            if self.k_hat is None
            else f"Pareto k-hat {self.k_hat:.2f} (limit {K_HAT_LIMIT})"
        )
        found = f"{k_hat}, {self.effective:.0f} effective of {self.draws} draws"
        if self.ok:
            return f"The computation checks itself: {found}."
        if self.converged and self.draws < SMALLEST_EFFECTIVE:
            return (
                f"This computation must not be believed: {found}. A 95% interval needs {SMALLEST_EFFECTIVE:.0f} "
                "effective draws: ask for more draws or leave their number open, or check with the reference sampler."
            )
        what = found if self.converged else f"{found}; a mode was not reached"
        return (
            f"This computation must not be believed: {what}. Arms or treatments without events leave an effect without "
            "an end under a vague prior: say what is plausible (a treatment prior with sd 2 to 3 on log odds), ask for "
            "common effects or more draws, or check with the reference sampler."
        )


def trust_in(posterior: Posterior) -> Trust:
    """The verdict on one posterior."""
    k_hat = posterior.weights.k_hat
    shown = None if posterior.exact or k_hat != k_hat else k_hat
    return Trust(shown, posterior.weights.effective, len(posterior.x), posterior.converged)
