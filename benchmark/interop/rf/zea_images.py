"""The images of zea's files: their frames as grey levels, their pixels' places."""

from pathlib import Path

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.frames import StreamedFrames, hdf5_faults, open_hdf5
from benchmark.interop.rf.forming import grey_of_decibels
from benchmark.interop.rf.hdf5_values import ensure_filters
from benchmark.interop.rf.probe_pose import MM_PER_M, TIP_FROM_IMAGE
from benchmark.stored.hdf5 import WholeArrays, array_of, frames_of, group_of, refuse_bombs

OFF_GRID_PX = 0.02  # by which a pixel may be away from its place on a regular grid
LARGEST_M = 1.0


def image_group(track: h5py.Group) -> h5py.Group | h5py.Dataset | None:
    """Return the B-mode images of a track: a group, a dataset in earlier files, or None."""
    data = group_of(track, "data") if "data" in track else {}
    return next((data[key] for key in ("image_sc", "image") if key in data), None)


def read_images(
    path: Path, image: h5py.Group | h5py.Dataset, range_db: float, placed: bool
) -> tuple["StoredImages", np.ndarray]:
    """Return frames (N, H, W), uint8, and mm_from_pixel (4, 4) of a file's images.

    range_db: from black to white, of images in dB (float32); placed: the coordinates are needed.

    Raises
    ------
    UserError : other shapes or types, and, where they are needed, coordinates that are missing or
        not on a regular grid.
    """
    is_group = isinstance(image, h5py.Group)
    values = frames_of(image, "values") if is_group else frames_of(image.parent, image.name)
    frames = StoredImages(path, values, range_db)
    if not placed:
        return frames, np.eye(4)
    key = f"{path}: {image.name}/coordinates"
    if not is_group or "coordinates" not in image:
        raise UserError(f"{key} is missing: the size of a pixel is unknown; give --calibration")
    coordinates = ensure_filters(array_of(image, "coordinates"), path)
    return frames, _mm_from_pixel(coordinates, frames.shape, key)


class StoredImages(StreamedFrames):
    """Images (N, H, W) of a file as grey levels, uint8, read when indexed, from any process."""

    def __init__(self, path: Path, values: h5py.Dataset, range_db: float):
        self._path, self._key, self._range_db = path, values.name, range_db
        shape = values.shape[:-1] if values.ndim == 4 and values.shape[-1] == 1 else values.shape
        if len(shape) != 3 or 0 in shape or values.dtype not in (np.uint8, np.float32):
            raise UserError(
                f"{path}: {values.name}: expected images (frames, z, x), uint8 or float32 in dB, "
                f"got {values.shape} {values.dtype}"
            )
        self.shape, self.dtype = shape, np.dtype(np.uint8)

    def _frame(self, index: int) -> np.ndarray:
        with hdf5_faults(self._path), open_hdf5(self._path) as file:
            stored = ensure_filters(file[self._key], self._path)
            refuse_bombs(stored, index)
            values = stored[index]
        frame = values.reshape(self.shape[1:])
        return frame if frame.dtype == np.uint8 else grey_of_decibels(frame, self._range_db)


def _mm_from_pixel(coordinates: h5py.Dataset, shape: tuple[int, ...], key: str) -> np.ndarray:
    """Return the matrix from (column, row, 0, 1) to image mm of coordinates (..., H, W, 3), m."""
    rows, columns = shape[1:]
    if coordinates.ndim > 3 and coordinates.shape[0] == shape[0]:
        frames_of(coordinates.parent, coordinates.name)
        for end in (0, shape[0] - 1):
            refuse_bombs(coordinates, end)
        places = np.stack([coordinates[0], coordinates[shape[0] - 1]])
    else:
        places = WholeArrays(coordinates)(coordinates.parent, coordinates.name)[None]
    try:
        places = np.asarray(places, float).reshape(-1, rows, columns, 3)
    except ValueError as error:
        raise UserError(
            f"{key}: expected shape {(rows, columns, 3)}, got {coordinates.shape}"
        ) from error
    if not np.isfinite(places).all() or np.abs(places).max() > LARGEST_M:
        raise UserError(f"{key}: expected finite places in metres, below {LARGEST_M:g}")
    if min(rows, columns) < 2:
        raise UserError(f"{key}: expected images of 2 x 2 pixels or more, got {rows} x {columns}")
    places = places @ TIP_FROM_IMAGE[:3, :3] * MM_PER_M
    origin = places[0, 0, 0]
    matrix = np.eye(4)
    matrix[:3, 0] = (places[0, 0, -1] - origin) / (columns - 1)
    matrix[:3, 1] = (places[0, -1, 0] - origin) / (rows - 1)
    matrix[:3, 3] = origin
    pixel = np.linalg.norm(matrix[:3, :2], axis=0).min()
    row, column = np.mgrid[:rows, :columns]
    grid = np.stack([column, row, 0 * row, 0 * row + 1], -1) @ matrix.T
    if not pixel > 0 or np.abs(places - grid[..., :3]).max() > OFF_GRID_PX * pixel:
        raise UserError(f"{key}: expected the same regular grid for all frames (no sector)")
    if np.abs(grid[..., 2]).max() > OFF_GRID_PX * pixel:
        raise UserError(f"{key}: expected images in the plane y = 0")
    matrix[2, :2] = matrix[2, 3] = 0
    return matrix
