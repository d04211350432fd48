"""The contract of trackers, over every registered one; a new one is picked up by itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import check_tracker, example_observation
from benchmark.errors import UserError
from benchmark.registry import make_tracker, tracker_class, tracker_names
from benchmark.runs.answer import answered
from benchmark.sweep import Channel, Observation, Sweep
from benchmark.tracker import LearnedTracker, Recipe, Tracker

NAMES = tracker_names()
REFINING_FLOPS = 6e9  # enough for some updates of a second stage


def made(name: str) -> Tracker:
    """A new tracker, or a skip where its module is not installed at all."""
    try:
        return make_tracker(name)
    except ModuleNotFoundError as error:
        owner = (error.name or "").split(".")[0]
        if owner not in ("baselines", "moglo"):
            raise
        pytest.skip(f"tracker '{name}': {error}")


def example_sweep(count: int = 12) -> Sweep:
    """The example images with poses that somebody might have measured with them."""
    images = example_observation(count).bmode
    rng = np.random.default_rng(5)
    spread = np.array([0.05, 0.02, 0.05, 0.003, 0.003, 0.003])
    motion = rng.normal(size=(count - 1, 6)) * spread + [0, 0, 0.2, 0, 0, 0]
    poses = geometry.chain(geometry.exp(motion))
    channel = Channel(
        images.frames, images.timestamps, images.mm_from_pixel, world_from_image=poses
    )
    probe = example_observation(count).probe
    return Sweep("example", {"bmode": channel}, probe=probe, factors={"subject": "a"})


@pytest.fixture(params=NAMES)
def tracker(request) -> Tracker:
    return made(request.param)


def test_something_is_registered():
    assert {"identity", "training-mean", "speckle-decorrelation", "two-frame-cnn"} <= set(NAMES)


def test_keeps_the_contract(tracker):
    check_tracker(tracker, example_observation(4))


def test_keeps_the_contract_when_fitted(tracker):
    tracker.fit([example_sweep(), example_sweep()])
    check_tracker(tracker, example_observation(8))


def test_is_registered_under_its_own_name(tracker):
    assert tracker.name in NAMES
    assert tracker_class(tracker.name) is type(tracker)
    assert type(tracker).__doc__, "the docstring is the tracker's card on the leaderboard"


def test_a_single_frame_stays_where_it_is(tracker):
    poses = tracker.track(example_observation(1)).first_from_frame
    assert np.array_equal(poses, np.eye(4)[None])


def test_black_frames_tell_no_motion_and_no_certainty(tracker):
    tracker.fit([example_sweep(), example_sweep()])
    found = answered(tracker, shown(np.zeros((10, 96, 96), np.uint8)))
    assert np.array_equal(found.first_from_frame, np.tile(np.eye(4), (10, 1, 1)))
    assert found.sigma is None or found.sigma.min() >= 1.0


def shown(frames: np.ndarray) -> Observation:
    """The example observation with other frames."""
    example = example_observation(max(len(frames), 1))
    images = replace(
        example.bmode, frames=frames, timestamps=example.bmode.timestamps[: len(frames)]
    )
    return Observation({"bmode": images}, example.probe)


def test_frames_in_any_order_of_memory_are_the_same_frames(tracker):
    frames = example_observation(3).bmode.frames
    turned = np.flip(np.flip(frames).copy())
    assert max(turned.strides) < 0
    found = tracker.track(shown(turned)).first_from_frame
    assert np.array_equal(found, tracker.track(shown(frames)).first_from_frame)


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda frames: frames / 255.0, "float64"),
        (lambda frames: np.where(frames > 100, np.nan, frames).astype(np.float32), "float32"),
        (lambda frames: frames.astype(np.int16), "int16"),
        (lambda frames: np.stack([frames] * 3, -1), r"\(3, 96, 96, 3\)"),
        (lambda frames: frames[0], r"\(96, 96\)"),
        (lambda frames: frames[:0], r"\(0, 96, 96\)"),
    ],
    ids=["in [0, 1]", "not a number", "signed", "colours", "one frame", "no frame"],
)
def test_frames_that_are_no_grey_levels_are_refused_in_one_line(tracker, change, got):
    frames = change(example_observation(3).bmode.frames)
    with pytest.raises(UserError, match=rf"^bmode\.frames: expected [^\n]*, got {got}$"):
        tracker.track(shown(frames))


def test_loaded_tracker_answers_as_the_saved_one(tracker, tmp_path):
    tracker.fit([example_sweep(), example_sweep()])
    if isinstance(tracker, LearnedTracker):
        _disturb(tracker)
    tracker.save(tmp_path / "run")
    other = made(tracker.name)
    other.load(tmp_path / "run")
    observation = example_observation(5)
    one, two = tracker.track(observation), other.track(observation)
    assert np.array_equal(one.first_from_frame, two.first_from_frame)
    assert np.array_equal(one.prev_from_frame, two.prev_from_frame)


def _disturb(tracker: LearnedTracker) -> None:
    """Move the weights, so that a tracker which ignores the loaded ones answers otherwise."""
    import torch

    torch.manual_seed(11)
    with torch.no_grad():
        for parameter in tracker.module().parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))


def test_weights_of_another_configuration_are_refused(tracker, tmp_path):
    tracker.save(tmp_path)
    path = tmp_path / "tracker.json"
    stored = json.loads(path.read_text())
    stored["config"]["colour"] = "green"
    path.write_text(json.dumps(stored))
    with pytest.raises(UserError, match=r"another configuration \(colour: green there, None here"):
        made(tracker.name).load(tmp_path)


def test_weights_of_another_tracker_are_refused(tracker, tmp_path):
    tracker.save(tmp_path)
    path = tmp_path / "tracker.json"
    path.write_text(path.read_text().replace(f'"{tracker.name}"', '"another"'))
    with pytest.raises(UserError, match="weights of tracker 'another'"):
        made(tracker.name).load(tmp_path)


def test_truncated_weights_are_refused(tracker, tmp_path):
    tracker.save(tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:6])
    with pytest.raises(UserError, match=r"weights\.safetensors: truncated"):
        made(tracker.name).load(tmp_path)


def test_learned_tracker_has_a_loss_that_reaches_its_weights(tracker):
    if not isinstance(tracker, LearnedTracker):
        pytest.skip(f"'{tracker.name}' is not learned by gradient")
    import torch
    from torch.utils.data import DataLoader

    from benchmark.learning.windows import Windows, conditions_of

    sweep = example_sweep(max(12, tracker.window))
    tracker.fit([sweep])
    assert isinstance(tracker.recipe, Recipe)
    assert tracker.module() is tracker.module()
    windows = Windows([sweep], tracker.window, 2, conditions=conditions_of(tracker, [sweep]))
    batch = next(iter(DataLoader(windows, 2)))
    tracker.module().train()
    loss = tracker.loss(*tracker.augment(*batch))
    assert loss.shape == ()
    loss.backward()
    weights = {n: p for n, p in tracker.module().named_parameters() if p.requires_grad}
    gradients = [p.grad for p in weights.values() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0
    left = {name: p.detach().clone() for name, p in weights.items() if p.grad is None}
    if left:  # for a second stage
        assert 0.0 < tracker.reserve < 1.0
        assert 0.0 < tracker.refine([sweep], REFINING_FLOPS) <= REFINING_FLOPS
        assert all(not torch.equal(weights[name], before) for name, before in left.items())
