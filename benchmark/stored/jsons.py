"""JSON that anybody may have written: no more of it than memory holds.

An empty list has three bytes in a file and 72 in memory; so values are counted before they are
made. Texts take up to nine times their file, where one of their characters needs four bytes.
"""

import json
from typing import Any

from benchmark.stored import Refused

MOST_BYTES = 256 << 20
MOST_VALUES = 10_000_000
#: Each value of a list or an object comes after one of these, which texts may hold as well.
BEFORE_VALUES = ",[{"


def parsed(text: str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    Refused : a longer text, or one of more values, than is read.
    ValueError, RecursionError : as `json.loads`.
    """
    if len(text) > MOST_BYTES:
        raise Refused(f"at most {MOST_BYTES} bytes, got {len(text)}")
    if len(text) > MOST_VALUES and sum(map(text.count, BEFORE_VALUES)) > MOST_VALUES:
        raise Refused(f"at most {MOST_VALUES} values, got more")
    return json.loads(text)
