"""The speckle map of a probe measured on a recording whose poses are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from benchmark.speckle.fit import Curve, bootstrap, fit_curve, knots
from benchmark.speckle.guess import seen_widths
from benchmark.speckle.law import phase_rate
from benchmark.speckle.probe import patch_depths, wavelength_of
from benchmark.speckle.registration import (
    RegistrationConfig,
    registered_gaps,
    registration_of,
)
from benchmark.speckle.samples import Samples, motion_between, samples_of
from benchmark.sweep import Channel, Images, Observation, Sweep

GAPS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
FARTHEST_MM = 2.0  # elevational distance beyond which the speckle of common probes has changed
MOST_FRAMES = 240
LEAST_PAIRS = 4
LEAST_SAMPLES = 100
LEAST_FALL = 0.3  # of the correlation of speckle, over the distances of most patches
SEEN = 6  # frames of which lateral and axial lengths are taken
ROUNDS = 40  # of the bootstrap
ERROR_FLOOR = 0.03  # of poses and pixel sizes: what the bootstrap cannot see, over the length

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What a recording says of its probe.

    curve: by depth, its scale being the elevational length in mm; error_mm (K,): one standard
    deviation of it; lateral_mm, axial_mm (K,); relative_error: of the scale; frames, pairs, gaps:
    that it was made from; distance_mm: median of the pairs' elevational distances, smallest and
    largest gap.
    """

    curve: Curve
    error_mm: Array
    lateral_mm: Array
    axial_mm: Array
    relative_error: float
    frames: int
    pairs: int
    gaps: tuple[int, ...]
    distance_mm: tuple[float, float]

    def table(self) -> dict[str, Any]:
        """Return the `speckle` table of a probe's description; lengths in mm."""
        curve = self.curve
        lists = {
            "depth_mm": curve.depth_mm, "elevation_mm": curve.scale,
            "elevation_error_mm": self.error_mm, "lateral_mm": self.lateral_mm,
            "axial_mm": self.axial_mm, "floor": curve.floor,
        }  # fmt: skip
        table: dict[str, Any] = {key: np.round(v, 4).tolist() for key, v in lists.items()}
        numbers = {"ceiling": curve.ceiling, "coherence": curve.coherence}
        numbers["relative_error"] = self.relative_error
        return table | {key: round(value, 4) for key, value in numbers.items()}


def calibrate(sweep: Sweep) -> Calibration:
    """Return the speckle map that a sweep's frames show at its poses.

    Pairs at several gaps are registered in their plane by the images, so that only elevational
    distance is taken from the poses; correlations of patches against that distance give the length
    by depth, the ceiling that registration and noise leave, and the share that does not decay.

    Raises
    ------
    UserError : poses that are withheld; too few pairs of frames at distances over which speckle
        changes but is not lost.
    """
    images = _first_frames(sweep.bmode, MOST_FRAMES)
    gaps, distances = _gaps(images, sweep.name)
    samples, pairs = _samples(sweep, images, gaps)
    if len(samples) < LEAST_SAMPLES:
        raise UserError(
            f"{sweep.name}: expected {LEAST_SAMPLES} patches of speckle in its pairs of frames, "
            f"got {len(samples)}"
        )
    curve = fit_curve(samples, knots(samples.depth))
    _refuse_uninformative(curve, samples, sweep.name)
    again = bootstrap(samples, curve, ROUNDS, max(gaps), np.random.default_rng(0))
    lengths = np.log([one.scale for one in again])
    scale = float(np.std(lengths.mean(1)))
    lateral, axial = seen_widths(sweep.probe, images, curve.depth_mm, SEEN)
    return Calibration(
        curve=curve,
        error_mm=np.hypot(lengths.std(0), ERROR_FLOOR) * curve.scale,
        lateral_mm=lateral,
        axial_mm=axial,
        relative_error=float(np.hypot(scale, ERROR_FLOOR)),
        frames=len(images.frames),
        pairs=pairs,
        gaps=gaps,
        distance_mm=distances,
    )


def _first_frames(channel: Any, count: int) -> Channel:
    """Return the first frames of a channel, in memory, with their poses and nothing else."""
    return Channel(
        np.asarray(channel.frames[:count]),
        channel.timestamps[:count],
        channel.mm_from_pixel,
        mask=channel.mask,
        world_from_image=channel.world_from_image[:count],
    )


def _gaps(images: Channel, name: str) -> tuple[tuple[int, ...], tuple[float, float]]:
    """Return the gaps over which speckle may still correlate, and their least and largest steps."""
    chosen: dict[int, float] = {}
    for gap in GAPS:
        if len(images.frames) - gap < LEAST_PAIRS:
            break
        motion = motion_between(images, images.world_from_image, gap)
        chosen[gap] = float(np.median(np.abs(motion[:, 2])))
        if chosen[gap] > FARTHEST_MM:
            break
    if not chosen or max(chosen.values()) < 0.02:
        most = f"{max(chosen.values(), default=0.0):.3g} mm"
        raise UserError(
            f"{name}: expected frames that move out of their plane, by 0.1 to 1 mm between some "
            f"pairs; got {len(images.frames)} frames and at most {most}"
        )
    kept = {gap: step for gap, step in chosen.items() if step <= FARTHEST_MM or gap == 1}
    return tuple(kept), (min(kept.values()), max(kept.values()))


def _samples(sweep: Sweep, images: Channel, gaps: tuple[int, ...]) -> tuple[Samples, int]:
    """Return the patches of all pairs, under one ceiling for all gaps, and the number of pairs."""
    seen = Observation({"bmode": Images(images.frames, images.timestamps, images.mm_from_pixel,
                                        mask=images.mask)}, sweep.probe)  # fmt: skip
    found = registered_gaps(registration_of(seen, RegistrationConfig(gaps=gaps)), gaps)
    rate = phase_rate(wavelength_of(sweep.probe))
    parts = []
    for gap, pairs in found.items():
        depth = patch_depths(sweep.probe, images, pairs.centre_mm)
        motion = motion_between(images, images.world_from_image, gap)
        parts.append(samples_of(pairs, motion, depth, np.ones_like(depth), rate, 0))
    return Samples.joined(parts), sum(len(pairs.motion) for pairs in found.values())


def _refuse_uninformative(curve: Curve, samples: Samples, name: str) -> None:
    """Refuse distances over which correlation hardly falls, or is lost, or which are all alike."""
    length = np.interp(samples.depth, curve.depth_mm, curve.scale)
    left = np.exp(-(samples.distance**2) / (2 * length**2))
    if np.diff(np.percentile(left, (5, 95)))[0] < LEAST_FALL:
        low, high = np.percentile(np.abs(samples.distance), (5, 95))
        state = "is lost" if np.median(left) < 0.5 else "hardly changes"
        raise UserError(
            f"{name}: its pairs of frames lie {low:.2g} to {high:.2g} mm apart, over which speckle "
            f"{state}; expected distances from near 0 to about 1 mm"
        )
