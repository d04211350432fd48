"""Trackers as files: weights and the configuration that they belong to."""

from dataclasses import replace

import pytest

from benchmark.errors import UserError
from tests.benchmark.shared.steady import Steady, SteadyConfig


def test_other_configuration_is_refused_by_name(tmp_path):
    Steady().save(tmp_path)
    other = Steady(replace(SteadyConfig(), step_mm=0.2))
    with pytest.raises(UserError, match=r"another configuration \(step_mm: 0.1 there, 0.2 here\)"):
        other.load(tmp_path)


def test_missing_weights_are_named(tmp_path):
    Steady().save(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights.safetensors: no such file"):
        Steady().load(tmp_path)
