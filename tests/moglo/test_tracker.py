"""The tracker: streaming, training interface, files, and inputs that do not fit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark import geometry
from benchmark.checker import check_tracker, example_observation
from benchmark.errors import UserError
from benchmark.learning.standardise import locally_standardised
from benchmark.sweep import Images, Observation
from moglo import losses, motion
from moglo.config import MoGLoConfig, MoGLoPaperConfig
from moglo.inference import evaluating
from moglo.streaming import MotionStream
from moglo.tracker import MoGLo, MoGLoPaper
from tests.moglo.noise import batch, sweep

CONFIG = MoGLoConfig(frame_size=48, width=4, patch=3, search_radius=8)


def tracker(config=CONFIG, seed=0):
    """A tracker whose normalisation has seen data, so that evaluation differs from training."""
    torch.manual_seed(seed)
    made = MoGLo(config)
    made.fit([sweep()])
    with torch.no_grad():
        made.module()(torch.rand(2, config.window, config.frame_size, config.frame_size))
    return made


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, window=2),
        replace(CONFIG, window=20, head="local"),
        replace(CONFIG, frame_size=96),
        replace(CONFIG, lstm=False, correlation="off"),
    ],
    ids=["default", "two", "longer than the sweep", "resampled", "no recurrence"],
)
def test_obeys_the_contract(config):
    check_tracker(tracker(config), example_observation())


@pytest.mark.parametrize("window", [2, 5, 20])
def test_streaming_equals_windows_read_one_by_one(window, monkeypatch):
    monkeypatch.setattr("moglo.inference.CHUNK_PIXELS", 5 * 48 * 48)  # several pushes a sweep
    made, seen = tracker(replace(CONFIG, window=window)), sweep(13)
    net = made.module().eval()
    frames = locally_standardised(torch.from_numpy(seen.bmode.frames).float() / 255)
    padded = torch.cat([frames[:1].expand(window - 2, -1, -1), frames])
    six = []
    with torch.inference_mode():
        for start in range(12):
            branches, _ = net(padded[None, start : start + window])
            six.append(torch.stack(branches).mean(0)[0, -1] * net.label_scale)
    centre = geometry.image_centre(seen.bmode.mm_from_pixel, (48, 48))
    expected = motion.step_from_six(torch.stack(six).double().numpy(), centre)
    found = made.track(seen.observe()).prev_from_frame
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(found[:, :3, 3], axis=0).max() > 1e-4


def test_a_stream_answers_the_same_from_a_network_in_training_and_leaves_it_so():
    net = tracker().module().train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    frames = torch.randn(6, 48, 48)
    stream = MotionStream(net)
    found = torch.cat([stream.push(frames[:1]), stream.push(frames[1:4]), stream.push(frames[4:])])
    assert net.training and not found.requires_grad
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    torch.testing.assert_close(found, MotionStream(net.eval()).push(frames), atol=1e-6, rtol=0)


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_fewer_frames_than_a_window_still_give_a_prediction(frames):
    made, seen = tracker(), sweep(12).observe()
    images = seen.bmode
    short = Images(images.frames[:frames], images.timestamps[:frames], images.mm_from_pixel)
    poses = made.track(Observation({"bmode": short}, {})).first_from_frame
    assert poses.shape == (frames, 4, 4)
    np.testing.assert_allclose(poses, made.track(seen).first_from_frame[:frames], atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_tracking_leaves_mode_and_statistics_as_they_were(training):
    made = tracker()
    made.module().train(training)
    before = {key: value.clone() for key, value in made.module().state_dict().items()}
    made.track(sweep().observe())
    assert all(part.training == training for part in made.module().modules())
    for key, value in made.module().state_dict().items():
        assert torch.equal(value, before[key]), key


def test_loss_is_the_weighted_sum_of_its_parts():
    made, (frames, steps, matrix) = tracker(), batch()
    net = made.module().eval()
    label = motion.six_from_step(steps, geometry.image_centre(matrix, (48, 48))[:, None])
    label = label / net.label_scale
    (one, other), embedding = net(locally_standardised(frames))
    expected = 0.005 * losses.margin_triplet_loss(embedding, label[:, -1], 0.1)
    for branch in (one, other):
        expected = expected + 0.5 * (branch - label).abs().mean()
        expected = expected + 0.5 * losses.correlation_loss(branch, label)
    torch.testing.assert_close(made.loss(frames, steps, matrix), expected)


@pytest.mark.parametrize("head", ["mean", "local", "global"])
def test_loss_falls_and_reaches_every_parameter_in_use(head):
    made, taken = tracker(replace(CONFIG, head=head)), batch()
    optimiser = torch.optim.AdamW(made.module().parameters(), lr=1e-3)
    values = []
    for _ in range(4):
        loss = made.loss(*taken)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[0] > values[1] > values[2] > values[3]


def test_fit_takes_scale_and_pixel_size_from_the_training_sweeps():
    made, sweeps = MoGLo(CONFIG), [sweep(30, size=96, pixel=0.25, seed=s) for s in (1, 2)]
    made.fit(sweeps)
    centre = geometry.image_centre(sweeps[0].bmode.mm_from_pixel, (96, 96))
    six = np.concatenate([motion.six_from_step(s.prev_from_frame, centre) for s in sweeps])
    expected = np.percentile(np.abs(six), 98, axis=0)
    np.testing.assert_allclose(made.module().label_scale, expected, rtol=1e-6)
    np.testing.assert_allclose(made.module().pixel_mm, [0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("head", ["mean", "local", "global"])
def test_the_mean_error_over_the_training_sweeps_is_taken_off(head):
    """Only the mean error of the steps, which adds up to drift, is removed."""
    made = tracker(replace(CONFIG, head=head))
    sweeps = [sweep(seed=seed) for seed in (5, 6)]
    before = np.concatenate([made._errors(taken) for taken in sweeps])
    made.finish(sweeps)
    after = np.concatenate([made._errors(taken) for taken in sweeps])
    assert np.abs(before.mean(0)).max() > 0.01
    assert np.abs(after.mean(0)).max() < 1e-5
    np.testing.assert_allclose(after, before - before.mean(0), atol=1e-5)


def test_the_published_network_is_left_as_it_was_trained():
    assert not MoGLoPaperConfig().unbiased and not MoGLoPaperConfig().average
    made = tracker(replace(CONFIG, unbiased=False))
    before = made.arrays()
    made.finish([sweep(seed=5)])
    assert all(np.array_equal(before[key], value) for key, value in made.arrays().items())


def test_other_frame_sizes_are_resampled_with_their_pixel_size_honoured():
    made, fine = tracker(), sweep(6, size=144, pixel=0.5 / 3, seed=3)
    images = fine.bmode
    # Averages of 3 x 3 pixels about the same centres: the same field of view, coarser.
    levels = images.frames.reshape(6, 48, 3, 48, 3).mean((2, 4))
    coarse = np.diag([0.5, 0.5, 1.0, 1.0])
    coarse[:2, 3] = images.mm_from_pixel[:2, 3] + 0.5 / 3
    seen = Images(levels.round().astype(np.uint8), images.timestamps, coarse)
    one = made.track(fine.observe()).first_from_frame
    other = made.track(Observation({"bmode": seen}, {})).first_from_frame
    wrong = Images(seen.frames, seen.timestamps, np.diag([0.25, 0.25, 1.0, 1.0]))
    third = made.track(Observation({"bmode": wrong}, {})).first_from_frame
    near, far = np.abs(one - other).max(), np.abs(third - other).max()
    assert near < 0.3 * far


@pytest.mark.parametrize("rows", [(0, 44), (4, 48)])
def test_the_motion_of_cut_frames_is_that_of_the_centre_of_whole_ones(rows):
    """The network sees the same depths in the same rows, and its answer refers to their centre."""
    made, seen = tracker(), sweep(6)
    whole = seen.bmode
    frames, moved = whole.frames[:, rows[0] : rows[1]], np.eye(4)
    moved[1, 3] = rows[0]
    grid = whole.mm_from_pixel @ moved
    cut = Images(frames, whole.timestamps, grid)
    placed = made._placed(torch.from_numpy(grid)[None], frames.shape[1:])
    centre = geometry.image_centre(whole.mm_from_pixel, (48, 48))
    np.testing.assert_allclose(placed.centre_mm[0], centre, atol=1e-6)
    given = made._input(torch.from_numpy(frames)[None].float() / 255, placed)
    with evaluating(made.module()) as net:
        six = MotionStream(net).push(given[0]) * net.label_scale
    found = made.track(Observation({"bmode": cut}, {})).prev_from_frame
    expected = motion.step_from_six(six.double().numpy(), centre)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_mirrored_samples_move_mirrored_points():
    frames, steps, matrix = batch(40, seed=5)
    matrix = matrix.clone()
    matrix[:, 0, 3] += 3.0  # an image centre away from x = 0
    torch.manual_seed(0)
    made = MoGLo(replace(CONFIG, mirror=True))
    new_frames, new_steps, same = made.augment(frames, steps, matrix)
    assert torch.equal(same, matrix)
    chosen = (new_frames != frames).flatten(1).any(1)
    assert 5 < chosen.sum() < 35
    assert torch.equal(new_frames[chosen], frames[chosen].flip(-1))
    assert torch.equal(new_steps[~chosen], steps[~chosen])
    centre = geometry.image_centre(matrix[0], (48, 48))
    points = torch.randn(7, 3) * 10
    reflected = points * torch.tensor([-1.0, 1, 1]) + torch.tensor([2 * centre[0], 0, 0])
    moved = geometry.apply(steps[chosen], points)
    expected = moved * torch.tensor([-1.0, 1, 1]) + torch.tensor([2 * centre[0], 0, 0])
    found = geometry.apply(new_steps[chosen], reflected)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    # In MoGLo's numbers: lateral shift, in-plane turn and turn about depth change their signs.
    six = [motion.six_from_step(s[chosen], centre) for s in (steps, new_steps)]
    signs = torch.tensor([1.0, -1, 1, 1, -1, -1])
    torch.testing.assert_close(six[1], six[0] * signs, atol=1e-3, rtol=0)


def test_a_saved_tracker_predicts_the_same_and_another_configuration_is_refused(tmp_path):
    made = tracker()
    made.save(tmp_path)
    loaded = MoGLo(CONFIG)
    loaded.load(tmp_path)
    seen = sweep(seed=4).observe()
    assert np.array_equal(made.track(seen).first_from_frame, loaded.track(seen).first_from_frame)
    with pytest.raises(UserError, match="width: 4 there, 8 here"):
        MoGLo(replace(CONFIG, width=8)).load(tmp_path)


def test_presets_and_their_recipes():
    paper = MoGLoPaper()
    recipe = paper.recipe
    assert (paper.name, paper.window, paper.config.frame_size) == ("moglo-paper", 5, 256)
    assert (recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (14, 1e-4, 1e-2)
    assert (recipe.optimiser, recipe.schedule) == ("adamw", "step")
    assert (recipe.steps, recipe.step_factor) == (10, 0.8)
    assert sum(v.numel() for v in MoGLo().module().parameters()) <= 1_000_000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_tracks_and_trains_on_a_gpu():
    made, seen = tracker(), sweep().observe()
    expected = made.track(seen).first_from_frame
    made.module().cuda()
    np.testing.assert_allclose(made.track(seen).first_from_frame, expected, atol=1e-2)
    made.loss(*(part.cuda() for part in batch())).backward()
