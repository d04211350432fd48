"""The speckle map: how far apart speckle still correlates, by depth, along each axis."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark import geometry
from benchmark.beam.array import ArrayBeam
from benchmark.beam.attenuation import echo_frequency_hz
from benchmark.errors import UserError
from benchmark.speckle.guess import seen_widths
from benchmark.speckle.probe import ATTENUATION, beam_of, depth_at
from benchmark.sweep import Images

DEPTHS = 48  # of a map from the probe's numbers
PLACES = 25  # pixels across and down whose depths say how deep an image is
PROBE_ERROR = 0.05  # of the elevational scale by the formulas: mostly the tissue's attenuation
GUESS_ERROR = 0.5
#: Elevational over lateral width of a guess: 1.5 to 2 about and beyond the focus of common linear
#: arrays, 0.8 to 1.2 near the face and of convex arrays.
ELEVATION_OVER_LATERAL = 1.5

Array = NDArray[Any]  # float64


@dataclass(frozen=True)
class SpeckleMap:
    """Correlation lengths of speckle by depth, mm.

    A length is the s with which intensities of developed speckle a distance d apart along that axis
    correlate as exp(-d² / 2 s²).

    depth_mm (K,): below the probe's face, rising; lateral_mm, axial_mm, elevation_mm (K,); along
    lines of the probe, which for a curved face are not columns of the image. relative_error: one
    standard deviation of the elevational scale, over it. source: where the elevational lengths are
    from, the probe's numbers, a calibration, or a guess. ceiling, floor, coherence: of a measured
    map, what noise leaves of correlations, and the share that does not decay (`fit.Curve`).
    """

    depth_mm: Array
    lateral_mm: Array
    axial_mm: Array
    elevation_mm: Array
    relative_error: float
    source: Literal["probe", "measured", "guessed"]
    ceiling: float = 0.98
    floor: Array | float = 0.0
    coherence: float = 0.6

    def at(self, depth_mm: ArrayLike) -> Array:
        """Return the lateral, axial and elevational lengths (..., 3) mm at depths (...) mm.

        Interpolated; beyond either end those of that end.
        """
        depth = np.asarray(depth_mm, float)
        columns = (self.lateral_mm, self.axial_mm, self.elevation_mm)
        return np.stack([np.interp(depth, self.depth_mm, one) for one in columns], axis=-1)


def speckle_map(probe: Mapping[str, Any], images: Images) -> SpeckleMap:
    """Return the speckle map of frames (N, H, W) that a probe of this description took.

    A measured map in it (`speckle`, see `benchmark.speckle.file`) goes first; then the
    formulas of the simulator, where frequency, height and focus of the lens are known; else the
    elevational lengths are guessed from the lateral ones that the first frame shows. Lateral and
    axial lengths that the description does not give are taken from the first frame.

    Raises
    ------
    UserError : a value of the description that cannot be.
    """
    if probe.get("speckle") is not None:
        return _measured(probe, images)
    depth = _depths(probe, images)
    beam = beam_of(probe, float(depth[-1]))
    if beam is None:
        lateral, axial = seen_widths(probe, images, depth)
        elevation = ELEVATION_OVER_LATERAL * lateral
        return SpeckleMap(depth, lateral, axial, elevation, GUESS_ERROR, "guessed")
    attenuation = float(probe.get("attenuation_db_cm_mhz", ATTENUATION))
    lateral, axial, elevation = beam_lengths(beam, attenuation, tuple(depth.tolist()))
    if not {"f_number", "fractional_bandwidth"} <= probe.keys():
        lateral, axial = seen_widths(probe, images, depth)
    return SpeckleMap(depth, lateral, axial, elevation, PROBE_ERROR, "probe")


@functools.lru_cache(maxsize=64)
def beam_lengths(
    beam: ArrayBeam, attenuation_db_cm_mhz: float, depth_mm: tuple[float, ...]
) -> tuple[Array, Array, Array]:
    """Return the lateral, axial and elevational lengths (K,) mm of a beam in tissue at depths (K,).

    A Gaussian pulse keeps its length in tissue whose loss is proportional to frequency.
    """
    depth = np.array(depth_mm)
    frequency = echo_frequency_hz(beam, attenuation_db_cm_mhz, depth)
    frequency = np.maximum(frequency, 0.5 * beam.centre_frequency_hz)
    return (
        beam.sigma_speckle_lateral_mm(depth, frequency),
        np.full(depth.shape, beam.sigma_axial_mm),
        beam.sigma_speckle_mm(depth, frequency),
    )


def _depths(probe: Mapping[str, Any], images: Images) -> Array:
    """Return the depths (DEPTHS,) mm of a map: all that the images show, from the face down."""
    height, width = images.frames.shape[1:]
    row, column = np.meshgrid(
        np.linspace(0, height - 1, PLACES), np.linspace(0, width - 1, PLACES), indexing="ij"
    )
    pixels = np.stack([column, row, np.zeros_like(row)], axis=-1)
    depth = depth_at(probe, geometry.apply(images.mm_from_pixel, pixels.reshape(-1, 3)))
    top, bottom = max(float(depth.min()), 0.0), float(depth.max())
    return np.linspace(top, max(bottom, top + 1.0), DEPTHS)


def _measured(probe: Mapping[str, Any], images: Images) -> SpeckleMap:
    """Return the measured map of a description, with what it lacks from the frames."""
    table = probe["speckle"]
    try:
        depth, elevation = (np.asarray(table[key], float) for key in ("depth_mm", "elevation_mm"))
        error = float(table.get("relative_error", GUESS_ERROR))
        floor = np.broadcast_to(np.asarray(table.get("floor", 0.0), float), depth.shape)
        more = {key: float(table[key]) for key in ("ceiling", "coherence") if key in table}
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise UserError(
            f"probe.speckle: expected depth_mm, elevation_mm and relative_error, got {fault}"
        ) from fault
    fits = depth.ndim == 1 and depth.shape == elevation.shape and depth.size > 0
    if not fits or not (np.diff(depth) > 0).all() or not (elevation > 0).all():
        raise UserError("probe.speckle: expected rising depth_mm and elevation_mm of more than 0")
    known = {key: table[key] for key in ("lateral_mm", "axial_mm") if table.get(key) is not None}
    seen = zip(("lateral_mm", "axial_mm"), seen_widths(probe, images, depth), strict=True)
    widths = dict(seen) if len(known) < 2 else {}
    lateral, axial = (
        np.asarray(known.get(key, widths.get(key)), float) for key in ("lateral_mm", "axial_mm")
    )
    return SpeckleMap(depth, lateral, axial, elevation, error, "measured", floor=floor, **more)
