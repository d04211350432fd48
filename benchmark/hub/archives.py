"""Tar files of a data set: shards of its sweeps and one of its vessel trees, verified by hash.

A shard is what WebDataset reads: per sweep two members in a row, `sweeps/<sweep>.json` with what
the index says of it and `sweeps/<sweep>.h5`. Extracted into one folder beside `dataset.json`, the
tar files give the data set back. Their bytes do not depend on when or where they were written.
"""

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import IO, Any

from benchmark.dataset import SPLITS, Dataset, Entry
from benchmark.errors import UserError
from benchmark.files import atomic_path, canonical_json, sha256_of_file

SHARD_BYTES = 1_000_000_000  # a common size of shards: few files, and each is quick to fetch again
TRUTH = "truth.tar"


@dataclass(frozen=True)
class Member:
    """A file within a tar file: its name there, the SHA-256 of its bytes, and where they are."""

    name: str
    sha256: str
    source: Path | bytes

    @property
    def size(self) -> int:
        """How many bytes it has.

        Raises
        ------
        UserError : no such file.
        """
        if isinstance(self.source, bytes):
            return len(self.source)
        try:
            return self.source.stat().st_size
        except OSError as error:
            raise UserError(f"{self.source}: cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class Archive:
    """A tar file: its path below the published folder, its members and how many sweeps it has."""

    file: str
    members: tuple[Member, ...]
    sweeps: int = 0


def index_row(entry: Entry) -> dict[str, Any]:
    """Return what the index says of a sweep, with the same keys and types for every sweep."""
    return {
        "name": entry.name,
        "file": entry.file,
        "split": entry.split,
        "subject": entry.subject,
        "frames": entry.frames,
        "sha256": entry.sha256,
        "factors": canonical_json(dict(entry.factors)),
    }


def plan_archives(dataset: Dataset, largest: int = SHARD_BYTES) -> list[Archive]:
    """Return the tar files that hold a data set: shards by split, then that of the vessel trees.

    largest: bytes of sweeps that a shard holds at most, unless one sweep alone is larger.

    Raises
    ------
    UserError : a missing file, or a name at which WebDataset would cut.
    """
    found = [archive for split in SPLITS for archive in _shards(dataset, split, largest)]
    subjects = sorted({entry.subject for entry in dataset.entries})
    trees = [path for one in subjects if (path := dataset.truth_file(one)).is_file()]
    if trees:
        members = (Member(f"truth/{path.name}", sha256_of_file(path), path) for path in trees)
        found.append(Archive(TRUTH, tuple(members)))
    return found


def _shards(dataset: Dataset, split: str, largest: int) -> Iterator[Archive]:
    groups: list[list[Member]] = []
    filled = largest
    for entry in dataset.entries:
        if entry.split != split:
            continue
        told, sweep = _sample(dataset, entry)
        if not groups or filled + sweep.size > largest:
            groups.append([])
            filled = 0
        groups[-1] += [told, sweep]
        filled += sweep.size
    for number, members in enumerate(groups):
        name = f"data/{split}-{number:05d}-of-{len(groups):05d}.tar"
        yield Archive(name, tuple(members), len(members) // 2)


def _sample(dataset: Dataset, entry: Entry) -> tuple[Member, Member]:
    """Return the two members of a sweep: what the index says, and the sweep itself."""
    path = PurePosixPath(entry.file)
    if path.suffix != ".h5" or "." in path.stem:
        raise UserError(
            f"{dataset.folder / 'dataset.json'}: sweeps: '{entry.name}': file: expected a name with"
            f" one dot, that of '.h5', as readers of tar files cut there, got '{entry.file}'"
        )
    told = canonical_json(index_row(entry)).encode()
    label = Member(str(path.with_suffix(".json")), sha256(told).hexdigest(), told)
    return label, Member(entry.file, entry.sha256, dataset.folder / entry.file)


def write_archive(archive: Archive, folder: Path) -> bool:
    """Write a tar file below a folder and read it again; return False if it was there, and whole.

    Raises
    ------
    UserError : a file's bytes are not those of its hash; the disk is full.
    """
    path = folder / archive.file
    if path.is_file() and _other_member(path, archive.members) is None:
        return False
    with atomic_path(path) as temporary:
        with tarfile.open(temporary, "w") as tar:
            for member in archive.members:
                _add(tar, member)
        other = _other_member(temporary, archive.members)
        if other is not None:
            source = path if isinstance(other.source, bytes) else other.source
            raise UserError(f"{source}: expected bytes of SHA-256 {other.sha256[:12]}, got others")
    return True


def _add(tar: tarfile.TarFile, member: Member) -> None:
    """Add a member that says nothing of the time or of its owner."""
    info = tarfile.TarInfo(member.name)
    info.size, info.mode = member.size, 0o644
    if isinstance(member.source, bytes):
        tar.addfile(info, io.BytesIO(member.source))
        return
    with member.source.open("rb") as stream:
        tar.addfile(info, stream)


def _other_member(path: Path, members: Sequence[Member]) -> Member | None:
    """Return the first member that a tar file lacks or has otherwise, None where it has all."""
    found = []
    try:
        with tarfile.open(path, "r:") as tar:
            found = [(info.name, _hash(tar.extractfile(info))) for info in tar]
    except (tarfile.TarError, EOFError):
        pass  # no tar file, or the half of one: what was read of it does not count
    for member, pair in zip_longest(members, found):
        if member is None or pair != (member.name, member.sha256):
            return member or members[-1]
    return None


def _hash(stream: IO[bytes] | None) -> str:
    """Return the SHA-256 of a member, 64 hex digits; "" of one that has no bytes, as a folder."""
    return "" if stream is None else file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
