"""The lens's two-way field as a table of weights over depth and elevation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.widths import FADED, energy_reach_mm, faded
from simulate.iq.echo import Echo

LEVELS = 256  # depths of the table
PLACES = 112  # elevations of the table; with 256 levels of 8 bytes it fits a core's own cache
OUTSIDE = 3e-3  # share of the energy farther out of the plane than where the field is faded to half
REACH_NODES = 64  # depths at which the reach is worked out

Array = NDArray[Any]  # float64
Float32 = NDArray[np.float32]


class LensTable(NamedTuple):
    """Complex weights of scatterers at elevations and depths, for the compiled kernels.

    values : (LEVELS, PLACES, 2) float32, real and imaginary part, of unit energy ∫ |w|² dz (mm) at
        each level; 0 at the last two places. Interpolated over places, the nearest level is taken.
    levels_per_mm : level of a depth, mm, over that depth.
    places_per_mm : (LEVELS,) float32, place of an elevation, mm, over its distance from the plane.
    """

    values: Float32
    levels_per_mm: float
    places_per_mm: Float32


def lens_table(echo: Echo, deepest_mm: float, widened: float) -> tuple[LensTable, Array, Array]:
    """Return the table of a lens down to a depth, and its levels' depths and reaches (LEVELS,) mm.

    widened : factor on the elevation at which the field is faded out.
    """
    probe = echo.probe
    depth = np.linspace(0.0, deepest_mm, LEVELS)
    wavelength = echo.wavelength_mm(depth)
    nodes = np.linspace(0.0, deepest_mm, REACH_NODES)
    wide = energy_reach_mm(probe.field.lens_profile, nodes, echo.wavelength_mm(nodes), OUTSIDE)
    reach = (1.0 + FADED) * with_one_valley(np.interp(depth, nodes, widened * wide))
    share = np.arange(PLACES) / (PLACES - 2.0)
    offset = reach[:, None] * share
    field = np.conj(probe.field.lens_field(offset, depth[:, None], wavelength[:, None]))
    field = field * faded(share)
    power = np.abs(field) ** 2
    energy = (2.0 * power.sum(axis=1) - power[:, 0]) * reach / (PLACES - 2.0)
    field = field / np.sqrt(energy)[:, None]
    table = LensTable(
        values=np.stack([field.real, field.imag], axis=-1).astype(np.float32),
        levels_per_mm=(LEVELS - 1.0) / deepest_mm,
        places_per_mm=((PLACES - 2.0) / reach).astype(np.float32),
    )
    return table, depth, reach


def with_one_valley(values: Array) -> Array:
    """Return the smallest values >= these that first fall and then rise."""
    lowest = int(np.argmin(values))
    left = np.maximum.accumulate(values[lowest::-1])[::-1]
    return np.concatenate([left[:-1], np.maximum.accumulate(values[lowest:])])
