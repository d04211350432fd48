"""Sequence files of PLUS and 3D Slicer, read and written: .igs.mha, .igs.mhd with .raw, .seq.nrrd.

A sequence is a stack of frames whose header has fields per frame (Seq_Frame0000_...). Slicer's own
volume sequences have index values instead, and no poses: they are read. Files written
here hold the pose in one transform and the calibration in ImageToProbe of every frame, so that no
second file is needed; landmarks, probe, factors and the world's name, for which PLUS has no fields,
are base64 JSON in fields that other programs ignore.
"""

import base64
import zlib
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.files import atomic_path, canonical_json
from benchmark.frames import MappedFrames
from benchmark.interop.cines.field_of_view import mask_to_text
from benchmark.interop.cines.record import record_of
from benchmark.interop.headers import META_TYPES, NRRD_TYPES, Header, read_header
from benchmark.interop.orientation import from_marked_far, plain_code, to_marked_far
from benchmark.interop.sequence import Reading, Sequence, sweep_of
from benchmark.interop.streams import FileFrames, InterleavedFrames
from benchmark.stored import most_bytes
from benchmark.stored.jsons import parsed
from benchmark.sweep import Sweep

SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
RECORD = "SweepbenchRecord"
RECORD_CHARACTERS = 800  # PLUS reads lines of up to 1000
SIZE_DIGITS = 20
POSE_BYTES, FRAME_BYTES = 128, 16  # in memory: of a pose, and of what else there is of a frame


def read_igsio(path: Path | str, reading: Reading | None = None, report: Report = silent) -> Sweep:
    """Return the sweep of a sequence file; its frames are read when indexed.

    Raises
    ------
    UserError : a truncated or damaged file, no sequence of 2D frames, and as `sweep_of`.
    """
    return sweep_of(read_sequence(path, report), reading or Reading(), report)


def read_sequence(path: Path | str, report: Report = silent) -> Sequence:
    """Return what a sequence file holds, its frames left on disk."""
    header = read_header(Path(path))
    count = header.frame_shape()[0]
    _refuse_promise(header, count)
    frames, letters = _frames(header, report)
    times = _times(header.frame_fields.get("Timestamp", {}), count, f"{path}: Timestamp")
    transforms = {
        name.removesuffix("Transform"): _matrices(values, count, f"{path}: {name}")
        for name, values in header.frame_fields.items()
        if name.endswith("Transform")
    }
    return Sequence(
        Path(path),
        frames,
        header.index_times() if header.is_volume_sequence else times,
        _statuses(header.frame_fields.get(header.image_status, {}), count),
        transforms,
        {
            name: _statuses(header.frame_fields.get(f"{name}TransformStatus", {}), count)
            for name in transforms
        },
        header.spacing(),
        letters,
        _record(header.fields, Path(path)),
    )


def _refuse_promise(header: Header, count: int) -> None:
    """Refuse a number of frames whose poses and times alone need more memory than the file."""
    names = sum(name.endswith("Transform") for name in header.frame_fields)
    size = header.path.stat().st_size
    if count * (POSE_BYTES * names + FRAME_BYTES) > most_bytes(size):
        raise UserError(f"{header.path}: {count} frames cannot be in a file of {size} bytes")


def _frames(header: Header, report: Report) -> tuple[Any, str]:
    """Return the frames (N, H, W), marked-far, and the two letters of their order in the file."""
    shape = header.frame_shape()
    if 0 in shape:
        return np.zeros(shape, header.dtype), "MF"
    if header.orientation is None:
        report(f"{header.path}: says nothing of its orientation; taken as MF (marked, far)")
    letters = plain_code(header.orientation or "MF", f"{header.path}")
    kind = InterleavedFrames if header.list_axis == 0 else FileFrames
    stored = kind(
        header.data_path,
        header.data_offset,
        shape,
        header.dtype,
        packed=header.packed,
        size=header.packed_bytes,
    )
    turned = stored if letters == "MF" else MappedFrames(stored, None, to_marked_far(letters))
    return turned, letters


def _matrices(values: dict[int, str], count: int, what: str) -> np.ndarray:
    matrices = np.full((count, 4, 4), np.nan)
    for index, text in values.items():
        numbers = _numbers(text, f"{what} of frame {index}")
        if numbers.shape != (16,):
            raise UserError(f"{what} of frame {index}: expected 16 numbers, got {len(numbers)}")
        matrices[index] = numbers.reshape(4, 4)
    return matrices


def _times(values: dict[int, str], count: int, what: str) -> np.ndarray:
    times = np.full(count, np.nan)
    for index, text in values.items():
        times[index] = _numbers(text, f"{what} of frame {index}")[0]
    return times


def _numbers(text: str, what: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in text.split()] or [np.nan])
    except ValueError as error:
        raise UserError(f"{what}: {error}") from error


def _statuses(values: dict[int, str], count: int) -> np.ndarray:
    valid = np.ones(count, bool)
    for index, text in values.items():
        valid[index] = text.strip().upper() == "OK"
    return valid


def _record(fields: dict[str, str], path: Path) -> dict[str, Any]:
    pieces = [fields[key] for key in sorted(fields) if key.startswith(RECORD)]
    try:
        return record_of(parsed(base64.b64decode("".join(pieces)).decode())) if pieces else {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: {RECORD} is damaged ({error})") from error


def write_igsio(
    path: Path | str,
    sweep: Sweep,
    *,
    channel: str = "bmode",
    transform: str = "ProbeToTracker",
    orientation: str = "MF",
    compress: bool = False,
) -> None:
    """Write one channel of a sweep as a sequence that PLUS, Slicer and SimpleITK read.

    Parameters
    ----------
    path : its suffix is the format; .mhd and .nhdr put the frames into a second file.
    transform : name of the poses, AToB; the calibration is then ImageToA.
    orientation : order in which pixels are stored (two letters, see `orientation`).

    Raises
    ------
    UserError : another suffix, a missing channel, values of a type that the format lacks, a file
        that cannot be written.
    """
    path = Path(path)
    letters = plain_code(orientation, "--orientation")
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: expected a name ending in one of {', '.join(SUFFIXES)}")
    if channel not in sweep.channels:
        known = ", ".join(sweep.channels)
        raise UserError(f"{path}: sweep '{sweep.name}' has no channel '{channel}' (has: {known})")
    layout = _Layout(sweep, channel, transform, letters, compress)
    is_meta = path.suffix.lower() in (".mha", ".mhd")
    write = _write_meta if is_meta else _write_nrrd
    try:
        write(path, layout)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error


class _Layout:
    """A channel as it is written into a sequence: sizes, type, fields and reordered frames."""

    def __init__(self, sweep: Sweep, channel: str, transform: str, letters: str, compress: bool):
        self.sweep, self.images = sweep, sweep.channels[channel]
        self.transform, self.letters, self.compress = transform, letters, compress
        dtype = np.dtype(self.images.frames.dtype)
        if dtype.name not in META_TYPES:
            raise UserError(f"channel '{channel}': {dtype} has no type in a sequence file")
        self.dtype = dtype
        self.turn = from_marked_far(letters)
        example = self.turn(np.zeros(self.images.frames.shape[1:], dtype))
        self.sizes = (example.shape[1], example.shape[0], len(self.images.frames))

    def frame_fields(self, image_status: str) -> Iterator[tuple[str, str]]:
        """Yield the fields of all frames, one after another."""
        moving = self.transform.split("To", 1)[0]
        calibration = _row(self.images.mm_from_pixel)
        for index in range(self.sizes[2]):
            start = f"Seq_Frame{index:04d}_"
            yield f"{start}ImageTo{moving}Transform", calibration
            yield f"{start}ImageTo{moving}TransformStatus", "OK"
            yield f"{start}{self.transform}Transform", _row(self.images.world_from_image[index])
            yield f"{start}{self.transform}TransformStatus", "OK"
            yield f"{start}Timestamp", repr(float(self.images.timestamps[index]))
            yield f"{start}{image_status}", "OK"

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield the fields of what PLUS has none for: name, landmarks, probe, factors, world."""
        content = {
            "name": self.sweep.name,
            "landmarks": np.asarray(self.sweep.landmarks, float).tolist(),
            "probe": dict(self.sweep.probe),
            "factors": dict(self.sweep.factors),
            "world": self.images.world.name,
        }
        if self.images.mask is not None:
            content["mask"] = mask_to_text(self.images.mask)
        text = base64.b64encode(canonical_json(content).encode()).decode()
        for number, start in enumerate(range(0, len(text), RECORD_CHARACTERS)):
            yield f"{RECORD}{number:04d}", text[start : start + RECORD_CHARACTERS]

    def write_frames(self, file: BinaryIO, packer: Any) -> None:
        """Write all frames, one in memory at a time."""
        pack: Callable[[bytes], bytes] = packer.compress if packer else bytes
        little = self.dtype.newbyteorder("<")
        for index in range(self.sizes[2]):
            frame = self.turn(np.asarray(self.images.frames[index]))
            file.write(pack(np.ascontiguousarray(frame, little).tobytes()))
        if packer:
            file.write(packer.flush())


def _row(matrix: np.ndarray) -> str:
    return " ".join(repr(float(value)) for value in np.asarray(matrix).ravel())


def _write_meta(path: Path, layout: _Layout) -> None:
    local = path.suffix.lower() == ".mha"
    data_name = "LOCAL" if local else path.with_suffix(".zraw" if layout.compress else ".raw").name
    size = 0
    packer = zlib.compressobj() if layout.compress else None
    if not local:
        with atomic_path(path.with_name(data_name)) as temporary, temporary.open("wb") as file:
            layout.write_frames(file, packer)
            size = file.tell()
    lines = _meta_lines(layout, size)
    place = _length(lines[: lines.index(_size_line(size))]) if layout.compress else 0
    lines.append(f"ElementDataFile = {data_name}")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(("\n".join(lines) + "\n").encode("utf-8"))
        if local:
            start = file.tell()
            layout.write_frames(file, packer)
            if layout.compress:
                size = file.tell() - start
                file.seek(place)
                file.write(_size_line(size).encode("ascii"))


def _size_line(size: int) -> str:
    return f"CompressedDataSize = {size:<{SIZE_DIGITS}d}"


def _length(lines: Many[str]) -> int:
    return sum(len(line.encode("utf-8")) + 1 for line in lines)


def _meta_lines(layout: _Layout, size: int) -> list[str]:
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "AnatomicalOrientation = RAI",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CenterOfRotation = 0 0 0",
        f"CompressedData = {layout.compress}",
        *([_size_line(size)] if layout.compress else []),
        f"DimSize = {' '.join(map(str, layout.sizes))}",
        "Kinds = domain domain list",
        "ElementNumberOfChannels = 1",
        "ElementSpacing = 1 1 1",
        f"ElementType = {META_TYPES[layout.dtype.name]}",
        "Offset = 0 0 0",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        f"UltrasoundImageOrientation = {layout.letters}",
        "UltrasoundImageType = BRIGHTNESS",
    ]
    lines += [f"{key} = {value}" for key, value in layout.records()]
    return lines + [f"{key} = {value}" for key, value in layout.frame_fields("ImageStatus")]


def _write_nrrd(path: Path, layout: _Layout) -> None:
    local = path.suffix.lower() == ".nrrd"
    data_name = path.with_suffix(".raw.gz" if layout.compress else ".raw").name
    packer = zlib.compressobj(wbits=31) if layout.compress else None
    if not local:
        with atomic_path(path.with_name(data_name)) as temporary, temporary.open("wb") as file:
            layout.write_frames(file, packer)
    lines = [
        "NRRD0004",
        f"type: {NRRD_TYPES[layout.dtype.name]}",
        "dimension: 3",
        "space dimension: 2",
        f"sizes: {' '.join(map(str, layout.sizes))}",
        "space directions: (1,0) (0,1) none",
        "kinds: domain domain list",
        "endian: little",
        f"encoding: {'gzip' if layout.compress else 'raw'}",
        "space origin: (0,0)",
        *([] if local else [f"data file: {data_name}"]),
        f"ultrasound image orientation:={layout.letters}",
        "ultrasound image type:=BRIGHTNESS",
    ]
    lines += [f"{key}:={value}" for key, value in layout.records()]
    lines += [f"{key}:={value}" for key, value in layout.frame_fields("Status")]
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(("\n".join(lines) + "\n\n").encode("utf-8"))
        if local:
            layout.write_frames(file, packer)
