"""The engine's beam beside the field that PyMUST computes for the same array, in three dimensions.

Run as `python tests/speed/beam.py [--gaussian]` where PyMUST is importable (LGPL; it is no
dependency). The two-way field of one line is the product of the spectra of the transmit beam,
focused once, and of the receive beam, focused at each depth on an aperture of depth / f-number
(reciprocity). At each depth the spectrum on the axis is set to the engine's Gaussian; the
envelope's peak over time is compared along x and along the elevation.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulate.probe.transducer import Probe

DEPTHS_MM = (10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0)
FARTHEST_S = 10e-6  # all delays end here, so that all calls use the same frequencies


def spectra(
    probe: Probe, points_mm: NDArray, focus_mm: float, f_number: float
) -> tuple[NDArray, NDArray]:
    """Frequencies (F,) and complex field (points, F) of one focused beam; y is elevation."""
    import pymust

    param = pymust.utils.Param()
    param.fc, param.bandwidth = probe.centre_frequency_hz, 100.0 * probe.fractional_bandwidth
    param.Nelements, param.pitch = probe.elements, 1e-3 * probe.pitch_mm
    param.kerf, param.height = 0.1e-3 * probe.pitch_mm, 1e-3 * probe.element_height_mm
    param.focus, param.c = 1e-3 * probe.elevation_focus_mm, probe.sound_speed_m_s
    element = (np.arange(probe.elements) - 0.5 * (probe.elements - 1)) * probe.pitch_mm
    half = 0.5 * min(focus_mm / f_number, probe.aperture_mm)
    path = np.hypot(element, focus_mm) * 1e-3 / probe.sound_speed_m_s
    active = np.abs(element) <= half + 0.25 * probe.pitch_mm
    delays = np.where(active, path[active].max() - path, 0.0)
    delays = delays - delays.max() + FARTHEST_S
    param.TXapodization = active.astype(float)
    # A far point that all calls share settles the frequency step.
    x, depth, elevation = np.vstack([points_mm, [0.0, 60.0, 0.0]]).T * 1e-3
    options = pymust.utils.Options()
    options.dBThresh, options.WaitBar, options.ParPool = -60, False, False
    _, field, used = pymust.pfield(
        x[:, None], elevation[:, None], depth[:, None], delays[None], param, False, options
    )
    frequency = np.linspace(0.0, 2.0 * param.fc, len(used))[used]
    return frequency, np.asarray(field)[:-1, 0]


def two_way_profile(probe: Probe, points_mm: NDArray, depth_mm: float) -> NDArray:
    """Peak of the echo's envelope at points (M, 3), the first of which is on the axis."""
    frequency, sent = spectra(probe, points_mm, probe.transmit_focus_mm, probe.transmit_f_number)
    _, heard = spectra(probe, points_mm, depth_mm, float(probe.receive_f_number(depth_mm)))
    offset = (frequency - probe.centre_frequency_hz) / probe.sigma_frequency_hz
    echo = sent * heard * (np.exp(-0.5 * offset**2) / np.abs(sent[0] * heard[0]))
    return np.abs(np.fft.ifft(echo, 16 * echo.shape[1], axis=1)).max(axis=1)


def width(position: NDArray, profile: NDArray) -> float:
    """-6 dB full width of a profile over positions from 0 upwards."""
    below = int(np.argmax(profile < 0.5 * profile[0]))
    share = (profile[below - 1] - 0.5 * profile[0]) / (profile[below - 1] - profile[below])
    return 2.0 * float(position[below - 1] + share * (position[below] - position[below - 1]))


def side_lobe_db(position: NDArray, profile: NDArray, main: float) -> float:
    """Highest level beyond the main lobe, whose -6 dB width is given."""
    outside = profile[position > 1.2 * main] / profile[0]
    return 20.0 * float(np.log10(outside.max()))


def engine_profiles(probe: Probe, offsets_mm: NDArray, depth_mm: float) -> tuple[NDArray, NDArray]:
    """Lateral and elevational amplitude of the engine's beam at offsets from the axis."""
    if not probe.diffraction:
        sigmas = probe.sigma_lateral_mm(depth_mm), probe.sigma_elevation_mm(depth_mm)
        lateral, elevation = (np.exp(-0.5 * (offsets_mm / sigma) ** 2) for sigma in sigmas)
        return lateral, elevation
    depth, wavelength = np.array([[depth_mm]]), np.array([[probe.wavelength_mm]])
    line = probe.field.line_profile.field(offsets_mm[None], depth, wavelength)[0]
    return np.abs(line), np.abs(probe.field.lens_field(offsets_mm, depth[0], wavelength[0]))


def main() -> None:
    try:
        import pymust  # noqa: F401
    except ImportError:
        sys.exit("PyMUST is not installed (pip install pymust): nothing to compare with")
    probe = replace(Probe(), diffraction="--gaussian" not in sys.argv)
    print(f"{probe.name}, diffraction {probe.diffraction}: -6 dB widths in mm, PyMUST / engine")
    print("depth | lateral            | elevation          | side lobe, dB")
    offsets = np.concatenate([np.arange(0.0, 1.0, 0.02), np.arange(1.0, 5.0, 0.05)])
    for depth in DEPTHS_MM:
        zero = np.zeros_like(offsets)
        across = np.stack([offsets, zero + depth, zero], axis=1)
        aside = np.stack([zero, zero + depth, offsets], axis=1)
        lateral = two_way_profile(probe, across, depth)
        elevation = two_way_profile(probe, aside, depth)
        found = width(offsets, lateral), width(offsets, elevation)
        profiles = engine_profiles(probe, offsets, depth)
        ours = width(offsets, profiles[0]), width(offsets, profiles[1])
        lobe = side_lobe_db(offsets, lateral, found[0])
        print(
            f"{depth:5.0f} | {found[0]:.3f} / {ours[0]:.3f} {ours[0] / found[0] - 1:+4.0%} | "
            f"{found[1]:.3f} / {ours[1]:.3f} {ours[1] / found[1] - 1:+4.0%} | "
            f"{lobe:.1f} / {side_lobe_db(offsets, profiles[0], ours[0]):.1f}"
        )


if __name__ == "__main__":
    main()
