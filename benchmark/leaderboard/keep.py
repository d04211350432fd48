"""Ranked results and their tables, copied to a folder that may hold other files as well."""

from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import atomic_path, read_json
from benchmark.results import is_result

TABLES = (
    *("leaderboard.csv", "leaderboard.md", "leaderboard_paired.csv"),
    "leaderboard_ranks.csv",
)


def keep_results(results: Iterable[Path], tables: Path, place: Path) -> None:
    """Copy results, and the tables of the folder `tables`, to the folder `place`.

    A `result.json` is named after its folder. Results that `place` holds already are removed unless
    they are among `results`; its other files stay.

    Raises
    ------
    UserError : two results of one name, or of the name of another file in `place`.
    """
    paths: dict[str, Path] = {}
    for path in dict.fromkeys(results):
        other = paths.setdefault(_kept_name(path), path)
        if other != path:
            raise UserError(
                f"{place / _kept_name(path)}: expected one result of this name, got {other}, {path}"
            )
    contents = {name: path.read_bytes() for name, path in paths.items()}
    contents |= {name: (tables / name).read_bytes() for name in TABLES}
    old = [path for path in place.glob("*.json") if _is_result(path)]
    for name in paths:
        if (place / name).exists() and place / name not in old:
            raise UserError(f"{place / name}: expected a result or nothing, got another file")
    for path in old:
        path.unlink()
    for name, content in contents.items():
        with atomic_path(place / name) as temporary:
            temporary.write_bytes(content)


def _kept_name(path: Path) -> str:
    stem = path.parent.name or path.stem if path.name == "result.json" else path.stem
    return f"{stem}.json"


def _is_result(path: Path) -> bool:
    try:
        return path.is_file() and is_result(read_json(path))
    except UserError:
        return False  # not JSON: some other file of the folder
