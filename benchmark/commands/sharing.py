"""The commands that hand data, boards and weights to others."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.files import in_bytes, read_json
from benchmark.runs.ship import ship


@dataclass(frozen=True)
class Publish:
    """Prepare a data set, and a board, as folders for a data hub; uploads nothing.

    OUT/dataset is a data set in the form of Hugging Face: card with metadata, tar files per split,
    Croissant. OUT/models/TRACKER says what the board says of a tracker.
    """

    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""
    out: Path
    """Folder to write to; what it holds of the same data, and whole, stays."""
    repo: str | None = None
    """OWNER/NAME of the data set on the hub; needed with --results."""
    results: tuple[Path, ...] = ()
    """Result files, and folders, of which all results below are taken: the board."""
    licence: str | None = None
    """The hub's word for the licence, e.g. cc-by-4.0; of generated data mit by default."""

    def run(self) -> None:
        from benchmark.hub.folder import publish_board, publish_dataset
        from benchmark.leaderboard.gather import gather_results

        dataset = open_dataset(self.data)
        repo = self._repo(dataset.name)
        paths = gather_results(self.results)
        place = self.out / "dataset"
        archives = publish_dataset(dataset, place, repo, licence=self.licence)
        size = sum((place / archive.file).stat().st_size for archive in archives)
        sweeps = f"{len(dataset.entries)} sweeps in {len(archives)} tar files"
        print(f"{place}: {sweeps}, {in_bytes(size)}, all verified")
        if paths:
            for folder in publish_board(dataset, paths, self.out, repo):
                print(folder)
        print(f"upload: hf upload {repo} {place} . --repo-type dataset")

    def _repo(self, name: str) -> str:
        """Return the name on the hub, by default OWNER and the data set's name, or refuse it."""
        if self.repo is None:
            if self.results:
                raise UserError("repo: expected OWNER/NAME with --results, got none")
            return f"OWNER/{name}"
        if len([part for part in self.repo.split("/") if part]) != 2 or self.repo.count("/") != 1:
            raise UserError(f"repo: expected OWNER/NAME, got '{self.repo}'")
        return self.repo


@dataclass(frozen=True)
class Ship:
    """Copy a trained run's weights and configuration into a tracker's package; add domain, card."""

    run_folder: tyro.conf.Positional[Path]
    """Folder of a trained run."""
    out: Path | None = None
    """Folder to write; by default weights/<tracker> in the tracker's own package."""
    data: Path | None = None
    """Data set that it was trained on; by default found by its name below the data root."""
    results: tuple[Path, ...] = ()
    """result.json files of these weights, shown on the card."""

    def run(self) -> None:
        taught = read_json(self.run_folder / "config.json").get("trained_on")
        if not taught:
            raise UserError(f"{self.run_folder}/config.json: trained_on is empty")
        dataset = open_dataset(self.data or taught["name"])
        out = ship(self.run_folder, dataset, self.out, self.results)
        for path in sorted(out.iterdir()):
            print(path)
