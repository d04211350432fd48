"""Reconstruction of a volume from frames and poses, in parallel and in bounded memory.

    volume = reconstruct(sweep.bmode, sweep.bmode.world_from_image, spacing_mm=0.2)

Frames are read a few at a time and each is used once, so memory does not grow with their number.
Several sweeps whose poses share a world go into one volume as lists of images and of poses.
The result is the same to the last bit for any number of threads.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.sweep import SE3_TOLERANCE, Images
from benchmark.volume.grid import Grid, crop_window, image_corners, make_grid, plane_frame, reach_mm
from benchmark.workers import thread_count

Method = Literal["nearest", "trilinear", "backward"]
Compounding = Literal["mean", "max", "max-pixel", "latest"]
METHODS = ("nearest", "trilinear", "backward")

CHUNK_BYTES = 16 << 20  # of frames in memory at once
BLOCKS_PER_THREAD = 4  # small blocks: threads end at about the same time
LARGE_BOX = 1 << 22  # voxels in a chunk's box that are worth a chunk of its own
MOSTLY_EMPTY = 8  # times the voxels in the boxes of its frames
HOLE_VOXELS = 3  # default of the widest filled gap


@dataclass(frozen=True)
class Volume:
    """A scalar field on a regular grid.

    values (X, Y, Z) float32: the voxel (i, j, k) has its centre at world_from_voxel (4, 4) times
    (i, j, k, 1), mm; zero where no pixel lies. weight (X, Y, Z) float32: the summed weights of a
    voxel's pixels, 0 where there are none, -1 where a hole was filled from its neighbours.
    """

    values: np.ndarray
    world_from_voxel: np.ndarray
    weight: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """Distance (3,) between voxel centres along the three axes, mm."""
        return np.linalg.norm(self.world_from_voxel[:3, :3], axis=0)

    @property
    def direction(self) -> np.ndarray:
        """Unit vectors (3, 3) of the three voxel axes in the world, one per column."""
        return self.world_from_voxel[:3, :3] / self.spacing_mm

    @property
    def origin_mm(self) -> np.ndarray:
        """Centre (3,) of voxel (0, 0, 0) in the world, mm."""
        return self.world_from_voxel[:3, 3]

    @property
    def known(self) -> np.ndarray:
        """Where (X, Y, Z) the volume holds data or a filled hole."""
        return self.weight != 0


def reconstruct(
    images: Images | Sequence[Images],
    world_from_image: np.ndarray | Sequence[np.ndarray],
    *,
    spacing_mm: float | Sequence[float],
    method: Method = "trilinear",
    compounding: Compounding = "mean",
    region: np.ndarray | Sequence[Sequence[float]] | None = None,
    orientation: np.ndarray | None = None,
    border_px: int | Sequence[int] = 0,
    fill_holes_mm: float | None = None,
    max_bytes: int = 4 << 30,
    threads: int | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Volume:
    """Return the volume of frames at given poses.

    Parameters
    ----------
    images : frames (N, H, W), in memory or lazy, with `mm_from_pixel`; or those of several sweeps,
        each with its own number, size and pixels. Pixels outside their mask are no tissue and
        reach no voxel.
    world_from_image : (N, 4, 4), image mm -> mm of any world; of several sweeps, one array each,
        all in one world.
    spacing_mm : voxel size, one number or three.
    method : "nearest" puts each pixel into one voxel, "trilinear" shares it among eight,
        "backward" samples for each voxel the frames near it (`grid.reach_mm`).
    compounding : value of a voxel that several values reach: "mean" is their weighted mean, "max"
        the largest, "latest" the last. With "trilinear", "max" and "latest" take one value of each
        frame, the weighted mean of its pixels there, and "max-pixel" is the brightest single pixel
        of those whose weight is at least 1/8 (the MAXIMUM of PLUS [1]_). With "nearest" (values
        are pixels) and "backward" (one sample of each frame), "max-pixel" is "max".
    region : lowest and highest corner (2, 3) in mm along the volume's axes; None: all frames.
    orientation : rotation (3, 3), the volume's axes in the world as columns; None: the world's.
    border_px : pixels cropped at every edge, or (left, right, top, bottom); the other pixels
        keep their place.
    fill_holes_mm : the widest gap to interpolate across; None: three voxels; 0: none.
    max_bytes : the largest volume (values and weights) allowed.
    threads : by default `benchmark.workers.thread_count`; the result does not depend on it.
    progress : called after each chunk with its number of frames.

    Raises
    ------
    UserError : poses that are not rigid or do not match the frames, a crop or region that leaves
        nothing, a volume larger than `max_bytes`.

    References
    ----------
    .. [1] PlusLib, vtkPlusPasteSliceIntoVolumeHelperCommon.h, vtkTrilinearInterpolation.
    """
    from benchmark.volume import compounding as kernels

    _check_choices(method, compounding, kernels.MODES)
    sweeps = [_Sweep(*pair, border_px) for pair in one_by_one(images, world_from_image)]
    corners = np.concatenate([sweep.corners for sweep in sweeps])
    grid = make_grid(corners, spacing_mm, region, orientation, max_bytes)
    gap_mm = HOLE_VOXELS * grid.spacing_mm.max() if fill_holes_mm is None else fill_holes_mm
    target = _Target(grid, method, kernels.MODES[compounding])
    values, weights = target.values, target.weights
    threads = threads or thread_count()
    with ThreadPoolExecutor(threads) as pool:
        for sweep in sweeps:
            _Job(sweep, target, gap_mm).place(pool, threads, progress)
        blocks = _blocks(np.zeros(3, int), grid.size, 2, threads)
        if target.mode == kernels.MEAN:
            list(pool.map(lambda b: kernels.normalise(values, weights, *b), blocks))
        if not weights.any():
            raise UserError("reconstruct: no pixel lies inside the region")
        gap = np.floor(gap_mm / grid.spacing_mm + 1e-6).astype(np.int64)
        if gap.any():
            _fill_holes(values, weights, gap, pool, threads)
    return Volume(values.transpose(2, 1, 0), grid.world_from_voxel, weights.transpose(2, 1, 0))


def one_by_one(
    images: Images | Sequence[Images], world_from_image: np.ndarray | Sequence[np.ndarray]
) -> list[tuple[Images, np.ndarray]]:
    """Return images and their poses sweep by sweep, for one sweep or several.

    Raises
    ------
    UserError : other numbers of images and of poses, none at all.
    """
    if isinstance(images, Images):
        return [(images, np.asarray(world_from_image))]
    if len(images) != len(world_from_image) or not len(images):
        found = f"{len(images)} sweeps and {len(world_from_image)} arrays"
        raise UserError(f"world_from_image: expected one array per sweep, got {found}")
    return list(zip(images, world_from_image, strict=True))


class _Sweep:
    """The frames of one sweep as they are placed: poses, the crop, and their corners."""

    def __init__(self, images: Images, world_from_image: np.ndarray, border_px: Any):
        self.images = images
        self.poses = _checked_poses(images, world_from_image)
        self.crop = crop_window(images.frames.shape, border_px, images.mask)
        self.corners = image_corners(images.mm_from_pixel, self.poses, self.crop)


class _Target:
    """What frames are compounded into: a grid, the rule, and arrays [z, y, x]."""

    def __init__(self, grid: Grid, method: Method, mode: int):
        self.grid, self.method, self.mode = grid, method, mode
        shape = tuple(grid.size[::-1])
        self.values, self.weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)


def _fill_holes(
    values: np.ndarray, weights: np.ndarray, gap: np.ndarray, pool: ThreadPoolExecutor, threads: int
) -> None:
    """Interpolate across gaps (3,) of voxels along x, y, z; where several axes do, their mean."""
    from benchmark.volume.holes import bridge, settle

    size = np.array(values.shape[::-1])
    for axis in range(3):
        blocks = _blocks(np.zeros(3, int), size, 1 if axis == 2 else 2, threads)
        list(pool.map(lambda b, a=axis: bridge(values, weights, gap[a], a, *b), blocks))
    blocks = _blocks(np.zeros(3, int), size, 2, threads)
    list(pool.map(lambda b: settle(values, weights, *b), blocks))


class _Job:
    """One sweep on its way into a target: matrices and boxes of each frame."""

    def __init__(self, sweep: _Sweep, target: _Target, gap_mm: float):
        images, poses, crop, corners = sweep.images, sweep.poses, sweep.crop, sweep.corners
        self.images, self.crop, self.target = images, crop, target
        grid, method = target.grid, target.method
        voxel_from_world = np.linalg.inv(grid.world_from_voxel)
        self.voxel_from_pixel = (voxel_from_world @ poses @ images.mm_from_pixel)[:, :3]
        plane = plane_frame(images.mm_from_pixel, poses)
        self.pixel_from_voxel = (np.linalg.inv(plane) @ grid.world_from_voxel)[:, :3]
        spacing = grid.spacing_mm
        self.reach = reach_mm(images.mm_from_pixel, poses, crop, spacing.max(), gap_mm)
        voxels = geometry.apply(voxel_from_world, corners)
        margin = 1 + (self.reach[:, None] / spacing if method == "backward" else 0)
        self.low = np.floor(voxels.min(1) - margin).astype(np.int64)
        self.high = np.ceil(voxels.max(1) + margin).astype(np.int64) + 1

    def place(self, pool: ThreadPoolExecutor, threads: int, progress: Any) -> None:
        """Compound all frames into the target, chunk by chunk."""
        frames = self.images.frames
        size = max(1, int(np.prod(frames.shape[1:])) * frames.dtype.itemsize)
        step = max(1, CHUNK_BYTES // size)
        inside = ((self.low < self.target.grid.size) & (self.high > 0)).all(1)
        for chunk in _chunks(self.low, self.high, step):
            if inside[chunk].any():
                self._place_chunk(chunk, pool, threads)
            if progress:
                progress(chunk.stop - chunk.start)

    def _place_chunk(self, chunk: slice, pool: ThreadPoolExecutor, threads: int) -> None:
        from benchmark.volume import compounding as kernels

        frames = np.ascontiguousarray(self.images.frames[chunk])
        mask = None if self.images.mask is None else np.ascontiguousarray(self.images.mask)
        low = np.maximum(self.low[chunk].min(0), 0)
        high = np.minimum(self.high[chunk].max(0), self.target.grid.size)
        # Blocks are cut along the axis on which single frames are longest, so that all have work.
        covered = (self.high[chunk] - self.low[chunk]).mean(0)
        axis = 1 if covered[1] >= covered[2] else 2
        target = self.target
        forward = kernels.nearest if target.method == "nearest" else kernels.trilinear

        def run(block: tuple[np.ndarray, np.ndarray]) -> None:
            tail = (self.crop, mask, *block, target.mode, target.values, target.weights)
            if target.method == "backward":
                matrices, reach = self.pixel_from_voxel[chunk], self.reach[chunk]
                kernels.backward(frames, matrices, reach, *tail)
            else:
                forward(frames, self.voxel_from_pixel[chunk], *tail)

        list(pool.map(run, _blocks(low, high, axis, threads)))


def _chunks(low: np.ndarray, high: np.ndarray, most: int) -> Iterator[slice]:
    """Yield slices of at most so many neighbouring frames, given their boxes of voxels (N, 3).

    A chunk ends where its box would be large and mostly empty: where the path jumps. So the work
    grows with the tissue seen, not with the box around it.
    """
    sides = np.prod((high - low).astype(float), 1)
    start, near, far = 0, low[0], high[0]
    for index in range(1, len(low)):
        near, far = np.minimum(near, low[index]), np.maximum(far, high[index])
        box = float(np.prod((far - near).astype(float)))
        empty = box > max(LARGE_BOX, MOSTLY_EMPTY * sides[start : index + 1].sum())
        if empty or index - start == most:
            yield slice(start, index)
            start, near, far = index, low[index], high[index]
    yield slice(start, len(low))


def _blocks(
    low: np.ndarray, high: np.ndarray, axis: int, threads: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the box [low, high) of voxels, cut along one axis into a few blocks per thread."""
    count = min(BLOCKS_PER_THREAD * threads, max(1, int(high[axis] - low[axis])))
    edges = np.linspace(low[axis], high[axis], count + 1).round().astype(np.int64)
    blocks = []
    for first, last in itertools.pairwise(edges):
        start, stop = low.astype(np.int64), high.astype(np.int64)
        start[axis], stop[axis] = first, last
        blocks.append((start, stop))
    return blocks


def _check_choices(method: str, compounding: str, modes: dict[str, int]) -> None:
    if method not in METHODS:
        raise UserError(f"method: expected one of {', '.join(METHODS)}, got '{method}'")
    if compounding not in modes:
        raise UserError(f"compounding: expected one of {', '.join(modes)}, got '{compounding}'")


def _checked_poses(images: Images, world_from_image: np.ndarray) -> np.ndarray:
    poses = np.asarray(world_from_image, float)
    if len(images.frames) == 0 or poses.shape != (len(images.frames), 4, 4):
        expected = (len(images.frames), 4, 4)
        raise UserError(f"world_from_image: expected shape {expected}, got {poses.shape}")
    fault = geometry.se3_fault(poses, SE3_TOLERANCE)
    if fault:
        raise UserError(f"world_from_image: {fault}")
    return poses
