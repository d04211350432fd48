"""Damage to files: bytes, words of texts, values of JSON, objects of HDF5 files, arrays of npz.

Each function takes a random source and the bytes of a sound file and returns those of a damaged
one; `damaged` chooses by the file's name.
"""

import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from random import Random
from typing import Any

import h5py
import numpy as np

Damage = Callable[[Random, bytes], bytes]

INTEGERS = (
    0,
    1,
    2,
    3,
    7,
    127,
    128,
    255,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**32 - 1,
    10**12,
    2**63,
    2**64 - 1,
)
WORDS = (
    "",
    "0",
    "-1",
    "1",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e-320",
    "99999999999999999999",
    "1_0",
    "0x10",
    "1.5",
    "a",
    "\0",
    "é",
    "\ud7ff",
    "'",
    '"',
    "[",
    "{",
    "}",
    "]",
    "#",
    "=",
    ":",
    ",",
    "..",
    "../..",
    "/dev/zero",
    "/etc/passwd",
    "true",
    "null",
    "9" * 5000,
    "1000000000000",
    "%s",
    "LOCAL",
    "LIST",
    "\n",
    "\r",
    "\t",
    ";",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    1.5,
    -0.0,
    1e308,
    1e-320,
    10**12,
    2**64,
    -(2**63),
    10**400,
    float("nan"),
    float("inf"),
    "",
    "a",
    "..",
    "../../x",
    "/etc/passwd",
    "\0",
    "\ud800",
    "é" * 300,
    [],
    {},
    [[]],
    [{}],
    {"a": {}},
    [1, "a"],
)
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
TOKEN = re.compile(r"[-+]?[0-9.]+(?:e[-+]?\d+)?|\w+|[^\w\s]", re.I)


def flipped(rng: Random, data: bytes, places: Sequence[int]) -> bytes:
    """Flip up to eight bits, mostly near the beginning."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        changed[_place(rng, len(changed), places)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(rng: Random, data: bytes, places: Sequence[int]) -> bytes:
    """Put an unlikely whole number over one to eight bytes, either byte order."""
    size, order = rng.choice((1, 2, 4, 8)), rng.choice("<>")
    value = rng.choice(INTEGERS) & (2 ** (8 * size) - 1)
    number = struct.pack(order + {1: "B", 2: "H", 4: "I", 8: "Q"}[size], value)
    place = _place(rng, len(data), places)
    return data[:place] + number + data[place + size :]


def cut(rng: Random, data: bytes, places: Sequence[int]) -> bytes:
    """Keep the beginning of a file, or leave out a piece."""
    start, end = sorted((_place(rng, len(data), places), _place(rng, len(data), places)))
    return data[:start] if rng.random() < 0.5 else data[:start] + data[end:]


def moved(rng: Random, data: bytes, places: Sequence[int]) -> bytes:
    """Repeat a piece at another place, over what is there or before it."""
    start, size, place = (
        _place(rng, len(data), places),
        rng.randrange(1, 64),
        _place(rng, len(data), places),
    )
    piece = data[start : start + size] * rng.choice((1, 1, 2, 50))
    return data[:place] + piece + data[place + (len(piece) if rng.random() < 0.5 else 0) :]


def _place(rng: Random, size: int, places: Sequence[int]) -> int:
    """Return where to damage a file: one of these places, or mostly in its first bytes."""
    if places and rng.random() < 0.9:
        return min(rng.choice(places), max(size - 1, 0))
    return rng.randrange(min(size, rng.choice((64, 512, 2048, size)))) if size else 0


@lru_cache(maxsize=16)
def _telling_places(data: bytes) -> Sequence[int]:
    """Return the bytes of an HDF5 file that are not its arrays' values, unused space or zeros."""
    tell = np.frombuffer(data, np.uint8) != 0
    tell = np.convolve(tell, np.ones(4))[: len(tell)] > 0  # numbers end in zeros, low bytes first

    def leave_out(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        stored = [(item.id.get_offset(), item.id.get_storage_size())]
        if item.chunks:
            told = [item.id.get_chunk_info(n) for n in range(item.id.get_num_chunks())]
            stored = [(chunk.byte_offset, chunk.size) for chunk in told]
        for start, size in stored:
            if start is not None:
                tell[start : start + size] = False

    try:
        with h5py.File.in_memory(data) as file:
            file.visititems(leave_out)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        pass  # damaged already: all of it
    return np.flatnonzero(tell).tolist()


BYTES = (flipped, flipped, overwritten, overwritten, cut, moved)


def bytes_damaged(rng: Random, data: bytes) -> bytes:
    """Damage bytes once or a few times, whatever they mean."""
    places = _telling_places(data) if data[:8] == HDF5_MAGIC else ()
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(BYTES)(rng, data, places) or b"\0"
    return data


#: How HDF5 stores types: class and version in one byte, three of what the class has, the size.
TYPE = re.compile(
    rb"[\x10\x11\x13\x15\x16][\0-\xff]{3}[\1\2\4\x08]\0{3}|\x19[\0-\2][\0-\xff]\0\x10\0{3}"
)


def type_damaged(rng: Random, data: bytes) -> bytes:
    """Flip bits of what HDF5 tells of the type of an array or attribute, or put an odd byte in."""
    places = [found.start() for found in TYPE.finditer(data)]
    if not places:
        return bytes_damaged(rng, data)
    changed, place = bytearray(data), rng.choice(places)
    for _ in range(rng.choice((1, 1, 2, 3))):
        changed[place + rng.randrange(8)] ^= 1 << rng.randrange(8)
    if rng.random() < 0.3:
        changed[place + rng.randrange(4)] = rng.choice((0, 1, 15, 127, 255))
    return bytes(changed)


def text_damaged(rng: Random, data: bytes) -> bytes:
    """Replace, repeat, remove or swap words and lines of a text, or of a text's header."""
    end = _header_end(data) if rng.random() < 0.95 else len(data)
    text, rest = data[:end].decode("latin-1"), data[end:]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        text = _lines_damaged(rng, text) if rng.random() < 0.3 else _word_damaged(rng, text)
    return text.encode("latin-1" if rng.random() < 0.9 else "utf-8", "ignore") + rest


def _header_end(data: bytes) -> int:
    """Return where the header of a MetaImage or NRRD file ends; of other files, the whole."""
    mark = {b"NRRD": b"\n\n", b"Obje": b"= LOCAL\n"}.get(data[:4])
    place = data.find(mark) if mark else -1
    return len(data) if mark is None or place < 0 else place + len(mark)


def _word_damaged(rng: Random, text: str) -> str:
    tokens = _tokens(text)
    if not tokens:
        return rng.choice(WORDS)
    start, end = rng.choice(tokens)
    new = rng.choice(WORDS) if rng.random() < 0.8 else text[slice(*rng.choice(tokens))]
    return text[:start] + new + text[end:]


@lru_cache(maxsize=64)
def _tokens(text: str) -> Sequence[tuple[int, int]]:
    return [found.span() for found in TOKEN.finditer(text)]


def _lines_damaged(rng: Random, text: str) -> str:
    lines = text.split("\n")
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(4)
    if how == 0:
        del lines[place]
    elif how == 1:
        lines.insert(other, lines[place])
    elif how == 2:
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place] = lines[place] + rng.choice((" ", "", ",")) + lines[other]
    return "\n".join(lines)


def json_damaged(rng: Random, data: bytes) -> bytes:
    """Replace, remove, rename, add or nest values of a JSON file."""
    whole: Any = [json.loads(data)]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _value_damaged(rng, whole)
    text = json.dumps(whole[0]) if whole else ""
    if rng.random() < 0.01:
        deep = rng.choice((40, 2000, 200_000))
        text = text.replace("1", "[" * deep + "]" * deep, 1)
    return text.encode()


def _value_damaged(rng: Random, whole: Any) -> None:
    holder = rng.choice(_holders(whole))
    if isinstance(holder, dict):
        key = rng.choice(list(holder))
        how = rng.randrange(4)
        if how == 0:
            holder[rng.choice(("", "a", "..", "\0", *holder))] = holder.pop(key)
        elif how == 1:
            del holder[key]
        else:
            holder[key] = _new_value(rng, holder[key])
        return
    place = rng.randrange(len(holder))
    how = rng.randrange(4)
    if how == 0 and len(holder) > 1:
        del holder[place]
    elif how == 1:
        holder.append(deepcopy(holder[place]))
    else:
        holder[place] = _new_value(rng, holder[place])


def _new_value(rng: Random, old: Any) -> Any:
    return deepcopy(rng.choice((*VALUES, [old], {"a": old})))  # else one list in many places


def _holders(value: Any) -> list[Any]:
    """Return all lists and objects that hold something, the whole one included."""
    found, waiting = [], [value]
    while waiting:
        item = waiting.pop()
        if item and isinstance(item, dict | list):
            found.append(item)
            waiting += list(item.values()) if isinstance(item, dict) else item[:20]
    return found


def npz_damaged(rng: Random, data: bytes) -> bytes:
    """Write an npz anew with another array in it, packed or not, or with damage in an array."""
    with np.load(io.BytesIO(data)) as file:
        arrays = {key: file[key] for key in file}
    key, buffer = rng.choice(list(arrays)), io.BytesIO()
    how = rng.randrange(4)
    if how == 0:
        del arrays[key]
        arrays[rng.choice(("", "a", "../a"))] = np.zeros(2)
    else:
        arrays[key] = rng.choice(ARRAYS)(rng, arrays[key])
    (np.savez if rng.random() < 0.8 else np.savez_compressed)(buffer, **arrays)
    whole = buffer.getvalue()
    return whole if rng.random() < 0.5 else bytes_damaged(rng, whole)


ARRAYS: tuple[Callable[[Random, np.ndarray], Any], ...] = (
    lambda rng, array: array[:-1],
    lambda rng, array: array[None],
    lambda rng, array: array.ravel(),
    lambda rng, array: array * rng.choice((np.nan, np.inf, 1e200, -1, 0)),
    lambda rng, array: array.astype(rng.choice(("f2", "f4", "i8", "u1", "c16", "S3", "bool"))),
    lambda rng, array: array.astype(">f8"),
    lambda rng, array: np.zeros(0),
    lambda rng, array: np.zeros((0, 4, 4)),
    lambda rng, array: np.float64(3),
    lambda rng, array: np.array(["a", "b"]),
    lambda rng, array: np.array([{"a": 1}], object),
    lambda rng, array: np.zeros(3, [("a", "f8"), ("b", "i4")]),
    lambda rng, array: np.asfortranarray(array),
    lambda rng, array: np.concatenate([array] * 3),
    lambda rng, array: np.zeros(3, "M8[s]"),
)


def hdf5_damaged(rng: Random, data: bytes) -> bytes:
    """Remove, replace, link, or blow up an object or attribute of an HDF5 file."""
    arrays, attributes = _contents(data)
    with h5py.File.in_memory(data) as file:
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            if attributes and rng.random() < 0.2:
                _attribute_damaged(rng, file, *rng.choice(attributes))
            else:
                name = rng.choice(list(arrays))
                if name in file:
                    _object_damaged(rng, file, name, arrays[name])
        file.flush()
        return bytes(file.id.get_file_image())


@lru_cache(maxsize=16)
def _contents(data: bytes) -> tuple[dict[str, np.ndarray], list[tuple[str, str]]]:
    """Return the objects of a file by name, small arrays as they are, and all attributes."""
    arrays: dict[str, np.ndarray] = {}
    with h5py.File.in_memory(data) as file:
        attributes = [("/", key) for key in file.attrs]

        def look(name: str, item: h5py.Group | h5py.Dataset) -> None:
            small = isinstance(item, h5py.Dataset) and item.shape and item.nbytes < 1e6
            arrays[name] = np.asarray(item[()] if small else np.zeros((3, 4, 4)))
            attributes.extend((name, key) for key in item.attrs)

        file.visititems(look)
    return arrays, attributes


ATTRIBUTES: tuple[Any, ...] = (
    None,
    "",
    "a",
    "{}",
    "[]",
    "[" * 5000,
    b"\xff",
    3,
    1.5,
    np.zeros(3),
    [b"a", b"b"],
    h5py.Empty("f"),
)


def _attribute_damaged(rng: Random, file: h5py.File, name: str, key: str) -> None:
    if name not in file or key not in file[name].attrs:
        return
    new, held = rng.choice(ATTRIBUTES), file[name].attrs
    if new is None:
        del held[key]
    elif isinstance(held[key], str) and rng.random() < 0.5:
        held[key] = text_damaged(rng, held[key].encode()).decode("latin-1").replace("\0", "")
    else:
        held[key] = new


def _object_damaged(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    del file[name]
    rng.choice(OBJECTS)(rng, file, name, array)


def _packed(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    """Store an array in a chunk that is cut, grown, packed in another way, or damaged."""
    array = np.atleast_1d(array)
    kind = array.dtype if array.dtype.kind in "fiub" else np.dtype("f8")
    packing = rng.choice((None, "gzip", "lzf"))
    options = {"shuffle": rng.random() < 0.3, "fletcher32": rng.random() < 0.3}
    made = file.create_dataset(name, data=np.zeros(array.shape, kind), chunks=array.shape,
                               compression=packing, **options)  # fmt: skip
    made.flush()
    mask, chunk = made.id.read_direct_chunk((0,) * array.ndim)
    how = rng.randrange(5)
    if how == 0:
        chunk = bytes_damaged(rng, chunk)
    elif how == 1:
        chunk = zlib.compress(bytes(rng.choice((1, array.size, 10**7))))
    elif how == 2:
        chunk = b"\xff" * rng.choice((1, 2, 30, 3000))
    elif how == 3:
        chunk = chunk[: rng.randrange(len(chunk) + 1)]
    made.id.write_direct_chunk((0,) * array.ndim, chunk, rng.choice((0, mask, 1, 2, 7)))


def _promised(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    """Promise up to 10^12 entries of which none is written."""
    count = rng.choice((2**20, 10**9, 10**12))
    kind = array.dtype if array.dtype.kind in "fiub" else "f8"
    file.create_dataset(name, (count, *array.shape[1:]), kind, chunks=(1, *array.shape[1:]))


def _virtual(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    space = h5py.h5s.create_simple(array.shape or (1,))
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_obj_track_times(False)  # the same bytes at any time
    plan.set_virtual(space, rng.choice((b"other.h5", b"/dev/zero", b".")), b"a", space)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F64LE, space, plan)


KINDS = (
    "f2",
    "f4",
    "f8",
    ">f8",
    "i8",
    "u1",
    "c16",
    "S3",
    "bool",
    "text",
    "ragged",
    "link",
    "pair",
)


def _kind(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    kind = rng.choice(KINDS)
    own: Any = {
        "text": h5py.string_dtype(),
        "ragged": h5py.vlen_dtype(np.float64),
        "link": h5py.ref_dtype,
        "pair": [("a", "f8"), ("b", "S2")],
    }.get(kind, kind)
    file.create_dataset(name, array.shape, own)


def _linked(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    target = rng.choice(("none.h5", "/dev/zero", "../x.h5"))
    out = h5py.ExternalLink(target, "/")
    file[name] = rng.choice((h5py.SoftLink("/"), h5py.SoftLink(name), h5py.SoftLink(".."), out))


def _replaced(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    file[name] = rng.choice((file["/"], h5py.Empty("f8"), 0, -1, 1.5, "text", np.nan, np.zeros(0)))


def _reshaped(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    file[name] = rng.choice(ARRAYS[:5])(rng, array) if array.dtype.kind == "f" else 3


def _never_written(rng: Random, file: h5py.File, name: str, array: np.ndarray) -> None:
    kind = array.dtype if array.dtype.kind in "fiub" else "f8"
    file.create_dataset(name, array.shape, kind)


OBJECTS: tuple[Callable[[Random, h5py.File, str, np.ndarray], Any], ...] = (
    lambda rng, file, name, array: None,
    lambda rng, file, name, array: file.create_group(name),
    _linked,
    _linked,
    _replaced,
    _replaced,
    _reshaped,
    _never_written,
    _promised,
    _packed,
    _packed,
    _virtual,
    _kind,
    _kind,
)


TEXTS = (".csv", ".tum", ".kitti", ".toml", ".xml", ".txt")
BY_SUFFIX: dict[str, tuple[Damage, ...]] = {
    ".h5": (hdf5_damaged, hdf5_damaged, bytes_damaged, type_damaged),
    ".hdf5": (hdf5_damaged, hdf5_damaged, bytes_damaged, type_damaged),
    ".npz": (npz_damaged, bytes_damaged),
    ".json": (json_damaged, json_damaged, json_damaged, text_damaged, bytes_damaged),
    ".mha": (text_damaged, text_damaged, bytes_damaged),
    ".nrrd": (text_damaged, text_damaged, bytes_damaged),
    **dict.fromkeys(TEXTS, (text_damaged, text_damaged, text_damaged, bytes_damaged)),
}


def damaged(rng: Random, name: str, data: bytes) -> bytes:
    """Return the bytes of a sound file, damaged in a way that suits its name."""
    suffix = "." + name.rpartition(".")[2]
    chosen = rng.choice(BY_SUFFIX.get(suffix, (bytes_damaged,)))
    try:
        return chosen(rng, data)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return bytes_damaged(rng, data)  # some damage cannot be done, such as a link to itself
