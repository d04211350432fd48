"""Predictions folders: made anew when data, split, weights or the tracker's code changed."""

import importlib
import sys

import pytest

from benchmark.dataset import write_dataset, write_entry
from benchmark.files import read_json, write_json
from benchmark.hdf5 import read_prediction
from benchmark.learning.training import train
from benchmark.runs.predict import code_hash, predict
from benchmark.runs.run import make_run
from benchmark.scoring.submission import check_predictions
from tests.benchmark.shared.folders import make_sweep

SOURCE = """
from benchmark.sweep import Prediction
from benchmark.tracker import Tracker
import numpy as np

class Moving(Tracker):
    name = "moving"

    def track(self, observation):
        steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
        steps[:, 2, 3] = STEP
        return Prediction.from_steps(steps)
"""


@pytest.fixture
def dataset(tmp_path):
    entries = []
    for index, split in enumerate(("train", "val", "test", "test")):
        sweep = make_sweep(f"s{index}", f"p{index}")
        file = f"{sweep.name}.h5"
        entries.append(write_entry(tmp_path / "data", file, sweep, split, f"p{index}"))
    return write_dataset(tmp_path / "data", "tiny", entries, {})


@pytest.fixture
def coded(tmp_path, monkeypatch, dataset):
    """Return the run of a tracker whose source has been written with a step length."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(step, base=""):
        (tmp_path / "moving_tracker.py").write_text(SOURCE.replace("STEP", str(step)) + base)
        for name in ("moving_tracker", "moving_child"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return make_run("moving_tracker:Moving", dataset, root=tmp_path / "runs")

    yield run
    sys.modules.pop("moving_tracker", None)
    sys.modules.pop("moving_child", None)


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_no_file_of_another_split_is_left(dataset, tmp_path):
    run = make_run("identity", dataset, root=tmp_path / "runs")
    train(run)
    for split, names in (("val", {"s1.h5"}), ("test", {"s2.h5", "s3.h5"}), ("val", {"s1.h5"})):
        folder = predict(run, split)
        assert check_predictions(folder, dataset, split) == []
        assert {path.name for path in folder.iterdir()} == {*names, "meta.json"}
    before = stamps(folder)
    assert stamps(predict(run, "val")) == before


def test_changed_code_is_tracked_again_and_the_same_code_is_not(coded):
    run = coded(0.3)
    train(run)
    folder = predict(run)
    before = stamps(folder)
    predict(coded(0.3))
    assert stamps(folder) == before
    other = coded(0.5)
    assert other.folder == run.folder and other.is_trained()
    predict(other)
    assert read_prediction(folder / "s2.h5").first_from_frame[-1, 2, 3] == pytest.approx(8 * 0.5)
    assert check_predictions(folder, run.dataset, "test") == []


def test_the_code_of_a_base_class_counts_and_that_of_the_benchmark_does_not(coded, tmp_path):
    (tmp_path / "moving_child.py").write_text(
        "from moving_tracker import Moving\nclass Child(Moving):\n    name = 'child'\n"
    )
    found = []
    for step in (0.3, 0.5, 0.3):
        coded(step)
        found.append(code_hash(importlib.import_module("moving_child").Child))
    assert found[0] == found[2] != found[1]


def test_predictions_without_the_hash_of_the_code_are_read_and_made_anew(coded):
    run = coded(0.3)
    train(run)
    meta = predict(run) / "meta.json"
    content = read_json(meta)
    digest = content.pop("code_sha256")
    write_json(meta, content)
    assert check_predictions(meta.parent, run.dataset, "test") == []
    predict(run)
    assert read_json(meta)["code_sha256"] == digest
