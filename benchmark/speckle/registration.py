"""In-plane registration of frame pairs: sub-pixel shift and rotation from matched patches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.speckle.matching import (
    PatchGrid,
    correlation_maps,
    decompress,
    flatten,
    heights_at,
    joined,
    joined_px,
    peaks,
    speckle_shape,
    structure,
    whole_shift,
)
from benchmark.sweep import Images, Observation

LEAST_REACH_PX = 2  # a peak and its neighbours
LEAST_PATCHES = 3  # of a pair, for a rigid motion
LARGEST_VARIANCE = 1.0  # mm^2 and rad^2, of what is not known


@dataclass(frozen=True)
class Pairs:
    """P pairs of frames at one gap, registered in their plane by n patches.

    motion (P, 3): translation of the image centre (x, y) mm and rotation (rad) of
    `earlier_from_later`; variance (P, 3) of it; correlation (P, n): of each patch at its registered
    place, NaN if that is outside the image or its field of view, or black in either frame;
    structure (P, n): see `matching.structure`; centre_mm (n, 2): patch centres from the image
    centre; independent: see `PatchGrid`.
    """

    motion: np.ndarray
    variance: np.ndarray
    correlation: np.ndarray
    structure: np.ndarray
    centre_mm: np.ndarray
    independent: float


class Registration:
    """The frames of one observation, prepared for matching pair by pair.

    Pixels finer than the configuration's `pixel_mm` are joined by whole numbers.
    """

    def __init__(self, images: Images, dynamic_range_db: float, config: "RegistrationConfig"):
        fine = images.mm_from_pixel[:2, :2]
        join = joined_px(images.pixel_mm, config.pixel_mm)
        self.axes = fine * join
        pixel_mm = np.linalg.norm(self.axes, axis=0)
        levels = [np.asarray(images.frames[index]) for index in range(len(images.frames))]
        envelope = [joined(decompress(frame, dynamic_range_db), join) for frame in levels]
        self.frames = flatten(np.stack(envelope), pixel_mm, config.flatten_mm)
        seen = None if images.mask is None else joined(images.mask, join) > 0.5
        self.grid = PatchGrid.of_image(self.frames.shape[1:], pixel_mm, config.patch_mm, seen)
        grids = [
            self.grid.lit(joined(frame > 0, join), flat)
            for frame, flat in zip(levels, self.frames, strict=True)
        ]
        self.usable = [grid.usable for grid in grids]
        height, width = images.frames.shape[1:]
        centre_px = self.grid.centre_px * join + (join - 1) / 2
        self.centre_mm = (centre_px - [(width - 1) / 2, (height - 1) / 2]) @ fine.T
        self.reach = max(LEAST_REACH_PX, *np.rint(config.reach_mm / pixel_mm).astype(int))
        shapes = [
            speckle_shape(grid, frame) for grid, frame in zip(grids, self.frames, strict=True)
        ]
        self.widths = [widths for widths, _ in shapes]
        self.floor = [floor for _, floor in shapes]
        self.structure = [
            structure(self.grid, frame, widths)
            for frame, widths in zip(self.frames, self.widths, strict=True)
        ]

    def first_shifts(self) -> np.ndarray:
        """Return the shift (N-1, 2) of each frame against the one before, whole px."""
        pairs = zip(self.frames[:-1], self.frames[1:], strict=True)
        shifts = [whole_shift(np.log(one + 0.05), np.log(other + 0.05)) for one, other in pairs]
        return np.array(shifts).reshape(-1, 2)

    def pairs(self, gap: int, shifts: np.ndarray) -> Pairs:
        """Return all pairs `gap` frames apart, searched around whole-pixel shifts (P, 2)."""
        count = len(self.frames) - gap
        limit = np.array(self.frames.shape[:0:-1]) // 2
        shifts = np.clip(shifts, -limit, limit)
        maps = np.concatenate(
            [
                correlation_maps(self.grid, one, other, shift, self.reach)
                for one, other, shift in zip(self.frames, self.frames[gap:], shifts, strict=False)
            ]
        )
        widths = np.concatenate(self.widths[:count])
        floor = np.repeat(self.floor[:count], len(self.centre_mm))[:, None, None]
        maps = (maps - floor) / (1 - floor)
        maps[~np.concatenate(self._usable_in_both(gap))] = np.nan
        position, height = peaks(maps, widths)
        found = position.reshape(count, -1, 2) + shifts[:, None]
        motion, variance = rigid_motion(
            self.centre_mm, found @ self.axes.T, height.reshape(count, -1)
        )
        expected = self._expected_px(motion) - shifts[:, None]
        correlation = heights_at(maps, widths, expected.reshape(-1, 2)).reshape(count, -1)
        share = self.grid.independent
        coherent = np.array(self.structure[:count])
        return Pairs(motion, variance / share, correlation, coherent, self.centre_mm, share)

    def _usable_in_both(self, gap: int) -> list[np.ndarray]:
        """Return which patches (n,) show tissue in both frames of each pair."""
        pairs = zip(self.usable, self.usable[gap:], strict=False)
        return [earlier & later for earlier, later in pairs]

    def _expected_px(self, motion: np.ndarray) -> np.ndarray:
        """Return the displacement (P, n, 2), px, of each patch under in-plane motions (P, 3)."""
        moved = (self.centre_mm - motion[:, None, :2]) @ _rotation(motion[:, 2])
        return (moved - self.centre_mm) @ np.linalg.inv(self.axes).T


def registered_gaps(registration: Registration, gaps: Sequence[int]) -> dict[int, Pairs]:
    """Return the registered pairs of every gap that the sweep has frames for.

    Wider gaps are searched around the displacement that the chained single steps predict.
    """
    count = len(registration.frames)
    steps = registration.pairs(1, registration.first_shifts())
    centres = geometry.chain(plane_pose(steps.motion))
    found = {1: steps} if 1 in gaps else {}
    for gap in sorted({*gaps} - {1}):
        if gap < count:
            motion = (geometry.inverse(centres[:-gap]) @ centres[gap:])[:, :2, 3]
            rotation = steps_rotation(steps.motion[:, 2], gap)
            back = -np.einsum("pji,pj->pi", _rotation(rotation), motion)
            pixels = np.rint(back @ np.linalg.inv(registration.axes).T).astype(int)
            found[gap] = registration.pairs(gap, pixels)
    return found


def steps_rotation(rotation: np.ndarray, gap: int) -> np.ndarray:
    """Return the sums (N-gap,) of `gap` neighbouring in-plane rotations (N-1,)."""
    total = np.concatenate([[0.0], np.cumsum(rotation)])
    return total[gap:] - total[:-gap]


def plane_pose(motion: np.ndarray) -> np.ndarray:
    """Return poses (..., 4, 4) of in-plane motions (..., 3): x, y (mm), rotation (rad)."""
    values = np.zeros((*motion.shape[:-1], 6))
    values[..., [0, 1, 5]] = motion
    return geometry.from_degrees_of_freedom(values)


def _rotation(angle: np.ndarray) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)


def rigid_motion(
    centre_mm: np.ndarray, displacement_mm: np.ndarray, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return motions (P, 3) `earlier_from_later` of displaced patches, and their variances.

    centre_mm (n, 2): patches in the earlier frame; displacement_mm (P, n, 2): from there to their
    place in the later one; height (P, n): their correlation there. Gauss-Newton on the exact rigid
    motion with Tukey's weights scaled by the spread along each axis, so that patches which matched
    the wrong speckle do not count. A patch's own variance is taken as (1 - rho^2) / rho^2. Pairs
    with fewer than `LEAST_PATCHES` usable ones tell nothing: no motion, and the largest variance.
    """
    usable = np.isfinite(height) & np.isfinite(displacement_mm).all(-1)
    told = usable.sum(1) >= LEAST_PATCHES
    usable &= told[:, None]
    later = np.where(usable[..., None], centre_mm + np.nan_to_num(displacement_mm), 0)
    rho = np.clip(np.nan_to_num(height), 0.05, 0.995)
    trust = usable * rho**2 / (1 - rho**2)
    motion: np.ndarray = np.zeros((len(later), 3))
    with_median = np.where(usable[..., None], displacement_mm, np.nan)
    some = usable.any(1)
    motion[some, :2] = -np.nanmedian(with_median[some], 1)
    for _ in range(8):
        turned = later @ _rotation(motion[:, 2]).swapaxes(1, 2)
        residual = centre_mm - turned - motion[:, None, :2]
        tukey, steepness = _tukey(residual, usable)
        weight = trust[..., None] * tukey
        design = _design(turned)
        normal = np.einsum("pnka,pnk,pnkb->pab", design, weight, design) + 1e-9 * np.eye(3)
        right = np.einsum("pnka,pnk,pnk->pa", design, weight, residual)
        motion = motion + np.linalg.solve(normal, right[..., None])[..., 0]
    variance = _variance(design, weight * residual, trust[..., None] * steepness)
    return motion, np.where(told[:, None], variance, LARGEST_VARIANCE)


def _design(turned: np.ndarray) -> np.ndarray:
    """Return the change (P, n, 2, 3) of a point's (x, y) with translation and rotation."""
    design = np.zeros((*turned.shape, 3))
    design[..., 0, 0] = design[..., 1, 1] = 1
    design[..., 0, 2], design[..., 1, 2] = -turned[..., 1], turned[..., 0]
    return design


def _tukey(residual: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Tukey's weight (P, n, 2) of residuals, and the slope of weight times residual.

    The scale of each axis is from the median magnitude of its residuals.
    """
    magnitude = np.where(usable[..., None], np.abs(residual), np.nan)
    magnitude[~usable.any(1)] = 0
    scale = 1.4826 * np.nanmedian(magnitude, 1, keepdims=True) + 1e-4
    square = np.minimum((residual / (4.685 * scale)) ** 2, 1)
    return (1 - square) ** 2 / scale**2, (1 - square) * (1 - 5 * square) / scale**2


def _variance(design: np.ndarray, influence: np.ndarray, steepness: np.ndarray) -> np.ndarray:
    """Return the variances (P, 3) of a robust fit, with noise from its residuals (Huber 1967)."""
    scatter = np.einsum("pnka,pnk,pnkb->pab", design, influence**2, design)
    slope = np.einsum("pnka,pnk,pnkb->pab", design, steepness, design) + 1e-9 * np.eye(3)
    inverse = np.linalg.inv(slope)
    variance = np.einsum("pab,pbc,pca->pa", inverse, scatter, inverse)
    return np.clip(variance, 1e-8, LARGEST_VARIANCE)


@dataclass(frozen=True)
class RegistrationConfig:
    """Settings of in-plane matching.

    patch_mm: edge of a patch; flatten_mm: width of the local mean that brightness is divided by;
    reach_mm: half-width of the search; pixel_mm: finer pixels are joined to about this size; gaps:
    frame distances that are joined, 1 among them; dynamic_range_db: of the log compression, if the
    probe's description has none.
    """

    patch_mm: float = 4.0
    flatten_mm: float = 1.0
    reach_mm: float = 0.5
    pixel_mm: float = 0.2
    gaps: tuple[int, ...] = (1, 2, 3)
    dynamic_range_db: float = 60.0

    def __post_init__(self) -> None:
        """Refuse gaps without 1, below 1, or given twice."""
        if 1 not in self.gaps or min(self.gaps) < 1 or len({*self.gaps}) < len(self.gaps):
            raise UserError(f"gaps: expected 1 and other whole numbers above it, got {self.gaps}")


def registration_of(observation: Observation, config: RegistrationConfig) -> Registration:
    """Return the frames of an observation prepared for matching, by its dynamic range if known."""
    decibels = float(observation.probe.get("dynamic_range_db", config.dynamic_range_db))
    return Registration(observation.bmode, decibels, config)
