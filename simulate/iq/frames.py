"""The IQ of many frames: the blocks that each needs, their motion, and threads that share them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import inverse
from simulate.iq.beam import Beam
from simulate.iq.culling import moved_blocks, needed_blocks, slab_corners
from simulate.iq.demand import Demand
from simulate.iq.drawing import mix
from simulate.iq.moving import Motion, frame_motion, lattice
from simulate.iq.one_frame import Frame, frame_iq
from simulate.iq.scatterers import Scatterers, ScattererStore
from simulate.iq.shadow import contact_at_lines, transmission
from simulate.iq.staging import Workspace, workspace
from simulate.tissue.answers import Displacement

GROUP_FRAMES = 16  # frames whose scatterers are gathered together
MARGIN = 1.25  # safety factor on displacements that are known at sampled points only
BLOCK_POINTS = np.array([(0.5, 0.5, 0.5), *np.ndindex(2, 2, 2)])  # middle and corners, in blocks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FrameSource:
    """All that the IQ of the frames of a sweep depends on.

    Parameters
    ----------
    store : the scatterers.
    beam : of the probe in the tissue.
    world_from_image : (N, 4, 4) rigid poses, mm, or (N, L, 4, 4): those of L lines that lie evenly
        from the first image column to the last.
    timestamps : (N,) s, at mid-frame; only what moves depends on them.
    displacement : None, or (points (M, 3) world mm at rest, time s, world_from_image (4, 4)) ->
        (M, 3) mm by which the tissue has moved.
    attenuation : None, or (points (M, 3) mm at rest, frequency Hz) -> (M,) dB/mm one way, beyond
        the background.
    thinned : whether drawn scatterers are thinned to `Beam.keep`.
    noise_seed : of the electronic noise; None for none.
    first_frame : number of the first frame in its sweep; only the noise depends on it.
    shadow_frames : so many frames in a row share the shadow of the middle one of them.
    contact : None, or (N, C) the amplitude, 0 to 1, that the contact of face and skin leaves of the
        echoes of C lines, which lie evenly from the first image column to the last.
    """

    store: ScattererStore
    beam: Beam
    world_from_image: Array
    timestamps: Array
    displacement: Displacement | None = None
    attenuation: Callable[[NDArray[np.floating], float], NDArray[np.floating]] | None = None
    thinned: bool = False
    noise_seed: int | None = None
    first_frame: int = 0
    shadow_frames: int = 1
    contact: Array | None = None

    def __post_init__(self) -> None:
        shape = self.world_from_image.shape
        fits = len(shape) in (3, 4) and shape[-2:] == (4, 4) and 0 not in shape
        if not fits or not np.isfinite(self.world_from_image).all():
            raise ValueError(
                f"world_from_image: expected finite (N, 4, 4) or (N, lines, 4, 4), got {shape}"
            )
        if self.timestamps.shape != shape[:1] or not np.isfinite(self.timestamps).all():
            raise ValueError(
                f"timestamps: expected finite ({shape[0]},), got {self.timestamps.shape}"
            )

    def __len__(self) -> int:
        return len(self.world_from_image)

    @cached_property
    def lines(self) -> Array:
        """(N, L, 4, 4) poses of the lines; L is 1 where they share one."""
        poses = self.world_from_image
        return poses[:, None] if poses.ndim == 3 else poses

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the IQ."""
        return len(self.beam.grid.depths_mm), len(self.beam.grid.lateral)

    @cached_property
    def demand(self) -> Demand | None:
        """What any frame hears of each cell; None, for all of it, where something moves."""
        if self.displacement is not None or self.lines.shape[1] > 1:
            return None
        demand = Demand(self.store.cell_mm, self.beam, self.thinned)
        for frame in range(len(self)):
            plan = self.plan(frame)
            demand.add(plan.views[0], plan.blocks)
        return demand

    def plan(self, frame: int) -> FramePlan:
        """Return which blocks a frame needs and how they move."""
        views = inverse(self.lines[frame])
        middle, block_mm = len(views) // 2, self.store.block_mm
        sway = _sway_mm(views, self.beam)
        displaced = None
        if self.displacement is None:
            blocks = needed_blocks(views[middle], self.beam, block_mm, sway)
        else:
            blocks, displaced = self._displaced_blocks(frame, views[middle], sway)
        motion = None
        if len(views) > 1 or displaced is not None:
            motion = frame_motion(views, self.beam, displaced, self.thinned)
        return FramePlan(frame, views, blocks, motion)

    def _displaced_blocks(
        self, frame: int, view: Array, sway_mm: float
    ) -> tuple[NDArray[np.int64], Array | None]:
        """Return the blocks that may be heard once displaced, and the displacement of their cells.

        Blocks are looked for within a margin of the frame's slab. The margin starts from a sample
        of the displacements in the slab and is widened until no block within it moves farther.
        """
        low, high = (f(slab_corners(self.beam), axis=0) for f in (np.min, np.max))
        share = np.stack(np.meshgrid(*[np.linspace(0, 1, n) for n in (9, 9, 5)]), axis=-1)
        world = inverse(view)
        sample = (low + share.reshape(-1, 3) * (high - low)) @ world[:3, :3].T + world[:3, 3]
        margin = MARGIN * _largest(self._displace(sample, frame))
        block_mm, cell_mm = self.store.block_mm, self.store.cell_mm
        while True:
            blocks = needed_blocks(view, self.beam, block_mm, sway_mm + margin)
            ends = (blocks[:, None] + BLOCK_POINTS) * block_mm  # the middle first
            moved = self._displace(ends.reshape(-1, 3), frame).reshape(ends.shape)
            largest = _largest(moved)
            if largest <= margin:
                break
            margin = MARGIN * largest
        slack = sway_mm + MARGIN * np.linalg.norm(moved[:, 1:] - moved[:, :1], axis=-1).max(axis=1)
        blocks = moved_blocks(view, self.beam, blocks, block_mm, moved[:, 0], slack)
        points = lattice(blocks * block_mm, cell_mm)
        displaced = self._displace(points.reshape(-1, 3), frame).reshape(points.shape)
        return blocks, displaced if largest > 0.0 else None

    def _displace(self, points: Array, frame: int) -> Array:
        """Return the displacement (M, 3) mm of points at rest (M, 3) at the time of a frame."""
        assert self.displacement is not None
        pose = self.lines[frame][self.lines.shape[1] // 2]
        moved = np.asarray(self.displacement(points, float(self.timestamps[frame]), pose))
        if moved.shape != points.shape or not np.isfinite(moved).all():
            raise ValueError(f"displacement: expected finite {points.shape}, got {moved.shape}")
        return moved

    def shadow(self, frame: int) -> NDArray[np.float32] | None:
        """Return the amplitude that attenuation in space and contact leave of a frame's echoes.

        Of the shape (depths, lines) that `simulate.iq.filters.shade` takes; None for all of it.
        """
        shadow = self._transmission(frame)
        if self.contact is None:
            return shadow
        contact = contact_at_lines(self.contact[frame], self.beam.grid).astype(np.float32)
        return np.repeat(contact[None], 2, axis=0) if shadow is None else shadow * contact

    def _transmission(self, frame: int) -> NDArray[np.float32] | None:
        """Return the amplitude that attenuation in space leaves; None for no shadows."""
        if self.attenuation is None:
            return None
        first = frame - frame % self.shadow_frames
        frame = min(first + self.shadow_frames // 2, len(self) - 1)
        displace = None
        if self.displacement is not None:
            displace = lambda points: self._displace(points, frame)  # noqa: E731
        return transmission(self.attenuation, self.beam, self.lines[frame], displace)


@dataclass(frozen=True)
class FramePlan:
    """One frame: its number, `image_from_world` (L, 4, 4) of its lines, blocks (B, 3), motion."""

    frame: int
    views: Array
    blocks: NDArray[np.int64]
    motion: Motion | None


def make_frames(
    source: FrameSource,
    keep: Callable[[int, NDArray[np.float32]], None],
    threads: int | None = None,
) -> Iterator[int]:
    """Make the IQ of every frame and hand it to `keep(frame, iq)`; yield how many are done.

    iq (rows, 2 columns) float32, (re, im) interleaved, is only valid during the call. Calls come
    from any of `threads` threads; no bit depends on their number.
    """
    local = threading.local()

    def one(plan: FramePlan, scatterers: Scatterers) -> None:
        if not hasattr(local, "work"):
            local.work = workspace(source.beam.grid)
            local.iq = np.empty((source.shape[0], 2 * source.shape[1]), np.float32)
        _make_frame(source, plan, scatterers, local.work, local.iq)
        keep(plan.frame, local.iq)

    with _workers(threads or numba.get_num_threads()) as work:
        for start in range(0, len(source), GROUP_FRAMES):
            frames = range(start, min(start + GROUP_FRAMES, len(source)))
            plans = list(work(source.plan, frames))
            blocks, place = np.unique(
                np.concatenate([plan.blocks for plan in plans]), axis=0, return_inverse=True
            )
            wanted = None if source.demand is None else source.demand.shares(blocks)
            scatterers = source.store.gather(blocks, work, wanted)
            ends = np.cumsum([len(plan.blocks) for plan in plans])[:-1]
            own = [
                _own(plan, scatterers, numbers)
                for plan, numbers in zip(plans, np.split(place.ravel(), ends), strict=True)
            ]
            for _ in work(one, *zip(*own, strict=True)):
                pass
            yield frames.stop


@contextmanager
def _workers(threads: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Give a `map` on so many threads; on one, the caller's own, which spares handing over."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


def _own(
    plan: FramePlan, scatterers: Scatterers, blocks: NDArray[np.int64]
) -> tuple[FramePlan, Scatterers]:
    """Return a plan and the scatterers of a group of frames that lie in the plan's blocks.

    blocks (B,): numbers, within the group, of the plan's blocks. A block may hold several parts:
    the returned plan has the displacements of each part.
    """
    number = np.full(int(scatterers.owner.max(initial=-1)) + 1, -1)
    inside = blocks[blocks < len(number)]
    number[inside] = np.arange(len(inside))
    parts = np.flatnonzero(number[scatterers.owner] >= 0)
    if plan.motion is not None and len(plan.motion.displaced):
        displaced = plan.motion.displaced[number[scatterers.owner[parts]]]
        plan = replace(plan, motion=plan.motion._replace(displaced=displaced))
    return plan, scatterers._replace(
        places=scatterers.places[parts],
        starts=scatterers.starts[parts],
        counts=scatterers.counts[parts],
        corners=scatterers.corners[parts],
        listed=scatterers.listed[parts],
        owner=scatterers.owner[parts],
    )


def _make_frame(
    source: FrameSource,
    plan: FramePlan,
    scatterers: Scatterers,
    work: Workspace,
    out: NDArray[np.float32],
) -> None:
    """Write the IQ of one frame to `out`; scatterers: the parts that lie in the plan's blocks."""
    seed = source.noise_seed
    key = None if seed is None else noise_key(seed, source.first_frame + plan.frame)
    frame = Frame(plan.views, plan.motion, source.thinned, source.shadow(plan.frame), key)
    frame_iq(scatterers, frame, source.beam, work, out)


def noise_key(seed: int, frame: int) -> np.uint64:
    """Return the key of the electronic noise of one frame."""
    mask = 0xFFFFFFFFFFFFFFFF
    return np.uint64(mix(np.uint64((int(mix(np.uint64(seed & mask))) + frame + 1) & mask)))


def _largest(vectors: Array) -> float:
    """Return the length of the longest of vectors (..., 3); 0 for none."""
    return float(np.sqrt(np.max(np.sum(np.square(vectors), axis=-1), initial=0.0)))


def _sway_mm(views: Array, beam: Beam) -> float:
    """Return the farthest (mm) a point of the slab moves in the image between the lines' poses."""
    if len(views) == 1:
        return 0.0
    world = inverse(views[len(views) // 2])
    points = slab_corners(beam) @ world[:3, :3].T + world[:3, 3]
    seen = np.einsum("lij,pj->lpi", views[:, :3, :3], points) + views[:, None, :3, 3]
    return _largest(seen - seen[len(views) // 2])
