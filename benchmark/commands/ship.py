"""The command that packs the weights of a trained run for shipping."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.runs.ship import ship


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
