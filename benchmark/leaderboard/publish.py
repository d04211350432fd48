"""Many result.json -> ranking, csv, Markdown and one static page.

Only result files (and figure files) are read: no predictions, no ground truth, no tracker. One
row is one tracker with one configuration; results that differ in nothing but the seed share it.
"""

from collections.abc import Iterable
from pathlib import Path

from benchmark.leaderboard.board import Leaderboard, read_leaderboard
from benchmark.leaderboard.tables import (
    csv_text,
    markdown_text,
    paired_csv_text,
    ranks_csv_text,
)
from benchmark.tables import write_text


def build_leaderboard(
    result_paths: Iterable[Path | str],
    out_folder: Path | str,
    figures_folder: Path | str | None = None,
    *,
    other_versions: bool = False,
) -> Leaderboard:
    """Rank results and write the board into a folder.

    leaderboard.csv, .md and .html; leaderboard_paired.csv has the differences of all pairs,
    leaderboard_ranks.csv how often each row takes each rank.

    figures_folder: PNG files, each with `<same name>.json` {"title", "caption", "tracker"}, which
    the page embeds.

    Raises
    ------
    UserError : as `read_leaderboard`; a figure without its JSON.
    """
    board = read_leaderboard(result_paths, other_versions=other_versions)
    write_leaderboard(board, out_folder, figures_folder)
    return board


def write_leaderboard(
    board: Leaderboard, out_folder: Path | str, figures_folder: Path | str | None = None
) -> None:
    """Write the csv, Markdown and html files of a board into a folder, as `build_leaderboard`."""
    from benchmark.leaderboard.page import page_html

    texts = {
        "leaderboard.csv": csv_text(board),
        "leaderboard_paired.csv": paired_csv_text(board),
        "leaderboard_ranks.csv": ranks_csv_text(board),
        "leaderboard.md": markdown_text(board),
        "leaderboard.html": page_html(board, figures_folder),
    }
    for name, text in texts.items():
        write_text(Path(out_folder) / name, text)
