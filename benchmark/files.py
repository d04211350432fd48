"""Files written whole or not at all (temporary name, then rename), JSON, hashes, the data root.

A hash says whether bytes are the same; a fingerprint says whether arrays are the same but for the
last digits, which differ between processors.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import platform
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError, chain
from benchmark.stored.jsons import MOST_BYTES, parsed
from benchmark.workers import process_began

#: How many projections a fingerprint has.
PROJECTIONS = 8
#: Seeds of the signs of places within a row and of rows, and how many rows' are drawn together.
PLACES, ROWS, BLOCK = 0, 1, 1024
#: A full disk, a full quota, a limit on the size of files.
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without error.

    A reader therefore never sees half a file, and a killed writer leaves the old one in place. What
    it leaves beside it, the next writer of the file on this machine removes.

    Raises
    ------
    UserError : the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path)
        prefix, suffix = _temporary(path)
        handle, name = tempfile.mkstemp(suffix, f"{prefix}{os.getpid()}-", path.parent)
    except OSError as error:
        raise cannot_be_written(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        with clear_full_disk(path), _clear_lost_folder(path, temporary):
            yield temporary
            with contextlib.suppress(OSError):  # Windows drives, CIFS: all files have one mode
                temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _clear_lost_folder(path: Path, temporary: Path) -> Iterator[None]:
    """Turn an error into a UserError that names `path` if its temporary file is gone."""
    try:
        yield
    except OSError as error:
        if temporary.exists() and error.filename != str(temporary):
            raise
        raise cannot_be_written(path, error) from error


def _temporary(path: Path) -> tuple[str, str]:
    """Return how names of temporary files for `path` begin, before the process, and end."""
    return f".{path.stem[:100]}-{_host()}-", f".part{path.suffix}"


def _remove_left(path: Path) -> None:
    """Remove temporary files for `path` whose processes, of this machine, have ended."""
    prefix, suffix = map(re.escape, _temporary(path))
    _remove_dead(path.parent, prefix, suffix)


def remove_left_in(folder: Path) -> None:
    """Remove temporary files in a folder whose processes, of this machine, have ended."""
    _remove_dead(folder, rf"\..*-{_host()}-", r"\.part(\.\w+)?")


def _remove_dead(folder: Path, prefix: str, suffix: str) -> None:
    """Remove files whose process has ended; its number lies between two regular expressions."""
    name = re.compile(prefix + r"([0-9]+)-[^-]*" + suffix)
    for entry in os.scandir(folder):
        found = name.fullmatch(entry.name)
        if found and process_began(int(found[1])) is None:
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()


def _host() -> str:
    """Return eight hexadecimal digits that stand for this machine in names of files."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def clear_full_disk(path: Path | str) -> Iterator[None]:
    """Turn any library's error of a full disk into a UserError that names `path`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not lack_of_space(error):
            raise
        raise cannot_be_written(Path(path), error) from error


def lack_of_space(error: BaseException | None) -> str:
    """Return the system's words for a full disk or quota if an error arose from one, else "".

    Libraries hide the system's error in one of their own: its causes are looked at too, and the
    number that HDF5 and safetensors write into their texts.
    """
    for one in chain(error):
        told = re.search(r"(?:errno = |os error )(\d+)", str(one))
        number = getattr(one, "errno", None) or (told and int(told[1]))
        if number in NO_SPACE:
            return os.strerror(number)
    return ""


def cannot_be_written(path: Path, error: Exception, needed: int = 0) -> UserError:
    """Return the error of a file that the system refuses; needed: its bytes, where known."""
    full = lack_of_space(error)
    if not full:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        return UserError(f"{path}: cannot be written ({reason})")
    amount = f"; {in_bytes(needed)} are needed" if needed else ""
    return UserError(
        f"{path}: cannot be written ({full}{amount}); make room and give the same command again: "
        "files that are finished stay"
    )


def in_bytes(number: float) -> str:
    """Return a number of bytes with three digits: 999 bytes, 61.4 kB, 1.76 GB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f} bytes"


def canonical_json(value: Any) -> str:
    """Return the canonical JSON text of a value, for hashes: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all (NaN is refused)."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    UserError : the file is missing, cannot be read, is not JSON or more of it than is read
        (`benchmark.stored.jsons`), with its name and the line.
    """
    path = Path(path)
    try:
        return parsed(_text(path))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except OSError as error:
        raise UserError(f"{path}: expected a file, cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected JSON in UTF-8, got other bytes ({error})") from error
    except ValueError as error:  # also a whole number of thousands of digits
        raise UserError(f"{path}: expected JSON, {error}") from error
    except RecursionError as error:
        raise UserError(f"{path}: expected JSON, got lists or objects nested too deeply") from error


def _text(path: Path) -> str:
    """Return the text of a file, which a pipe or a device is not: these may go on for ever."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "no regular file")
    if about.st_size > MOST_BYTES:
        raise ValueError(f"at most {MOST_BYTES} bytes, got {about.st_size}")
    return path.read_text(encoding="utf-8-sig")  # editors put a byte order mark


def sha256_of_text(text: str) -> str:
    """Return the SHA-256 of a text (UTF-8), 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of_file(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes, 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_fingerprint(rows: Iterable[np.ndarray]) -> list[float]:
    """Return the fingerprint of the rows of an array, e.g. of frames that are read one by one.

    Its Euclidean norm, then `PROJECTIONS` sums of all values with fixed signs. The sign of a value
    is the product of its row's and its place's. So a change of one value by d changes every sum by
    d, and many changes at random change them by about the norm of the changes.
    """
    square, sums = 0.0, np.zeros(PROJECTIONS)
    for index, row in enumerate(rows):
        values = np.asarray(row, float).ravel()
        square += float((values * values).sum())
        sign = _signs(ROWS, index // BLOCK)[index % BLOCK]
        sums += sign * (values @ _signs(PLACES, 0, values.size))
    return [math.sqrt(square), *sums.tolist()]


def fingerprint_gap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return by how much two fingerprints differ: the largest difference over the larger norm.

    0 for the same arrays; infinite where either is no fingerprint or holds NaN.
    """
    if not len(one) == len(other) == PROJECTIONS + 1:
        return math.inf
    gap = float(np.abs(np.subtract(one, other)).max())
    largest = max(one[0], other[0])
    if gap == 0:
        return 0.0
    return gap / largest if gap > 0 and largest > 0 else math.inf


def is_fingerprint(value: Any) -> bool:
    """Return whether a JSON value is an object of fingerprints: lists of numbers by part."""
    return isinstance(value, dict) and all(
        isinstance(numbers, list)
        and len(numbers) == PROJECTIONS + 1
        and all(isinstance(number, int | float) for number in numbers)
        for numbers in value.values()
    )


@lru_cache(maxsize=4)
def _signs(seed: int, block: int, count: int = BLOCK) -> np.ndarray:
    """Return fixed signs (count, PROJECTIONS), +1 or -1, the same with every version of numpy."""
    raw = np.random.PCG64(np.random.SeedSequence((seed, block))).random_raw(count)
    bits = (raw[:, None] >> np.arange(PROJECTIONS, dtype=np.uint64)) & np.uint64(1)
    return 2.0 * bits - 1.0


def data_root() -> Path:
    """Return the folder of all data sets: `$SWEEPBENCH_DATA`, or `data` in the current one."""
    return Path(os.environ.get("SWEEPBENCH_DATA", "data"))


def ensure_space(path: Path, needed: int) -> None:
    """Refuse to write a file of `needed` bytes if they do not fit on the disk.

    The space is reserved and released, so full disks, quotas and limits on file sizes all count.
    Without this, HDF5 fails in the middle of writing and cannot close its file.

    Raises
    ------
    UserError : the folder cannot be made or written, or the space does not suffice.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            _reserve(file.fileno(), path.parent, needed)
    except OSError as error:
        raise cannot_be_written(path, error, needed) from error


def _reserve(file: int, folder: Path, needed: int) -> None:
    """Reserve bytes for an open file; where the system cannot, compare them with the free ones."""
    if hasattr(os, "posix_fallocate"):
        try:
            return os.posix_fallocate(file, 0, max(needed, 1))
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
