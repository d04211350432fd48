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

from benchmark.beam.lens import LEAST_DEPTH_MM
from benchmark.beam.widths import FADED, energy_reach_mm, faded
from simulate.iq.echo import Echo
from simulate.iq.splat import SPLAT_VARIANCE

FIR_CUT = 3.2  # sigmas at which a Gaussian filter is cut off
OUTSIDE = 2e-3  # share of a line's energy farther aside than where its field is faded to half
NODES = 112  # depths at which fields of lines are worked out, and between which taps are mixed
REACH_NODES = 48  # depths at which their reach is
ZONES = 12  # of lines at either end of the array
ZONE_GROWTH = 1.2  # of a zone's width over that of the next one outwards

Array = NDArray[Any]  # float64
Float32 = NDArray[np.float32]


class LineTaps(NamedTuple):
    """Lateral filters.

    taps : (zones + 1, R, 2, 2 L + 1) float32, real and imaginary part at each of R depths: of the
        zones from the left end of the array inwards, and last of the lines between the zones. At
        the right end the same, mirrored.
    half : (zones + 1, R) number of taps used on each side of the middle one.
    first : (zones + 1,) first column of each zone, and of the lines between; from the left.
    used : (R,) how many zones, from the end, the apertures of that depth reach the end from; the
        lines farther inwards have the taps of those between the zones.
    gain : (R, columns) of uniform tissue's echo, so that it changes smoothly where zones meet; 1
        between the zones.
    """

    taps: Float32
    half: NDArray[np.int64]
    first: NDArray[np.int64]
    used: NDArray[np.int64]
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
    none = np.zeros(len(sigma), np.int64)
    return LineTaps(taps, half, none[:1], none, np.ones((len(sigma), columns)))


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
    return (1.0 + FADED) * energy_reach_mm(probe.field.line_profile, depth_mm, wavelength, OUTSIDE)


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
    nodes = depth[0] + (depth[-1] - depth[0]) * np.linspace(0.0, 1.0, NODES) ** 1.5
    taps, ends, level = _taps_at(echo, nodes, places, step, half)
    above = np.clip(np.searchsorted(nodes, depth) - 1, 0, NODES - 2)
    share = ((depth - nodes[above]) / (nodes[above + 1] - nodes[above])).astype(np.float32)

    def between(values: Array) -> Array:
        mixed = share.reshape(-1, *[1] * (values.ndim - 2))
        return (1.0 - mixed) * values[:, above] + mixed * values[:, above + 1]

    return LineTaps(
        taps=np.ascontiguousarray(between(taps)),
        half=np.minimum(np.ceil(between(ends)), half).astype(np.int64),
        first=first,
        used=np.sum(places[:-1, None] < _half_aperture_mm(echo, depth), axis=0),
        gain=_smoothed(between(level), first, places, inwards, len(lateral)),
    )


def _zones(echo: Echo, depth_mm: Array, inwards: Array) -> tuple[NDArray[np.int64], Array]:
    """Return `LineTaps.first` and the places of the zones' lines (zones + 1,), mm from the end.

    inwards: those of the columns of one half of the grid, rising. Zones without columns are left
    out; the last place is the middle of the array.
    """
    last = float(_half_aperture_mm(echo, depth_mm[-1:])[0])
    growth = ZONE_GROWTH ** np.arange(ZONES + 1) - 1.0
    edges = np.searchsorted(inwards, last * growth / growth[-1])
    first = np.unique(np.concatenate([[0], edges]))
    places = [inwards[a:b].mean() for a, b in pairwise(first)]
    return first.astype(np.int64), np.array([*places, 0.5 * echo.probe.aperture_mm])


def _half_aperture_mm(echo: Echo, depth_mm: Array) -> Array:
    """Return half the larger of both apertures at depths: how near the end they are cut short."""
    probe = echo.probe
    return 0.5 * np.maximum(probe.transmit_aperture_mm, probe.field.heard_mm(depth_mm))


def _taps_at(
    echo: Echo, depth_mm: Array, places_mm: Array, step: float, half: int
) -> tuple[Float32, Float32, Float32]:
    """Return filters of lines at places (Z,) at depths (D,), closer where the field changes fast.

    They are the taps (Z, D, 2, 2 half + 1); where they end, (Z, D), in steps; and the level (Z, D)
    of uniform tissue's echo, over that of the last line.
    """
    probe = echo.probe
    wavelength, unit = echo.wavelength_mm(depth_mm), echo.lateral_unit_mm(depth_mm)
    offset = np.arange(-half, half + 1)
    fields = np.conj(
        probe.field.line_fields(step * unit[:, None] * offset, depth_mm, wavelength, places_mm)
    )
    heard = probe.field.heard_mm(depth_mm)
    wider = heard / np.minimum(heard, 0.5 * heard + places_mm[:, None])
    ends = np.minimum(wider * _faded_mm(echo, depth_mm) / (step * unit), half + 1.0)
    outward = np.abs(offset) / ends[:, :, None]
    fields = fields * faded(outward)
    power = np.sum(np.abs(fields) ** 2, axis=2) * step * unit
    fields = fields / np.sqrt(power[-1])[:, None]
    # The splat spreads by cubic B-splines: the taps are the coefficients of that spline.
    taps = spline_filter1d(np.stack([fields.real, fields.imag], axis=2), 3, axis=3)
    taps = np.where((outward < 1.0)[:, :, None], taps, 0.0)
    level = np.sqrt(power / power[-1])
    return taps.astype(np.float32), ends.astype(np.float32), level.astype(np.float32)


def _smoothed(
    level: Array, first: NDArray[np.int64], places_mm: Array, inwards: Array, columns: int
) -> Array:
    """Return `LineTaps.gain`, from levels (zones + 1, R) of zones to levels that do not step."""
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
