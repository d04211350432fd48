"""The training loop: budget, resume, determinism, best weights."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from benchmark.commands.runs import Train
from benchmark.commands.selection import Selection
from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.learning.flops import flop_counter
from benchmark.learning.schedule import learning_rate_factor
from benchmark.learning.training import count_flops, load_sweeps, train
from benchmark.learning.windows import Windows, conditions_of
from benchmark.machine import lock
from benchmark.runs.run import make_run
from benchmark.sweep import Sweep
from benchmark.tracker import Recipe
from tests.benchmark.learning.brightness import FLOPS, ME, Brightness, bright_sweep


def test_windows_hold_consecutive_frames_and_their_true_steps(dataset: Dataset) -> None:
    windows = Windows(load_sweeps(dataset, "train"), 3, 200, seed=1)
    starts = set()
    for frames, steps, grid in windows:
        assert frames.shape == (3, 8, 8) and steps.shape == (2, 4, 4) and grid.shape == (4, 4)
        np.testing.assert_allclose(frames[1:, 0, 0], steps[:, 2, 3], atol=1 / 255)
        starts.add(float(frames[0, 0, 0]))
    assert len(starts) > 35  # of 44 places, all equally likely
    again = Windows(load_sweeps(dataset, "train"), 3, 200, seed=1)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(windows, again, strict=True))


def of_two_shapes() -> list[Sweep]:
    """Sweeps of 24 and 12 frames of 8 x 8 pixels, and one of 20 frames of 8 x 6."""
    sweeps = [bright_sweep(f"s{n}", frames, n) for n, frames in enumerate((24, 20, 12))]
    channel = sweeps[1].bmode
    narrow = dataclasses.replace(channel, frames=channel.frames[:, :, :6])
    sweeps[1] = dataclasses.replace(sweeps[1], channels={"bmode": narrow})
    return sweeps


def test_a_batch_of_windows_has_one_shape_and_all_windows_are_equally_likely() -> None:
    count, batch = 12_000, 8
    windows = Windows(of_two_shapes(), 3, count, seed=3, batch=batch)
    widths = [windows.sweeps[which].bmode.frames.shape[2] for which in windows.which]
    rows = np.reshape(widths, (-1, batch))
    assert (rows == rows[:, :1]).all() and set(rows[:, 0]) == {6, 8}
    assert next(iter(DataLoader(windows, batch)))[0].shape == (8, 3, 8, widths[0])
    places = windows.which * 100 + windows.start
    _, found = np.unique(places, return_counts=True)
    assert len(found) == 22 + 18 + 10
    # Shapes are drawn per batch: 1,500 draws; windows within a shape independently.
    share = np.mean(np.array(widths) == 6)
    assert share == pytest.approx(18 / 50, abs=4 * np.sqrt(0.36 * 0.64 / 1500))
    assert found.std() / found.mean() < 0.12
    ragged = Windows(of_two_shapes(), 3, 13, seed=3, batch=batch)
    assert len(ragged) == 13


def test_one_shape_gives_the_windows_of_any_batch_size(dataset: Dataset) -> None:
    sweeps = load_sweeps(dataset, "train")
    one, other = Windows(sweeps, 3, 50, seed=1), Windows(sweeps, 3, 50, seed=1, batch=8)
    assert (one.start == other.start).all() and (one.which == other.which).all()


def test_the_cost_of_an_update_is_the_mean_over_windows_of_all_shapes() -> None:
    class Pixels(Brightness):
        """Costs as much as a frame has pixels."""

        def loss(self, frames, prev_from_frame, mm_from_pixel):
            grey = frames[:, 1].flatten(1)
            return self.net(grey[..., None]).mean()

    sweeps = of_two_shapes()
    costs = [count_flops(Pixels(), [sweep]) for sweep in sweeps]
    assert costs[0] == costs[2] > costs[1]
    mean = np.average(costs, weights=[23, 19, 11])
    assert count_flops(Pixels(), sweeps) == pytest.approx(mean)


def test_windows_carry_the_condition_of_their_sweep() -> None:
    class Knowing(Brightness):
        """Knows the width of a sweep's frames."""

        def condition(self, observation):
            return np.float32([observation.bmode.frames.shape[2], 1.0])

    sweeps = of_two_shapes()
    told = conditions_of(Knowing(), sweeps)
    windows = Windows(sweeps, 3, 20, seed=1, batch=4, conditions=told)
    for batch in DataLoader(windows, 4):
        frames, steps, grid, known = batch
        assert len(steps) == len(grid) == 4
        assert torch.equal(known, torch.tensor([[frames.shape[-1], 1.0]] * 4))
    assert len(Windows(sweeps, 3, 20, conditions=conditions_of(Brightness(), sweeps))[0]) == 3


def test_windows_refuse_sweeps_that_are_too_short(dataset: Dataset) -> None:
    with pytest.raises(UserError, match="window of 25 frames, but the longest sweep has 24"):
        Windows(load_sweeps(dataset, "train"), 25, 1)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (torch.nn.Conv2d(8, 12, 3, stride=2, padding=1), (3, 8, 17, 19)),
        (torch.nn.Conv2d(8, 16, 3, groups=4), (3, 8, 17, 19)),
        (torch.nn.Conv3d(8, 8, 3, groups=8), (3, 8, 7, 17, 19)),
        (torch.nn.ConvTranspose2d(8, 12, 3, groups=2), (3, 8, 7, 9)),
    ],
)
def test_each_gradient_of_a_convolution_costs_what_the_convolution_costs(layer, size):
    """Each gradient sums the same products of image, weight and output as the forward pass."""
    with FlopCounterMode(display=False) as forward:
        layer(torch.zeros(size))
    for image_too in (False, True):
        image = torch.zeros(size, requires_grad=image_too)
        with flop_counter() as counter:
            layer(image).sum().backward()
        assert counter.get_total_flops() == (2 + image_too) * forward.get_total_flops()


def test_flops_are_those_of_the_layers(dataset: Dataset) -> None:
    tracker = Brightness()
    before = {k: v.clone() for k, v in tracker.module().state_dict().items()}
    assert count_flops(tracker, load_sweeps(dataset, "train")) == FLOPS
    assert all(torch.equal(before[k], v) for k, v in tracker.module().state_dict().items())
    assert all(p.grad is None for p in tracker.module().parameters())


def test_training_spends_the_budget_learns_and_is_not_done_twice(
    dataset: Dataset, tmp_path: Path
) -> None:
    run = make_run(ME, dataset, budget_tflop=240 * FLOPS / 1e12, root=tmp_path / "runs")
    train(run, accelerator="cpu")
    record = run.read_config()["training"]
    assert record["updates"] == 240
    assert record["flops"] == 240 * FLOPS
    assert record["validation_error"] < 0.05
    assert not (run.folder / "last.ckpt").exists() and not list(run.folder.glob("best*"))
    stamp = (run.folder / "weights.safetensors").stat().st_mtime_ns
    train(run, accelerator="cpu")
    assert (run.folder / "weights.safetensors").stat().st_mtime_ns == stamp
    fresh = make_run(ME, dataset, budget_tflop=240 * FLOPS / 1e12, root=tmp_path / "runs")
    fresh.tracker.load(run.folder)
    sweep = next(dataset.sweeps("test"))
    error = fresh.tracker.track(sweep.observe()).first_from_frame - sweep.first_from_frame
    assert np.abs(error).max() < 0.05 * sweep.first_from_frame[-1, 2, 3]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    dataset: Dataset, tmp_path: Path
) -> None:
    weights = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        run = make_run(
            ME, dataset, budget_tflop=24 * FLOPS / 1e12, seed=seed, root=tmp_path / place
        )
        train(run, accelerator="cpu")
        weights.append((run.folder / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


INTERRUPTED = """
import os, signal, sys
import benchmark.learning.training as training
from benchmark import open_dataset
from benchmark.runs.run import make_run
import lightning.pytorch as pl
from pathlib import Path

class Stop(pl.Callback):
    def on_train_epoch_start(self, trainer, loop):
        if trainer.current_epoch == 5:
            os.kill(os.getpid(), signal.{signal})

original = pl.Trainer.__init__
def patched(self, *args, callbacks=(), **kwargs):
    original(self, *args, callbacks=[*callbacks, Stop()], **kwargs)
pl.Trainer.__init__ = patched
run = make_run({me!r}, open_dataset({data!r}), budget_tflop={budget}, root=Path({root!r}))
try:
    training.train(run, accelerator="cpu")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGKILL", -signal.SIGKILL)])
def test_an_interrupted_training_goes_on_to_the_same_weights(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.05)  # a killed process leaves its lock
    monkeypatch.setattr(lock, "WATCH_S", 0.5)
    budget = 60 * FLOPS / 1e12
    whole = make_run(ME, dataset, budget_tflop=budget, root=tmp_path / "whole")
    train(whole, accelerator="cpu")
    root = tmp_path / "cut"
    script = INTERRUPTED.format(
        signal=name, me=ME, data=str(dataset.folder), budget=budget, root=str(root)
    )
    home = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=home, capture_output=True, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs may inherit SIG_IGN
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    cut = make_run(ME, dataset, budget_tflop=budget, root=root)
    assert not cut.is_trained() and (cut.folder / "last.ckpt").is_file()
    train(cut, accelerator="cpu")
    assert (cut.folder / "weights.safetensors").read_bytes() == (
        whole.folder / "weights.safetensors"
    ).read_bytes()
    record = cut.read_config()["training"]
    assert record["updates"] == 60 and record["seconds"] > 0
    assert json.loads((cut.folder / "config.json").read_text())["seed"] == 0


class Diverging(Brightness):
    """Loses its weights at the first update."""

    name = "diverging"

    def loss(self, frames, prev_from_frame, mm_from_pixel):
        with torch.no_grad():
            self.net.weight.fill_(float("nan"))
        return super().loss(frames, prev_from_frame, mm_from_pixel)


class Faltering(Brightness):
    """Has a loss that is not a number at every fourth batch."""

    name = "faltering"
    batches = 0

    def loss(self, frames, prev_from_frame, mm_from_pixel):
        self.batches += 1
        loss = super().loss(frames, prev_from_frame, mm_from_pixel)
        return loss if self.batches % 4 else loss * float("nan")


def test_updates_without_a_finite_gradient_are_left_out_and_counted(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(f"{__name__}:Faltering", dataset, budget_tflop=240 * FLOPS / 1e12, root=tmp_path)
    train(run, accelerator="cpu")
    record = run.read_config()["training"]
    assert record["updates_left_out"] == 60 and record["validation_error"] < 0.2
    assert "60 of 240 updates had no finite gradient" in capsys.readouterr().err


def test_a_training_that_diverges_ends_and_says_so(dataset: Dataset, tmp_path: Path) -> None:
    where = f"{__name__}:Diverging"
    run = make_run(where, dataset, budget_tflop=24 * FLOPS / 1e12, root=tmp_path)
    train(run, accelerator="cpu")
    assert run.is_trained() and run.read_config()["training"]["validation_error"] is None


class TwoStages(Brightness):
    """Keeps a quarter of the budget for a second stage, which adds a random number to the bias."""

    name = "two-stages"
    reserve = 0.25
    cut = False

    def refine(self, sweeps, flops):
        if self.cut:
            raise KeyboardInterrupt
        with torch.no_grad():
            self.net.bias += 1e-3 * torch.rand(1)
        return 0.75 * flops


def test_a_second_stage_has_its_share_of_the_budget_and_can_be_interrupted(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, budget = f"{__name__}:TwoStages", 48 * FLOPS / 1e12
    whole, cut = (
        make_run(where, dataset, budget_tflop=budget, root=tmp_path / place)
        for place in ("whole", "cut")
    )
    train(whole, accelerator="cpu")
    record = whole.read_config()["training"]
    assert record["updates"] == 36
    assert record["flops_refining"] == 9 * FLOPS and record["flops"] == 45 * FLOPS
    monkeypatch.setattr(TwoStages, "cut", True)
    with pytest.raises(KeyboardInterrupt):
        train(cut, accelerator="cpu")
    assert not cut.is_trained()
    monkeypatch.setattr(TwoStages, "cut", False)
    train(cut, accelerator="cpu")
    weights = [(run.folder / "weights.safetensors").read_bytes() for run in (whole, cut)]
    assert weights[0] == weights[1]
    assert not list(cut.folder.glob("*.ckpt"))


def test_a_run_of_another_precision_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    run = make_run(ME, dataset, budget_tflop=24 * FLOPS / 1e12, root=tmp_path)
    train(run, accelerator="cpu")
    train(run, accelerator="cpu", precision="32-true")
    with pytest.raises(UserError, match="trained with --precision 32-true, asked for bf16-mixed"):
        train(run, accelerator="cpu", precision="bf16-mixed")
    chosen = Selection(dataset.folder, trackers=(ME,), budget=run.budget_tflop, runs=tmp_path)
    Train(chosen).run()
    with pytest.raises(UserError, match="trained with --precision 32-true, asked for bf16-mixed"):
        Train(chosen, precision="bf16-mixed").run()


def test_a_learned_tracker_without_budget_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a budget above 0"):
        train(make_run(ME, dataset, root=tmp_path), accelerator="cpu")


def test_learning_rate_schedules() -> None:
    cosine = Recipe(schedule="cosine", warm_up=0.1)
    assert learning_rate_factor(cosine, 0.0) < 0.02
    assert learning_rate_factor(cosine, 0.5) == pytest.approx(0.5)
    assert learning_rate_factor(cosine, 1.0) == pytest.approx(0.0, abs=1e-12)
    step = Recipe(schedule="step", steps=10, step_factor=0.8)
    assert learning_rate_factor(step, 0.55) == pytest.approx(0.8**5)
    assert learning_rate_factor(Recipe(), 0.7) == 1.0
