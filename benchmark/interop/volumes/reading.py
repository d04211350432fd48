"""Reading of volumes with their geometry: MetaImage (.mha), NRRD (.nrrd), NIfTI-1 (.nii, .nii.gz).

    volume = read_volume("volume.nrrd", world="RAS")

Each reader returns the stored values [z, y, x], the matrix from voxels, and its axes.
"""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.interop.headers import Header, read_header
from benchmark.interop.streams import MOST_PACKED, FileFrames
from benchmark.interop.volumes.names import NRRD_SPACES, turned, volume_suffix
from benchmark.sweep import Axes
from benchmark.volume.reconstruction import Volume

Stored = tuple[np.ndarray, np.ndarray, Axes]
NIFTI_BYTES = 348  # of the header
NIFTI_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
}  # fmt: skip
NIFTI_UNITS_MM = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}  # unknown, m, mm, um


def read_volume(path: Path | str, *, world: Axes = "LPS") -> Volume:
    """Return the volume of a file, in a world whose axes mean `world` in the patient.

    The files do not say where pixels lay: `weight` is 1 everywhere.

    Raises
    ------
    UserError : no such file, another format, a truncated file, anything but one grey volume with
        a place in space.
    """
    path = Path(path)
    read = {".mha": _read_meta, ".nrrd": _read_nrrd}.get(volume_suffix(path), _read_nifti)
    values, matrix, axes = read(path)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        raise UserError(f"{path}: expected three independent directions of voxels, got {matrix}")
    values = values.astype(np.float32).transpose(2, 1, 0)
    return Volume(values, turned(matrix, axes, world), np.ones_like(values))


def _read_meta(path: Path) -> Stored:
    header = read_header(path)
    values = _voxels(header)
    fields = header.fields
    rows = _numbers(header, ("TransformMatrix", "Orientation", "Rotation"), 9).reshape(3, 3)
    origin = _numbers(header, ("Offset", "Origin", "Position"), 3)
    spacing = _numbers(header, ("ElementSpacing", "ElementSize"), 3)
    if fields.get("DistanceUnits", "mm") != "mm":
        raise UserError(f"{path}: DistanceUnits: expected mm, got {fields['DistanceUnits']}")
    return values, _matrix(rows.T * spacing, origin), "LPS"


def _read_nrrd(path: Path) -> Stored:
    header = read_header(path)
    values = _voxels(header)
    space = header.fields.get("space", "").lower()
    axes = {known: key for key, name in NRRD_SPACES.items() for known in (name, key.lower())}
    if space not in axes:
        expected = ", ".join(NRRD_SPACES.values())
        raise UserError(f"{path}: space: expected one of {expected}, got '{space}'")
    directions = _numbers(header, ("space directions",), 9).reshape(3, 3)
    return values, _matrix(directions.T, _numbers(header, ("space origin",), 3)), axes[space]


def _voxels(header: Header) -> np.ndarray:
    """Return the stored values [z, y, x] of a MetaImage or NRRD volume."""
    given = " x ".join(map(str, header.sizes))
    if header.frame_fields or len(header.sizes) != 3:
        what = "a sequence of frames" if header.frame_fields else "an image"
        raise UserError(f"{header.path}: {what} ({given}), expected a volume of three axes")
    return FileFrames(
        header.data_path,
        header.data_offset,
        header.sizes[::-1],
        header.dtype,
        packed=header.packed,
        size=header.packed_bytes,
    )[:]


def _numbers(header: Header, keys: tuple[str, ...], count: int) -> np.ndarray:
    """Return the numbers of the first key that the header has."""
    text = next((header.fields[key] for key in keys if key in header.fields), "")
    try:
        numbers = np.array([float(word) for word in re.sub(r"[(),]", " ", text).split()])
    except ValueError as error:
        raise UserError(f"{header.path}: {keys[0]}: {error}") from error
    if numbers.shape != (count,):
        raise UserError(f"{header.path}: {keys[0]}: expected {count} numbers, got '{text}'")
    return numbers


def _matrix(directions: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Return world_from_voxel (4, 4) of directions (3, 3), one per column with its length."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = directions, origin
    return matrix


def _read_nifti(path: Path) -> Stored:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            header = file.read(NIFTI_BYTES)
            order = _nifti_order(path, header)
            sizes, dtype = _nifti_layout(path, header, order)
            start, slope, offset = struct.unpack_from(f"{order}fff", header, 108)
            count = math.prod(sizes) * dtype.itemsize
            most = MOST_PACKED * path.stat().st_size
            if not (NIFTI_BYTES <= start <= most and count <= most):
                raise UserError(f"{path}: truncated: expected {count} bytes from byte {start:g} on")
            file.read(int(start) - NIFTI_BYTES)
            data = file.read(count)
            file.read(1)  # at its end, gzip compares the checksum
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: truncated or not a gzip file ({error})") from error
    if len(data) < count:
        raise UserError(f"{path}: truncated: expected {count} bytes of voxels, got {len(data)}")
    values = np.frombuffer(data, dtype).reshape(sizes[::-1])
    if slope not in (0, 1) or offset:
        values = values * np.float32(slope or 1) + np.float32(offset)
    return values, _nifti_matrix(path, header, order), "RAS"


def _nifti_order(path: Path, header: bytes) -> str:
    """Return the byte order of a header."""
    if len(header) == NIFTI_BYTES and header[344:] == b"n+1\0":
        for order in "<>":
            if struct.unpack_from(f"{order}i", header)[0] == NIFTI_BYTES:
                return order
    raise UserError(f"{path}: truncated or not NIfTI-1 in one file (n+1)")


def _nifti_layout(path: Path, header: bytes, order: str) -> tuple[tuple[int, ...], np.dtype]:
    """Return the sizes along x, y, z and the type of the voxels."""
    count, *sizes = struct.unpack_from(f"{order}8h", header, 40)
    if count < 3 or min(sizes[:3]) < 1 or any(size > 1 for size in sizes[3:count]):
        given = " x ".join(map(str, sizes[: max(count, 0)]))
        raise UserError(f"{path}: expected one volume of three axes, got {given}")
    (code,) = struct.unpack_from(f"{order}h", header, 70)
    if code not in NIFTI_TYPES:
        raise UserError(f"{path}: datatype {code} is not one of {', '.join(map(str, NIFTI_TYPES))}")
    return tuple(sizes[:3]), np.dtype(order + NIFTI_TYPES[code])


def _nifti_matrix(path: Path, header: bytes, order: str) -> np.ndarray:
    """Return ras_from_voxel (4, 4), mm: of the matrix if there is one, else of the quaternion."""
    from scipy.spatial.transform import Rotation

    by_quaternion, by_matrix = struct.unpack_from(f"{order}hh", header, 252)
    unit = NIFTI_UNITS_MM.get(header[123] & 7, 1.0)
    if by_matrix > 0:
        rows = np.array(struct.unpack_from(f"{order}12f", header, 280)).reshape(3, 4)
        return _matrix(unit * rows[:, :3], unit * rows[:, 3])
    if by_quaternion <= 0:
        raise UserError(f"{path}: says nothing of its place (sform_code and qform_code are 0)")
    x, y, z, *origin = struct.unpack_from(f"{order}6f", header, 256)
    w = np.sqrt(max(0.0, 1 - x * x - y * y - z * z))
    handed, *spacing = struct.unpack_from(f"{order}4f", header, 76)
    scale = np.array(spacing) * [1, 1, -1 if handed < 0 else 1]
    if not 0.0 < np.linalg.norm([x, y, z, w]) < np.inf:
        raise UserError(f"{path}: quatern_b, c, d: expected a rotation, got {x:g}, {y:g}, {z:g}")
    rotation = Rotation.from_quat([x, y, z, w]).as_matrix()
    return _matrix(unit * rotation * scale, unit * np.array(origin))
