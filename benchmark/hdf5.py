"""Sweeps and predictions as HDF5 files, one a file.

Frames lie one per chunk and uncompressed: speckle does not compress, and a window of two frames
is read without the rest.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.files import atomic_path, canonical_json, ensure_space
from benchmark.frames import LazyFrames, open_hdf5
from benchmark.sweep import Channel, Images, Prediction, Sweep, WithheldChannel, channel_fault

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
    small = [*(sweep.imu or {}).values(), *(channel.line_world_from_image for channel in channels)]
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
    for name, poses in channel.measured.items():
        group[f"measured/{name}"] = poses
    if channel.line_world_from_image is not None:
        group["line_world_from_image"] = channel.line_world_from_image
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
        channels = {
            name: _read_channel(path, group, lazy) for name, group in file["channels"].items()
        }
        imu = {name: values[()] for name, values in file["imu"].items()} if "imu" in file else None
        return Sweep(
            name=str(file.attrs["name"]),
            channels=channels,
            landmarks=file["landmarks"][()],
            probe=json.loads(file.attrs["probe"]),
            factors=json.loads(file.attrs["factors"]),
            imu=imu,
        )


def _read_channel(path: Path, group: h5py.Group, lazy: bool) -> Channel | WithheldChannel:
    key = f"{group.name}/frames"
    images = Images(
        frames=LazyFrames(path, key) if lazy else group["frames"][()],
        timestamps=group["timestamps"][()],
        mm_from_pixel=group["mm_from_pixel"][()],
        wavelength_nm=group["wavelength_nm"][()] if "wavelength_nm" in group else None,
    )
    channel: Channel | WithheldChannel
    if group.attrs.get("poses") == "withheld":
        channel = WithheldChannel(**vars(images))
    else:
        measured = group["measured"].items() if "measured" in group else ()
        lines = group["line_world_from_image"][()] if "line_world_from_image" in group else None
        channel = Channel(
            **vars(images),
            world_from_image=group["world_from_image"][()],
            measured={name: poses[()] for name, poses in measured},
            line_world_from_image=lines,
        )
    fault = channel_fault(channel)
    if fault:
        raise UserError(f"{path}: {group.name}/{fault}")
    return channel


def write_prediction(path: Path | str, prediction: Prediction) -> None:
    """Write a prediction as one HDF5 file, whole or not at all."""
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        file.attrs["format"] = PREDICTION_FORMAT
        file["first_from_frame"] = prediction.first_from_frame
        file["prev_from_frame"] = prediction.prev_from_frame
        if prediction.sigma is not None:
            file["sigma"] = prediction.sigma


def read_prediction(path: Path | str) -> Prediction:
    """Return the prediction of a file (HDF5, or npz with the same keys).

    Raises
    ------
    UserError : as `read_sweep`, and what `Prediction` refuses.
    """
    path = Path(path)
    keys = ("first_from_frame", "prev_from_frame", "sigma")
    if path.suffix == ".npz":
        arrays = _npz_arrays(path, keys)
    else:
        with _opened(path, PREDICTION_FORMAT) as file:
            arrays = {key: file[key][()] for key in keys if key in file}
    if "first_from_frame" not in arrays:
        raise UserError(f"{path}: first_from_frame is missing")
    try:
        return Prediction(**arrays)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _npz_arrays(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("a single array")
        with file:
            return {key: file[key] for key in keys if key in file}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: expected an npz file of plain arrays ({error})") from error


@contextmanager
def _opened(path: Path, expected: str) -> Iterator[h5py.File]:
    """Open an HDF5 file of a format for reading; HDF5's errors and missing keys are UserErrors."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with open_hdf5(path) as file:
            found = file.attrs.get("format")
            if found != expected:
                raise UserError(f"{path}: expected format '{expected}', got {found!r}")
            yield file
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({str(error).splitlines()[0]})") from error
    except KeyError as error:
        raise UserError(f"{path}: a key is missing ({error.args[0]})") from error
