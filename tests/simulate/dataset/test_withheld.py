"""Test sweeps without answers: the public files hold no truth, and the answers score them."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.files import write_json
from benchmark.hdf5 import write_prediction
from benchmark.scoring.evaluate import evaluate
from benchmark.sweep import Prediction
from simulate.dataset.generate import generate
from simulate.dataset.withheld import Withheld, read_entropy
from simulate.spec import load_spec
from simulate.sweep.compose import make_sweep

ENTROPY = int("c0ffee" * 8, 16)
BASE = load_spec("tiny-v2")
SPEC = dataclasses.replace(
    BASE,
    acquisition=dataclasses.replace(BASE.acquisition, frames=6),
    subjects=dataclasses.replace(BASE.subjects, train=1),
    imu=dataclasses.replace(BASE.imu, rate_hz=50.0),
    pose_sensor=dataclasses.replace(BASE.pose_sensor, kind="optical"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("withheld")
    kept = Withheld(ENTROPY, str(root / "answers"))
    public = generate(SPEC, root / "public", workers=1, withheld=kept)
    assert public is not None
    return public, open_dataset(root / "answers")


def test_the_public_folder_gives_nothing_away(made):
    public, answers = made
    (entry,) = public.split("test")
    keys: list[str] = []
    with h5py.File(public.folder / entry.file) as file:
        file.visit(keys.append)
    assert not [k for k in keys if "world" in k or "measured" in k or "true" in k]
    assert not (public.folder / "truth" / "test-000.json").exists()
    assert (public.folder / "truth" / "train-000.json").exists()
    assert not set(entry.factors) & {"seed", "index", "path_mm", "net_mm"}
    for path in public.folder.rglob("*"):
        assert not path.is_file() or b"c0ffee" not in path.read_bytes()
    sweep, answer = public.load(entry), answers.load(answers.split("test")[0])
    assert np.array_equal(sweep.bmode.frames, answer.bmode.frames)
    assert {"timestamps", "acceleration", "angular_rate"} == set(sweep.imu)
    with pytest.raises(UserError, match="withheld"):
        _ = sweep.first_from_frame
    # Neither does the public seed: it draws other sweeps.
    again = make_sweep(SPEC, 2)
    assert again.name == sweep.name
    assert (again.bmode.frames != sweep.bmode.frames).mean() > 0.5
    assert not np.allclose(again.bmode.world_from_image, answer.bmode.world_from_image)


def test_training_sweeps_are_those_of_the_public_seed(made):
    public, _ = made
    assert public.verify() == []
    stored = public.load(public.split("train")[0])
    again = make_sweep(SPEC, 0)
    assert np.array_equal(stored.bmode.frames, again.bmode.frames)
    assert np.array_equal(stored.bmode.measured["optical"], again.bmode.measured["optical"])


def test_answers_hold_the_entropy_and_can_be_drawn_again(made):
    _, answers = made
    identity = json.loads((answers.folder / "identity.json").read_text())
    assert int(identity["withheld"]["entropy"], 16) == ENTROPY
    answer = answers.load(answers.split("test")[0])
    again = make_sweep(SPEC, 2, ENTROPY)
    assert np.array_equal(answer.bmode.world_from_image, again.bmode.world_from_image)
    assert answers.truth("test-000") is not None and "path_mm" in answer.factors


def test_predictions_are_scored_with_the_answers_only(made, tmp_path):
    public, answers = made
    (entry,) = public.split("test")
    truth = answers.load(answers.split("test")[0]).first_from_frame
    write_prediction(tmp_path / f"{entry.name}.h5", Prediction(truth))
    meta = {"format": "sweepbench-predictions-1", "tracker": "mine", "kind": "external",
            "dataset": {"name": public.name, "hash": public.hash, "split": "test"}}  # fmt: skip
    write_json(tmp_path / "meta.json", meta)
    result = evaluate(tmp_path, public, answers=answers)
    assert result["summary"]["fdr_path_centre"]["mean"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(UserError, match="withheld"):
        evaluate(tmp_path, public)


def test_a_second_run_does_nothing_and_other_entropy_is_refused(made):
    public, answers = made
    before = {p: p.stat().st_mtime_ns for p in public.folder.parent.rglob("*")}
    place = str(answers.folder)
    assert generate(SPEC, public.folder, workers=1, withheld=Withheld(ENTROPY, place)) is not None
    assert {p: p.stat().st_mtime_ns for p in public.folder.parent.rglob("*")} == before
    other = (
        r"expected withheld answers \(entropy \w{12}\), got withheld answers \(entropy \w{12}\);"
    )
    with pytest.raises(UserError, match=other):
        generate(SPEC, public.folder, workers=1, withheld=Withheld(ENTROPY + 1, place))
    with pytest.raises(UserError, match="expected public answers, got withheld answers"):
        generate(SPEC, public.folder, workers=1)
    inside = Withheld(ENTROPY, str(public.folder / "answers"))
    with pytest.raises(UserError, match="expected a folder outside"):
        generate(SPEC, public.folder, workers=1, withheld=inside)


@pytest.mark.parametrize(
    ("text", "words"),
    [("12", "at least 32"), ("not hex at all, but long enough", "digits only"), ("", "digits"),
     ("0" * 64, "at least 32"), (None, "no such entropy file")],
)  # fmt: skip
def test_weak_entropy_is_refused(tmp_path, text, words):
    path = tmp_path / "entropy"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_entropy(path)
    assert "token_hex" in str(caught.value)
    path.write_text("  " + "A1" * 32 + "\n")
    assert read_entropy(path) == int("a1" * 32, 16)
