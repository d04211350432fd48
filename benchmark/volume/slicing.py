"""Slices of a volume at given poses: the reverse of reconstruction.

frames = slice_at(volume, sweep.bmode.world_from_image, sweep.bmode.mm_from_pixel, (480, 640))
"""

from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import StreamedFrames
from benchmark.sweep import SE3_TOLERANCE
from benchmark.volume.reconstruction import Volume


def slice_at(
    volume: Volume,
    world_from_image: np.ndarray,
    mm_from_pixel: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    """Return the frames (N, H, W) float32 that a probe at given poses sees of a volume.

    Values are interpolated trilinearly between voxel centres; outside of the volume, whose outer
    voxels count whole, they are 0.

    Parameters
    ----------
    world_from_image : (N, 4, 4), image mm -> mm of the volume's world.
    mm_from_pixel : (4, 4), (column, row, 0, 1) -> image mm.
    shape : (H, W), rows and columns.

    Raises
    ------
    UserError : poses that are not rigid.
    """
    return Slices(volume, world_from_image, mm_from_pixel, shape)[:]


class Slices(StreamedFrames):
    """The frames of `slice_at`, made one at a time when indexed; whole numbers are rounded."""

    def __init__(
        self,
        volume: Volume,
        world_from_image: np.ndarray,
        mm_from_pixel: np.ndarray,
        shape: tuple[int, int],
        dtype: Any = np.float32,
    ):
        poses = np.asarray(world_from_image, float)
        if poses.ndim != 3 or poses.shape[1:] != (4, 4):
            raise UserError(f"world_from_image: expected shape (N, 4, 4), got {poses.shape}")
        if fault := geometry.se3_fault(poses, SE3_TOLERANCE):
            raise UserError(f"world_from_image: {fault}")
        self.shape, self.dtype = (len(poses), *shape), np.dtype(dtype)
        self.volume = volume
        self._voxel_from_pixel = np.linalg.inv(volume.world_from_voxel) @ poses @ mm_from_pixel

    def _frame(self, index: int) -> np.ndarray:
        from scipy.ndimage import map_coordinates

        voxels, inside = self._voxels(index)
        values = map_coordinates(
            self.volume.values, voxels, order=1, mode="nearest", output=np.float32
        )
        frame = np.where(inside, values, np.float32(0))
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            frame = np.clip(np.rint(frame), limits.min, limits.max)
        return frame.astype(self.dtype)

    def _voxels(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the voxel indices (3, H, W) of a frame's pixels, and which lie in the volume."""
        matrix = self._voxel_from_pixel[index]
        rows, columns = np.indices(self.shape[1:])
        voxels = np.einsum("i,hw->ihw", matrix[:3, 0], columns)
        voxels += np.einsum("i,hw->ihw", matrix[:3, 1], rows) + matrix[:3, 3, None, None]
        last = np.array(self.volume.values.shape)[:, None, None] - 0.5
        return voxels, ((voxels >= -0.5) & (voxels <= last)).all(0)

    def reaches(self, index: int) -> bool:
        """Return whether any pixel of a frame lies in the volume."""
        return bool(self._voxels(index)[1].any())
