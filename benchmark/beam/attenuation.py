"""What a tissue whose loss is proportional to frequency leaves of a Gaussian pulse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.array import ArrayBeam

Array = NDArray[Any]  # float64


def loss_per_hz(attenuation_db_cm_mhz: float, depth_mm: Array) -> Array:
    """Return the two-way amplitude loss at a depth, nepers per Hz."""
    decibel = 2.0 * attenuation_db_cm_mhz * 1e-6 * np.maximum(depth_mm, 0.0) / 10.0
    return math.log(10.0) / 20.0 * decibel


def echo_frequency_hz(beam: ArrayBeam, attenuation_db_cm_mhz: float, depth_mm: Array) -> Array:
    """Return the centre frequency of the echo from a depth: f_0 - loss sigma_f²."""
    shift = loss_per_hz(attenuation_db_cm_mhz, depth_mm) * beam.sigma_frequency_hz**2
    return beam.centre_frequency_hz - shift
