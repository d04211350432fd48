"""The command that tabulates results of trackers on data that they were not trained on."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.tables import write_text


@dataclass(frozen=True)
class Generalisation:
    """Tabulate results by the data trained on and the data tested on: csv, Markdown, pictures.

    `train`, `predict` and `evaluate` make such results with --train-on or --weights.
    """

    results: tyro.conf.Positional[tuple[Path, ...]]
    """result.json files of one protocol, of any data sets."""
    by: str | None = None
    """Factor of the sweeps that splits each data set, e.g. profile."""
    shifts: tuple[str, ...] = ()
    """Test sets with their twins of known kind, TEST_SET=TWIN, whose errors are divided; by default
    every test set with that on which the tracker was trained."""
    out: Path = Path("runs/generalisation")
    """Folder to write to."""

    def run(self) -> None:
        from benchmark.figures import plot
        from benchmark.figures.generalisation import generalisation_figure
        from benchmark.leaderboard.columns import short_title
        from benchmark.robustness.generalisation import generalisation_table
        from benchmark.robustness.generalisation_tables import (
            generalisation_csv,
            generalisation_markdown,
            shift_csv,
        )
        from benchmark.robustness.shift import parse_shift, shift_ratios
        from benchmark.runs.provenance import write_sources

        cells = generalisation_table(self.results, by=self.by)
        ratios = shift_ratios(cells, [parse_shift(text) for text in self.shifts])
        markdown = generalisation_markdown(cells, ratios)
        write_text(self.out / "generalisation.csv", generalisation_csv(cells))
        write_text(self.out / "shifts.csv", shift_csv(ratios))
        write_text(self.out / "generalisation.md", markdown)
        write_sources(self.out, self.results)
        for metric in dict.fromkeys(cell.metric for cell in cells):
            plot.save(
                generalisation_figure(cells, metric),
                self.out / f"generalisation-{metric}",
                f"{short_title(metric)} at home and away",
                "Framed: tested on the kind of data that the tracker was trained on.",
                dpi=100,
            )
        print(markdown)
        print(self.out.resolve())
