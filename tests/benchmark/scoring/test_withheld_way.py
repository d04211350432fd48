"""The whole way of a split without answers: track, check, score with the answers, never without."""

import sys

import pytest

from benchmark.__main__ import main
from benchmark.dataset import write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.hdf5 import write_sweep
from benchmark.learning.training import train
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.scoring.evaluate import evaluate
from benchmark.scoring.submission import check_predictions
from tests.benchmark.shared.sensed import sensed_sweep

NAMES = ("train", "test-a", "test-b")


def make_sets(root):
    """A data set whose test sweeps have no poses, and the folder of their answers."""
    sets = {"public": [], "answers": []}
    for index, name in enumerate(NAMES):
        sweep = sensed_sweep(name, f"p{index}")
        split = name.partition("-")[0]
        for place, entries in sets.items():
            if place == "answers" and split == "train":
                continue
            hidden = place == "public" and split == "test"
            shown = sweep.withhold({"profile": "straight"}) if hidden else sweep
            entries.append(write_entry(root / place, f"{name}.h5", shown, split, f"p{index}"))
    return [write_dataset(root / p, "secret", entries, {}) for p, entries in sets.items()]


@pytest.fixture
def sets(tmp_path):
    return make_sets(tmp_path)


@pytest.fixture
def tracked(sets, tmp_path):
    """A calibrated tracker that tracked the public frames."""
    run = make_run("training-mean", sets[0], root=tmp_path / "runs")
    train(run)
    predict(run)
    return run


def test_trackers_and_the_check_need_no_poses(sets, tracked):
    public, _ = sets
    assert check_predictions(tracked.predictions, public, "test") == []
    assert read_json(tracked.predictions / "meta.json")["dataset"]["hash"] == public.hash


def test_scores_need_the_answers_and_are_those_of_the_true_poses(sets, tracked, tmp_path):
    public, answers = sets
    with pytest.raises(UserError, match=r"withheld; give its answers \(--answers\)"):
        evaluate(tracked.predictions, public)
    result = evaluate(tracked.predictions, public, answers=answers)
    # The same sweeps with nothing withheld score the same.
    open_set = list(answers.entries)
    train_entry = public.split("train")[0]
    write_sweep(answers.folder / train_entry.file, public.load(train_entry))
    whole = write_dataset(answers.folder, "secret", [train_entry, *open_set], {})
    run = make_run("training-mean", whole, root=tmp_path / "open")
    train(run)
    plain = evaluate(predict(run), whole)
    assert result["summary"] == plain["summary"]
    assert result["dataset"]["hash"] == public.hash == whole.hash


CLAIM = {
    "spec_hash": "b" * 64,
    "generator": "1",
    "withheld": {"split": "test", "entropy_sha256": "a" * 64},
}


def claimed(dataset, identity):
    """The same data set with another identity."""
    return write_dataset(dataset.folder, dataset.name, dataset.entries, identity)


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (
            {**CLAIM, "withheld": {"split": "test", "entropy_sha256": "c" * 64}},
            "entropy_sha256 aaaaaaaaaaaa, got cccccccccccc",
        ),
        ({**CLAIM, "spec_hash": "d" * 64}, "spec_hash bbbbbbbbbbbb, got dddddddddddd"),
        ({"spec_hash": "b" * 64, "generator": "1"}, "split test, got None"),
    ],
)
def test_answers_of_other_data_are_refused(sets, tracked, theirs, words):
    public, answers = claimed(sets[0], CLAIM), sets[1]
    own = {**CLAIM, "withheld": {**CLAIM["withheld"], "entropy": "1234"}}
    meta = read_json(tracked.predictions / "meta.json")
    told = {"dataset": public.described("test")}
    write_json(tracked.predictions / "meta.json", meta | told)
    right = claimed(answers, own)
    result = evaluate(tracked.predictions, public, answers=right)
    assert result["answers"] == right.hash == public.hash
    with pytest.raises(UserError, match=words) as error:
        evaluate(tracked.predictions, public, answers=claimed(answers, theirs))
    assert str(public.folder) in str(error.value) and str(answers.folder) in str(error.value)


def test_reference_rows_cannot_be_had_without_the_truth(sets, tmp_path):
    with pytest.raises(UserError, match="withheld"):
        predict(make_run("constant-motion-oracle", sets[0], root=tmp_path))


def test_the_command_line_goes_the_same_way(sets, tracked, tmp_path, monkeypatch, capsys):
    public, answers = sets

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, words)])
        return main()

    runs = ("--trackers", "training-mean", "--runs", tmp_path / "runs")
    assert run("evaluate", public.folder, *runs) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error:") and "--answers" in line
    assert run("evaluate", public.folder, *runs, "--answers", answers.folder) == 0
    out = tmp_path / "mine.json"
    words = ("score", tracked.predictions, public.folder, "--out", out)
    assert run(*words) == 2 and not out.exists()
    assert run(*words, "--answers", answers.folder) == 0
    assert read_json(out)["summary"] == read_json(tracked.result)["summary"]
    other = make_sets(tmp_path / "other")[0]
    assert run(*words, "--answers", other.folder) == 2  # answers that are withheld themselves


def test_photoacoustic_frames_are_placed_by_a_tracker_without_true_poses(
    sets, tracked, tmp_path, monkeypatch
):
    public, _ = sets
    sweep = public.folder / "test-a.h5"
    words = ["reconstruct", sweep, "--tracker", "training-mean", "--run", tracked.folder]
    words += ["--channel", "pa", "--out", tmp_path / "v.nrrd", "--no-pictures"]
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, words)])
    assert main() == 0
    assert (tmp_path / "v.nrrd").stat().st_size > 100
    monkeypatch.setattr(sys, "argv", ["benchmark", "reconstruct", str(sweep)])
    assert main() == 2  # its own poses are withheld
