"""The command for data sets: verify."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.dataset import open_dataset
from benchmark.errors import UserError


@dataclass(frozen=True)
class Verify:
    """Compare the files of a data set with the hashes in its dataset.json; lists what differs."""

    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""

    def run(self) -> None:
        dataset = open_dataset(self.data)
        faults = dataset.verify()
        for fault in faults:
            print(fault, file=sys.stderr)
        if faults:
            count = f"{len(faults)} of {len(dataset.entries)}"
            raise UserError(f"{dataset.folder}: {count} sweeps are not as in dataset.json")
        print(f"{dataset.folder}: {len(dataset.entries)} sweeps, all as in dataset.json")
