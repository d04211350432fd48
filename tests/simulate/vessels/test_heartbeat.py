"""The heart's waves of pressure and flow."""

import numpy as np
import pytest

from simulate.vessels.heartbeat import flow_wave, pressure_wave


def test_the_pulse_is_periodic_and_of_unit_size():
    phase = np.linspace(0, 1, 2001)
    wave = pressure_wave(phase)
    assert wave.min() >= 0 and wave.max() == pytest.approx(1, abs=1e-6)
    assert np.allclose(pressure_wave(phase + 3), wave)
    assert np.abs(np.diff(wave)).max() < 0.01
    flow = flow_wave(phase[:-1], 1.6)
    assert flow.mean() == pytest.approx(1, abs=1e-3)
    assert flow.max() - flow.min() == pytest.approx(1.6, abs=1e-3)
