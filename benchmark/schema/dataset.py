"""The faults of a dataset.json: keys, types, and that its files lie in the data set's folder."""

from collections.abc import Collection, Iterator
from typing import Any

from benchmark.schema.checks import (
    NAME,
    NUMBER,
    OBJECT,
    TEXT,
    Keys,
    Kind,
    ListOf,
    MapOf,
    faults,
    one_of,
    whole_from,
)
from benchmark.schema.plain import plain_fault

#: Bytes of a name, to which a suffix is added, and characters of a path: systems end at 255 and
#: 4096 bytes, and raise an error of their own behind them.
LONGEST_NAME, LONGEST_PATH = 200, 900


def is_file_name(value: Any) -> bool:
    """Return whether a value is a name that a file can have in any folder."""
    return (
        isinstance(value, str)
        and value not in ("", ".", "..")
        and not any(mark in value for mark in "/\\\0")
        and len(value.encode(errors="replace")) <= LONGEST_NAME
    )


def is_path_below(value: Any) -> bool:
    """Return whether a value is a relative path that stays in its folder, links aside."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_PATH
        and all(map(is_file_name, value.split("/")))
    )


FILE_NAME = Kind("a name that a file can have", is_file_name)
FILE = Kind("a path below the data set's folder", is_path_below)


def dataset_schema(splits: Collection[str]) -> Keys:
    """Return the schema of a dataset.json; splits: their names."""
    entry = Keys(
        {
            "name": FILE_NAME,
            "file": FILE,
            "split": one_of(splits),
            "subject": FILE_NAME,
            "frames": whole_from(0),
            "sha256": TEXT,
            "factors": OBJECT,
            "fingerprint": MapOf(ListOf(NUMBER)),
        }
    )
    withheld = Keys({"entropy_sha256": TEXT})
    identity = Keys({}, {"withheld": withheld})
    return Keys({"name": NAME, "hash": TEXT, "identity": identity, "sweeps": ListOf(entry)})


def dataset_faults(content: Any, splits: Collection[str]) -> Iterator[str]:
    """Yield one line per fault of the content of a dataset.json, each beginning with its key."""
    fault = plain_fault(content)
    if fault:
        yield fault
        return
    yield from faults(content, dataset_schema(splits))
