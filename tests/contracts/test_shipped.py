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
# Sweeps as those that the weights were trained on (small-v1), of another seed and shorter: as many
# millimetres a frame.
SPEC = """
name = "unseen"
description = "Short sweeps of small-v1's kind from other subjects."
seed = 770077

[subjects]
train = 1
val = 1
test = 1

[acquisition]
frames = 36
frame_rate_hz = 20.0

[motion]
profiles = ["straight", "s"]
orientations = ["perpendicular"]
direction = "advance"
path_length_mm = [8.0, 10.0]
speed_spread = 0.28
speed_correlation_s = [0.25, 1.0]
curve_deg = [12.0, 25.0]
follow = [0.0, 1.0]
swing_deg = [35.0, 60.0]
creep = 0.5
wobble_frequency_hz = [0.1, 0.8]
wobble_across_mm_s = 1.2
wobble_axial_mm_s = 0.4
wobble_deg_s = 2.5
wobble_severity = [0.6, 1.4]
gel_mm = 1.0

[tissue]
kind = "layered"
attenuation_db_cm_mhz = 0.5
arteries = 1
veins = 2
vessel_radius_mm = [0.4, 1.8]
vessel_depth_mm = [4.0, 15.0]
vessel_extent_mm = [-15.0, 60.0]

[probe]
name = "linear-5MHz-small"
centre_frequency_hz = 5e6
fractional_bandwidth = 0.35
elements = 96
pitch_mm = 0.25
element_height_mm = 3.0
elevation_focus_mm = 12.0
transmit_focus_mm = 12.0
transmit_f_number = 2.0
f_number = 2.0
width_px = 96
height_px = 96
width_mm = 23.75
start_depth_mm = 1.0
depth_mm = 22.0

[bmode]
scatterers_per_cell = 10.0
dynamic_range_db = 60.0
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
    # A step is 0.25 mm, and 0.25 mm wrong for who answers none.
    assert mean["lpe"] < 0.04
    assert mean["motion_correlation"] > 0.9


def test_the_networks_of_the_house_ship() -> None:
    assert {"moglo", "moglo-long"} <= {folder.name for folder in SHIPPED}
    for folder in SHIPPED:
        assert find_domain(folder) is not None
        assert (folder / "weights.safetensors").stat().st_size < 10e6
        card = (folder / "README.md").read_text()
        taught_by = read_json(folder / "config.json")["trained_on"]["name"]
        assert f"| {taught_by} | test |" in card and "commit" in card
