"""Things found by name: those registered here, or a user's own at an address "module:attribute"."""

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

from benchmark.errors import UserError, unknown_name

Found = TypeVar("Found")


def find(kind: str, name: str, registered: Mapping[str, Found], expected: Any = None) -> Found:
    """Return what is registered under a name, or what stands at an address "module:attribute".

    Parameters
    ----------
    kind : what is sought, for errors.
    expected : the class an addressed object must be of; None where it must be callable.

    Raises
    ------
    UserError : an unknown name (the nearest is suggested), a module that cannot be imported, an
        attribute that is not there or not of the expected kind.
    """
    if name in registered:
        return registered[name]
    if ":" not in name:
        raise unknown_name(kind, name, registered)
    module_name, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, TypeError, ValueError) as error:
        raise UserError(f"{kind} '{name}': module cannot be imported ({error})") from error
    except AttributeError as error:
        raise UserError(f"{kind} '{name}': {error}") from error
    fits = callable(found) if expected is None else isinstance(found, expected)
    if not fits:
        wanted = "a function" if expected is None else f"a {expected.__name__}"
        raise UserError(f"{kind} '{name}': expected {wanted}, got {type(found).__name__}")
    return found


def short_name(name: str) -> str:
    """Return a name fit for a file: the attribute of an address, or the name itself."""
    return name.rpartition(":")[2]
