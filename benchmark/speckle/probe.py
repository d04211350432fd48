"""What a probe's description says of its speckle: its beam, and depths in its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.beam.array import ArrayBeam
from benchmark.errors import UserError
from benchmark.sweep import Images

#: Without these nothing is known of the elevational beam.
NEEDED = ("centre_frequency_hz", "element_height_mm", "elevation_focus_mm")
#: Attenuation of soft tissue where none is given, dB / cm / MHz (there or back).
ATTENUATION = 0.5
BANDWIDTH, F_NUMBER, TRANSMIT_F_NUMBER = 0.6, 2.0, 2.5  # of common arrays, where not given
LENGTH_MM = 38.0  # of an array whose length is not given

Array = NDArray[Any]  # float64


def beam_of(probe: Mapping[str, Any], deepest_mm: float) -> ArrayBeam | None:
    """Return the beam that a description stands for, or None where it lacks one of `NEEDED`.

    What else it lacks is that of common arrays: an element as wide as the wavelength, receive
    f-number 2, transmission to the focus of the lens. These change the elevational widths by a few
    percent only.

    Raises
    ------
    UserError : a number that is none, or not more than 0.
    """
    if any(probe.get(key) is None for key in NEEDED):
        return None
    frequency, height, focus = (_positive(probe, key, 0.0) for key in NEEDED)
    speed = _positive(probe, "sound_speed_m_s", 1540.0)
    pitch = _positive(probe, "pitch_mm", 1e3 * speed / frequency)
    return ArrayBeam(
        centre_frequency_hz=frequency,
        fractional_bandwidth=_positive(probe, "fractional_bandwidth", BANDWIDTH),
        elements=round(_positive(probe, "elements", max(2.0, LENGTH_MM / pitch))),
        pitch_mm=pitch,
        element_height_mm=height,
        elevation_focus_mm=focus,
        transmit_focus_mm=_positive(probe, "transmit_focus_mm", focus),
        transmit_f_number=_positive(probe, "transmit_f_number", TRANSMIT_F_NUMBER),
        f_number=_positive(probe, "f_number", F_NUMBER),
        diffraction=bool(probe.get("diffraction", True)),
        radius_mm=float(probe.get("radius_mm") or 0.0),
        sound_speed_m_s=speed,
        depth_mm=max(deepest_mm, 1.0),
    )


def wavelength_of(probe: Mapping[str, Any]) -> float | None:
    """Return the wavelength, mm, at the centre frequency of a description, None without one."""
    if probe.get("centre_frequency_hz") is None:
        return None
    frequency = _positive(probe, "centre_frequency_hz", 0.0)
    return 1e3 * _positive(probe, "sound_speed_m_s", 1540.0) / frequency


def _positive(probe: Mapping[str, Any], key: str, usual: float) -> float:
    value = probe.get(key)
    if value is None:
        return float(usual)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0.0 < value < np.inf:
        raise UserError(f"probe.{key}: expected a number of more than 0, got {value!r}")
    return float(value)


def depth_at(probe: Mapping[str, Any], points_mm: ArrayLike) -> Array:
    """Return the depth (...) mm below the probe's face of points (..., 2 or 3) in image mm.

    `face_mm` of the description is where the middle of the face lies in the image frame, (0, 0)
    where it is not given. Depth is y from there, or for a curved face (`radius_mm`) the distance
    from its centre less the radius; negative above the face.
    """
    face = np.asarray(probe.get("face_mm", (0.0, 0.0)), float)
    x, y = np.moveaxis(np.asarray(points_mm, float)[..., :2] - face, -1, 0)
    radius = float(probe.get("radius_mm") or 0.0)
    return np.hypot(x, y + radius) - radius if radius else y


def patch_depths(probe: Mapping[str, Any], images: Images, from_centre_mm: Array) -> Array:
    """Return the depths (n,) mm of patches at (n, 2) mm from the image centre."""
    return depth_at(probe, from_centre_mm + images.centre_mm[:2])
