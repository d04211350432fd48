"""The figure of the generalisation table of one metric."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.robustness.generalisation import Cell
from benchmark.robustness.generalisation_tables import column_title, columns_of, row_of, rows_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def generalisation_figure(cells: Sequence[Cell], metric: str) -> "Figure":
    """Return the table of one metric as coloured cells, on one logarithmic scale.

    A frame marks a tracker that is tested on the data set that it was trained on.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    from benchmark.figures.plot import new_figure, plain, style

    mine = [cell for cell in cells if cell.metric == metric]
    rows, columns = rows_of(mine), columns_of(mine)
    values = np.full((len(rows), len(columns)), np.nan)
    for cell in mine:
        place = rows.index(row_of(cell)), columns.index((cell.tested_on, cell.part))
        mean = cell.summary["mean"]
        values[place] = np.nan if mean is None else mean
    positive = values[np.isfinite(values) & (values > 0)]
    low, high = (positive.min(), positive.max()) if positive.size else (0.1, 1.0)
    with style():
        figure = new_figure(3.2 + 1.25 * len(columns), 1.5 + 0.34 * len(rows))
        axes = figure.add_subplot()
        norm = LogNorm(low / 1.2, high * 1.6)
        axes.imshow(np.maximum(values, low / 1.2), cmap="cividis_r", norm=norm, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else f"{value:.{digits(metric)}f}"
            dark = np.isfinite(value) and norm(max(value, low / 1.2)) > 0.45
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "#1a1a1a")
            if rows[i][1] == columns[j][0]:
                axes.add_patch(Rectangle((j - 0.47, i - 0.44), 0.94, 0.88, fill=False, lw=1.6))
        axes.set_xticks(range(len(columns)), [plain(column_title(c)) for c in columns], rotation=20)
        axes.set_yticks(range(len(rows)), [plain(f"{a}, trained on {b}") for a, b in rows])
        axes.set(xlabel="tested on", title=f"{short_title(metric)} ({unit(metric)})")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure
