"""B-mode sweeps as files of the zea toolbox: images with places, and the probe's poses."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.files import atomic_path, canonical_json, ensure_space
from benchmark.frames import open_hdf5
from benchmark.interop.cines.field_of_view import mask_to_text
from benchmark.interop.cines.record import WORLD, record_of
from benchmark.interop.rf.hdf5_values import text
from benchmark.interop.rf.probe_pose import MM_PER_M, TIP_FROM_IMAGE
from benchmark.stored.jsons import parsed
from benchmark.sweep import Channel, Sweep, WithheldChannel

SUFFIXES = (".zea.hdf5", ".zea.h5")
VERSION = "0.1.8"  # of zea, whose specification the files follow
RECORD = "custom/sweepbench"
IN_PLANE_MM = 1e-6


def write_zea(path: Path | str, sweep: Sweep, channel: str = "bmode") -> None:
    """Write one channel of a sweep, 8-bit, as a file that zea 0.1 reads.

    Images, their pixels' places and times are `data/image` of the one track; poses are
    `metadata/probe_pose`, one per frame, as quaternions xyzw. zea stores 32-bit numbers: places
    keep seven digits. Name, landmarks, field of view, world, factors and the probe's description
    are JSON in `custom/sweepbench`, which `read_zea` takes up.

    Raises
    ------
    UserError : a missing channel, frames that are not 8-bit, withheld poses, pixels that are not
        in the image plane, a file that cannot be written.
    """
    path = Path(path)
    if channel not in sweep.channels:
        known = ", ".join(sweep.channels)
        raise UserError(f"{path}: sweep '{sweep.name}' has no channel '{channel}' (has: {known})")
    images = sweep.channels[channel]
    if images.frames.dtype != np.uint8:
        raise UserError(f"{path}: expected 8-bit frames (uint8), got {images.frames.dtype}")
    if np.abs(images.mm_from_pixel[2, [0, 1, 3]]).max() > IN_PLANE_MM:
        raise UserError(f"{path}: mm_from_pixel: expected pixels in the plane z = 0")
    poses = images.world_from_image
    ensure_space(path, images.nbytes)
    with (
        atomic_path(path) as temporary,
        open_hdf5(temporary, "w", libver=("earliest", "v114")) as file,
    ):
        file.attrs["zea_version"] = VERSION
        file.attrs["description"] = f"sweep {sweep.name}, written by sweepbench"
        _write_images(file.create_group("tracks/track_0/data/image"), images)
        _write_poses(file.create_group("metadata/probe_pose"), images.timestamps, poses)
        subject = str(sweep.factors.get("subject", ""))
        if subject:
            _put(file, "metadata/subject/id", subject, "–", "Subject ID.")
        if sweep.probe.get("name"):
            _put(file, "probe/name", str(sweep.probe["name"]), "–", "Probe model name.")
        record = canonical_json(_record(sweep, images))
        file.create_group("custom").attrs["description"] = "What zea has no fields for."
        _put(file, RECORD, record, "–", "Name, landmarks, mask, probe, factors, world as JSON.")


def read_record(file: h5py.File) -> dict[str, Any]:
    """Return name, landmarks, mask, probe, factors, world of a file of this program, or nothing."""
    stored = text(file, RECORD)
    return record_of(parsed(stored), WORLD) if stored else {}


def _record(sweep: Sweep, images: Channel | WithheldChannel) -> Mapping[str, Any]:
    """Return what zea has no fields for."""
    return {
        "name": sweep.name,
        "landmarks": np.asarray(sweep.landmarks, float).tolist(),
        "probe": dict(sweep.probe),
        "factors": dict(sweep.factors),
        "world": asdict(images.world),
        **({} if images.mask is None else {"mask": mask_to_text(images.mask)}),
    }


def _write_images(group: h5py.Group, images: Any) -> None:
    shape = images.frames.shape
    values = group.create_dataset("values", shape, np.uint8, chunks=(1, *shape[1:]))
    for index in range(shape[0]):
        values[index] = images.frames[index]
    _describe(values, "–", "B-mode, log-compressed grey levels.")
    row, column = np.mgrid[: shape[1], : shape[2]]
    pixels = np.stack([column, row, 0 * row, 0 * row + 1], -1)
    tip_from_pixel = TIP_FROM_IMAGE @ images.mm_from_pixel / MM_PER_M
    places = (pixels @ tip_from_pixel.T)[..., :3].astype(np.float32)
    _put(group, "coordinates", places, "m", "Places of pixels: lateral, elevational, axial.")
    _write_clock(group, images.timestamps)


def _write_poses(group: h5py.Group, times: np.ndarray, world_from_image: np.ndarray) -> None:
    from scipy.spatial.transform import Rotation

    world_from_tip = world_from_image @ np.linalg.inv(TIP_FROM_IMAGE)
    place = (world_from_tip[:, :3, 3] / MM_PER_M).astype(np.float32)
    turn = Rotation.from_matrix(world_from_tip[:, :3, :3]).as_quat().astype(np.float32)
    _put(group, "translation", place, "m", "Position of the transducer tip (x, y, z).")
    _put(group, "rotation", turn, "–", "Orientation of the transducer tip, world from tip.")
    kind = "quaternion_xyzw"
    _put(group, "rotation_representation", kind, "–", "Rotation parameterization.")
    _write_clock(group, times)


def _write_clock(group: h5py.Group, times: np.ndarray) -> None:
    relative = (np.asarray(times) - times[0]).astype(np.float32)
    _put(group, "timestamps", relative, "s", "Times relative to the first.")
    start = np.float32(times[0])
    _put(group, "start_time_offset", start, "s", "Time of the first after the first transmit.")


def _put(group: h5py.Group, key: str, value: Any, unit: str, description: str) -> None:
    group[key] = value
    _describe(group[key], unit, description)


def _describe(dataset: h5py.Dataset, unit: str, description: str) -> None:
    dataset.attrs["unit"], dataset.attrs["description"] = unit, description
