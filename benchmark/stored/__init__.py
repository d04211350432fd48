"""Arrays that anybody may have stored, read without harm. Nothing of the benchmark is used.

What is read stays within the file that was opened, and within twice its size and `SPARE_BYTES` of
memory, whatever its headers promise.
"""

#: Memory beside twice the size of a file that its arrays may take.
SPARE_BYTES = 16 << 20


class Refused(ValueError):
    """What a file holds and a reader does not take, in one line without the file's name."""


def most_bytes(size: int) -> int:
    """Return how many bytes the arrays of a file of a size (bytes) may take in memory."""
    return 2 * size + SPARE_BYTES
