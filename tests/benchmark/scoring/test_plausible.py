"""What values a metric can have: by its unit and better side, also of metrics of one's own."""

from dataclasses import replace

import pytest

from benchmark.metrics import METRICS
from benchmark.scoring.plausible import LARGEST, limits


def test_errors_are_not_negative_and_correlations_at_most_one():
    assert limits("gpe") == limits("hausdorff") == (0.0, LARGEST["mm"])
    assert limits("rotation_geodesic") == (0.0, 1080.0)
    assert limits("bias_step_tx") == (-LARGEST["mm"], LARGEST["mm"])
    assert limits("motion_correlation")[1] == limits("overlap_dice")[1] == 1.0
    assert limits("sigma_nll")[0] < 0  # a likelihood


@pytest.mark.parametrize("unit", ["furlong", "deg/100 mm"])
def test_a_unit_or_metric_of_ones_own_has_wide_limits(monkeypatch, unit):
    monkeypatch.setitem(METRICS, "mine", replace(METRICS["gpe"], id="mine", unit=unit))
    low, high = limits("mine")
    assert low == 0.0 and high >= 1e12
    assert limits("nobody's") == (-LARGEST[""], LARGEST[""])


def test_every_metric_has_limits_that_hold_its_perfect_value():
    for name in METRICS:
        low, high = limits(name)
        assert low <= 0.0 < high
