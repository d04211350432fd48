"""Gain of the receiver with depth: time-gain compensation, and the electronic noise beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.iq.echo import Echo

Array = NDArray[Any]  # float64

LEAST_LEVEL = 1e-30  # of an echo relative to the loudest: gains divide by levels, in float32


def receive_gains(
    echo: Echo,
    depths_mm: Array,
    density_per_mm3: float,
    time_gain_compensation: bool,
    noise_db: float,
    noise_depth_mm: float,
) -> tuple[Array, Array | float]:
    """Return the factors on echoes and on unit noise at depths (R,).

    With time-gain compensation the IQ of uniform tissue has rms 1 at every depth and the noise
    grows as the echoes fade; without it, that IQ has rms 1 at `noise_depth_mm` only and the noise
    is the same everywhere. The parameters are those of `simulate.iq.beam.sampled_beam`.

    Raises
    ------
    UserError : there is no echo from `noise_depth_mm` although a level refers to it.
    """
    used = noise_db > -math.inf or not time_gain_compensation
    if used and echo.frequency_hz(np.array(noise_depth_mm)) <= 0.0:
        raise _silent(echo, noise_depth_mm)
    *levels, reference = echo.level(np.append(depths_mm, noise_depth_mm))
    if used and reference <= LEAST_LEVEL * max(levels):
        raise _silent(echo, noise_depth_mm)
    level = np.array(levels) / reference
    gain = (1.0 if time_gain_compensation else level) / echo.speckle_rms(depths_mm, density_per_mm3)
    noise = 10.0 ** (noise_db / 20.0) / (level if time_gain_compensation else 1.0)
    return gain, noise


def _silent(echo: Echo, depth_mm: float) -> UserError:
    """Return the error of a depth of which attenuation leaves no spectrum, or too faint an echo."""
    return UserError(
        f"bmode.noise_depth_mm: expected a depth with an echo, such as probe.depth_mm = "
        f"{echo.probe.depth_mm:g}, got {depth_mm:g}, of which tissue.attenuation_db_cm_mhz = "
        f"{echo.attenuation_db_cm_mhz:g} leaves nothing"
    )
