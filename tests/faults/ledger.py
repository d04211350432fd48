"""What came of the inputs of one reader and seed: counts, and a hash of each input.

Parent and child of the fuzzer share it as mapped memory. In a file it outlives them, so that a
later run goes on where this one ends.
"""

import hashlib
import mmap
import struct
from pathlib import Path

NAMES = ("index", "inputs", "answers", "finds", "microseconds")
HEAD = struct.Struct(f"<{len(NAMES)}Q")
SLOTS = 1 << 20  # for hashes of 8 bytes, of which less than half are taken
MOST = SLOTS // 2 - 1


class Ledger:
    """Counts by name, and the hashes of inputs that were tried.

    index: number of the next input; inputs: how many were read, all of them different; answers:
    how many of these ended in one; microseconds: of the processor.
    """

    def __init__(self, path: Path | None = None):
        size = HEAD.size + 8 * SLOTS
        if path is None:
            self._map = mmap.mmap(-1, size)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as file:
                file.truncate(size)
                self._map = mmap.mmap(file.fileno(), size)
        self._slots = memoryview(self._map)[HEAD.size :].cast("Q")

    def __getitem__(self, name: str) -> int:
        return HEAD.unpack_from(self._map)[NAMES.index(name)]

    def __setitem__(self, name: str, value: int) -> None:
        struct.pack_into("<Q", self._map, 8 * NAMES.index(name), value)

    def is_new(self, name: str, data: bytes) -> bool:
        """Return whether the bytes of a file were never asked for before; remember them."""
        digest = hashlib.blake2b(data, digest_size=8, key=name.encode()[:64]).digest()
        value = int.from_bytes(digest, "little") or 1
        place = value % SLOTS
        while self._slots[place]:
            if self._slots[place] == value:
                return False
            place = (place + 1) % SLOTS
        self._slots[place] = value
        return True
