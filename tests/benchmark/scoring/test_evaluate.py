"""From predictions to result.json: what is in it, what fails, what is refused."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from benchmark.dataset import write_dataset
from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction, write_sweep
from benchmark.metrics import compute
from benchmark.results import without_nan
from benchmark.scoring.evaluate import evaluate, make_case
from benchmark.scoring.protocol import find_protocol
from benchmark.scoring.statistics import summarise
from tests.benchmark.shared.folders import FRAMES, NAMES, make_dataset, write_meta


def test_the_result_file_is_what_the_leaderboard_expects(sound, tmp_path):
    dataset, folder = sound
    out = tmp_path / "runs" / "result.json"
    result = evaluate(folder, dataset.folder, "sweepbench-v1", out)
    text = out.read_text(encoding="utf-8")
    assert json.loads(text) == result and "NaN" not in text and "Infinity" not in text
    protocol = find_protocol("sweepbench-v1")
    assert result["format"] == "sweepbench-result-2"
    assert result["protocol"] == {"name": "sweepbench-v1", "hash": protocol.hash}
    assert result["dataset"] == dataset.described("test")
    assert result["dataset"]["hash"] == dataset.hash and result["dataset"]["split"] == "test"
    assert result["tracker"] == "mine" and result["seconds_per_frame"] == 0.01
    assert result["expected_sweeps"] == 4 and result["failed"] == []
    assert {row["name"]: row["subject"] for row in result["sweeps"]} == NAMES
    for row in result["sweeps"]:
        assert set(row) == {
            "name", "subject", "frames", "factors", "metrics", "curve", "trajectory",
        }  # fmt: skip
        assert set(row["metrics"]) == set(protocol.metrics)
        assert row["frames"] == FRAMES and row["factors"]["profile"] == "straight"
    assert set(result["summary"]) == set(protocol.metrics)
    for found in result["summary"].values():
        assert set(found) == {"mean", "sd", "low", "high"}


def test_the_numbers_are_those_of_the_metrics(sound):
    dataset, folder = sound
    result = evaluate(folder, dataset, "sweepbench-v1")
    for row, entry in zip(result["sweeps"], dataset.split("test"), strict=True):
        suffix = ".npz" if entry.name == "p0-b" else ".h5"
        prediction = read_prediction(folder / f"{entry.name}{suffix}")
        case = make_case(dataset.load(entry), prediction)
        assert row["metrics"] == compute(case, row["metrics"])
        assert row["metrics"]["lpe"] == pytest.approx(0.02, abs=1e-9)  # the bias put in
        assert row["curve"]["path_mm"][-1] == pytest.approx(case.paths[0, -1], abs=1e-4)
        assert row["curve"]["drift_mm"][-1] == pytest.approx(
            row["metrics"]["final_drift"], abs=1e-4
        )
        assert np.allclose(row["trajectory"]["true"], case.true_track, atol=1e-4)
        assert np.allclose(row["trajectory"]["predicted"], case.predicted_track, atol=1e-4)
    values = [row["metrics"]["fdr_path_centre"] for row in result["sweeps"]]
    assert result["summary"]["fdr_path_centre"] == summarise(values, list(NAMES.values()))


def test_what_is_drawn_has_a_hundred_points_at_most(tmp_path):
    from benchmark import geometry
    from benchmark.dataset import Entry
    from benchmark.scoring.evaluate import score_sweep
    from benchmark.sweep import Prediction
    from tests.benchmark.shared.folders import make_sweep

    sweep = make_sweep("long", "p", frames=707)
    entry = Entry("long", "long.h5", "test", "p", 707, "", {}, {})
    still = Prediction(np.tile(np.eye(4), (707, 1, 1)))
    row = score_sweep(entry, sweep, still, ["gpe"])
    for points in (*row["curve"].values(), *row["trajectory"].values()):
        assert len(points) == 100
    steps = geometry.relative(sweep.bmode.world_from_image)
    assert row["curve"]["path_mm"][0] == 0 and len(steps) == 706
    assert row["curve"]["path_mm"] == sorted(row["curve"]["path_mm"])


def test_missing_and_faulty_sweeps_are_listed_with_their_reason_and_the_rest_is_scored(copy):
    dataset, folder = copy
    (folder / "p1-a.h5").unlink()
    with h5py.File(folder / "p0-a.h5", "r+") as file:
        file["first_from_frame"][3, 0, 3] = np.nan
        file["sigma"][0] = -1
    result = evaluate(folder, dataset, "sweepbench-v1")
    assert result["expected_sweeps"] == 4 and len(result["sweeps"]) == 2
    reasons = {row["sweep"]: row["reason"] for row in result["failed"]}
    assert set(reasons) == {"p0-a", "p1-a"} and reasons["p1-a"] == "missing"
    assert {row["factors"]["profile"] for row in result["failed"]} == {"straight"}
    assert "NaN" in reasons["p0-a"] and "below zero" in reasons["p0-a"]
    assert str(folder) not in reasons["p0-a"]  # a result travels, a path does not
    assert result["summary"]["gpe"]["mean"] == pytest.approx(
        np.mean([row["metrics"]["gpe"] for row in result["sweeps"]])
    )


def test_a_folder_without_any_sound_sweep_still_gives_a_result(copy, tmp_path):
    dataset, folder = copy
    for path in folder.glob("p*"):
        path.unlink()
    result = evaluate(folder, dataset, "moglo2025", tmp_path / "result.json")
    assert len(result["failed"]) == result["expected_sweeps"] == 4 and result["sweeps"] == []
    assert result["summary"]["afe_moglo"] == dict.fromkeys(("mean", "sd", "low", "high"))


@pytest.mark.parametrize("name", ["tusrec2024", "tusrec2025", "moglo2025"])
def test_each_protocol_scores_its_own_metrics(sound, name):
    dataset, folder = sound
    result = evaluate(folder, dataset, name)
    assert set(result["summary"]) == set(find_protocol(name).metrics)
    assert result["protocol"]["hash"] == find_protocol(name).hash


def test_faults_of_meta_are_refused_all_in_one_line(copy):
    dataset, folder = copy
    told = {"name": dataset.name, "hash": "stale", "split": "test"}
    write_meta(folder, dataset, dataset=told, tracker=None, seed="x")
    with pytest.raises(UserError) as error:
        evaluate(folder, dataset)
    line = str(error.value)
    assert "dataset.hash" in line and "tracker" in line and "seed" in line and "\n" not in line


def test_another_split_than_the_one_asked_for_is_refused(sound):
    dataset, folder = sound
    assert evaluate(folder, dataset, "tusrec2024", split="test")["expected_sweeps"] == 4
    with pytest.raises(UserError, match=r"dataset.split: expected 'train', got 'test'"):
        evaluate(folder, dataset, split="train")


def test_no_meta_or_unknown_protocol_is_one_line(sound, tmp_path):
    dataset, folder = sound
    with pytest.raises(UserError, match=r"meta.json: no such file"):
        evaluate(tmp_path, dataset)
    with pytest.raises(UserError, match="unknown protocol 'tusrec2026'"):
        evaluate(folder, dataset, "tusrec2026")


def test_answers_may_lie_elsewhere(sound, tmp_path):
    """The poses of the public folder are replaced; those of the answers are the true ones."""
    dataset, folder = sound
    truth = make_dataset(tmp_path / "answers")
    expected = evaluate(folder, dataset, "tusrec2024")
    public = shutil.copytree(dataset.folder, tmp_path / "public")
    for entry in dataset.split("test"):
        with h5py.File(public / entry.file, "r+") as file:
            file["channels/bmode/world_from_image"][:] = np.eye(4)
    blind = evaluate(folder, public, "tusrec2024")
    assert blind["summary"]["gpe"]["mean"] != expected["summary"]["gpe"]["mean"]
    found = evaluate(folder, public, "tusrec2024", answers=truth.folder)
    assert found == {**expected, "answers": truth.hash}


def test_answers_that_lack_a_sweep_are_refused(sound, tmp_path):
    dataset, folder = sound
    partial = [entry for entry in dataset.entries if entry.name != "p2-a"]
    for entry in partial:
        write_sweep(tmp_path / entry.file, dataset.load(entry))
    answers = write_dataset(tmp_path, "tiny-v2", partial, {})
    with pytest.raises(UserError, match="no answers for sweep 'p2-a' of 9 frames"):
        evaluate(folder, dataset, answers=answers)


def test_frames_are_never_read(sound, monkeypatch):
    from benchmark.frames import LazyFrames

    dataset, folder = sound
    monkeypatch.setattr(LazyFrames, "__getitem__", lambda *_: pytest.fail("frames were read"))
    evaluate(folder, dataset, "tusrec2024")


def test_numbers_that_json_does_not_know_become_null():
    value = {"a": [np.float64("nan"), float("inf"), 1.5], "b": (np.int64(3), None, "x", True)}
    assert without_nan(value) == {"a": [None, None, 1.5], "b": [3, None, "x", True]}


def test_evaluation_loads_no_torch_and_no_plots():
    code = (
        "import sys, benchmark.scoring.evaluate, benchmark.scoring.submission\n"
        "import benchmark.scoring.statistics\n"
        "found = {'torch', 'numba', 'matplotlib', 'pandas', 'plotly'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
