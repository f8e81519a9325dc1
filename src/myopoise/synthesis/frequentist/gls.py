"""Generalised least squares on the contrasts of a network, at a cost that grows linearly with studies.

A study with contrasts y of covariance V has weight (V + tau2 S)⁻¹ under random effects, where S has ones on its
diagonal and halves beside it (equal heterogeneity of every comparison, Lu & Ades 2004). One rotation for each study
makes both V and S diagonal, so that a network becomes a list of independent rows, `y_r` with variance
``1 + tau2 * spread_r``, whatever tau2 is. Normal equations are then sums over rows, and nothing as large as contrasts
by contrasts is ever made.

A network's normal equations are a graph Laplacian: its rows sum to zero, so that only the entries beside the diagonal
are summed (Rücker 2012).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.studies.values import Contrasts, Studies

__all__ = [
    "ContrastNetwork",
    "Fitted",
    "contrast_network",
    "fit_effects",
    "fitted_rows",
    "laplacian",
    "pieces_of",
    "structure",
    "sums",
    "transposed",
    "variances_of_differences",
    "weights",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ContrastNetwork:
    """A network of contrasts, ready for least squares.

    Parameters
    ----------
    treatments
        Names, reference first, then as `Studies` has them.
    studies
        Names of the studies, in the order of `Studies`.
    blocks
        Contrasts by number of arms; treatments are positions in `treatments`, ascending within a study.
    y
        Rotated contrasts, shape ``(row,)``.
    spread
        What a unit of tau2 adds to the variance of a row, whose variance is one without it; shape ``(row,)``.
    design_row, design_treatment, design_value
        Entries of the matrix of rows by treatments.
    pair_row, pair_code, pair_value
        What a row adds beside the diagonal of the normal equations: position ``i * treatments + j``, i below j.
    inconsistency
        Squared distance of contrasts that do not add up within their study, summed over studies.
    """

    treatments: tuple[str, ...]
    studies: tuple[str, ...]
    blocks: tuple[Contrasts, ...]
    y: Floats
    spread: Floats
    design_row: Ints
    design_treatment: Ints
    design_value: Floats
    pair_row: Ints
    pair_code: Ints
    pair_value: Floats
    inconsistency: float

    @property
    def study_count(self) -> int:
        """Studies that give a contrast."""
        return sum(len(block) for block in self.blocks)

    @property
    def arm_count(self) -> int:
        """Arms of those studies."""
        return sum(block.treatment.size for block in self.blocks)

    @property
    def basis(self) -> Floats:
        """Effects of all treatments from those against the reference, shape ``(treatment, treatment - 1)``."""
        return np.eye(len(self.treatments))[:, 1:]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Effects at one value of tau2.

    Parameters
    ----------
    tau2
        Between-study variance.
    effects
        Of each treatment against the reference, shape ``(treatment,)``.
    covariance
        Of `effects`, shape ``(treatment, treatment)``, the reference's row and column zero.
    parameters, parameter_covariance
        Of the columns of the basis.
    residuals
        Rotated contrasts less what is fitted, shape ``(row,)``.
    q
        Their weighted sum of squares, with the inconsistency inside studies.
    df
        Rows less parameters.
    """

    tau2: float
    effects: Floats
    covariance: Floats
    parameters: Floats
    parameter_covariance: Floats
    residuals: Floats
    q: float
    df: int


def structure(contrasts: int) -> Floats:
    """Between-study covariance of a study's contrasts with its first arm, for tau2 of one.

    Examples
    --------
    >>> structure(2).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    return 0.5 * (np.eye(contrasts) + np.ones((contrasts, contrasts)))


def contrast_network(studies: Studies, reference: str) -> ContrastNetwork:
    """The contrasts of some studies as a network.

    Parameters
    ----------
    studies
        Studies with contrasts.
    reference
        Treatment that comes first.

    Returns
    -------
    network
        Rotated, with the arms of each study in ascending order, so that neither the order of arms nor the study's
        own baseline matters.

    Raises
    ------
    ValueError
        The reference is in no contrast, a number is missing, or a covariance is none; studies are named.
    """
    used = np.zeros(len(studies.treatments), dtype=bool)
    for block in studies.contrasts:
        used[block.treatment] = True
    names = [name for name, here in zip(studies.treatments, used, strict=True) if here]
    if reference not in names:
        raise ValueError(f"reference {reference!r} is in no contrast; choose one of: {', '.join(names)}")
    order = (reference, *(name for name in names if name != reference))
    place = {name: position for position, name in enumerate(order)}
    position = np.array([place.get(name, -1) for name in studies.treatments], dtype=np.int64)
    blocks = [_canonical(block, position, studies.names) for block in studies.contrasts if len(block)]
    return _rotated(order, studies.names, tuple(blocks))


def _canonical(block: Contrasts, position: Ints, names: tuple[str, ...]) -> Contrasts:
    """The same contrasts with treatments renumbered and the arms of each study in ascending order."""
    arms, study = position[block.treatment], block.study
    missing: Bools = np.isnan(block.estimate.sum(axis=1) + block.covariance.sum(axis=(1, 2)))
    _refuse(study, missing, names, "not a number")
    count, k = arms.shape
    order = np.argsort(arms, axis=1, kind="stable")
    arms = np.take_along_axis(arms, order, axis=1)
    twice: Bools = np.diff(arms, axis=1).min(axis=1) == 0
    _refuse(study, twice, names, "the same treatment in two arms")
    value, variance = np.zeros((count, k)), np.zeros((count, k, k))
    value[:, 1:], variance[:, 1:, 1:] = block.estimate, block.covariance
    value = np.take_along_axis(value, order, axis=1)
    variance = np.take_along_axis(variance, order[:, :, None], axis=1)
    variance = np.take_along_axis(variance, order[:, None, :], axis=2)
    against = variance[:, 1:, 1:] - variance[:, 1:, :1] - variance[:, :1, 1:] + variance[:, :1, :1]
    return replace(
        block,
        treatment=arms,
        estimate=value[:, 1:] - value[:, :1],
        covariance=against,
        covariates={},
    )


def _refuse(study: Ints, wrong: Bools, names: tuple[str, ...], why: str) -> None:
    if wrong.any():
        named = ", ".join(names[place] for place in study[wrong])
        raise ValueError(f"contrasts that cannot be used, {why}: {named}")


def _rotated(
    treatments: tuple[str, ...], studies: tuple[str, ...], blocks: tuple[Contrasts, ...]
) -> ContrastNetwork:
    count, first = len(treatments), 0
    rows: list[tuple[Floats, Floats]] = []
    entries: list[tuple[Ints, Ints, Floats]] = []
    pairs: list[tuple[Ints, Ints, Floats]] = []
    for block in blocks:
        spread, turned, arms = _rotation(block, studies)
        row = first + np.arange(spread.size).reshape(spread.shape)
        first += spread.size
        rows.append((np.einsum("src,sc->sr", turned, block.estimate).ravel(), spread.ravel()))
        treatment = np.broadcast_to(block.treatment[:, None, :], arms.shape)
        entries.append((_flat(row[:, :, None], arms), treatment.ravel(), arms.ravel()))
        low, high = np.triu_indices(arms.shape[2], 1)
        value = arms[:, :, low] * arms[:, :, high]
        code = block.treatment[:, low] * count + block.treatment[:, high]
        code = np.broadcast_to(code[:, None, :], value.shape)
        pairs.append((_flat(row[:, :, None], value), code.ravel(), value.ravel()))
    y, spread = (np.concatenate(part) for part in zip(*rows, strict=True))
    entry_row, entry_treatment, entry_value = zip(*entries, strict=True)
    pair_row, pair_code, pair_value = zip(*pairs, strict=True)
    return ContrastNetwork(
        treatments=treatments,
        studies=studies,
        blocks=blocks,
        y=y,
        spread=spread,
        design_row=np.concatenate(entry_row),
        design_treatment=np.concatenate(entry_treatment),
        design_value=np.concatenate(entry_value),
        pair_row=np.concatenate(pair_row),
        pair_code=np.concatenate(pair_code),
        pair_value=np.concatenate(pair_value),
        inconsistency=float(sum(block.inconsistency.sum() for block in blocks)),
    )


def _flat(row: Ints, like: Floats) -> Ints:
    return np.broadcast_to(row, like.shape).ravel()


def _rotation(block: Contrasts, names: tuple[str, ...]) -> tuple[Floats, Floats, Floats]:
    """Spread of each row ``(study, row)``, rotation of contrasts, and the same on arms ``(study, row, arm)``."""
    contrasts = block.estimate.shape[1]
    smallest = np.linalg.eigvalsh(block.covariance)[:, 0]
    scale = np.trace(block.covariance, axis1=1, axis2=2)
    _refuse(block.study, ~(smallest > 1e-13 * scale), names, "a covariance that is not positive definite")
    half = np.linalg.inv(np.linalg.cholesky(block.covariance))
    spread, vectors = np.linalg.eigh(half @ structure(contrasts) @ half.swapaxes(1, 2))
    turned = vectors.swapaxes(1, 2) @ half
    arms = np.concatenate([-turned.sum(axis=2, keepdims=True), turned], axis=2)
    return spread, turned, arms


def weights(network: ContrastNetwork, tau2: float) -> Floats:
    """Weight of each row at a between-study variance."""
    return 1.0 / (1.0 + tau2 * network.spread)


def sums(place: Ints, value: Floats, count: int) -> Floats:
    """Sum of the values that belong to each place, shape ``(count,)``."""
    return np.bincount(place, value, minlength=count).astype(np.float64, copy=False)


def laplacian(network: ContrastNetwork, row_weights: Floats) -> Floats:
    """Normal equations over all treatments for weights of rows, shape ``(treatment, treatment)``."""
    count = len(network.treatments)
    value = network.pair_value * row_weights[network.pair_row]
    half = sums(network.pair_code, value, count * count).reshape(count, count)
    beside = half + half.T
    beside[np.diag_indices(count)] = -beside.sum(axis=1)
    return beside


def transposed(network: ContrastNetwork, rows: Floats) -> Floats:
    """Sums over rows, by treatment: what multiplies the transposed design."""
    value = network.design_value * rows[network.design_row]
    return sums(network.design_treatment, value, len(network.treatments))


def fitted_rows(network: ContrastNetwork, effects: Floats) -> Floats:
    """What each row would be, given the effect of each treatment."""
    value = network.design_value * effects[network.design_treatment]
    return sums(network.design_row, value, len(network.y))


def fit_effects(network: ContrastNetwork, tau2: float, basis: Floats | None = None) -> Fitted:
    """Effects by generalised least squares at a given between-study variance.

    Parameters
    ----------
    network
        A connected network, or one that `basis` joins.
    tau2
        Between-study variance; zero for common effects.
    basis
        Effects of treatments from parameters, full rank; against the reference unless told.

    Returns
    -------
    fitted
        Effects, covariance, residuals and Q.
    """
    basis = network.basis if basis is None else basis
    weight = weights(network, tau2)
    inverse = np.linalg.inv(basis.T @ laplacian(network, weight) @ basis)
    inverse = 0.5 * (inverse + inverse.T)
    parameters = inverse @ (basis.T @ transposed(network, weight * network.y))
    effects = basis @ parameters
    residuals = network.y - fitted_rows(network, effects)
    q = float(weight @ residuals**2) + network.inconsistency
    df = len(network.y) - basis.shape[1]
    return Fitted(tau2, effects, basis @ inverse @ basis.T, parameters, inverse, residuals, q, df)


def variances_of_differences(covariance: Floats) -> Floats:
    """Variance of every difference of two effects, shape ``(treatment, treatment)``."""
    diagonal = np.diag(covariance)
    return np.maximum(diagonal[:, None] + diagonal[None, :] - 2.0 * covariance, 0.0)


def pieces_of(studies: Studies) -> tuple[tuple[str, ...], ...]:
    """The connected pieces of a network of contrasts, largest first, each in the order of the treatments.

    Parameters
    ----------
    studies
        Studies with contrasts; a treatment that is in no contrast is in no piece.

    Returns
    -------
    pieces
        Names; one piece when the network is connected.
    """
    count = len(studies.treatments)
    label = np.arange(count)
    used = np.zeros(count, dtype=bool)
    changed = True
    while changed:
        before = label.copy()
        for block in studies.contrasts:
            used[block.treatment] = True
            lowest = np.broadcast_to(label[block.treatment].min(axis=1, keepdims=True), block.treatment.shape)
            np.minimum.at(label, block.treatment, lowest)
        label = label[label]
        changed = bool((label != before).any())
    found = [np.flatnonzero((label == first) & used) for first in np.unique(label[used])]
    found.sort(key=lambda places: (-len(places), places[0]))
    return tuple(tuple(studies.treatments[place] for place in places) for places in found)
