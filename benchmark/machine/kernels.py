"""Compilation of numba kernels, kept on disk where a folder can be written.

numba looks for a place for its cache when a function is decorated: `NUMBA_CACHE_DIR` if that is
set, else `__pycache__` beside the source, else the user's cache folder. In a container with a
read-only installation and no home there may be none, and a disk may be full.
"""

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.sigutils import normalize_signature


class _ForgivingCache(FunctionCache):
    """numba's cache of one function; what cannot be read or written is compiled anew.

    Processes that save two overloads at once can give both one file, of which one is the other's.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
        except OSError:
            return None
        arguments, _ = normalize_signature(sig)
        return found if found is not None and found.signature.args == arguments else None

    def save_overload(self, *compiled: Any) -> None:
        try:
            super().save_overload(*compiled)
        except OSError:
            self.disable()


class _Undisturbed(event.Listener):
    """Holds Python's search for unused cycles off while numba compiles, an eighth of that time.

    Compiling makes many objects that live to its end. numba compiles in one thread at a time.
    """

    def __init__(self) -> None:
        self.running, self.collecting = 0, False

    def on_start(self, event: event.Event) -> None:
        if not self.running:
            self.collecting = gc.isenabled()
            gc.disable()
        self.running += 1

    def on_end(self, event: event.Event) -> None:
        self.running -= 1
        if not self.running and self.collecting:
            gc.enable()


event.register("numba:compile", _Undisturbed())


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles as numba's `njit(**options)`, cached on disk if possible.

    Without a folder for the cache, each process compiles what it uses, with the same results. No
    entry for callers in C is made, which would take a quarter as long again.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = njit(**{"no_cfunc_wrapper": True, **options})(function)
        if not hasattr(dispatcher, "enable_caching"):  # NUMBA_DISABLE_JIT
            return dispatcher
        with suppress(RuntimeError):  # numba has found no folder to write to
            dispatcher._cache = _ForgivingCache(function)
        return dispatcher

    return decorate
