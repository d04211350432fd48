"""Clutter: what each line hears from beside itself, through side lobes of an imperfect beam.

Tissue and electronics disturb the phases of the array's elements, and the beam gets a wide, low
halo (Dahl, Jakovljevic, Pinton and Trahey, IEEE Trans. UFFC 59 (2012) 754: diffuse clutter from
off-axis scattering, 10 to 40 dB below tissue). Here the halo is a set of `LAGS` directions beside
each line, with random weights that belong to the machine. A line at depth y hears from a lateral
distance d what lies at its own range, at depth y - d² / 2y; on a curved face of radius R, where
distances are angles t, at y - R (R + y) t² / 2y. Clutter is thus made of the tissue's own speckle
and moves with it, and a bright reflector draws a faint arc. The halo lies in the image plane;
across it, clutter decorrelates as the tissue does. Beyond the sides of the image there is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.settings import BmodeSettings
from simulate.compiled import inlined, kernel
from simulate.iq.beam import Beam

LAGS = 24
REACH_MM = 9.0  # of the halo to either side
NEAREST_MM = 1.0  # the beam itself is nearer
FADE_MM = 5.0  # distance at which the halo's amplitude has fallen by exp(-1/2)
STEEPEST = 0.7  # largest lateral distance over depth that is heard

_f = np.float32


class Halo(NamedTuple):
    """The directions beside a line, arrays for the kernel.

    lag : (K,) whole columns to the side; distance : (K,) the same in mm, or in radians about the
    centre of a curved face; weight : (K, 2) float32, real and imaginary, of any common scale;
    level : rms of the clutter of tissue of rms 1 that is alike all around.
    """

    lag: NDArray[np.int64]
    distance: NDArray[np.float64]
    weight: NDArray[np.float32]
    level: float


def draw_halo(rng: np.random.Generator, settings: BmodeSettings, beam: Beam) -> Halo:
    """Draw the directions: one in each of `LAGS` equal parts of the halo, with random phases."""
    grid, half = beam.grid, LAGS // 2
    width = (REACH_MM - NEAREST_MM) / half
    side = NEAREST_MM + width * (np.arange(half) + rng.random((2, half)))
    distance_mm = np.concatenate([-side[0], side[1]])
    amplitude = np.exp(-0.5 * (distance_mm / FADE_MM) ** 2) * rng.rayleigh(1.0, LAGS)
    phase = rng.uniform(0.0, 2.0 * np.pi, LAGS)
    weight = amplitude[:, None] * np.stack([np.cos(phase), np.sin(phase)], axis=1)
    arm = grid.radius_mm + 0.5 * float(grid.depths_mm[-1]) if grid.radius_mm > 0.0 else 1.0
    lag = np.rint(distance_mm / (grid.column_step * arm)).astype(np.int64)
    level = 10.0 ** (settings.clutter_db / 20.0)
    return Halo(lag, lag * grid.column_step, weight.astype(np.float32), level)


@kernel
def add_clutter(iq, halo, depths, row_step, radius_mm, out):
    """Add to `out` what the lines of `iq` hear from beside themselves.

    iq, out : (rows, 2 columns) float32, (re, im) interleaved; depths : (rows,) mm; radius_mm : of
    the face, 0 for a linear array.
    """
    columns = iq.shape[1] // 2
    source = np.empty(len(halo.lag), np.int64)
    turned = np.empty(iq.shape[1], np.float32)  # what is still to be turned by a quarter
    for row in range(iq.shape[0]):
        power = 0.0
        for k in range(len(halo.lag)):
            source[k] = _source_row(row, halo.distance[k], depths[row], row_step, radius_mm)
            if source[k] >= 0:
                power += halo.weight[k, 0] ** 2 + halo.weight[k, 1] ** 2
        if power == 0.0:
            continue
        scale = halo.level / np.sqrt(power)
        target = out[row]
        turned[:] = _f(0.0)
        for k in range(len(halo.lag)):
            if source[k] < 0:
                continue
            lag = halo.lag[k]
            first, stop = max(0, -lag), min(columns, columns - lag)
            if first >= stop:
                continue
            line = iq[source[k]][2 * (first + lag) : 2 * (stop + lag)]
            sums, aside = target[2 * first : 2 * stop], turned[2 * first : 2 * stop]
            real, imaginary = _f(scale * halo.weight[k, 0]), _f(scale * halo.weight[k, 1])
            for i in range(np.uint64(len(line))):
                sums[i] += real * line[i]
                aside[i] += imaginary * line[i]
        for i in range(np.uint64(columns)):
            re, im = np.uint64(2) * i, np.uint64(2) * i + np.uint64(1)
            target[re] -= turned[im]
            target[im] += turned[re]


@inlined
def _source_row(row, distance, depth, row_step, radius_mm):
    """Return the row whose echoes from a distance to the side arrive with `row`; -1 for none."""
    if depth <= 0.0:
        return -1
    arm = radius_mm + depth if radius_mm > 0.0 else 1.0
    if abs(distance) * arm > STEEPEST * depth:
        return -1
    square = distance * distance * arm * (radius_mm if radius_mm > 0.0 else 1.0)
    return row - int(square / (2.0 * depth * row_step) + 0.5)
