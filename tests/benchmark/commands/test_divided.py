"""Commands whose runs are shared out: parts, workers, what is printed, and the page about them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import tyro

from benchmark.__main__ import Command
from benchmark.commands.runs import Evaluate, Predict, Train
from benchmark.commands.selection import Selection
from benchmark.commands.stress import Stress
from benchmark.dataset import Dataset
from benchmark.errors import UserError
from tests.benchmark.learning.brightness import write_bright

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
TRACKERS = ("identity", "training-mean", "constant-motion-oracle")


@pytest.fixture
def bright(tmp_path: Path) -> Dataset:
    return write_bright(tmp_path / "data")


def test_parts_of_train_predict_and_evaluate_do_each_run_once(
    bright: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = Selection(bright.folder, trackers=TRACKERS, runs=tmp_path / "runs")
    for part in ("1/2", "2/2"):
        for command in (Train, Predict, Evaluate):
            command(chosen, shard=part).run()
        found = sorted((tmp_path / "runs").rglob("result.json"))
        assert len(found) == {"1/2": 2, "2/2": 3}[part]
    assert {json.loads(path.read_text())["tracker"] for path in found} == set(TRACKERS)
    shown = capsys.readouterr().out.splitlines()
    assert sorted(Path(line) for line in shown if line.endswith("result.json")) == found


def test_parts_of_stress_leave_the_tables_to_the_last(
    bright: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = Selection(bright.folder, trackers=TRACKERS, runs=tmp_path)
    Stress(chosen, shard="2/2").run()
    place = tmp_path / bright.name
    assert capsys.readouterr().out == f"{place}: this part is done, others are missing\n"
    assert len(list(place.rglob("result.json"))) == 1 and not (place / "stress.md").exists()


@pytest.mark.parametrize("shard", ["2", "0/2", "3/2"])
def test_what_is_no_part_is_refused(bright: Dataset, tmp_path: Path, shard: str) -> None:
    with pytest.raises(UserError, match="--shard: expected i/n"):
        Predict(Selection(bright.folder, trackers=TRACKERS, runs=tmp_path), shard=shard).run()


def test_the_commands_of_the_page_can_be_read() -> None:
    """Flags and values; a comment ends a line."""
    told = re.findall(r"sweepbench ((?!generate)[^#\n`]+)", PAGE.read_text(encoding="utf-8"))
    found: list[Any] = [
        tyro.cli(Command, args=shlex.split(line.replace("$part", "2/8"))) for line in told
    ]
    assert {type(command).__name__ for command in found} == {
        "Train", "Predict", "Evaluate", "Stress", "Study",
    }  # fmt: skip
    assert {command.shard for command in found} == {"1/1", "2/8"}
