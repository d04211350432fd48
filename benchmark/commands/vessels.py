"""The command that measures vessels by true poses and by each tracker's."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.commands.selection import Selection


@dataclass(frozen=True)
class Vessels:
    """Measure vessels in volumes by true poses and by each tracker's: json, csv and a figure."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"
    channel: str = "pa"
    """Channel that shows vessels bright: pa or doppler."""
    spacing_mm: float = 0.25
    """Voxel size."""
    min_radius_mm: float = 0.25
    """Thinner vessels are left out of the truth."""
    keep: Path | None = None
    """Folder for a copy of the table and the figure, with what they came from."""

    def run(self) -> None:
        from benchmark.figures.vessels import draw_table
        from benchmark.runs.provenance import write_provenance
        from benchmark.vessels.table import text_table, vessel_table, write_means, write_table

        runs = self.selection.each()
        table = vessel_table(
            runs,
            self.split,
            channel=self.channel,
            spacing_mm=self.spacing_mm,
            min_radius_mm=self.min_radius_mm,
        )
        folder = self.selection.runs / runs[0].dataset.name
        paths = write_table(folder, table, runs[0].dataset)
        paths.append(draw_table(folder / "figures", table))
        if self.keep is not None:
            write_means(self.keep, table)
            draw_table(self.keep, table)
            paths.append(write_provenance(self.keep, runs))
        print(text_table(table))
        for path in paths:
            print(path)
