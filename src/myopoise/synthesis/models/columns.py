"""The components of a model by name: prior mean, fixed standard deviation, or the hyperparameter that governs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myopoise.synthesis.latent import Variances

__all__ = ["Column", "variances"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One component of x.

    Parameters
    ----------
    name
        Unique in its model.
    mean, sd
        Of its normal prior; `sd` is 0 where a hyperparameter governs it.
    hyper
        Name of the standard deviation that governs it, or empty.
    factor
        Its prior variance is ``sd**2 + factor * theta**2``.
    """

    name: str
    mean: float
    sd: float
    hyper: str = ""
    factor: float = 1.0


def variances(columns: Iterable[Column], hypers: Iterable[str]) -> Variances:
    """Prior variances of the components, as functions of theta.

    Parameters
    ----------
    columns
        The components.
    hypers
        Names of the standard deviations, in the model's order.
    """
    names = list(hypers)
    listed = list(columns)
    constant = np.array([column.sd**2 for column in listed])
    loading = np.array(
        [[column.factor * (column.hyper == name) for name in names] for column in listed], dtype=float
    )
    return Variances(constant, loading.reshape(len(listed), len(names)))
