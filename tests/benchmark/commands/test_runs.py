"""What the commands that make and score runs tell of strange answers."""

from pathlib import Path

import pytest

from tests.benchmark.shared.folders import make_dataset
from tests.command_line import command

#: Steps of a quarter of a millimetre, told in mm or in metres.
TRACKER = """
import numpy as np
from benchmark import Prediction, Tracker

class Even(Tracker):
    name = "even"

    def track(self, observation):
        poses = np.tile(np.eye(4), (len(observation), 1, 1))
        poses[:, 2, 3] = 0.25 * {unit} * np.arange(len(observation))
        return Prediction(poses)
"""


@pytest.mark.parametrize(("unit", "told"), [(1.0, False), (1e-3, True)], ids=["mm", "metres"])
def test_evaluate_tells_of_answers_in_metres(tmp_path: Path, unit: float, told: bool) -> None:
    make_dataset(tmp_path / "data")
    (tmp_path / f"even_{told}.py").write_text(TRACKER.format(unit=unit), encoding="utf-8")
    for verb in ("train", "predict", "evaluate"):
        done = command("sweepbench", verb, "data", "--trackers", f"even_{told}:Even", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert ("this looks like metres; expected mm" in done.stderr) is told
