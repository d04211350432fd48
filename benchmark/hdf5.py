"""Sweeps and predictions as HDF5 files, one a file.

Frames lie one per chunk and uncompressed: speckle does not compress, and a window of two frames
is read without the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.files import atomic_path, canonical_json, ensure_space
from benchmark.frames import LazyFrames, open_hdf5, reading_hdf5
from benchmark.schema.checks import shown
from benchmark.stored import npz
from benchmark.stored.hdf5 import WholeArrays, group_of, text_attribute
from benchmark.stored.jsons import parsed
from benchmark.sweep import (
    Channel,
    Images,
    Prediction,
    Sweep,
    WithheldChannel,
    World,
    channel_fault,
)

SWEEP_FORMAT = "sweepbench-sweep-1"
PREDICTION_FORMAT = "sweepbench-prediction-1"


def write_sweep(path: Path | str, sweep: Sweep) -> None:
    """Write a sweep as one HDF5 file, whole or not at all; the same sweep gives the same bytes.

    Raises
    ------
    UserError : the folder cannot be written, or the disk is full.
    """
    ensure_space(Path(path), _file_bytes(sweep))
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        file.attrs["format"] = SWEEP_FORMAT
        file.attrs["name"] = sweep.name
        file.attrs["probe"] = canonical_json(dict(sweep.probe))
        file.attrs["factors"] = canonical_json(dict(sweep.factors))
        file["landmarks"] = np.asarray(sweep.landmarks, float)
        for name, channel in sweep.channels.items():
            _write_channel(file.create_group(f"channels/{name}"), channel)
        for name, values in (sweep.imu or {}).items():
            file[f"imu/{name}"] = values


def _file_bytes(sweep: Sweep) -> int:
    """Return about how many bytes a sweep's file has: arrays, an index of chunks, the rest."""
    channels = sweep.channels.values()
    frames = sum(channel.nbytes + 512 * len(channel.timestamps) for channel in channels)
    small: list[np.ndarray | None] = [*(sweep.imu or {}).values()]
    small += [part for c in channels for part in (c.line_world_from_image, c.mask)]
    return frames + sum(values.nbytes for values in small if values is not None) + 2**16


def _write_channel(group: h5py.Group, channel: Channel | WithheldChannel) -> None:
    shape = channel.frames.shape
    frames = group.create_dataset(
        "frames", shape, channel.frames.dtype, chunks=(1, *shape[1:]) if shape[0] else None
    )
    for index in range(shape[0]):
        frames[index] = channel.frames[index]
    group["timestamps"] = channel.timestamps
    if channel.is_withheld:
        group.attrs["poses"] = "withheld"
    else:
        group["world_from_image"] = channel.world_from_image
    group["mm_from_pixel"] = channel.mm_from_pixel
    if channel.wavelength_nm is not None:
        group["wavelength_nm"] = channel.wavelength_nm
    if channel.mask is not None:
        group["mask"] = channel.mask
    for name, poses in channel.measured.items():
        group[f"measured/{name}"] = poses
    if channel.line_world_from_image is not None:
        group["line_world_from_image"] = channel.line_world_from_image
    if channel.world != World():
        group.attrs["world"], group.attrs["world_axes"] = channel.world.name, channel.world.axes
    # Chunks get their offsets in the file when they leave the cache. Flushing here keeps the bytes
    # the same; otherwise it happens when the last reference goes, which other threads may delay.
    frames.flush()


def read_sweep(path: Path | str, *, lazy: bool = False) -> Sweep:
    """Return the sweep of a file; with `lazy`, frames stay on disk and are read when indexed.

    Raises
    ------
    UserError : missing or truncated file, another format, a missing key, poses that are not
        rigid or hold NaN, lengths that do not fit; each names the file and the key.
    """
    path = Path(path)
    with _opened(path, SWEEP_FORMAT) as file:
        if "channels/bmode" not in file:
            raise UserError(f"{path}: channels/bmode is missing")
        whole, channels_group = WholeArrays(file), group_of(file, "channels")
        channels = {
            name: _read_channel(path, group_of(channels_group, name), lazy, whole)
            for name in channels_group
        }
        inertial = group_of(file, "imu") if "imu" in file else None
        imu = None if inertial is None else {name: whole(inertial, name) for name in inertial}
        landmarks = whole(file, "landmarks")
        if landmarks.ndim != 2 or landmarks.shape[1] != 3:
            raise UserError(f"{path}: landmarks: expected shape (L, 3), got {landmarks.shape}")
        return Sweep(
            name=_text(path, file, "name"),
            channels=channels,
            landmarks=landmarks,
            probe=_object(path, file, "probe"),
            factors=_object(path, file, "factors"),
            imu=imu,
        )


def _read_world(group: h5py.Group) -> World:
    """Return the world of a channel's poses, as far as the file tells it."""
    axes: Any = text_of(text_attribute(group, "world_axes")) or World.axes
    return World(text_of(text_attribute(group, "world")) or "", axes)


def _read_channel(
    path: Path, group: h5py.Group, lazy: bool, whole: WholeArrays
) -> Channel | WithheldChannel:
    images = Images(
        frames=LazyFrames(path, f"{group.name}/frames") if lazy else whole(group, "frames"),
        timestamps=whole(group, "timestamps"),
        mm_from_pixel=whole(group, "mm_from_pixel"),
        wavelength_nm=whole(group, "wavelength_nm") if "wavelength_nm" in group else None,
        mask=whole(group, "mask") if "mask" in group else None,
    )
    channel: Channel | WithheldChannel
    if text_of(text_attribute(group, "poses")) == "withheld":
        channel = WithheldChannel(**vars(images))
    else:
        measured = group_of(group, "measured") if "measured" in group else {}
        key = "line_world_from_image"
        channel = Channel(
            **vars(images),
            world_from_image=whole(group, "world_from_image"),
            measured={name: whole(measured, name) for name in measured},
            line_world_from_image=whole(group, key) if key in group else None,
            world=_read_world(group),
        )
    fault = channel_fault(channel)
    if fault:
        raise UserError(f"{path}: {group.name}/{fault}")
    return channel


def write_prediction(path: Path | str, prediction: Prediction) -> None:
    """Write a prediction as one HDF5 file, whole or not at all.

    Raises
    ------
    UserError : the folder cannot be written, or the disk is full.
    """
    arrays = [values for values in vars(prediction).values() if values is not None]
    ensure_space(Path(path), sum(np.asarray(values).nbytes for values in arrays) + 2**14)
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        file.attrs["format"] = PREDICTION_FORMAT
        file["first_from_frame"] = prediction.first_from_frame
        file["prev_from_frame"] = prediction.prev_from_frame
        for key in ("sigma", "position_sigma"):
            if getattr(prediction, key) is not None:
                file[key] = getattr(prediction, key)


def read_prediction(path: Path | str) -> Prediction:
    """Return the prediction of a file (HDF5, or npz with the same keys).

    Raises
    ------
    UserError : as `read_sweep`, and what `Prediction` refuses.
    """
    path = Path(path)
    keys = ("first_from_frame", "prev_from_frame", "sigma", "position_sigma")
    if path.suffix == ".npz":
        arrays = _npz_arrays(path, keys)
    else:
        with _opened(path, PREDICTION_FORMAT) as file:
            whole = WholeArrays(file)
            arrays = {key: whole(file, key).astype(float) for key in keys if key in file}
    if "first_from_frame" not in arrays:
        raise UserError(f"{path}: first_from_frame is missing")
    try:
        return Prediction(**arrays)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _npz_arrays(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with npz.NpzArrays(path) as arrays:
            return {key: arrays[key].astype(float) for key in keys if key in arrays}
    except npz.FAULTS as error:
        raise UserError(f"{path}: expected an npz file of plain arrays ({error})") from error


@contextmanager
def _opened(path: Path, expected: str) -> Iterator[h5py.File]:
    """Open an HDF5 file of a format for reading; all that is wrong with it is a UserError."""
    with reading_hdf5(path) as file:
        found = text_attribute(file, "format")
        if text_of(found) != expected:
            raise UserError(f"{path}: expected format '{expected}', got {shown(found)}")
        yield file


def text_of(value: Any) -> str | None:
    """Return an HDF5 text as str, or None where a value is no text.

    Texts of fixed length, which C, MATLAB and R write, are filled up with NULs or spaces; an array
    of one text counts as that text.
    """
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value.partition("\0")[0].rstrip(" ") if isinstance(value, str) else None


def _text(path: Path, file: h5py.File, key: str) -> str:
    """Return an attribute of a file that must be a text."""
    if key not in file.attrs:
        raise UserError(f"{path}: a key is missing ({key})")
    stored = text_attribute(file, key)
    found = text_of(stored)
    if found is None:
        raise UserError(f"{path}: {key}: expected a text, got {shown(stored)}")
    return found


def _object(path: Path, file: h5py.File, key: str) -> dict[str, Any]:
    """Return an attribute of a file that must be the JSON of an object."""
    content = parsed(_text(path, file, key))
    if not isinstance(content, dict):
        raise UserError(f"{path}: {key}: expected an object, got {shown(content)}")
    return content
