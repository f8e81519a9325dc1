"""Likelihood of results that are correlated within blocks and independent between them, and its maximum.

Blocks (districts, studies) of the same size are stacked, so that cost is linear in blocks and no matrix is larger than
the largest of them. The maximum is climbed by Fisher scoring, steps halved where they would go down, and parameters
held at a bound (a variance of zero) that the score pushes them against.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.multilevel_structures import Ints, RandomEffects
from myopoise.synthesis.frequentist.pairwise_regression import Floats

__all__ = ["AtParameters", "Blocks", "Likeliest", "blocks_of", "maximise_likelihood"]

_ROUNDS = 2000


@dataclass(frozen=True, eq=False)
class _Stack:
    """Blocks of the same size: rows ``(block, m)`` and what belongs to them."""

    rows: Ints
    codes: Ints
    y: Floats
    x: Floats
    v: Floats


@dataclass(frozen=True, eq=False)
class Blocks:
    """All results, block by block.

    Parameters
    ----------
    random
        Which share a random effect.
    stacks
        Blocks by size.
    count
        How many blocks.
    results
        How many results.
    design_information
        Log determinant of the cross product of the design.
    """

    random: RandomEffects
    stacks: tuple[_Stack, ...]
    count: int
    results: int
    design_information: float


@dataclass(frozen=True, eq=False)
class AtParameters:
    """The model at given variances and correlations.

    Parameters
    ----------
    full, restricted
        Log likelihoods, with the coefficients at their best; minus infinity where the covariance is none.
    coefficients, covariance
        Of the design.
    score, information
        Of the parameters: slope of the log likelihood asked for, and its expected information.
    meat
        Cross product of the blocks' scores of the coefficients, for robust variances.
    q
        Weighted sum of squares of the residuals.
    """

    full: float
    restricted: float
    coefficients: Floats
    covariance: Floats
    score: Floats
    information: Floats
    meat: Floats
    q: float


@dataclass(frozen=True, eq=False)
class Likeliest:
    """Parameters at the maximum.

    Parameters
    ----------
    value
        Shape ``(parameter,)``.
    at
        The model there.
    converged
        Whether the climb ended.
    """

    value: Floats
    at: AtParameters
    converged: bool


def blocks_of(y: Floats, covariance: Floats, design: Floats, random: RandomEffects) -> Blocks:
    """Results sorted into blocks.

    Parameters
    ----------
    y, covariance, design
        Shapes ``(result,)``, ``(result, result)`` and ``(result, column)``.
    random
        Which results share a random effect.

    Returns
    -------
    blocks
        Of the outermost units.

    Raises
    ------
    WrongUsage
        The sampling covariance joins two blocks.
    """
    outer, codes = random.codes(len(y))
    if (np.abs(covariance) * (outer[:, None] != outer)).any():
        raise WrongUsage(
            "the sampling covariance joins results of different outermost units; take units that hold both"
        )
    members = [np.flatnonzero(outer == unit) for unit in range(int(outer.max()) + 1)]
    stacks = []
    for size in sorted({len(rows) for rows in members}):
        rows = np.stack([rows for rows in members if len(rows) == size])
        v = covariance[rows[:, :, None], rows[:, None, :]]
        stacks.append(_Stack(rows, codes[rows], y[rows], design[rows], v))
    cross = float(np.linalg.slogdet(design.T @ design)[1])
    return Blocks(random, tuple(stacks), len(members), len(y), cross)


def evaluate(blocks: Blocks, value: Floats, restricted: bool) -> AtParameters | None:
    """The model at some parameters, None where the covariance is not positive definite.

    Parameters
    ----------
    blocks
        Results.
    value
        Of the parameters.
    restricted
        Whether score and information are of the restricted likelihood.

    Returns
    -------
    at
        With everything that the climb and the answer need.
    """
    width, count = blocks.stacks[0].x.shape[2], len(value)
    weighted = []
    log_det, a, b = 0.0, np.zeros((width, width)), np.zeros(width)
    for stack in blocks.stacks:
        between, parts = blocks.random.matrices(value, stack.codes)
        try:
            root = np.linalg.cholesky(stack.v + between)
        except np.linalg.LinAlgError:
            return None
        inverse = np.linalg.inv(root)
        w = inverse.swapaxes(1, 2) @ inverse
        log_det += 2.0 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
        wx = w @ stack.x
        a += np.einsum("bmi,bmj->ij", stack.x, wx)
        b += np.einsum("bmi,bm->i", wx, stack.y)
        weighted.append((w, wx, parts))
    covariance = np.linalg.inv(a)
    coefficients = covariance @ b
    q, meat = 0.0, np.zeros((width, width))
    score, plain = np.zeros(count), np.zeros((count, count))
    first, second = np.zeros((count, width, width)), np.zeros((count, count, width, width))
    for stack, (w, wx, parts) in zip(blocks.stacks, weighted, strict=True):
        e = stack.y - stack.x @ coefficients
        we = (w @ e[:, :, None])[:, :, 0]
        q += float((e * we).sum())
        pull = np.einsum("bmi,bm->bi", stack.x, we)
        meat += pull.T @ pull
        turned = [w @ part for part in parts]
        for i in range(count):
            score[i] += 0.5 * (
                np.einsum("bm,bmn,bn->", we, parts[i], we) - np.trace(turned[i], axis1=1, axis2=2).sum()
            )
            first[i] += np.einsum("bmi,bmn,bnj->ij", wx, parts[i], wx)
            for j in range(count):
                plain[i, j] += np.einsum("bmn,bnm->", turned[i], turned[j])
                second[i, j] += np.einsum("bmi,bmn,bnj->ij", wx, parts[i] @ turned[j], wx)
    information = 0.5 * plain
    if restricted:
        inner = covariance @ first
        score += 0.5 * np.trace(inner, axis1=1, axis2=2)
        information -= np.einsum("ab,ijba->ij", covariance, 0.5 * (second + second.swapaxes(0, 1)))
        information += 0.5 * np.einsum("iab,jba->ij", inner, inner)
    shared = -log_det - q
    inside = blocks.design_information - float(np.linalg.slogdet(a)[1])
    constant = math.log(2.0 * math.pi)
    return AtParameters(
        full=0.5 * (shared - blocks.results * constant),
        restricted=0.5 * (shared + inside - (blocks.results - width) * constant),
        coefficients=coefficients,
        covariance=0.5 * (covariance + covariance.T),
        score=score,
        information=information,
        meat=meat,
        q=q,
    )


def maximise_likelihood(
    blocks: Blocks, start: Floats, restricted: bool, held: int | None = None, near: float = 1e-10
) -> Likeliest:
    """Parameters with the largest likelihood.

    Parameters
    ----------
    blocks
        Results.
    start
        First guess, inside the bounds.
    restricted
        Restricted or full likelihood.
    held
        Position of a parameter that stays as it is.
    near
        Relative length of a step after which nothing is left to improve.

    Returns
    -------
    likeliest
        With `converged` false where the climb did not end.
    """
    codes = blocks.stacks[0].codes
    low, high = blocks.random.bounds(codes)
    value = start.copy()
    at = evaluate(blocks, value, restricted)
    if at is None:
        raise WrongUsage("the sampling covariance is not positive definite")
    for _ in range(_ROUNDS):
        step = _scoring_step(at, value, low, high, held)
        after, found = _uphill(blocks, value, at, step, (low, high), restricted)
        moved = float(np.max(np.abs(after - value) / (np.abs(value) + 1e-8), initial=0.0))
        value, at = after, found
        if moved < near:
            return Likeliest(value, at, True)
    return Likeliest(value, at, False)


def _scoring_step(at: AtParameters, value: Floats, low: Floats, high: Floats, held: int | None) -> Floats:
    free = ~(((value <= low) & (at.score < 0.0)) | ((value >= high) & (at.score > 0.0)))
    if held is not None:
        free[held] = False
    step = np.zeros_like(value)
    if free.any():
        inner = at.information[np.ix_(free, free)]
        ridge = 1e-12 * np.diag(np.diag(inner)) + 1e-300 * np.eye(len(inner))
        step[free] = np.linalg.lstsq(inner + ridge, at.score[free], rcond=None)[0]
    return step


def _uphill(
    blocks: Blocks,
    value: Floats,
    at: AtParameters,
    step: Floats,
    bounds: tuple[Floats, Floats],
    restricted: bool,
) -> tuple[Floats, AtParameters]:
    height = at.restricted if restricted else at.full
    for halving in range(40):
        after = np.clip(value + step * 0.5**halving, *bounds)
        found = evaluate(blocks, after, restricted)
        if found is not None and (found.restricted if restricted else found.full) >= height:
            return after, found
    return value, at
