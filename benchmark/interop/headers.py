"""The text headers of MetaImage and NRRD sequences."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.schema.dataset import is_path_below

META_TYPES = {
    "uint8": "MET_UCHAR",
    "int8": "MET_CHAR",
    "uint16": "MET_USHORT",
    "int16": "MET_SHORT",
    "uint32": "MET_UINT",
    "int32": "MET_INT",
    "float32": "MET_FLOAT",
    "float64": "MET_DOUBLE",
}
NRRD_TYPES = {
    "uint8": "uint8",
    "int8": "int8",
    "uint16": "uint16",
    "int16": "int16",
    "uint32": "uint32",
    "int32": "int32",
    "float32": "float",
    "float64": "double",
}
NRRD_SYNONYMS = {
    "unsigned char": "uint8",
    "uchar": "uint8",
    "uint8_t": "uint8",
    "signed char": "int8",
    "int8_t": "int8",
    "unsigned short": "uint16",
    "ushort": "uint16",
    "uint16_t": "uint16",
    "short": "int16",
    "signed short": "int16",
    "int16_t": "int16",
    "unsigned int": "uint32",
    "uint": "uint32",
    "uint32_t": "uint32",
    "int": "int32",
    "int32_t": "int32",
    "float": "float32",
    "double": "float64",
}
FRAME_FIELD = re.compile(r"Seq_Frame([0-9]{1,9})_(.+)")
LONGEST_LINE = 1 << 20
INDEX_FIELDS = ("type", "values")
SECONDS_PER = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}


@dataclass(frozen=True)
class Header:
    """A sequence's header: fields, fields of frames, axes, and the place of the data.

    frame_fields[name][frame]: text; kinds and sizes: one per axis, the fastest first; packed: the
    data are compressed, to packed_bytes where the header says; data_offset: bytes before the data,
    None where they are the last bytes of their file; image_status: the name of the frame field
    for it.
    """

    path: Path
    fields: dict[str, str]
    frame_fields: dict[str, dict[int, str]]
    kinds: tuple[str, ...]
    sizes: tuple[int, ...]
    dtype: np.dtype
    packed: bool
    packed_bytes: int | None
    data_path: Path
    data_offset: int | None
    orientation: str | None
    image_status: str

    @property
    def list_axis(self) -> int:
        """The axis along which the frames lie, -1 where there is not one such axis."""
        axes = [axis for axis, kind in enumerate(self.kinds) if kind != "domain"]
        return axes[0] if len(axes) == 1 else -1

    @property
    def is_volume_sequence(self) -> bool:
        """Whether 3D Slicer wrote it as a sequence of its own (.seq.nrrd), without poses."""
        return any(f"axis {self.list_axis} index {what}" in self.fields for what in INDEX_FIELDS)

    def frame_shape(self) -> tuple[int, int, int]:
        """Return (frames, rows, columns); no rows and columns in a file of poses without images.

        Raises
        ------
        UserError : a single image or anything but a list of 2D frames.
        """
        spatial = [n for n, kind in zip(self.sizes, self.kinds, strict=True) if kind == "domain"]
        given = " x ".join(map(str, self.sizes))
        if self.list_axis < 0 or len(spatial) < 2 or any(n > 1 for n in spatial[2:]):
            raise UserError(
                f"{self.path}: expected a sequence of 2D frames (width x height x frames), got "
                f"{given} of kinds {' '.join(self.kinds)}"
            )
        if self.list_axis not in (0, len(self.sizes) - 1):
            raise UserError(
                f"{self.path}: expected the frames along the first or last axis, got {given}"
            )
        frames = self.sizes[self.list_axis]
        last = max((max(values) for values in self.frame_fields.values()), default=-1)
        if last >= frames or frames < 1 or min(self.sizes) < 0:
            raise UserError(f"{self.path}: sizes {given}, yet fields of frame {last}")
        columns, rows = spatial[:2] if min(spatial) else (0, 0)
        return frames, rows, columns

    def index_times(self) -> np.ndarray:
        """Return the times (N,) s of a sequence of 3D Slicer, NaN where its index is no time.

        Raises
        ------
        UserError : not one number per frame, or a unit that is not of time.
        """
        axis, frames = self.list_axis, self.sizes[self.list_axis]
        label, unit = (
            _axis_text(self.fields, "labels", axis),
            _axis_text(self.fields, "units", axis),
        )
        if label != "time":
            return np.full(frames, np.nan)
        key = f"axis {axis} index values"
        values = np.array(_floats(self.fields.get(key, ""), f"{self.path}: {key}"))
        if values.shape != (frames,) or unit not in SECONDS_PER:
            raise UserError(
                f"{self.path}: {key}: expected {frames} numbers in one of "
                f"{', '.join(filter(None, SECONDS_PER))}, got {len(values)} in '{unit}'"
            )
        return values * SECONDS_PER[unit]

    def spacing(self) -> np.ndarray:
        """Return the pixel size (2,) along columns and rows as the file has it, mm."""
        text = self.fields.get("ElementSpacing") or self.fields.get("ElementSize")
        if text:
            return np.array(_floats(text, f"{self.path}: ElementSpacing")[:2])
        vectors = re.findall(r"\(([^)]*)\)", self.fields.get("space directions", ""))
        sizes = [np.linalg.norm(_floats(v.replace(",", " "), str(self.path))) for v in vectors]
        return np.array(sizes[:2]) if len(sizes) >= 2 else np.ones(2)


def _axis_text(fields: dict[str, str], key: str, axis: int) -> str:
    """Return what a NRRD field of quoted words, such as labels, has for an axis."""
    words = re.findall(r'"([^"]*)"', fields.get(key, ""))
    return words[axis] if axis < len(words) else ""


def _floats(text: str, what: str) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError as error:
        raise UserError(f"{what}: {error}") from error


def read_header(path: Path) -> Header:
    """Return the header of a MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr) sequence.

    Raises
    ------
    UserError : no such file, another format, a key that is missing or has an unsupported value.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start == b"NRRD":
                fields, frame_fields, offset = _read_lines(path, file, ":")
                return _nrrd(path, fields, frame_fields, offset)
            fields, frame_fields, offset = _read_lines(path, file, "=")
            return _meta(path, fields, frame_fields, offset)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _read_lines(
    path: Path, file, separator: str
) -> tuple[dict[str, str], dict[str, dict[int, str]], int]:
    """Return fields, fields of frames, and the offset after the header."""
    fields: dict[str, str] = {}
    frame_fields: dict[str, dict[int, str]] = {}
    is_nrrd = separator == ":"
    while True:
        line = file.readline(LONGEST_LINE)
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if is_nrrd and (not text or text.startswith(("#", "NRRD"))):
            if line and text:
                continue
            return fields, frame_fields, file.tell()
        key, found, value = text.partition(separator)
        if not line or not found or "\0" in key:
            kind = "NRRD" if is_nrrd else "MetaImage"
            raise UserError(f"{path}: truncated or no {kind} header (at byte {file.tell()})")
        key, value = key.strip(), value.removeprefix("=").strip()
        match = FRAME_FIELD.fullmatch(key)
        if match:
            frame_fields.setdefault(match[2], {})[int(match[1])] = value
        else:
            fields[key] = value
        if not is_nrrd and key == "ElementDataFile":
            return fields, frame_fields, file.tell()


def _needed(path: Path, fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise UserError(f"{path}: {key} is missing in the header")
    return fields[key]


def _integers(path: Path, fields: dict[str, str], key: str) -> tuple[int, ...]:
    text = _needed(path, fields, key)
    try:
        return tuple(int(word) for word in text.split())
    except ValueError as error:
        raise UserError(f"{path}: {key}: expected whole numbers, got '{text}'") from error


def _meta(path: Path, fields: dict, frame_fields: dict, offset: int) -> Header:
    sizes = _integers(path, fields, "DimSize")
    known = {name: dtype for dtype, name in META_TYPES.items()}
    dtype = _type(path, _needed(path, fields, "ElementType"), known)
    msb = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
    packed = fields.get("CompressedData", "False").lower() == "true"
    if fields.get("BinaryData", "True").lower() != "true":
        raise UserError(f"{path}: expected binary data (BinaryData = True)")
    channels = fields.get("ElementNumberOfChannels", "1")
    if channels != "1":
        raise UserError(
            f"{path}: expected grey frames (ElementNumberOfChannels = 1), got '{channels}'"
        )
    data = _needed(path, fields, "ElementDataFile")
    if not data or data.split()[0] == "LIST" or "%" in data:
        raise UserError(f"{path}: ElementDataFile: expected LOCAL or one file, got '{data}'")
    size = "CompressedDataSize"
    return Header(
        path,
        fields,
        frame_fields,
        _kinds(path, fields.get("Kinds"), len(sizes)),
        sizes,
        dtype.newbyteorder(">" if msb.lower() == "true" else "<"),
        packed,
        next(iter(_integers(path, fields, size)), None) if packed and size in fields else None,
        path if data == "LOCAL" else _beside(path, "ElementDataFile", data),
        _meta_offset(path, fields, offset if data == "LOCAL" else 0, packed),
        fields.get("UltrasoundImageOrientation"),
        "ImageStatus",
    )


def _meta_offset(path: Path, fields: dict, offset: int, packed: bool) -> int | None:
    """Return the bytes before the data, None where they are the last ones of their file.

    As in ITK's reader, HeaderSize counts from the file's beginning and -1 means the last bytes.
    """
    if "HeaderSize" not in fields:
        return offset
    sizes = _integers(path, fields, "HeaderSize")
    if len(sizes) != 1 or sizes[0] < -1 or (packed and sizes[0] == -1):
        kinds = "0 or more where data are compressed" if packed else "-1, 0 or more"
        raise UserError(f"{path}: HeaderSize: expected {kinds}, got '{fields['HeaderSize']}'")
    return None if sizes[0] == -1 else sizes[0] or offset


def _nrrd(path: Path, fields: dict, frame_fields: dict, offset: int) -> Header:
    sizes = _integers(path, fields, "sizes")
    known = {**NRRD_SYNONYMS, **{name: name for name in NRRD_TYPES}}
    dtype = _type(path, _needed(path, fields, "type").lower(), known)
    encoding = _needed(path, fields, "encoding").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise UserError(f"{path}: encoding: expected raw or gzip, got '{encoding}'")
    for key in ("line skip", "byte skip"):
        if fields.get(key, "0") != "0":
            raise UserError(f"{path}: {key}: expected 0, got {fields[key]}")
    data = fields.get("data file", fields.get("datafile"))
    big = fields.get("endian", "little").lower() == "big"
    return Header(
        path,
        fields,
        frame_fields,
        _kinds(path, fields.get("kinds"), len(sizes)),
        sizes,
        dtype.newbyteorder(">" if big else "<"),
        encoding != "raw",
        None,
        _beside(path, "data file", data) if data else path,
        0 if data else offset,
        fields.get("ultrasound image orientation"),
        "Status" if "Status" in frame_fields else "ImageStatus",
    )


def _beside(path: Path, key: str, name: str) -> Path:
    """Return the file of data that a header names, which lies in the header's folder or below."""
    if not is_path_below(name):
        raise UserError(f"{path}: {key}: expected a file in the header's folder, got '{name}'")
    return path.parent / name


def _type(path: Path, name: str, known: dict[str, str]) -> np.dtype:
    if name not in known:
        raise UserError(f"{path}: element type '{name}' is not one of {', '.join(known)}")
    return np.dtype(known[name])


def _kinds(path: Path, text: str | None, dimensions: int) -> tuple[str, ...]:
    """Return one kind per axis; frames are along the last one, as in PLUS, if none is given.

    So they are in a bare stack, whose three axes other programs call spatial.
    """
    stacked = ("domain",) * (dimensions - 1) + ("list",)
    if text is None:
        return stacked
    kinds = tuple("domain" if kind in ("space", "domain") else kind for kind in text.split())
    if len(kinds) != dimensions:
        raise UserError(f"{path}: {len(kinds)} kinds for {dimensions} axes")
    return stacked if kinds == ("domain",) * 3 else kinds
