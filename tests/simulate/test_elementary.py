"""Functions from sums and products alone, against 40 decimal digits."""

from decimal import Decimal, localcontext

import numpy as np

from simulate.elementary import exp, log, tanh

X = np.random.default_rng(0).uniform(-30.0, 30.0, 2000)


def test_exponential_and_logarithm_are_right_to_the_last_digits():
    with localcontext() as context:
        context.prec = 40
        raised = [Decimal(x).exp() for x in X.tolist()]
        worst = max(abs(Decimal(y) / e - 1) for y, e in zip(exp(X).tolist(), raised, strict=True))
        assert worst < 4e-16
        for x in np.exp(0.5 * X[:500]).tolist():
            true = Decimal(x).ln()
            assert abs(Decimal(log(x)) - true) < abs(true) * Decimal("4e-16")
    assert log(1.0) == 0.0 and exp(0.0) == 1.0


def test_the_hyperbolic_tangent_is_that_of_numpy():
    assert np.abs(tanh(X) - np.tanh(X)).max() < 3e-16
    assert tanh(0.0) == 0.0 and tanh(-400.0) == -1.0


def test_far_arguments_neither_overflow_nor_warn():
    with np.errstate(all="raise", under="ignore"):
        assert exp(np.array([-800.0, -1e9])).max() < 1e-320 and np.isfinite(exp(1e9))
