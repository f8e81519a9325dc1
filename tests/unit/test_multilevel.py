"""Edges of multilevel models: boundaries, and input that makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from myopoise.errors import WrongUsage
from myopoise.synthesis.frequentist.multilevel import Nested, Outcomes, estimate_multilevel

UNITS = Nested(("district",), ([1, 1, 2, 2],))


def test_results_that_agree_put_a_variance_at_its_edge_and_say_so() -> None:
    found = estimate_multilevel([0.1, 0.1, 0.1, 0.1001], [1.0] * 4, random=UNITS, intervals=True)
    assert found.components == {"district": 0.0}
    assert found.intervals["district"][0] == 0.0
    assert found.intervals["district"][1] > 0.0
    assert any("district" in warning for warning in found.warnings)


def test_columns_of_a_design_keep_their_names() -> None:
    design = {"intercept": [1, 1, 1, 1], "dose": [1, 2, 1, 3]}
    found = estimate_multilevel([0.1, 0.5, 0.2, 0.4], [0.1] * 4, random=UNITS, design=design)
    assert list(found.coefficients) == ["intercept", "dose"]
    assert found.moderators.df == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "DL"}, "REML or ML"),
        ({"v": [0.1, 0.0, 0.1, 0.1]}, "counted from one: 2"),
        ({"v": [0.1, 0.1]}, "as many variances"),
        ({"v": np.eye(4) + np.eye(4, k=1)}, "not symmetric"),
        ({"v": np.eye(4) + 0.1 * np.ones((4, 4))}, "joins results"),
        ({"random": Nested(("a", "b"), ([1, 1, 2, 2],))}, "one name and one list"),
        ({"random": Nested(("a",), ([1, 1, 2],))}, "3 labels for 4 results"),
        ({"random": Outcomes(["x", "x", "x", "y"], [1, 1, 2, 2])}, "two results of the same outcome"),
        ({"random": Outcomes(["x", "y", "x", "y"], [1, 1, 2, 2], "AR")}, "choose UN, HCS, CS or DIAG"),
        ({"random": Outcomes(["x", "y"], [1, 1, 2, 2])}, "2 labels for 4 results"),
        ({"design": {"a": [1, 1, 1, 1], "b": [2, 2, 2, 2]}}, "cannot tell"),
        ({"design": {"a": [1, 1, 1]}}, "each column"),
        ({"design": {}}, "each column"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    given = {"v": [0.1] * 4, "random": UNITS, **change}
    with pytest.raises(WrongUsage, match=words):
        estimate_multilevel([0.1, 0.2, 0.3, 0.5], given.pop("v"), **given)


def test_a_covariance_that_is_none_is_refused() -> None:
    v = np.kron(np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(WrongUsage, match="positive definite"):
        estimate_multilevel([0.1, 0.2, 0.3, 0.5], v, random=Nested(("d", "s"), ([1, 1, 2, 2], [1, 2, 3, 4])))
