"""The same model through a sampler: the second opinion when the inference fails its own check.

The density is that of `latent`, written once more in JAX: components x, a term u of each study, a term w of each arm, a
standard normal score z of each standard deviation. Nothing is integrated and nothing is approximated; the No-U-Turn
sampler of NumPyro draws from it, a thousand times slower than `laplace.infer`.

A term whose standard deviation is unknown is sampled either as itself, where its arm says more of it than the prior
does, or as that standard deviation times a standard normal, where the prior says more: each way the sampler moves
freely where the other would hold it up (Betancourt & Girolami 2015). Only that choice looks at our own fit; the density
does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myopoise.errors import MissingComponent
from myopoise.estimate import Estimate
from myopoise.synthesis.laplace import infer
from myopoise.synthesis.latent import LatentModel, Variances
from myopoise.synthesis.likelihoods import BinomialCounts, NormalMeans, OrderedCounts, PoissonCounts
from myopoise.synthesis.links import Link

__all__ = ["ReferencePosterior", "sample"]

Floats = NDArray[np.float64]
Array = Any
"""A JAX array: the library carries no type we may import."""

_TABLE = np.linspace(-10.0, 10.0, 200_001)
"""Scores at which a prior's value is tabulated; between them its logarithm is a straight line, within 1e-9."""

_SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class ReferencePosterior:
    """Draws of a sampler, and whether its chains agree.

    Parameters
    ----------
    model
        The model.
    x, theta
        Draws of the components and standard deviations, shapes ``(draw, column)`` and ``(draw, hyper)``, chain by
        chain.
    study_terms, arm_terms
        Draws of u and w, ``(draw, study)`` and ``(draw, arm)``.
    r_hat, effective
        Potential scale reduction and effective sample of each component and standard deviation, by name.
    divergences
        Transitions that left the region where the sampler can be trusted.
    chains
        How many.
    """

    model: LatentModel
    x: Floats
    theta: Floats
    study_terms: Floats
    arm_terms: Floats
    r_hat: Mapping[str, float]
    effective: Mapping[str, float]
    divergences: int
    chains: int

    @property
    def ok(self) -> bool:
        """Whether the chains agree, with at least 400 effective draws and hardly a divergence."""
        agree = max(self.r_hat.values(), default=1.0) < 1.01
        enough = min(self.effective.values(), default=np.inf) >= 400.0
        return agree and enough and self.divergences <= len(self.x) // 1000

    def estimates(self, contrasts: Floats, scale: str) -> tuple[Estimate, ...]:
        """Summaries of several contrasts of the components.

        Parameters
        ----------
        contrasts
            Shape ``(contrast, column)``.
        scale
            What the numbers are.
        """
        return tuple(self.summarise(draws, scale) for draws in (self.x @ contrasts.T).T)

    def summarise(self, draws: Floats, scale: str) -> Estimate:
        """Mean, sd, 95% interval and Monte Carlo error of a quantity.

        Parameters
        ----------
        draws
            Its value at each draw, shape ``(draw,)``.
        scale
            What the number is.
        """
        low, median, high = np.quantile(draws, (0.025, 0.5, 0.975))
        sd = float(draws.std(ddof=1))
        size = _effective(draws.reshape(self.chains, -1)) if sd > 0.0 else float(len(draws))
        error = sd / np.sqrt(size)
        return Estimate(
            float(draws.mean()), sd, float(median), float(low), float(high), scale, mcse=float(error)
        )

    def residual_deviance(self) -> tuple[Estimate, float]:
        """Residual deviance of the arms, and the effective number of parameters they use.

        Returns
        -------
        deviance
            Its posterior.
        pd
            Its mean less the deviance at the posterior mean of the fitted values.
        """
        model = self.model
        part_study = model.study[model.part_arm]
        eta = model.predictor(self.x, self.theta)
        eta = eta + self.study_terms.T[part_study] + self.arm_terms.T[model.part_arm]
        fitted = model.likelihood.fitted(eta, model.mix(self.theta))
        every = np.arange(len(fitted))
        deviance = model.likelihood.deviance(fitted, every).sum(0)
        at_mean = model.likelihood.deviance(fitted.mean(1), every).sum()
        return self.summarise(deviance, "deviance"), float(deviance.mean() - at_mean)


def sample(
    model: LatentModel,
    *,
    chains: int = 4,
    draws: int = 2000,
    seed: int = 20061,
    warmup: int | None = None,
    target_accept: float = 0.95,
) -> ReferencePosterior:
    """The posterior of a model, by the No-U-Turn sampler.

    Parameters
    ----------
    model
        The model.
    chains
        Chains, each from its own start.
    draws
        Draws kept of each chain.
    seed
        Of every random choice.
    warmup
        Draws that tune the sampler and are thrown away; None for as many as are kept, 1,000 at most.
    target_accept
        Acceptance the step size is tuned to; nearer to 1 is slower and leaves fewer divergences.

    Raises
    ------
    MissingComponent
        When the extra `reference` is not installed.
    """
    try:
        import jax
        from numpyro.infer import MCMC, NUTS
    except ImportError as error:
        raise MissingComponent("the sampler needs NumPyro: pip install 'myopoise[reference]'") from error
    with jax.enable_x64(True):
        layout = _Layout.of(model)
        density = _log_density(model, layout)
        kernel = NUTS(
            potential_fn=lambda value: -density(value),
            target_accept_prob=target_accept,
            dense_mass=layout.size <= _DENSE,
        )
        tuning = min(1000, draws) if warmup is None else warmup
        run = MCMC(
            kernel,
            num_warmup=tuning,
            num_samples=draws,
            num_chains=chains,
            chain_method="sequential",
            progress_bar=False,
        )
        start = _start(model, layout, chains, seed)
        run.run(
            jax.random.PRNGKey(seed),
            init_params=start if chains > 1 else start[0],
            extra_fields=("diverging",),
        )
        values = np.asarray(run.get_samples(), dtype=np.float64)
        divergences = int(np.asarray(run.get_extra_fields()["diverging"]).sum())
    return _posterior(model, layout, values, chains, divergences)


_DENSE = 300
"""Up to as many unknowns the sampler learns how they go together: study terms and effects are far from independent."""


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where each kind of unknown stands in the sampler's vector, and which are sampled as themselves (`..._own`)."""

    x: slice
    u: slice
    w: slice
    z: slice
    size: int
    x_own: NDArray[np.bool_]
    u_own: NDArray[np.bool_]
    w_own: NDArray[np.bool_]

    @classmethod
    def of(cls, model: LatentModel) -> _Layout:
        columns = len(model.columns)
        studies = 0 if model.study_variance.absent else len(model.study_variance.constant)
        arms = 0 if model.arm_variance.absent else len(model.study)
        ends = np.cumsum([columns, studies, arms, len(model.hypers)])
        starts = np.r_[0, ends[:-1]]
        x, u, w, z = (slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True))
        own = _told_by_the_data(model) if arms else np.zeros(0, dtype=bool)
        return cls(
            *(x, u, w, z, int(ends[-1])),
            _fixed(model.column_variance),
            _fixed(model.study_variance)[:studies],
            own,
        )


def _fixed(variances: Variances) -> NDArray[np.bool_]:
    """Items whose variance depends on no standard deviation."""
    return np.asarray(~variances.loading.any(axis=1))


def _told_by_the_data(model: LatentModel) -> NDArray[np.bool_]:
    """Arms that say more of their own term than its prior does, wherever the standard deviations may be.

    They are taken at the low end of our own fit: where a standard deviation may be near zero, its terms go with it
    whatever the arms say, and a sampler of the terms themselves would be stuck in that funnel.
    """
    fitted = infer(model, draws=1024)
    order = np.argsort(fitted.theta, axis=0)
    below = np.cumsum(fitted.weights.values[order], axis=0)
    low = np.take_along_axis(fitted.theta, order, axis=0)[(below < _LOW).sum(0), np.arange(below.shape[1])]
    at_mean = _level(model)[model.part_arm][:, None]
    _, variance, slope = model.likelihood.working(at_mean, model.mix(_middle(model)))
    by_part = (slope**2 / variance[model.result])[:, 0]
    information = np.bincount(model.part_arm, by_part, minlength=len(model.study))
    return np.asarray(information * model.arm_variance.at(low) > 1.0)


_LOW = 0.02
"""Share of our own fit below the standard deviations at which the arms are looked at."""


def _middle(model: LatentModel) -> Floats:
    """Prior median of theta, shape ``(1, hyper)``."""
    return model.theta(np.zeros((1, len(model.hypers))))


def _centre(model: LatentModel) -> Floats:
    """Linear predictor of each part at the prior mean of x, shape ``(part, 1)``."""
    return model.predictor(np.asarray(model.column_mean)[None], _middle(model))


def _level(model: LatentModel) -> Floats:
    """Linear predictor that each arm shows, shape ``(arm,)``."""
    centre = _centre(model)
    move = model.likelihood.start(centre, model.mix(_middle(model)))[:, 0]
    by_arm = np.bincount(model.arm, move) / np.bincount(model.arm)
    return np.asarray(model.by_arm(centre)[:, 0] + by_arm)


def _start(model: LatentModel, layout: _Layout, chains: int, seed: int) -> Floats:
    """Each chain's start: every study near its own observed level, all else near zero."""
    random = np.random.default_rng(seed)
    start = 0.1 * random.standard_normal((chains, layout.size))
    start[:, layout.x] += np.where(layout.x_own, model.column_mean, 0.0)
    if layout.u_own.any():
        centre = model.by_arm(_centre(model))[:, 0]
        by_study = np.bincount(model.study, _level(model) - centre) / np.bincount(model.study)
        start[:, layout.u] += np.where(layout.u_own, by_study, 0.0)
    return start


def _posterior(
    model: LatentModel, layout: _Layout, values: Floats, chains: int, divergences: int
) -> ReferencePosterior:
    z = np.clip(values[:, layout.z], _TABLE[0], _TABLE[-1])
    theta = model.theta(z)
    x = _items(values[:, layout.x], layout.x_own, model.column_variance.at(theta), model.column_mean)
    u = np.zeros((len(values), len(model.study_variance.constant)))
    if layout.u.stop > layout.u.start:
        u = _items(values[:, layout.u], layout.u_own, model.study_variance.at(theta))
    w = np.zeros((len(values), len(model.study)))
    if layout.w.stop > layout.w.start:
        w = _items(values[:, layout.w], layout.w_own, model.arm_variance.at(theta))
    names = [*model.columns, *(name for name, _ in model.hypers)]
    named = np.concatenate([x, theta], axis=1).T.reshape(len(names), chains, -1)
    return ReferencePosterior(
        model,
        x,
        theta,
        u,
        w,
        {name: _r_hat(draws) for name, draws in zip(names, named, strict=True)},
        {name: _effective(draws) for name, draws in zip(names, named, strict=True)},
        divergences,
        chains,
    )


def _items(values: Floats, own: NDArray[np.bool_], variance: Floats, mean: Floats | float = 0.0) -> Floats:
    """Terms from the sampler's numbers, ``(draw, item)``."""
    return np.asarray(np.where(own, values, mean + np.sqrt(variance) * values))


def _r_hat(draws: Floats) -> float:
    """Split R-hat of ``(chain, draw)``."""
    from numpyro.diagnostics import split_gelman_rubin

    return float(split_gelman_rubin(draws))


def _effective(draws: Floats) -> float:
    """Effective sample of ``(chain, draw)``."""
    from numpyro.diagnostics import effective_sample_size

    return float(effective_sample_size(draws))


# --- the density ------------------------------------------------------------------------------------------------------


def _log_density(model: LatentModel, layout: _Layout) -> Callable[[Array], Array]:
    """Log density of the sampler's vector, up to a constant."""
    import jax.numpy as jnp

    tables = [np.log(np.maximum(prior.value(_TABLE), _SMALLEST)) for _, prior in model.hypers]
    table = [jnp.asarray(values) for values in tables]
    scores = jnp.asarray(_TABLE)
    likelihood = _log_likelihood(model)

    def theta_at(z: Array) -> Array:
        if not table:
            return jnp.zeros(0)
        return jnp.stack([jnp.exp(jnp.interp(z[k], scores, values)) for k, values in enumerate(table)])

    def scaled(
        value: Array, variances: Variances, own: Any, mean: Any, squares: Array
    ) -> tuple[Array, Array]:
        """Items and the log density of their prior in the sampler's vector."""
        variance = variances.constant + jnp.asarray(variances.loading) @ squares
        item = jnp.where(own, value, mean + jnp.sqrt(variance) * value)
        normal = -0.5 * (value - mean) ** 2 / variance - 0.5 * jnp.log(variance)
        return item, jnp.where(own, normal, -0.5 * value**2).sum()

    def density(value: Array) -> Array:
        z = value[layout.z]
        theta = theta_at(z)
        squares = theta**2
        x, total = scaled(value[layout.x], model.column_variance, layout.x_own, model.column_mean, squares)
        total = total - 0.5 * (z**2).sum()
        eta = jnp.asarray(model.design) @ x + (0.0 if model.offset is None else model.offset)
        shares = jnp.asarray(model.shares)
        if model.thresholds is not None:
            eta = eta + jnp.asarray(model.thresholds.offset) @ theta
            used = model.thresholds.slope.any(axis=0)
            shares = shares + jnp.asarray(model.thresholds.slope[:, used]) @ (1.0 / theta[used])
        if layout.u.stop > layout.u.start:
            u, more = scaled(value[layout.u], model.study_variance, layout.u_own, 0.0, squares)
            eta, total = eta + u[model.study[model.part_arm]], total + more
        if layout.w.stop > layout.w.start:
            w, more = scaled(value[layout.w], model.arm_variance, layout.w_own, 0.0, squares)
            eta, total = eta + w[model.part_arm], total + more
        return total + likelihood(eta, shares) + _between_arms(model, x, theta, squares)

    return density


def _between_arms(model: LatentModel, x: Array, theta: Array, squares: Array) -> Array:
    """Contrasts given as such, and comparisons known through a P value only."""
    import jax.numpy as jnp
    from jax.scipy.special import log_ndtr, logsumexp

    total = jnp.zeros(())
    for given in model.contrasts:
        k = given.estimate.shape[1]
        between = jnp.asarray(given.loading) @ squares
        covariance = given.covariance + between * 0.5 * (np.eye(k) + 1.0)
        left = given.estimate - jnp.asarray(given.design) @ x
        solved = jnp.linalg.solve(covariance, left[..., None])[..., 0]
        total = total - 0.5 * ((left * solved).sum() + jnp.linalg.slogdet(covariance)[1].sum())
    known = model.comparisons
    if len(known.se):
        variance = known.variance.constant + jnp.asarray(known.variance.loading) @ squares
        sd = jnp.sqrt(known.se**2 + variance)
        mean = jnp.asarray(known.design) @ x
        size = np.where(np.isnan(known.z), 0.0, known.z) * known.se
        either = logsumexp(
            jnp.stack([-0.5 * ((size - mean) / sd) ** 2, -0.5 * ((size + mean) / sd) ** 2]), axis=0
        )
        limit = _NOT_SIGNIFICANT * known.se
        # Both ends in the lower tail, whatever the sign, so that no digits are lost between two chances near one.
        away = jnp.abs(mean)
        inside = log_ndtr((limit - away) / sd)
        inside = inside + jnp.log1p(-jnp.exp(log_ndtr((-limit - away) / sd) - inside))
        total = total + jnp.where(np.isnan(known.z), inside, either - jnp.log(sd)).sum()
    return total


_NOT_SIGNIFICANT = 1.959963984540054


def _log_likelihood(model: LatentModel) -> Callable[[Array, Array], Array]:
    """Log likelihood of all results, from the linear predictor and the share of each part."""
    seen = model.likelihood
    if isinstance(seen, BinomialCounts):
        return _binomial(model, seen)
    if isinstance(seen, OrderedCounts):
        return _ordered(model, seen)
    if isinstance(seen, PoissonCounts):
        return _poisson(model, seen)
    if isinstance(seen, NormalMeans):
        return _normal(model, seen)
    raise TypeError(f"no density is written for {type(seen).__name__}")


def _averaged(model: LatentModel) -> Callable[[Array, Array], Array]:
    """Average over the parts of each result, from their values and shares."""
    import jax

    return lambda values, shares: jax.ops.segment_sum(shares * values, model.result, len(model.arm))


def _chance(link: Link) -> Callable[[Array], Array]:
    import jax
    import jax.numpy as jnp

    chances: dict[Link, Callable[[Array], Array]] = {
        Link.LOGIT: jax.nn.sigmoid,
        Link.PROBIT: jax.scipy.special.ndtr,
        Link.CLOGLOG: lambda eta: -jnp.expm1(-jnp.exp(eta)),
    }
    return chances[link]


def _binomial(model: LatentModel, seen: BinomialCounts) -> Callable[[Array, Array], Array]:
    import jax
    import jax.numpy as jnp

    events, others = seen.events, seen.n - seen.events
    if not model.mix(_middle(model)).plain:
        average, chance = _averaged(model), _chance(seen.link)

        def mixed(eta: Array, shares: Array) -> Array:
            p = jnp.clip(average(chance(eta), shares), 1e-16, 1.0 - 1e-16)
            return (events * jnp.log(p) + others * jnp.log1p(-p)).sum()

        return mixed

    def logs(eta: Array) -> tuple[Array, Array]:
        if seen.link is Link.LOGIT:
            return jax.nn.log_sigmoid(eta), jax.nn.log_sigmoid(-eta)
        if seen.link is Link.PROBIT:
            return jax.scipy.special.log_ndtr(eta), jax.scipy.special.log_ndtr(-eta)
        return jnp.log(-jnp.expm1(-jnp.exp(eta))), -jnp.exp(eta)

    def plain(eta: Array, _: Array) -> Array:
        event, none = logs(eta)
        # A count of zero times an infinite logarithm is zero, and so must its gradient be.
        return (jnp.where(events > 0, events * event, 0.0) + jnp.where(others > 0, others * none, 0.0)).sum()

    return plain


def _ordered(model: LatentModel, seen: OrderedCounts) -> Callable[[Array, Array], Array]:
    import jax.numpy as jnp

    average, chance = _averaged(model), _chance(seen.link)

    def density(eta: Array, shares: Array) -> Array:
        p = jnp.maximum(seen.constant + average(chance(eta), shares), 1e-16)
        return (seen.counts * jnp.log(p)).sum()

    return density


def _poisson(model: LatentModel, seen: PoissonCounts) -> Callable[[Array, Array], Array]:
    import jax.numpy as jnp

    average = _averaged(model)

    def density(eta: Array, shares: Array) -> Array:
        rate = average(jnp.exp(eta), shares)
        return (seen.events * jnp.log(rate) - seen.exposure * rate).sum()

    return density


def _normal(model: LatentModel, seen: NormalMeans) -> Callable[[Array, Array], Array]:
    average = _averaged(model)

    def density(eta: Array, shares: Array) -> Array:
        return -0.5 * (((seen.mean - average(eta, shares)) / seen.se) ** 2).sum()

    return density
