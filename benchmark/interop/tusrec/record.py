"""`sweepbench.json`: what the challenge's files have no place for, beside them.

It holds which subject has which number, and of each sweep its name, factors, probe, times, pixel
origin, and landmarks before rounding, so that an exported sweep reads back as it was. The
challenge's own programs need none of it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.dataset import SPLITS
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.interop.tusrec.pixels import FIRST, whole_landmarks
from benchmark.schema.checks import (
    NUMBER,
    OBJECT,
    POSITION,
    Keys,
    Kind,
    ListOf,
    MapOf,
    faults,
    is_number,
    one_of,
)
from benchmark.schema.dataset import FILE_NAME
from benchmark.schema.plain import plain_fault
from benchmark.sweep import Sweep

RECORD = "sweepbench.json"
FORMAT = "sweepbench-tusrec-1"
SAME_SCALE = 1e-9
MATRIX = Kind(
    "an invertible matrix (4, 4)",
    lambda value: (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(row, list) and len(row) == 4 for row in value)
        and all(is_number(number) for row in value for number in row)
        and abs(np.linalg.det(np.array(value, float))) > 0
    ),
)
SCHEMA = Keys(
    {
        "subjects": MapOf(FILE_NAME),
        "scans": MapOf(
            Keys(
                {
                    "name": FILE_NAME,
                    "factors": OBJECT,
                    "probe": OBJECT,
                    "timestamps": ListOf(NUMBER),
                    "mm_from_pixel": MATRIX,
                    "landmarks": ListOf(POSITION),
                }
            )
        ),
    },
    {"split": one_of(SPLITS)},
)


@dataclass(frozen=True)
class Kept:
    """What is kept of one sweep; arrays as nested lists, as in `Sweep`."""

    name: str
    factors: Mapping[str, Any]
    probe: Mapping[str, Any]
    timestamps: list[float]
    mm_from_pixel: list[list[float]]
    landmarks: list[list[float]]


@dataclass(frozen=True)
class Record:
    """split: of all sweeps in the folder; subjects: names by number; scans: by "number/scan"."""

    split: str | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    scans: Mapping[str, Kept] = field(default_factory=dict)


def read_record(folder: Path) -> Record | None:
    """Return the record of a challenge folder, None where it has none.

    Raises
    ------
    UserError : a record of another format, or with keys missing or unknown.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path}: expected format '{FORMAT}'; without the file, folders read too")
    fault = plain_fault(content) or next(faults(content, SCHEMA), None)
    if fault:
        raise UserError(f"{path}: expected split, subjects and scans: {fault}")
    try:
        scans = {address: Kept(**kept) for address, kept in content["scans"].items()}
    except TypeError as error:  # a key that no scan has
        raise UserError(f"{path}: scans: {error}") from error
    return Record(content.get("split"), content["subjects"], scans)


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a challenge folder."""
    write_json(folder / RECORD, {"format": FORMAT, **asdict(record)})


def kept_of(sweep: Sweep) -> Kept:
    """Return what is kept of a sweep."""
    bmode = sweep.bmode
    return Kept(
        sweep.name,
        dict(sweep.factors),
        dict(sweep.probe),
        np.asarray(bmode.timestamps, float).tolist(),
        np.asarray(bmode.mm_from_pixel, float).tolist(),
        np.asarray(sweep.landmarks, float).reshape(-1, 3).tolist(),
    )


def restored(sweep: Sweep, kept: Kept, path: Path, retimed: bool) -> Sweep:
    """Return a sweep as it was before export, given as the challenge's files have it.

    The images' origin moves back to where it was unless another scale was given. Landmarks take
    back their fractions of a pixel unless the file's own are others. retimed: its times were asked
    for and stay.

    Raises
    ------
    UserError : a record of another number of frames.
    """
    bmode = sweep.bmode
    if len(kept.timestamps) != len(sweep):
        raise UserError(
            f"{path}: frames: expected {len(kept.timestamps)} as in {RECORD}, got {len(sweep)}; "
            f"remove {RECORD} if the scans were changed on purpose"
        )
    times = bmode.timestamps if retimed else np.array(kept.timestamps)
    channel = replace(bmode, timestamps=times)
    shift = bmode.mm_from_pixel @ np.linalg.inv(kept.mm_from_pixel)  # a pixel's challenge_from_own
    if np.abs(shift[:3, :3] - np.eye(3)).max() < SAME_SCALE:
        challenge_from_image = geometry.compose(np.eye(3), shift[:3, 3])
        channel = replace(
            channel,
            mm_from_pixel=np.array(kept.mm_from_pixel),
            world_from_image=bmode.world_from_image @ challenge_from_image,
        )
    marks = np.array(kept.landmarks, float).reshape(-1, 3)
    whole = whole_landmarks(marks, bmode.frames.shape, f"{path.name}: {RECORD}") - FIRST
    return Sweep(
        kept.name,
        {"bmode": channel},
        landmarks=marks if np.array_equal(whole, sweep.landmarks) else sweep.landmarks,
        probe=dict(kept.probe),
        factors=dict(kept.factors),
    )
