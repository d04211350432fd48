"""Photons in a half space of scattering tissue, one by one: the oracle of the fluence.

Path lengths are exponential, directions turn by Henyey and Greenstein's law, each collision leaves
mu_a / mu_t of the weight, and the skin reflects by Fresnel's equations from inside
(L. Wang, S. L. Jacques & L. Zheng, Comput. Methods Programs Biomed. 47 (1995) 131).
"""

from dataclasses import dataclass

import numba
import numpy as np

INDEX = 1.4
ANISOTROPY = 0.9
BINS_MM = 0.25


@dataclass(frozen=True)
class Light:
    """Fluence per unit of energy per area that enters the skin, by depth and by distance.

    depths_mm (D,) are the middles of bins. `wide` (D,) is that of a beam without end. `bar`
    (D, E) is that of a strip of skin of `length_mm` along x and BINS_MM wide, at its middle and at
    distances of 0, BINS_MM, ... beside it; that of a wider bar is a sum over them.
    """

    depths_mm: np.ndarray
    wide: np.ndarray
    bar: np.ndarray

    def of_bar(self, offset_mm: float, width_mm: float) -> np.ndarray:
        """Return the fluence (D,) at a distance from the middle line of a bar."""
        low = offset_mm - 0.5 * width_mm + 0.5 * BINS_MM
        places = np.abs(low + BINS_MM * np.arange(round(width_mm / BINS_MM)))
        return self.bar[:, np.rint(places / BINS_MM - 0.5).astype(int)].sum(axis=1)


def monte_carlo(
    absorption_per_cm: float, reduced_per_cm: float, photons: int, length_mm: float = 38.0
) -> Light:
    """Return the fluence of light that enters straight; it is the same at any place of entry."""
    scattering = reduced_per_cm / (1.0 - ANISOTROPY) / 10.0
    absorption = absorption_per_cm / 10.0
    strip, whole = np.zeros((80, 80)), np.zeros(80)
    _follow(
        photons, absorption, scattering, 0.5 * length_mm, strip, whole, np.random.default_rng(1)
    )
    per = 1.0 / (photons * absorption * BINS_MM)
    depths = BINS_MM * (np.arange(80) + 0.5)
    # A strip of unit energy per area gets the energy that falls into its mirror image; its bins
    # lie on both sides of the entry.
    return Light(depths, whole * per, 0.5 * strip * per)


@numba.njit
def _follow(photons, absorption, scattering, half_mm, strip, whole, random):
    """Add the weights left by photons to (depth, distance) and (depth,); mm."""
    total = absorption + scattering
    g = ANISOTROPY
    for _ in range(photons):
        x = y = z = 0.0
        ux, uy, uz = 0.0, 0.0, 1.0
        weight = 1.0
        while weight > 0.0:
            step = -np.log(1.0 - random.random()) / total
            x, y, z = x + step * ux, y + step * uy, z + step * uz
            if z < 0.0:
                if random.random() > _reflected(-uz):
                    break
                z, uz = -z, -uz
            left = weight * absorption / total
            weight -= left
            row, column = int(z / BINS_MM), int(abs(y) / BINS_MM)
            if row < len(whole):
                whole[row] += left
                if column < strip.shape[1] and abs(x) < half_mm:
                    strip[row, column] += left
            if weight < 1e-3:
                weight = 10.0 * weight if random.random() < 0.1 else 0.0
            bend = (1.0 - g * g) / (1.0 - g + 2.0 * g * random.random())
            cosine = (1.0 + g * g - bend * bend) / (2.0 * g)
            ux, uy, uz = _turned(ux, uy, uz, cosine, 2.0 * np.pi * random.random())


@numba.njit
def _turned(ux, uy, uz, cosine, around):
    """Return a direction turned by an angle, about itself by another."""
    sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
    a, b = sine * np.cos(around), sine * np.sin(around)
    flat = np.sqrt(max(1.0 - uz * uz, 0.0))
    if flat < 1e-5:
        return a, b, cosine * np.sign(uz)
    return (
        (ux * uz * a - uy * b) / flat + ux * cosine,
        (uy * uz * a + ux * b) / flat + uy * cosine,
        uz * cosine - flat * a,
    )


@numba.njit
def _reflected(cosine):
    """Return the share of unpolarised light that the skin sends back, from its inside."""
    sine = INDEX * np.sqrt(max(1.0 - cosine * cosine, 0.0))
    if sine >= 1.0:
        return 1.0
    outside = np.sqrt(1.0 - sine * sine)
    across = (INDEX * cosine - outside) / (INDEX * cosine + outside)
    along = (cosine - INDEX * outside) / (cosine + INDEX * outside)
    return 0.5 * (across * across + along * along)
