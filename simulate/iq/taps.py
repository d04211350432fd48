"""Taps of the filters that give splatted samples the axial and lateral shape of the beam.

The lateral filter has complex taps, the beam's field about a line. Near the ends of the array its
apertures are cut short, so lines there have taps of their own, zone by zone.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter1d

from simulate.iq.echo import Echo
from simulate.iq.splat import SPLAT_VARIANCE
from simulate.probe.beam_widths import energy_reach_mm
from simulate.probe.lens import LEAST_DEPTH_MM

FIR_CUT = 3.2  # sigmas at which a Gaussian filter is cut off
OUTSIDE = 2e-3  # share of a line's energy farther aside than where its field is faded to half
FADED = 0.1  # half the width of that fade, over where its middle is
NODES = 112  # depths at which fields of lines are worked out
REACH_NODES = 48  # depths at which their reach is
ZONES = 8  # of lines at either end of the array
ZONE_GROWTH = 1.35  # of a zone's width over that of the next one outwards

Array = NDArray[Any]  # float64
Float32 = NDArray[np.float32]


class LineTaps(NamedTuple):
    """Lateral filters.

    taps : (zones + 1, R, 2, 2 L + 1) float32, real and imaginary part at each of R depths: of the
        zones from the left end of the array inwards, and last of the lines between the zones. At
        the right end the same, mirrored.
    half : (zones + 1, R) number of taps used on each side of the middle one.
    first : (zones + 1,) first column of each zone, and of the lines between; from the left.
    gain : (R, columns) of uniform tissue's echo, so that it changes smoothly where zones meet; 1
        between the zones.
    """

    taps: Float32
    half: NDArray[np.int64]
    first: NDArray[np.int64]
    gain: Array


def gaussian_taps(sigma: Array, step: float) -> Array:
    """Return taps (R, 2 L + 1) that after a cubic splat give Gaussians of unit peak.

    sigma (R,), step of the samples: in one unit. The splat is itself a filter of known variance,
    which is taken off that of the taps.
    """
    narrowed = np.sqrt(sigma**2 - SPLAT_VARIANCE * step**2)
    half = math.ceil(FIR_CUT * narrowed.max() / step)
    offset = step * np.arange(-half, half + 1)
    ratio = offset / narrowed[:, None]
    # Half a step wider than the cut: a tap is kept if any part of its step lies within the cut.
    taps = np.exp(-0.5 * ratio**2) * (np.abs(ratio) <= FIR_CUT + 0.5 * step / narrowed[:, None])
    return taps * (sigma * math.sqrt(2.0 * math.pi) / step / taps.sum(axis=1))[:, None]


def gaussian_lines(sigma: Array, step: float, columns: int) -> LineTaps:
    """Return the lateral filters of Gaussians of sigma (R,), the same for all columns."""
    real = gaussian_taps(sigma, step)
    taps = np.stack([real, np.zeros_like(real)], axis=1)[None].astype(np.float32)
    half = (np.count_nonzero(real, axis=1) // 2)[None]
    return LineTaps(taps, half, np.zeros(1, np.int64), np.ones((len(sigma), columns)))


def line_half(echo: Echo, depth_mm: Array, step: float) -> int:
    """Return the number of taps on each side of the middle one that fields of lines need.

    At depths from the first to the last of `depth_mm`; step: of the columns, as in the grid.
    """
    nodes = np.linspace(max(depth_mm[0], LEAST_DEPTH_MM), depth_mm[-1], REACH_NODES)
    return math.ceil(float((_faded_mm(echo, nodes) / echo.lateral_unit_mm(nodes)).max()) / step)


def _faded_mm(echo: Echo, depth_mm: Array) -> Array:
    """Return the offset (D,), mm, at which the field of a line ends, faded out."""
    probe = echo.probe
    wavelength = echo.wavelength_mm(depth_mm)
    return (1.0 + FADED) * energy_reach_mm(
        probe.line_field, probe.line_reach_mm, depth_mm, wavelength, OUTSIDE
    )


def field_lines(echo: Echo, depth_mm: Array, lateral: Array, step: float, half: int) -> LineTaps:
    """Return the lateral filters of the array's field, of unit energy between the zones.

    Parameters
    ----------
    depth_mm : (R,), rising.
    lateral, step : positions (columns,) of the lines and their step, mm, or radians for a
        curvilinear probe.
    half : largest number of taps on each side.
    """
    depth = np.maximum(depth_mm, LEAST_DEPTH_MM)
    # From the array's end, mm; the columns of both halves mirror each other.
    inwards = 0.5 * echo.probe.aperture_mm - np.abs(lateral) * (echo.probe.radius_mm or 1.0)
    inwards = np.maximum(inwards[: len(lateral) // 2], 0.0)
    first, places = _zones(echo, depth, inwards)
    fields, ends = _fields(echo, depth, places, step, half)
    power = np.sum(np.abs(fields) ** 2, axis=2) * step * echo.lateral_unit_mm(depth)
    fields = fields / np.sqrt(power[-1])[:, None]
    # The splat spreads by cubic B-splines: the taps are the coefficients of that spline.
    taps = spline_filter1d(np.stack([fields.real, fields.imag], axis=2), 3, axis=3)
    inside = np.abs(np.arange(-half, half + 1)) < ends[..., None]
    return LineTaps(
        taps=np.where(inside[:, :, None], taps, 0.0).astype(np.float32),
        half=np.count_nonzero(inside, axis=2) // 2,
        first=first,
        gain=_smoothed(np.sqrt(power / power[-1]), first, places, inwards, len(lateral)),
    )


def _zones(echo: Echo, depth_mm: Array, inwards: Array) -> tuple[NDArray[np.int64], Array]:
    """Return `LineTaps.first` and the places of the zones' lines (zones + 1,), mm from the end.

    inwards: those of the columns of one half of the grid, rising. Zones without columns are left
    out; the last place is the middle of the array.
    """
    probe = echo.probe
    widest = max(probe.transmit_aperture_mm, float(depth_mm[-1]) / probe.f_number)
    last = 0.5 * min(widest, probe.aperture_mm)  # no aperture reaches the end from farther inwards
    growth = ZONE_GROWTH ** np.arange(ZONES + 1) - 1.0
    edges = np.searchsorted(inwards, last * growth / growth[-1])
    first = np.unique(np.concatenate([[0], edges]))
    places = [inwards[a:b].mean() for a, b in pairwise(first)]
    return first.astype(np.int64), np.array([*places, 0.5 * probe.aperture_mm])


def _fields(
    echo: Echo, depth_mm: Array, places_mm: Array, step: float, half: int
) -> tuple[Array, Array]:
    """Return the fields (zones + 1, R, 2 half + 1) of lines, and where they end, in steps.

    Worked out at `NODES` depths, closer where the field changes fast, and interpolated.
    """
    probe = echo.probe
    nodes = np.linspace(0.0, 1.0, NODES) ** 1.5
    nodes = depth_mm[0] + (depth_mm[-1] - depth_mm[0]) * nodes
    wavelength, unit = echo.wavelength_mm(nodes), echo.lateral_unit_mm(nodes)
    reach = _faded_mm(echo, nodes)
    offset = step * np.arange(-half, half + 1)
    above = np.clip(np.searchsorted(nodes, depth_mm) - 1, 0, NODES - 2)
    share = ((depth_mm - nodes[above]) / (nodes[above + 1] - nodes[above]))[:, None]
    found = np.conj(probe.line_fields(unit[:, None] * offset, nodes, wavelength, places_mm))
    heard = np.minimum(nodes / probe.f_number, probe.aperture_mm)
    wider = heard / np.minimum(heard, 0.5 * heard + places_mm[:, None])
    end = np.minimum(wider * reach, (half + 1) * step * unit) / (step * unit)
    outward = np.abs(np.arange(-half, half + 1)) / end[:, :, None]
    fade = np.clip((1.0 - outward) * (1.0 + FADED) / (2.0 * FADED), 0.0, 1.0)
    found *= 0.5 - 0.5 * np.cos(np.pi * fade)
    ends = np.stack([np.interp(depth_mm, nodes, each) for each in end])
    return (1.0 - share) * found[:, above] + share * found[:, above + 1], ends


def _smoothed(
    level: Array, first: NDArray[np.int64], places_mm: Array, inwards: Array, columns: int
) -> Array:
    """Return `LineTaps.gain`: from the levels (zones + 1, R) of zones to levels that do not step."""
    gain = np.ones((level.shape[1], columns))
    zone = np.searchsorted(first, np.arange(first[-1]), side="right") - 1
    own = inwards[: first[-1]]
    # Between the places of two zones their levels are mixed, and beyond the last with the middle's.
    after = np.minimum(np.searchsorted(places_mm, own, side="right"), len(places_mm) - 1)
    before = np.maximum(after - 1, 0)
    edge = places_mm.copy()
    if len(first) > 1:
        edge[-1] = max(inwards[first[-1] - 1], places_mm[-2]) + 1e-6
    width = np.maximum(edge[after] - edge[before], 1e-6)
    share = np.clip((own - edge[before]) / width, 0.0, 1.0)
    mixed = (1.0 - share) * level[before].T + share * level[after].T
    side = mixed / level[zone].T
    gain[:, : first[-1]] = side
    gain[:, columns - first[-1] :] = side[:, ::-1]
    return gain
