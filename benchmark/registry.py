"""TODO."""

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UserError, unknown_name
from benchmark.files import read_json

if TYPE_CHECKING:
    pass
import importlib.resources

from benchmark.tracker import Tracker

ENTRY_POINT_GROUP = "sweepbench.trackers"


def tracker_names() -> list[str]:
    """Return the names of all registered trackers (entry points of group sweepbench.trackers)."""
    return sorted(
        {point.name for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
    )


def tracker_class(name: str) -> type[Tracker]:
    """Return a tracker's class by its registered name or by "package.module:Class".

    Raises
    ------
    UserError : no such name (the nearest is suggested), module or class.
    """
    if ":" in name:
        return _imported_class(name)
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return point.load()
    raise unknown_name("tracker", name, tracker_names())


def _imported_class(address: str) -> type[Tracker]:
    module_name, class_name = address.split(":", 1)
    try:
        return attrgetter(class_name)(importlib.import_module(module_name))
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise  # the module is there, something that it imports is not
        raise UserError(f"tracker '{address}': no module named '{module_name}'") from error
    except AttributeError as error:
        raise UserError(f"tracker '{address}': no '{class_name}' in '{module_name}'") from error


def stored_tracker(folder: Path | str) -> str:
    """Return by what the tracker of a folder's `tracker.json` is found: its name, or its class.

    The class is asked for only where nothing is registered under the name.

    Raises
    ------
    UserError : no such file, a class that cannot be imported or is no tracker.
    """
    path = Path(folder) / "tracker.json"
    stored = read_json(path)
    name, address = str(stored.get("tracker")), stored.get("class")
    if not address or name in tracker_names():
        return name
    try:
        found = _imported_class(str(address))
    except (UserError, ImportError, ValueError) as error:
        raise UserError(f"{path}: class: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Tracker)):
        raise UserError(f"{path}: class: expected a Tracker, got {address}")
    return str(address)


def make_tracker(name: str, **overrides: Any) -> Tracker:
    """Return a new tracker by name, its configuration's fields overridden as given.

    Text values are turned into the type of the field's default (for the command line).
    """
    found = tracker_class(name)
    config = found.Config()
    known = {item.name for item in fields(config)}
    for key in overrides:
        if key not in known:
            raise unknown_name(f"field of tracker '{name}'", key, known)
    values = {k: _as_type_of(getattr(config, k), v, k) for k, v in overrides.items()}
    return found(replace(config, **values))


def _as_type_of(default: Any, value: Any, key: str) -> Any:
    if not isinstance(value, str) or isinstance(default, str):
        return value
    if isinstance(default, bool):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise UserError(f"{key}: expected true or false, got '{value}'")
    if isinstance(default, tuple):
        return _as_tuple(default, value, key)
    try:
        return type(default)(value)
    except (TypeError, ValueError) as error:
        kind = type(default).__name__
        raise UserError(f"{key}: expected {kind}, got '{value}'") from error


def _as_tuple(default: tuple[Any, ...], value: str, key: str) -> tuple[Any, ...]:
    """Return the items of a text like "1,2" or "(1, 2)", each of the type of the default's item.

    A longer text than the default repeats the type of its last item.
    """
    inner = value.strip().strip("()[]").strip().removesuffix(",")
    parts = [part.strip().strip("\"'") for part in inner.split(",")]
    if parts == [""]:
        return ()
    kinds = default or ("",)
    return tuple(
        _as_type_of(kinds[min(i, len(kinds) - 1)], part, key) for i, part in enumerate(parts)
    )


def stored_config(stored: Mapping[str, Any], found: type[Tracker]) -> dict[str, Any]:
    """Return a configuration as its class has it; JSON has turned tuples into lists."""
    known = {item.name: getattr(found.Config(), item.name) for item in fields(found.Config)}
    return {
        key: tuple(value) if isinstance(known.get(key), tuple) else value
        for key, value in stored.items()
    }


def shipped_weights(found: type[Tracker]) -> Path | None:
    """Return the folder of weights that a tracker's package carries for it, or None."""
    package = found.__module__.split(".")[0]
    try:
        root = importlib.resources.files(importlib.import_module(package))
    except (ModuleNotFoundError, TypeError):
        return None
    folder = Path(str(root)) / "weights" / found.name
    return folder if (folder / "tracker.json").is_file() else None
