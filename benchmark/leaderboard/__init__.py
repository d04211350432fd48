"""Result files -> one ranking, as data, tables and a static page."""

from benchmark.leaderboard.board import Leaderboard, read_leaderboard
from benchmark.leaderboard.publish import build_leaderboard, write_leaderboard
from benchmark.leaderboard.row import Row
from benchmark.leaderboard.tables import console_table

__all__ = [
    "Leaderboard",
    "Row",
    "build_leaderboard",
    "console_table",
    "read_leaderboard",
    "write_leaderboard",
]
