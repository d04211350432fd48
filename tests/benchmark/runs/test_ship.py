"""Weights that travel: what is written, that they track as the run does, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.commands.sharing import Ship
from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction
from benchmark.learning.training import train
from benchmark.registry import shipping_folder, tracker_class
from benchmark.runs.domain import find_domain, measure_domain
from benchmark.runs.predict import predict
from benchmark.runs.run import Run, make_run, open_run
from benchmark.runs.ship import LARGEST_BYTES, model_card, ship
from benchmark.scoring.evaluate import evaluate
from tests.moglo.noise import sweep as noise_sweep
from tests.moglo.noise import write_noise

SMALL = {"frame_size": 48, "width": 2, "batch_size": 1, "window": 3}


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> tuple[Run, Path]:
    """A run of `moglo` that was trained for as short as can be, and its scores."""
    place = tmp_path_factory.mktemp("ship")
    data = write_noise(place / "data", [noise_sweep(8, seed=seed) for seed in range(4)])
    run = make_run("moglo", data, budget_tflop=1e-9, overrides=SMALL, root=place / "runs")
    train(run, accelerator="cpu")
    evaluate(predict(run), data, out=run.result)
    return run, place


def test_a_shipped_folder_tracks_as_its_run_does(taught, tmp_path: Path) -> None:
    run, _ = taught
    out = ship(run.folder, run.dataset, tmp_path / "moglo", [run.result])
    assert {path.name for path in out.iterdir()} == {
        "tracker.json", "weights.safetensors", "config.json", "domain.json", "README.md",
    }  # fmt: skip
    again = open_run(out, run.dataset, tmp_path / "runs")
    assert again.is_trained() and not again.is_away
    folder = predict(again)
    for entry in run.dataset.split("test"):
        one, other = (read_prediction(f / f"{entry.name}.h5") for f in (folder, run.predictions))
        assert np.array_equal(one.first_from_frame, other.first_from_frame)
    assert find_domain(out) == measure_domain(run.dataset)


def test_the_card_says_what_the_weights_come_from_and_how_good_they_are(taught, tmp_path) -> None:
    run, _ = taught
    card = (ship(run.folder, run.dataset, tmp_path, [run.result]) / "README.md").read_text()
    config = json.loads((run.folder / "config.json").read_text())
    result = json.loads(run.result.read_text())
    for fact in (
        run.dataset.hash,
        run.config_hash,
        str(config["environment"]["commit"]),
        f"{config['training']['updates']} updates",
        f"{config['training']['validation_error']:.4f}",
        f"hash `{run.dataset.hash}`",
        f" | {result['summary']['gpe']['mean']:.3g} | ",
        "| noise | test |",
    ):
        assert fact in card
    assert str(tmp_path) not in card


def test_the_card_shows_intervals_where_there_are_any() -> None:
    known = {"mean": 1.23456, "low": 0.5, "high": 2.0}
    result = {
        "dataset": {"name": "d", "split": "val"},
        "protocol": {"name": "p"},
        "summary": {"gpe": known, "lpe": {"mean": 0.1, "low": None, "high": None}, "lle": None},
    }
    config = {"trained_on": {"name": "d", "hash": "0" * 64}}
    lines = model_card(tracker_class("moglo"), config, [result], 1000).splitlines()
    assert "| data | split | gpe | lpe |" in lines
    assert "| d | val | 1.23 (0.5 to 2) | 0.1 |" in lines


def test_a_tracker_given_by_its_address_ships_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_still.py").write_text(
        "from baselines.constant import Identity\n"
        "class Still(Identity):\n"
        "    name = 'still'\n"
        "    def fit(self, sweeps):\n"
        "        pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    data = write_noise(tmp_path / "data", [noise_sweep(8, seed=seed) for seed in range(4)])
    run = make_run("my_still:Still", data, root=tmp_path / "runs")
    train(run)
    out = ship(run.folder, data, tmp_path / "out")
    card = (out / "README.md").read_text()
    assert "--tracker my_still:Still --run <this folder>" in card
    assert open_run(out, data).name == "still"
    with pytest.raises(UserError, match="'my_still' is not a package; give --out"):
        ship(run.folder, data)


def test_by_default_weights_go_where_commands_look_for_them() -> None:
    place = shipping_folder(tracker_class("moglo"))
    assert place is not None and place.parts[-3:] == ("moglo", "weights", "moglo")


def test_the_command_writes_the_folder(taught, tmp_path: Path, capsys) -> None:
    run, place = taught
    Ship(run.folder, tmp_path / "out", place / "data").run()
    assert str(tmp_path / "out" / "README.md") in capsys.readouterr().out
    assert "| data |" not in (tmp_path / "out" / "README.md").read_text()


def test_what_cannot_be_shipped_is_refused(taught, tmp_path: Path) -> None:
    run, _ = taught
    with pytest.raises(UserError, match=r"tracker.json: no such file; expected the folder of a"):
        ship(tmp_path, run.dataset)
    other = write_noise(tmp_path / "other", [noise_sweep(8, seed=9)])
    with pytest.raises(UserError, match=f"trained on noise .*, got noise .{other.hash[:8]}"):
        ship(run.folder, other, tmp_path / "out")
    changed = {**json.loads(run.result.read_text()), "seed": 7}
    (tmp_path / "result.json").write_text(json.dumps(changed))
    with pytest.raises(UserError, match=r"result.json: seed 7, expected 0"):
        ship(run.folder, run.dataset, tmp_path / "out", [tmp_path / "result.json"])
    changed = {**json.loads(run.result.read_text()), "weights_sha256": "a" * 64}
    (tmp_path / "result.json").write_text(json.dumps(changed))
    with pytest.raises(UserError, match=rf"result.json: weights_sha256 {'a' * 64}, expected \w"):
        ship(run.folder, run.dataset, tmp_path / "out", [tmp_path / "result.json"])
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in run.folder.glob("*.*"):
        (copy / path.name).write_bytes(path.read_bytes())
    with (copy / "weights.safetensors").open("ab") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(UserError, match=r"weights of 10.0 MB, expected at most 10 MB"):
        ship(copy, run.dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cut_checkpoint_is_refused(taught, tmp_path: Path) -> None:
    run, _ = taught
    out = ship(run.folder, run.dataset, tmp_path / "moglo")
    weights = (out / "weights.safetensors").read_bytes()
    (out / "weights.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(UserError, match="truncated or not safetensors"):
        predict(open_run(out, run.dataset, tmp_path / "runs"))
