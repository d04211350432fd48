"""Every mistake on a command line ends in one line, whichever program it was given to."""

import sys
from typing import Literal

import pytest
import tyro

from benchmark.machine import command_line
from tests.command_line import command

#: Words, what is said of them, and the command whose help is pointed to.
OF_TRACK = {
    "track x --pixel-mm 0.25": "track: --pixel-mm: expected 2 numbers, got '0.25';",
    "track x --pixel-mm=0.25": "track: --pixel-mm: expected 2 numbers, got '0.25';",
    "track x --pixel_mm a b": "track: --pixel-mm: expected 2 numbers, got 'a' 'b';",
    "track x --part": "track: --part: expected a whole number, got nothing;",
    "track x --pixel-m 1 2": "track: unknown flag '--pixel-m'; did you mean '--pixel-mm'?",
    "track x --frobnicate": "track: unknown flag '--frobnicate';",
    "track": "track: expected RECORDING, got nothing;",
}
OF_OTHERS = {
    "evaluate a b": "evaluate: 'b' was not expected;",
    "train x --seeds 1 a": "train: --seeds: expected whole numbers, got '1' 'a';",
    "leaderboard x --keep": "leaderboard: --keep: expected a path, got nothing;",
    "check": "check: expected PREDICTIONS, DATA, got nothing;",
    "check a": "check: expected DATA, got nothing;",
}
OF_SIMULATE = {
    "show": "show: expected SPEC, got nothing;",
    "show a b": "show: 'b' was not expected;",
    "generate tiny-v2 --workers 1.5": "generate: --workers: expected a whole number, got '1.5';",
    "generate --worker 2": "generate: unknown flag '--worker'; did you mean '--workers'?",
}
OF_PROGRAM = {
    "trak": "unknown command 'trak'; did you mean 'track'?",
    "zzzz": "unknown command 'zzzz';",
    "--frob track": "unknown flag '--frob';",
}
PROGRAMS = {"sweepbench": "sweepbench", "benchmark": "python -m benchmark",
            "simulate": "python -m simulate"}  # fmt: skip
CASES = [
    *(("sweepbench", *case) for table in (OF_TRACK, OF_OTHERS, OF_SIMULATE, OF_PROGRAM)
      for case in table.items()),
    *(("benchmark", *case) for table in (OF_TRACK, OF_OTHERS, OF_PROGRAM)
      for case in table.items()),
    *(("simulate", *case) for case in OF_SIMULATE.items()),
    ("simulate", "genrate", "unknown command 'genrate'; did you mean 'generate'?"),
    ("simulate", "", "expected a command, got nothing;"),
    ("benchmark", "", "expected a command, got nothing;"),
]  # fmt: skip


@pytest.mark.parametrize(("package", "words", "text"), CASES)
def test_a_mistake_is_one_line_that_points_to_help(package, words, text, tmp_path):
    done = command(package, *words.split(), cwd=tmp_path)
    first = words.split(" ")[0]
    place = f" {first}" if text.startswith(f"{first}:") else ""
    see = "See" if text.endswith("?") else "see"
    expected = f"error: {text} {see} '{PROGRAMS[package]}{place} --help'\n"
    assert (done.returncode, done.stderr, done.stdout) == (2, expected, "")


@pytest.mark.parametrize(
    ("metavar", "words"),
    [
        ("INT", "a whole number"),
        ("{None}|PATH", "a path"),
        ("{None}|{FLOAT FLOAT}", "2 numbers"),
        ("[INT [INT ...]]", "whole numbers"),
        ("{mean,median}", "one of mean, median"),
        ("I/N", "I/N"),
        ("INT FLOAT", "INT FLOAT"),
    ],
)
def test_what_is_expected_is_told_in_words(metavar, words):
    assert command_line._expected(metavar) == words


def test_a_choice_that_is_none_is_answered_with_the_nearest(monkeypatch):
    def choose(way: tyro.conf.Positional[Literal["mean", "median"]]) -> None:
        """Choose."""

    monkeypatch.setattr(sys, "argv", ["x", "choose", "medan"])
    known = {"choose": choose}
    expected = r"WAY: expected one of mean, median, got 'medan'; did you mean 'median'\? See"
    with (
        pytest.raises(command_line.UserError, match=expected),
        command_line.mistakes_in_one_line("x", known),
    ):
        tyro.extras.subcommand_cli_from_dict({**known, "other": choose}, prog="x")


def test_what_tyro_tells_in_another_way_is_printed_as_it_prints_it(tmp_path, monkeypatch):
    def changed(event, line):
        raise AttributeError("tokens")

    monkeypatch.setattr(command_line, "_text", changed)
    done = command("benchmark", "trak", cwd=tmp_path)
    assert done.returncode == 2 and "Unrecognized options: trak" in done.stderr


def test_help_is_that_of_tyro(tmp_path):
    done = command("sweepbench", "track", "--help", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("usage: sweepbench track") and "--pixel-mm" in done.stdout
