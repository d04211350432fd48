"""Writing of volumes with their geometry: MetaImage (.mha), NRRD (.nrrd), NIfTI-1 (.nii, .nii.gz).

MetaImage knows LPS only and NIfTI RAS only, so coordinates are turned where needed; NRRD states
which it is.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import numpy as np

from benchmark.errors import UserError
from benchmark.files import atomic_path
from benchmark.interop.volumes.names import NRRD_SPACES, turned, volume_suffix
from benchmark.sweep import Axes
from benchmark.volume.reconstruction import Volume

SLAB_BYTES = 16 << 20
SIZE_DIGITS = 16  # kept in a header for a size that is known only at the end

# Names of the two voxel types in the three formats; NIfTI: datatype and bits.
META_TYPES = {"float32": "MET_FLOAT", "uint8": "MET_UCHAR"}
NRRD_TYPES = {"float32": "float", "uint8": "uint8"}
NIFTI_TYPES = {"float32": (16, 32), "uint8": (2, 8)}


def write_volume(
    path: Path | str,
    volume: Volume,
    *,
    world: Axes = "LPS",
    dtype: Literal["float32", "uint8"] = "float32",
    compress: bool | None = None,
) -> None:
    """Write a volume in the format of the file's suffix, whole or not at all.

    Parameters
    ----------
    world : meaning of the world's axes in the patient (see `names`).
    dtype : uint8 rounds and clips, enough for B-mode.
    compress : by zlib or gzip; None: only .nii.gz.

    Raises
    ------
    UserError : another suffix, one that contradicts `compress`, a file that cannot be written.
    """
    path = Path(path)
    suffix = volume_suffix(path)
    if world not in get_args(Axes) or dtype not in META_TYPES:
        raise UserError(f"{path}: expected world LPS or RAS and dtype float32 or uint8")
    packed = suffix == ".nii.gz"
    if compress is not None and suffix.startswith(".nii") and compress != packed:
        raise UserError(f"{path}: NIfTI is compressed as .nii.gz and only so")
    write = {".mha": _write_meta, ".nrrd": _write_nrrd}.get(suffix, _write_nifti)
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            write(file, volume, world, dtype, packed or bool(compress))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _write_meta(file: BinaryIO, volume: Volume, world: Axes, dtype: str, compress: bool) -> None:
    lps_from_voxel = turned(volume.world_from_voxel, world, "LPS")
    spacing = volume.spacing_mm
    header = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        f"CompressedData = {compress}",
        # The format lists one axis after the other, although it is called a matrix.
        f"TransformMatrix = {_numbers((lps_from_voxel[:3, :3] / spacing).T)}",
        f"Offset = {_numbers(lps_from_voxel[:3, 3])}",
        "CenterOfRotation = 0 0 0",
        "AnatomicalOrientation = RAI",
        f"ElementSpacing = {_numbers(spacing)}",
        f"DimSize = {' '.join(map(str, volume.values.shape))}",
        f"ElementType = {META_TYPES[dtype]}",
        "ElementDataFile = LOCAL",
    ]
    place = 0
    if compress:
        before = "\n".join(header[:5]) + "\nCompressedDataSize = "
        place = len(before)
        header.insert(5, "CompressedDataSize = " + "0" * SIZE_DIGITS)
    file.write(("\n".join(header) + "\n").encode("ascii"))
    start = file.tell()
    _write_voxels(file, volume, dtype, zlib.compressobj() if compress else None)
    if compress:
        size = file.tell() - start
        file.seek(place)
        file.write(f"{size:0{SIZE_DIGITS}d}".encode("ascii"))


def _write_nrrd(file: BinaryIO, volume: Volume, world: Axes, dtype: str, compress: bool) -> None:
    matrix = volume.world_from_voxel
    directions = " ".join(f"({_numbers(matrix[:3, axis], ',')})" for axis in range(3))
    header = [
        "NRRD0005",
        f"type: {NRRD_TYPES[dtype]}",
        "dimension: 3",
        f"space: {NRRD_SPACES[world]}",
        f"sizes: {' '.join(map(str, volume.values.shape))}",
        f"space directions: {directions}",
        "kinds: domain domain domain",
        "endian: little",
        f"encoding: {'gzip' if compress else 'raw'}",
        'space units: "mm" "mm" "mm"',
        f"space origin: ({_numbers(matrix[:3, 3], ',')})",
    ]
    file.write(("\n".join(header) + "\n\n").encode("ascii"))
    _write_voxels(file, volume, dtype, zlib.compressobj(wbits=31) if compress else None)


def _write_nifti(file: BinaryIO, volume: Volume, world: Axes, dtype: str, compress: bool) -> None:
    packer = zlib.compressobj(wbits=31) if compress else None
    header = _nifti_header(volume, turned(volume.world_from_voxel, world, "RAS"), dtype)
    file.write(packer.compress(header) if packer else header)
    _write_voxels(file, volume, dtype, packer)


def _nifti_header(volume: Volume, ras_from_voxel: np.ndarray, dtype: str) -> bytes:
    """Return the 352 bytes before the voxels, the pose given as quaternion and as matrix."""
    from scipy.spatial.transform import Rotation

    code, bits = NIFTI_TYPES[dtype]
    spacing = volume.spacing_mm
    rotation = ras_from_voxel[:3, :3] / spacing
    handed = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    x, y, z, w = Rotation.from_matrix(rotation * [1, 1, handed]).as_quat()
    sign = -1.0 if w < 0 else 1.0  # w is not in the file and taken as positive
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *volume.values.shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, code, bits)
    struct.pack_into("<8f", header, 76, handed, *spacing, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)  # voxels start here; slope, intercept
    header[123] = 2  # mm
    struct.pack_into("<hh", header, 252, 1, 1)  # both transforms are scanner coordinates
    struct.pack_into("<6f", header, 256, sign * x, sign * y, sign * z, *ras_from_voxel[:3, 3])
    struct.pack_into("<12f", header, 280, *ras_from_voxel[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _numbers(values: np.ndarray, separator: str = " ") -> str:
    return separator.join(repr(float(value)) for value in np.asarray(values).ravel())


def _write_voxels(file: BinaryIO, volume: Volume, dtype: str, packer: Any) -> None:
    """Write the voxels, x fastest, a few planes at a time."""
    pack: Callable[[bytes], bytes] = packer.compress if packer else lambda data: data
    for data in _slabs(volume.values, dtype):
        file.write(pack(data))
    if packer:
        file.write(packer.flush())


def _slabs(values: np.ndarray, dtype: str) -> Iterator[bytes]:
    planes = values.transpose(2, 1, 0)
    step = max(1, SLAB_BYTES // max(1, planes[0].size * 4))
    for start in range(0, len(planes), step):
        slab = planes[start : start + step]
        if dtype == "uint8":
            slab = np.clip(np.rint(slab), 0, 255).astype(np.uint8)
        yield np.ascontiguousarray(slab, np.dtype(dtype).newbyteorder("<")).tobytes()
