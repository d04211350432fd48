"""Weights that ship with the trackers: each follows the motion of sweeps it was not trained on."""

from pathlib import Path

import pytest

from benchmark.dataset import Dataset, open_dataset
from benchmark.files import read_json
from benchmark.runs.domain import find_domain
from benchmark.runs.predict import predict
from benchmark.runs.run import open_run
from benchmark.scoring.evaluate import evaluate
from simulate.dataset.generate import generate
from simulate.spec import load_spec

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.parent for path in ROOT.glob("*/weights/*/tracker.json"))
# Sweeps as those that the weights were trained on, of another seed and shorter: as many millimetres
# a frame.
SPEC = """
extends = "small-v2"
name = "unseen"
description = "Short sweeps of small-v2's kind from other subjects."
seed = 770077

[subjects]
train = 1
val = 1
test = 1

[acquisition]
frames = 36

[motion]
profiles = ["straight", "s"]
path_length_mm = [7.0, 11.0]

[showcase]
sweeps = 0
"""


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "unseen.toml").write_text(SPEC)
    generate(load_spec(folder / "unseen.toml"), folder / "unseen", workers=1)
    return open_dataset(folder / "unseen")


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_shipped_weights_tell_unseen_motion(folder: Path, unseen: Dataset, tmp_path: Path) -> None:
    run = open_run(folder, unseen, tmp_path)
    evaluate(predict(run), unseen, "sweepbench-v1", run.result)
    result = read_json(run.result)
    assert result["outside_training"] == [] and not result["failed"]
    mean = {name: found["mean"] for name, found in result["summary"].items()}
    # A step is 0.25 mm, and 0.25 mm wrong for who answers none; a third of that is asked of weights
    # that were taught by other probes.
    at_home = read_json(folder / "config.json")["trained_on"]["name"] == "small-v2"
    assert mean["lpe"] < (0.04 if at_home else 0.083)
    assert mean["motion_correlation"] > 0.9


def test_the_networks_of_the_house_ship() -> None:
    assert {"moglo", "moglo-long", "moglo-any"} <= {folder.name for folder in SHIPPED}
    for folder in SHIPPED:
        assert find_domain(folder) is not None
        assert (folder / "weights.safetensors").stat().st_size < 10e6
        card = (folder / "README.md").read_text()
        taught_by = read_json(folder / "config.json")["trained_on"]["name"]
        assert f"| {taught_by} | test |" in card and "commit" in card
