"""A probe's description as a file: JSON or TOML, written by hand or by `calibrate`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError, unknown_name
from benchmark.files import read_json, write_json
from benchmark.schema.checks import (
    NUMBER,
    TEXT,
    Keys,
    Kind,
    ListOf,
    Schema,
    faults,
    is_number,
    number_from,
    one_of,
    whole_from,
)
from benchmark.speckle.map import SpeckleMap
from benchmark.speckle.probe import ATTENUATION, BANDWIDTH, F_NUMBER, NEEDED
from benchmark.sweep import Images

SCHEMA = "sweepbench-probe-1"
MORE = Kind("a number of more than 0", lambda value: is_number(value) and value > 0)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
LENGTHS = ListOf(MORE, "a list of lengths in mm")
SPECKLE = Keys(
    {"depth_mm": ListOf(NUMBER, "a list of depths in mm"), "elevation_mm": LENGTHS},
    {
        "lateral_mm": LENGTHS,
        "axial_mm": LENGTHS,
        "elevation_error_mm": LENGTHS,
        "floor": ListOf(number_from(0.0), "a list of shares"),
        "ceiling": MORE,
        "coherence": number_from(0.0),
        "relative_error": number_from(0.0),
    },
)
_POSITIVE = (
    *NEEDED, "fractional_bandwidth", "pitch_mm", "transmit_focus_mm", "transmit_f_number",
    "f_number", "sound_speed_m_s", "width_mm", "depth_mm", "dynamic_range_db", "frame_rate_hz",
)  # fmt: skip
#: The keys of a description; those of a spec's `probe` table among them.
DESCRIPTION: dict[str, Schema] = {
    **dict.fromkeys(_POSITIVE, MORE),
    "centre_frequency_hz": number_from(20000.0),  # where ultrasound begins: no number in MHz
    **dict.fromkeys(("elements", "width_px", "height_px"), whole_from(2)),
    "schema": one_of((SCHEMA,)),
    "name": TEXT,
    "geometry": TEXT,
    "made_from": Keys(),
    "diffraction": FLAG,
    "radius_mm": number_from(0.0),
    "attenuation_db_cm_mhz": number_from(0.0),
    "start_depth_mm": NUMBER,
    "face_mm": ListOf(NUMBER, "two numbers"),
    "speckle": SPECKLE,
}

#: Keys that say nothing of the beam.
NOT_OF_BEAM = ("schema", "name", "made_from", "face_mm")


def read_probe(path: Path) -> dict[str, Any]:
    """Return the description in a file (.toml, else JSON); a table `probe` in it, as in a spec.

    Raises
    ------
    UserError : no such file, neither format, a key that is unknown or a value that cannot be.
    """
    content = _content(path)
    if isinstance(content, dict) and isinstance(content.get("probe"), dict):
        content = content["probe"]
    fault = next(faults(content, Keys(optional=DESCRIPTION)), None)
    if fault:
        raise UserError(f"{path}: {fault}")
    for key in content:
        if key not in DESCRIPTION:
            raise UserError(f"{path}: {unknown_name('key', key, DESCRIPTION)}")
    if len(content.get("face_mm", (0, 0))) != 2:
        raise UserError(f"{path}: face_mm: expected two numbers, got {content['face_mm']}")
    _refuse_lists_of_other_lengths(path, content.get("speckle") or {})
    return content


def _content(path: Path) -> Any:
    if path.suffix.lower() != ".toml":
        return read_json(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected TOML, got {error}") from error


def _refuse_lists_of_other_lengths(path: Path, table: Mapping[str, Any]) -> None:
    depth = table.get("depth_mm", [0.0])
    if not depth or (np.diff(depth) <= 0).any():
        raise UserError(f"{path}: speckle.depth_mm: expected depths that rise, got {depth}")
    for key, values in table.items():
        if isinstance(values, list) and len(values) != len(depth):
            raise UserError(
                f"{path}: speckle.{key}: expected {len(depth)} values as in depth_mm, "
                f"got {len(values)}"
            )


def write_probe(path: Path, description: Mapping[str, Any], made_from: Mapping[str, Any]) -> None:
    """Write a description as JSON that `read_probe` reads, with what it was made from."""
    known = {key: value for key, value in description.items() if key in DESCRIPTION}
    try:
        program = version("sweepbench")
    except PackageNotFoundError:  # used from a folder without installation
        program = "unknown"
    made = {**made_from, "sweepbench": program}
    write_json(path, {**known, "schema": SCHEMA, "made_from": made})


def placed(description: Mapping[str, Any], images: Images) -> dict[str, Any]:
    """Return a description with the place of the probe's face in the frame of images.

    `face_mm` as given; else above the middle of the first row by `start_depth_mm`, its depth (0
    where only a curved face is known); else the origin of the image frame.
    """
    found = dict(description)
    start = found.get("start_depth_mm")
    if start is None and found.get("radius_mm"):
        start = 0.0
    if found.get("face_mm") is None and start is not None:
        first = np.array([(images.frames.shape[2] - 1) / 2, 0.0, 0.0])
        x, y = geometry.apply(images.mm_from_pixel, first[None])[0, :2]
        found["face_mm"] = (float(x), float(y - start))
    return found


def described(speckle: SpeckleMap) -> str:
    """Return in words where a map's elevational lengths are from and how sure they are."""
    origin = {
        "probe": "from the probe's frequency and lens, in developed speckle",
        "measured": "measured",
        "guessed": "a guess from the frames' speckle; frequency and lens of the probe, or a "
        "calibration, would tell (--probe)",
    }[speckle.source]
    low, high = speckle.elevation_mm.min(), speckle.elevation_mm.max()
    return (
        f"elevational {low:.2g} to {high:.2g} mm, scale within {100 * speckle.relative_error:.0f} "
        f"% ({origin})"
    )


def known_of(probe: Mapping[str, Any]) -> str:
    """Return in words what a description says of the probe, and what was taken for what it lacks.

    Keys of a description alone count, measured lengths of speckle as one of them.
    """
    known = [
        "measured speckle" if key == "speckle" else f"{key} {_short(probe[key])}"
        for key in DESCRIPTION
        if key not in NOT_OF_BEAM and probe.get(key) is not None
    ]
    usual = {
        "sound_speed_m_s": "1540",
        "attenuation_db_cm_mhz": f"{ATTENUATION}",
        "fractional_bandwidth": f"{BANDWIDTH}",
        "f_number": f"{F_NUMBER}",
        "pitch_mm": "a wavelength",
        "transmit_focus_mm": "the focus of the lens",
        "start_depth_mm": "0",
    }
    taken = [f"{key} {value}" for key, value in usual.items() if probe.get(key) is None]
    missing = [key for key in NEEDED if probe.get(key) is None]
    parts = [f"known: {', '.join(known) or 'nothing'}"]
    if probe.get("speckle") is None:
        parts += [f"not known: {', '.join(missing)}"] if missing else []
        parts += [f"taken as usual: {', '.join(taken)}"] if taken and not missing else []
    return "; ".join(parts)


def _short(value: Any) -> str:
    """Return a value of a description in few digits."""
    if isinstance(value, Mapping | str | bool):
        return str(value)
    return ", ".join(f"{number:.4g}" for number in np.ravel(value))
