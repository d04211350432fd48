"""The page's figures: a path for each run, also where several share a tracker's name."""

import shutil
from dataclasses import replace

import pytest

from benchmark.errors import UserError
from benchmark.figures import plot
from benchmark.figures.showcase import draw_showcase
from benchmark.files import read_json, write_json
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run, titles
from tests.benchmark.shared.folders import make_dataset


@pytest.fixture
def runs(tmp_path):
    """Runs of a reference row and of three seeds of a tracker without weights."""
    dataset = make_dataset(tmp_path / "data")
    oracle = make_run("constant-motion-oracle", dataset, root=tmp_path / "runs")
    predict(oracle)
    partial = make_run("true-in-plane", dataset, root=tmp_path / "runs")
    predict(partial)
    seeds = [replace(partial, seed=seed) for seed in (1, 2)]
    for run in seeds:
        shutil.copytree(partial.predictions, run.predictions)
    return [oracle, partial, *seeds]


def test_runs_that_share_a_name_have_a_path_each(runs, monkeypatch):
    drawn = []
    original = plot.trajectories
    monkeypatch.setattr(
        plot, "trajectories", lambda true, paths: drawn.extend(paths) or original(true, paths)
    )
    paths = list(draw_showcase(runs))
    labels = [run.label for run in runs[1:]]
    assert drawn == titles(runs) == ["constant-motion-oracle", *labels]
    slices = [path.stem for path in paths if "slices" in path.stem]
    assert slices == ["3-slices-constant-motion-oracle", f"3-slices-{labels[0]}"]
    told = [read_json(path.with_suffix(".json"))["tracker"] for path in paths if "sli" in path.stem]
    assert told == ["constant-motion-oracle", "true-in-plane"]  # whose section shows them


def test_predictions_of_another_split_are_refused(runs):
    meta = runs[0].predictions / "meta.json"
    told = read_json(meta)
    write_json(meta, {**told, "dataset": {**told["dataset"], "split": "train"}})
    with pytest.raises(UserError, match=r"dataset.split: expected 'test', got 'train'"):
        list(draw_showcase(runs))
    meta.unlink()
    with pytest.raises(UserError, match="predict' first"):
        list(draw_showcase(runs))
