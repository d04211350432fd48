"""Which result files a board is made of: those at some places, or under one protocol."""

from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import UserError
from benchmark.results import read_result, result_paths


def gather_results(places: Iterable[Path], protocol: str | None = None) -> list[Path]:
    """Return the result files at places (`benchmark.results.result_paths`), each once.

    protocol: the name of the one under which they must have been evaluated. A folder's results
    under others are left out; a file that is named itself must be under it.

    Raises
    ------
    UserError : as `result_paths` and `read_result`; no result under the protocol.
    """
    found: dict[Path, Path] = {}
    for place in places:
        paths = result_paths([place])
        if protocol is not None:
            paths = _under(place, paths, protocol)
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _under(place: Path, paths: list[Path], protocol: str) -> list[Path]:
    told = {path: protocol_of(path) for path in paths}
    chosen = [path for path in paths if told[path] == protocol]
    if not chosen:
        others = ", ".join(f"'{name}'" for name in sorted(set(told.values())))
        raise UserError(
            f"{place}: protocol: expected '{protocol}', got {others}; run 'sweepbench "
            f"score PREDICTIONS DATA --protocol {protocol}'"
        )
    return chosen


def protocol_of(path: Path) -> str:
    """Return the name of the protocol under which a result was evaluated."""
    return str(read_result(path)["protocol"]["name"])
