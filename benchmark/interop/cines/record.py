"""What files of other programs have no fields for, kept in them as the JSON of an object."""

from typing import Any

from benchmark.interop.cines.field_of_view import mask_from_text
from benchmark.schema.checks import (
    NAME,
    OBJECT,
    POSITION,
    TEXT,
    Keys,
    ListOf,
    Schema,
    faults,
    one_of,
)
from benchmark.schema.plain import plain_fault
from benchmark.sweep import World

PARTS: dict[str, Schema] = {
    "name": NAME, "landmarks": ListOf(POSITION), "probe": OBJECT, "factors": OBJECT, "mask": TEXT,
}  # fmt: skip
WORLD = Keys({"name": TEXT, "axes": one_of(("LPS", "RAS"))})


def record_of(content: Any, world: Schema = TEXT) -> dict[str, Any]:
    """Return name, landmarks, mask, probe, factors, world of a sweep, as far as a record has them.

    world: the schema of its value, the world's name or `WORLD`.

    Raises
    ------
    ValueError : JSON of another kind, or a damaged mask.
    """
    schema = Keys({}, {**PARTS, "world": world})
    fault = plain_fault(content) or next(faults(content, schema), None)
    if fault:
        raise ValueError(fault)
    record = {key: value for key, value in content.items() if value is not None}
    if world is WORLD and "world" in record:
        record["world"] = World(record["world"]["name"], record["world"]["axes"])
    if "mask" in record:
        record["mask"] = mask_from_text(record["mask"])
    return record
