"""How the correlation of developed speckle falls with distance, as patches of envelopes show it."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def envelope_correlation(coherence: Array) -> tuple[Array, Array]:
    """Return the correlation of envelopes and its slope, at squared coherence m = |mu|^2.

    m is the correlation of intensities; of envelopes of developed speckle it is
    (2 E(m) - (1 - m) K(m) - pi/2) / (2 - pi/2) (Rayleigh pair, Middleton 1948; Goodman 1975), up
    to 0.02 lower.
    """
    from scipy.special import ellipe, ellipk

    m = np.clip(coherence, 1e-6, 1 - 1e-9)
    first, second = ellipk(m), ellipe(m)
    scale = 2 - np.pi / 2
    value = (2 * second - (1 - m) * first - np.pi / 2) / scale
    return value, (second - (1 - m) * first) / (2 * m) / scale


def patch_correlation(
    distance_mm: Array, phase: Array, sigma_mm: Array, ceiling: Array | float, share: Array
) -> Array:
    """Return the expected correlation of patches; shapes broadcast.

    rho = c (g + (1 - g) f(exp(-d^2 / 2 sigma^2 - phase sigma^2))), f being `envelope_correlation`.

    Parameters
    ----------
    distance_mm, sigma_mm : elevational distance, and correlation length of speckle.
    phase : 2 k^2 tilt^2 in 1/mm^2, of a turn about the lateral axis between the frames.
    ceiling : c, what registration and noise leave of the correlation at distance 0.
    share : g, of the correlation that does not decay (coherent structure; Gee 2006).
    """
    decay = np.exp(-(distance_mm**2) / (2 * sigma_mm**2) - phase * sigma_mm**2)
    return ceiling * (share + (1 - share) * envelope_correlation(decay)[0])


def coherent_share(floor: Array | float, coherence: float, structure: Array) -> Array:
    """Return the share of patches' correlation that does not decay, at most 0.9.

    floor: of all patches; coherence: of a patch per unit of its `structure`.
    """
    return np.clip(floor + coherence * np.maximum(structure, 0.0), 0.0, 0.9)


def noise_shape(correlation: Array) -> Array:
    """Return the noise of measured correlations up to a factor: 1 - rho^2 (Fisher 1915) + 0.02."""
    return 1 - np.clip(correlation, 0, 1) ** 2 + 0.02


def phase_rate(wavelength_mm: float | None) -> float:
    """Return 2 k^2 (1/mm^2) at a wavelength, or 0 where it is not known."""
    return 2 * (2 * np.pi / wavelength_mm) ** 2 if wavelength_mm else 0.0
