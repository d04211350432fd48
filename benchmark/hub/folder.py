"""A folder to upload to a data hub: data set, card, metadata, board; one folder per tracker."""

from pathlib import Path
from typing import Any

from benchmark.dataset import SPLITS, Dataset, open_dataset
from benchmark.errors import UserError
from benchmark.files import atomic_path, read_json, sha256_of_file, write_json
from benchmark.hub.archives import SHARD_BYTES, Archive, plan_archives, write_archive
from benchmark.hub.card import GENERATED, dataset_readme, index_lines
from benchmark.hub.metadata import published_croissant
from benchmark.hub.models import benchmark_yaml, write_models
from benchmark.leaderboard.board import Leaderboard, read_leaderboard
from benchmark.leaderboard.keep import keep_results
from benchmark.leaderboard.publish import write_leaderboard
from benchmark.machine.progress import progress
from benchmark.tables import write_text

COPIED = ("dataset.json", "preview.html")


def publish_dataset(
    dataset: Dataset,
    folder: Path,
    repo: str,
    *,
    licence: str | None = None,
    largest: int = SHARD_BYTES,
) -> list[Archive]:
    """Write a data set as a folder to upload, and return its tar files.

    What is there already, and whole, stays as it is.

    Parameters
    ----------
    repo : OWNER/NAME on the hub, which the card names.
    licence : the hub's word for it; of generated data MIT by default.
    largest : bytes of sweeps in one tar file.

    Raises
    ------
    UserError : answers that are withheld; data of unknown licence; a folder that holds other data;
        a file that is missing or whose bytes are not those of its hash.
    """
    _refuse_answers(dataset)
    if licence is None and "generator" not in dataset.identity:
        raise UserError(
            f"licence: expected --licence for '{dataset.name}', which was not generated, got none"
        )
    archives = plan_archives(dataset, largest)
    _claim(dataset, folder)
    for archive in progress(archives, desc=dataset.name, unit="file"):
        write_archive(archive, folder)
    _remove_others(folder, archives)
    for split in SPLITS:
        if text := index_lines(dataset, split):
            write_text(folder / "index" / f"{split}.jsonl", text)
    own = dataset.folder / "croissant.json"
    if own.is_file():
        found = published_croissant(_metadata(own), archives, folder)
        write_json(folder / "croissant.json", found)
    text = dataset_readme(dataset, archives, licence or GENERATED, repo)
    write_text(folder / "README.md", text)
    return archives


def publish_board(dataset: Dataset, results: list[Path], out: Path, repo: str) -> list[Path]:
    """Write the board of some results beside a data set; return the folders of its trackers.

    out: the folder that holds `dataset/`. Where poses are withheld there are tables only, since
    results hold true paths.

    Raises
    ------
    UserError : results on other data; as `read_leaderboard` and `write_models`.
    """
    board = read_leaderboard(results)
    _refuse_other_data(board, dataset)
    place = out / "dataset" / "results"
    write_leaderboard(board, place)
    if dataset.identity.get("withheld"):
        (place / "leaderboard.html").unlink()
    else:
        keep_results(results, place, place)
    described = f"{dataset.name}: poses of freehand ultrasound frames, from the images alone."
    write_text(out / "dataset" / "eval.yaml", benchmark_yaml(board, described))
    return write_models(board, out / "models", repo)


def _metadata(path: Path) -> dict[str, Any]:
    """Return the Croissant metadata in a file, refused where they list no files."""
    content = read_json(path)
    files = content.get("distribution") if isinstance(content, dict) else None
    if not (isinstance(files, list) and all(isinstance(item, dict) for item in files)):
        raise UserError(f"{path}: distribution: expected a list of files (Croissant)")
    return content


def _refuse_answers(dataset: Dataset) -> None:
    if "entropy" in (dataset.identity.get("withheld") or {}):
        raise UserError(
            f"{dataset.folder}: expected a data set to publish, got the answers of a withheld split"
        )


def _refuse_other_data(board: Leaderboard, dataset: Dataset) -> None:
    if board.dataset["hash"] != dataset.hash:
        raise UserError(
            f"results: expected those on '{dataset.name}', hash {dataset.hash[:12]}, got those on "
            f"'{board.dataset['name']}', hash {board.dataset['hash'][:12]}"
        )


def _claim(dataset: Dataset, folder: Path) -> None:
    """Copy the index into a folder, which says whose the folder is.

    Raises
    ------
    UserError : the folder is the data set's own, or of another one.
    """
    index = folder / "dataset.json"
    if folder.resolve() == dataset.folder.resolve():
        raise UserError(f"{folder}: expected another folder than the data set's")
    if index.is_file() and (other := open_dataset(folder)).hash != dataset.hash:
        raise UserError(
            f"{folder}: expected an empty folder or one of '{dataset.name}', hash "
            f"{dataset.hash[:12]}, got '{other.name}', hash {other.hash[:12]}"
        )
    for name in COPIED:
        if (dataset.folder / name).is_file():
            _copy(dataset.folder / name, folder / name)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(source.read_bytes())
        if sha256_of_file(temporary) != sha256_of_file(source):
            raise UserError(f"{source}: changed while it was copied; give the same command again")


def _remove_others(folder: Path, archives: list[Archive]) -> None:
    """Remove tar files of another division into shards."""
    ours = {folder / archive.file for archive in archives}
    for path in sorted((folder / "data").glob("*.tar")):
        if path not in ours:
            path.unlink()
