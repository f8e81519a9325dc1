"""Every parameter and hyperparameter of the evidence model under the name the model's equations give it."""

from __future__ import annotations

from collections.abc import Mapping

from myopoise.estimate import Estimate
from myopoise.synthesis.effects import Synthesis, summarise
from myopoise.synthesis.myositis import DISTANCES

__all__ = ["parameter_estimates"]

_SPREADS = {
    "between studies": "sigma_mu",
    "between trials": "tau",
    "within class": "sigma_c",
    "class by diagnosis": "sigma_gamma",
    "definition": "sigma_xi",
    "bias": "sigma_b",
}


def parameter_estimates(synthesis: Synthesis, mechanism: Mapping[str, str]) -> dict[str, Estimate]:
    """Posterior of each parameter on the probit scale, by name.

    Parameters
    ----------
    synthesis
        A fitted reading.
    mechanism
        Mechanism class of each treatment.

    Returns
    -------
    estimates
        ``m``, ``sigma_mu``, ``tau``, ``sigma_c``, ``sigma_gamma``, ``sigma_xi``, ``kappa2``, ``kappa3``, ``theta[PM]``,
        ``xi[definition]``, ``delta[class]``, ``d[treatment]`` (the class mean and the treatment's own deviation),
        ``gamma[class,DM]``; ``beta`` and ``sigma_b`` where there is a design bias.
    """
    posterior = synthesis.posterior
    columns, x, theta = posterior.model.columns, posterior.x, posterior.theta
    names = [name for name, _ in posterior.model.hypers]
    draws = {"m": x[:, columns.index("baseline")]}
    for name, symbol in _SPREADS.items():
        if name in names:
            draws[symbol] = theta[:, names.index(name)]
    if "bias" in columns:
        draws["beta"] = x[:, columns.index("bias")]
    distances = [theta[:, names.index(name)] for name in DISTANCES]
    draws["kappa2"], draws["kappa3"] = distances[0], distances[0] + distances[1]
    for i, column in enumerate(columns):
        kind, _, rest = column.partition(" ")
        if kind == "diagnosis":
            draws[f"theta[{rest}]"] = x[:, i]
        elif kind == "definition":
            draws[f"xi[{rest}]"] = x[:, i]
        elif kind == "treatment":
            draws[f"d[{rest}]"] = x[:, i] + x[:, columns.index(f"class {mechanism[rest]}")]
        elif kind == "class" and " in " in rest:
            of, _, group = rest.partition(" in ")
            draws[f"gamma[{of},{group}]"] = x[:, i]
        elif kind == "class":
            draws[f"delta[{rest}]"] = x[:, i]
    return {name: summarise(values, posterior, "probit") for name, values in draws.items()}
