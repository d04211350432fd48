"""Objects found by name: registered ones, or a user's own at an address "module:attribute"."""

import importlib
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeVar

from benchmark.errors import UserError, suggestion, unknown_name

Found = TypeVar("Found")


def find(kind: str, name: str, registered: Mapping[str, Found], expected: Any = None) -> Found:
    """Return what is registered under a name, or the object at an address "module:attribute".

    Parameters
    ----------
    kind : what is sought, for errors.
    expected : the class an addressed object must be an instance of; None where it must be callable.

    Raises
    ------
    UserError : an unknown name (the nearest is suggested), a module that cannot be imported, an
        attribute that does not exist or is not of the expected kind.
    """
    if name in registered:
        return registered[name]
    if ":" not in name:
        raise unknown_name(kind, name, registered)
    found = imported(kind, name)
    fits = callable(found) if expected is None else isinstance(found, expected)
    if not fits:
        wanted = "a function" if expected is None else f"a {expected.__name__}"
        raise UserError(f"{kind} '{name}': expected {wanted}, got {type(found).__name__}")
    return found


def imported(kind: str, address: str) -> Any:
    """Return the object at an address "module:attribute"; dots in the attribute are followed.

    kind: what is sought, for errors.

    Raises
    ------
    UserError : a module that cannot be imported, or an attribute that it does not have.
    """
    module_name, _, attribute = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, TypeError, ValueError) as error:
        reason = str(error)
        if isinstance(error, ModuleNotFoundError) and _lies_on_the_way(error.name, module_name):
            reason = f"no module named '{module_name}'{_without_suffix(module_name, attribute)}"
        raise UserError(f"{kind} '{address}': module cannot be imported: {reason}") from error
    try:
        return attrgetter(attribute)(module)
    except AttributeError as error:
        choices = [name for name in vars(module) if not name.startswith("_")]
        near = suggestion(attribute, choices)
        raise UserError(f"{kind} '{address}': no '{attribute}' in '{module_name}'{near}") from error


def _without_suffix(module_name: str, attribute: str) -> str:
    """Return the address that was meant where a file's name stands for its module's, as a hint."""
    stem = module_name.removesuffix(".py").replace("/", ".")
    if stem != module_name:
        return f"; did you mean '{stem}:{attribute}'?"
    return f"; '{module_name}.py' is looked for in the current folder and among installed packages"


def _lies_on_the_way(missing: str | None, module_name: str) -> bool:
    """Return whether a missing module is the sought one or a package above it, not one it uses."""
    return bool(missing) and f"{module_name}.".startswith(f"{missing}.")


def short_name(name: str) -> str:
    """Return a name fit for a file: the attribute of an address, or the name itself."""
    return name.rpartition(":")[2]
