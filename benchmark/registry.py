"""Trackers by name: their classes, new ones with a configuration, and opened weights."""

import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from benchmark.addresses import imported
from benchmark.errors import UserError, unknown_name
from benchmark.files import read_json
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
    UserError : no such name (the nearest is suggested), module or class; no class of trackers.
    """
    if ":" in name:
        return _as_tracker(imported("tracker", name), name)
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return point.load()
    raise unknown_name("tracker", name, tracker_names())


def _as_tracker(found: Any, name: str) -> type[Tracker]:
    """Return what stands at an address, if it is a class of trackers."""
    if not (isinstance(found, type) and issubclass(found, Tracker)):
        raise UserError(f"tracker '{name}': expected a class derived from benchmark.Tracker")
    if missing := sorted(found.__abstractmethods__):
        raise UserError(f"tracker '{name}': expected methods {', '.join(missing)}, which it lacks")
    return found


def make_tracker(name: str, **overrides: Any) -> Tracker:
    """Return a new tracker by name, its configuration's fields overridden as given.

    Text values are turned into the type of the field's default (for the command line).

    Raises
    ------
    UserError : an unknown tracker or field (the nearest is suggested), a text that is not of the
        field's type.
    """
    return _configured(tracker_class(name), name, overrides)


def _configured(found: type[Tracker], name: str, overrides: Mapping[str, Any]) -> Tracker:
    """Return a tracker of a class; `name`: what it was asked for by, for errors."""
    config = found.Config()
    known = {item.name for item in fields(config)}
    for key in overrides:
        if key not in known:
            raise unknown_name(f"field of tracker '{name}'", key, known)
    values = {k: _as_type_of(getattr(config, k), v, k) for k, v in overrides.items()}
    return found(replace(config, **values))


def _as_type_of(default: Any, value: Any, key: str) -> Any:
    """Return a value as the type of a field's default: texts are read, JSON's lists are tuples."""
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(value)
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

    Items beyond the length of the default take the type of its last item.
    """
    inner = value.strip().strip("()[]").strip().removesuffix(",")
    parts = [part.strip().strip("\"'") for part in inner.split(",")]
    if parts == [""]:
        return ()
    kinds = default or ("",)
    return tuple(
        _as_type_of(kinds[min(i, len(kinds) - 1)], part, key) for i, part in enumerate(parts)
    )


def field_values(texts: Sequence[str]) -> dict[str, str]:
    """Return the fields of a configuration that are given as "field=value".

    Raises
    ------
    UserError : a text without "=".
    """
    values = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set: expected field=value, got '{text}'")
        values[key] = value
    return values


def open_weights(folder: Path | str, name: str | None = None) -> Tracker:
    """Return the tracker whose weights lie in a folder, ready to track.

    folder: `tracker.json` and `weights.safetensors`, as `Tracker.save` or a run wrote them;
    name: the expected tracker, by default the one that the folder names.

    Raises
    ------
    UserError : a missing or unreadable file, an unknown tracker, or weights of another tracker
        than `name`.
    """
    folder = Path(folder)
    path = folder / "tracker.json"
    if not path.is_file():
        raise UserError(f"{folder}: no tracker.json; expected the folder of a trained run")
    stored = read_json(path)
    name = name or stored_name(folder)
    found = tracker_class(name)
    if stored.get("tracker") != found.name:
        raise UserError(
            f"{folder}: weights of tracker '{stored.get('tracker')}', expected '{found.name}'"
        )
    tracker = _configured(found, name, stored.get("config", {}))
    tracker.load(folder)
    return tracker


def stored_name(folder: Path | str) -> str:
    """Return the registered name of the tracker in a folder of weights, or its "module:Class".

    The class is used only if the name is not registered.

    Raises
    ------
    UserError : no `tracker.json`, a class that cannot be imported or is not a tracker.
    """
    path = Path(folder) / "tracker.json"
    stored = read_json(path)
    name, address = str(stored.get("tracker")), stored.get("class")
    if not address or name in tracker_names():
        return name
    try:
        found = imported("tracker", str(address))
    except UserError as error:
        raise UserError(f"{path}: class: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Tracker)):
        raise UserError(f"{path}: class: expected a Tracker, got {address}")
    return str(address)


def package_folder(found: type[Tracker]) -> Path | None:
    """Return the folder of a tracker's top-level package; None if its module is a single file."""
    try:
        package = importlib.import_module(found.__module__.split(".")[0])
    except ModuleNotFoundError:
        return None
    return Path(next(iter(package.__path__))) if hasattr(package, "__path__") else None


def shipping_folder(found: type[Tracker]) -> Path | None:
    """Return the folder in which a tracker's package keeps its weights, whether it has any or not.

    None if the tracker's module is a single file.
    """
    package = package_folder(found)
    return None if package is None else package / "weights" / found.name


def shipped_weights(found: type[Tracker]) -> Path | None:
    """Return the folder of the weights that a tracker's package carries for it, or None."""
    folder = shipping_folder(found)
    return folder if folder is not None and (folder / "tracker.json").is_file() else None
