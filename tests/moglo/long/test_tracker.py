"""`moglo-long`: contract, streaming, what its losses reach, time reversal, and files."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark import geometry
from benchmark.checker import check_tracker, example_observation
from benchmark.errors import UserError
from benchmark.learning.mirroring import mirrored_steps
from benchmark.learning.standardise import locally_standardised
from benchmark.registry import make_tracker
from benchmark.sweep import Images, Observation
from moglo import motion
from moglo.long.config import MoGLoLongConfig
from moglo.long.model import LongStream
from moglo.long.tracker import IN_PLANE, MoGLoLong, affordable, image_corners, step_scale
from moglo.long.views import VIEWS, reversed_steps, seen_steps
from tests.moglo.noise import batch, sweep

CONFIG = MoGLoLongConfig(
    frame_size=48, width=4, window=9, hidden=12, tile_width=6, tiles=True, skips=0.0
)
FORWARD = replace(CONFIG, bidirectional=False, views=1)


def tracker(config=CONFIG, seed=0):
    torch.manual_seed(seed)
    made = MoGLoLong(config)
    made.fit([sweep()])
    return made


def awake(made, scale=0.1):
    """Return the tracker with a recurrent part whose answers are not zero."""
    torch.manual_seed(7)
    torch.nn.init.normal_(made.module().sequence.answer.weight, std=scale)
    return made


VARIANTS = {
    "default": CONFIG,
    "no tiles": replace(CONFIG, tiles=False, normalise="batch"),
    "tiles alone": replace(CONFIG, encoder=False),
    "no recurrence": replace(CONFIG, lstm=False, gaps=1, correlation="off"),
    "forward": FORWARD,
    "resampled": replace(CONFIG, frame_size=96, encoder=False),
}


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_obeys_the_contract_and_tells_its_sigma(config):
    made, seen = tracker(config), example_observation()
    check_tracker(made, seen)
    sigma = made.track(seen).sigma
    assert sigma.shape == (len(seen) - 1,)
    assert (sigma > 0).all()


@pytest.mark.parametrize(("config", "parts"), [(FORWARD, range(6)), (CONFIG, (2, 3))])
def test_the_mean_error_over_the_training_sweeps_is_taken_off(config, parts):
    """Over four views the mirrored motions have no mean error, so none is taken off."""
    made, seen = tracker(config), [sweep(seed=5)]
    made.finish(seen)
    assert np.abs(made._errors(seen[0]).mean(0))[list(parts)].max() < 1e-3


def test_is_found_by_name():
    made = make_tracker("moglo-long", window="4", encoder="false", tiles="true")
    assert (made.name, made.causal, made.window) == ("moglo-long", False, 4)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_streaming_equals_the_whole_sweep_at_once(chunk, monkeypatch):
    monkeypatch.setattr("moglo.inference.CHUNK_PIXELS", chunk * 48 * 48)
    made, seen = tracker(FORWARD), sweep(13)
    net = awake(made).module().eval()
    frames = locally_standardised(torch.from_numpy(seen.bmode.frames).float() / 255)
    stream = LongStream(net)
    with torch.inference_mode():
        whole, _ = net.estimate(net.describe(frames[None])[0])
        net.train()  # a stream answers in evaluation mode all the same
        parts = [stream.push(frames[i : i + chunk]).six for i in range(0, 13, chunk)]
    assert net.training
    torch.testing.assert_close(torch.cat(parts, 1), whole.six, atol=1e-5, rtol=1e-4)
    centre = geometry.image_centre(seen.bmode.mm_from_pixel, (48, 48))
    six = (whole.six[0] * net.label_scale).double().numpy()
    found = made.track(seen.observe())
    np.testing.assert_allclose(found.prev_from_frame, motion.step_from_six(six, centre), atol=1e-5)
    expected = whole.log_sigma[0].exp() * step_scale(net.label_scale)
    np.testing.assert_allclose(found.sigma, expected, rtol=1e-4)
    assert np.ptp(found.prev_from_frame[:, :3, 3], axis=0).max() > 1e-4


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_fewer_frames_than_a_window_still_give_a_prediction(frames):
    made, seen = awake(tracker(FORWARD)), sweep(12).observe()
    images = seen.bmode
    short = Images(images.frames[:frames], images.timestamps[:frames], images.mm_from_pixel)
    poses = made.track(Observation({"bmode": short}, {})).first_from_frame
    assert poses.shape == (frames, 4, 4)
    np.testing.assert_allclose(poses, made.track(seen).first_from_frame[:frames], atol=1e-5)


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_loss_falls_and_reaches_every_parameter_in_use(config):
    made = tracker(config)
    taken = batch(2, config.window)
    optimiser = torch.optim.AdamW(made.module().parameters(), lr=3e-4)
    values = []
    for _ in range(4):
        loss = made.loss(*taken)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[0] > values[1] > values[2] > values[3]
    unused = {n for n, p in made.module().named_parameters() if p.grad is None or not p.grad.any()}
    assert all(name.startswith("sequence.") for name in unused)


def test_sigma_trains_its_head_alone():
    made = tracker(replace(CONFIG, spans=0.0, likelihood=1.0))
    net, taken = made.module(), batch(2, 9)
    gradients = []
    for weight in (1.0, 0.0):
        made.config = replace(made.config, likelihood=weight)
        net.zero_grad()
        made.loss(*taken).backward()
        gradients.append({n: p.grad for n, p in net.named_parameters() if p.grad is not None})
    alone = set(gradients[0]) - set(gradients[1])
    assert alone == {"sigma_head.weight", "sigma_head.bias"}
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(gradients[0][name], gradient)


def test_group_normalisation_keeps_the_samples_of_a_batch_apart():
    frames = torch.randn(2, 9, 48, 48)
    for normalise, same in (("group", True), ("batch", False)):
        net = tracker(replace(CONFIG, normalise=normalise)).module().train()
        both, one = net(frames)[0].six[0], net(frames[:1])[0].six[0]
        assert torch.allclose(both, one, atol=1e-5) == same


def test_until_it_is_trained_the_sequence_adds_nothing():
    made, seen = tracker(replace(CONFIG, views=1)), sweep(8)
    alone = MoGLoLong(replace(made.config, lstm=False))
    alone.fit([seen])
    own = made.module().state_dict()
    alone.module().load_state_dict({k: v for k, v in own.items() if not k.startswith("sequence.")})
    poses = [one.track(seen.observe()).first_from_frame for one in (made, alone)]
    np.testing.assert_array_equal(*poses)
    assert np.abs(awake(made).track(seen.observe()).first_from_frame - poses[0]).max() > 1e-3


def test_the_second_stage_trains_the_sequence_alone_within_its_budget():
    made, seen = tracker(replace(CONFIG, tiles=False, sequence_window=6)), [sweep(9), sweep(12)]
    net = made.module()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(3)
    spent = made.refine(seen, 4e8)
    assert 0.9 * 4e8 < spent <= 4e8
    changed = {n for n, v in net.state_dict().items() if not torch.equal(v, before[n])}
    assert changed == {n for n in before if n.startswith("sequence.")}
    assert all(p.requires_grad for p in net.parameters())
    described = made._described(seen[0], VIEWS[0])
    arguments = described.prev_from_frame[None], described.mm_from_pixel[None], described.shape
    with torch.no_grad():
        net.eval()
        stages = net.judge(described.pairs[None]), net.estimate(described.pairs[None])[0]
        pair, whole = (made._judged(found, *arguments).item() for found in stages)
    assert whole < 0.8 * pair


def test_a_second_stage_without_budget_leaves_the_first_as_it_is():
    made = tracker()
    poses = made.track(sweep(8).observe()).first_from_frame
    assert made.refine([sweep(9)], 0.0) > 0.0  # what describing takes
    np.testing.assert_array_equal(made.track(sweep(8).observe()).first_from_frame, poses)


def test_many_training_sweeps_do_not_eat_the_budget_of_the_second_stage():
    made, seen = tracker(replace(CONFIG, tiles=False, sequence_window=6)), [sweep(9)] * 12
    before = made.module().sequence.answer.weight.clone()
    budget = 1e8
    assert made._described_within([(s, v) for s in seen for v in VIEWS], 1e15)[1] > budget
    spent = made.refine(seen, budget)
    assert 0.9 * budget < spent <= budget
    assert not torch.equal(made.module().sequence.answer.weight, before)


def test_what_is_afforded_is_drawn_at_random():
    torch.manual_seed(0)
    assert affordable([1.0] * 5, 5.0) == [0, 1, 2, 3, 4]
    drawn = [affordable([1.0] * 5, 3.5) for _ in range(20)]
    assert all(len(places) == 3 and places == sorted(set(places)) for places in drawn)
    assert all(places[0] == 0 for places in drawn) and len(set(map(tuple, drawn))) > 3
    assert affordable([1.0, 1.0], 0.0) == affordable([1.0], 0.0) == [0]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_view_shown_twice_is_the_sweep_itself(view):
    steps = torch.from_numpy(geometry.exp(np.random.default_rng(2).normal(size=(2, 5, 6))))
    grid = torch.diag(torch.tensor([0.5, 0.25, 1, 1])).double().repeat(2, 1, 1)
    grid[:, :2, 3] = torch.tensor([-3.0, 2.0]).double()
    once = seen_steps(steps, grid, (31, 40), view)
    assert torch.equal(once, steps) == (view == VIEWS[0])
    torch.testing.assert_close(seen_steps(once, grid, (31, 40), view), steps)


def test_a_sweep_and_its_mirror_image_are_told_alike():
    made, seen = awake(tracker()), sweep(10).observe()
    images = seen.bmode
    grid = torch.tensor(images.mm_from_pixel)[None]
    mirror = replace(images, frames=np.ascontiguousarray(images.frames[..., ::-1]))
    back = replace(images, frames=np.ascontiguousarray(images.frames[::-1]))
    told = [
        torch.from_numpy(made.track(Observation({"bmode": one}, {})).prev_from_frame)[None]
        for one in (images, mirror, back)
    ]
    shape = images.frames.shape[1:]
    torch.testing.assert_close(told[1], mirrored_steps(told[0], grid, shape), atol=1e-6, rtol=0)
    torch.testing.assert_close(told[2], reversed_steps(told[0]), atol=1e-6, rtol=0)
    assert min((one - told[0]).abs().max() for one in told[1:]) > 1e-4


def test_consistency_is_charged_for_in_plane_motion_alone():
    made, taken = tracker(), batch(2, 9)
    net = made.module()
    base = made.loss(*taken)
    made.config = replace(made.config, consistency=1.0)
    seen = locally_standardised(taken[0])
    with torch.no_grad():
        total = net(seen)[0].six + net(seen.flip(1))[0].six.flip(1)
    expected = total[..., list(IN_PLANE)].abs().mean()
    torch.testing.assert_close(made.loss(*taken) - base, expected, atol=1e-6, rtol=1e-4)


def test_backwards_an_advance_stays_one_and_motion_in_the_plane_turns_round():
    steps = torch.from_numpy(geometry.exp(np.random.default_rng(0).normal(size=(1, 6, 6)) * 0.02))
    origin = torch.zeros(3).double()
    six, back = (motion.six_from_step(s, origin) for s in (steps, reversed_steps(steps)))
    signs = torch.ones(6).double()
    signs[list(IN_PLANE)] = -1
    torch.testing.assert_close(back, six.flip(1) * signs, atol=0.03, rtol=0.03)
    torch.testing.assert_close(reversed_steps(reversed_steps(steps)), steps)


def test_backwards_the_images_cut_the_mirrored_tissue_where_the_steps_say():
    # Pixels of frame i lie at chain_i p. Seen backwards from the last frame, and mirrored in its
    # plane, they lie at mirror inverse(chain_last) chain_i p; p has z = 0, so p is its own mirror.
    steps = torch.from_numpy(geometry.exp(np.random.default_rng(1).normal(size=(1, 6, 6))))
    poses, mirror = geometry.chain(steps)[0], torch.diag(torch.tensor([1.0, 1, -1, 1])).double()
    pixels = torch.tensor([[3.0, 5, 0], [-7, 11, 0]]).double()
    found = geometry.apply(geometry.chain(reversed_steps(steps))[0], pixels)
    expected = geometry.apply(mirror @ geometry.inverse(poses[-1]) @ poses, pixels).flip(0)
    torch.testing.assert_close(found, expected)


def test_augmentation_turns_half_of_the_windows():
    frames, steps, matrix = batch(40, seed=5)
    torch.manual_seed(0)
    made = MoGLoLong(replace(CONFIG, mirror=False))
    new_frames, new_steps, same = made.augment(frames, steps, matrix)
    assert torch.equal(same, matrix)
    chosen = (new_frames != frames).flatten(1).any(1)
    assert 10 < chosen.sum() < 30
    assert torch.equal(new_frames[chosen], frames[chosen].flip(1))
    torch.testing.assert_close(new_steps[chosen], reversed_steps(steps[chosen]))
    assert torch.equal(new_steps[~chosen], steps[~chosen])


def test_a_share_of_the_windows_is_made_of_every_second_frame():
    frames, steps, grid = batch(40, 9, seed=6)
    torch.manual_seed(0)
    made = MoGLoLong(replace(CONFIG, window=5, skips=0.5, mirror=False, reverse=False))
    new_frames, new_steps, _ = made.augment(frames, steps, grid)
    assert made.window == 9 and new_frames.shape[1] == 5 and new_steps.shape[1] == 4
    chosen = (new_frames == frames[:, ::2]).flatten(1).all(1)
    assert 10 < chosen.sum() < 30
    assert torch.equal(new_frames[~chosen], frames[~chosen][:, :5])
    assert torch.equal(new_steps[~chosen], steps[~chosen][:, :4])
    whole, second = geometry.chain(steps[chosen]), geometry.chain(new_steps[chosen])
    torch.testing.assert_close(second, whole[:, ::2])


def test_corners_are_those_of_the_image():
    grid = torch.diag(torch.tensor([0.5, 0.25, 1, 1]))
    grid[:2, 3] = torch.tensor([-10.0, 2.0])
    corners = image_corners(grid[None], 9, 41)[0]
    expected = [[-10, 2, 0], [10, 2, 0], [-10, 4, 0], [10, 4, 0]]
    assert corners.tolist() == expected


def test_a_saved_tracker_predicts_the_same_and_another_configuration_is_refused(tmp_path):
    made = tracker()
    made.save(tmp_path)
    loaded = MoGLoLong(CONFIG)
    loaded.load(tmp_path)
    seen = sweep(seed=4).observe()
    assert np.array_equal(made.track(seen).first_from_frame, loaded.track(seen).first_from_frame)
    with pytest.raises(UserError, match="gaps: 3 there, 1 here"):
        MoGLoLong(replace(CONFIG, gaps=1)).load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": "median"}, "error: expected one of absolute, huber, squared, got 'median'"),
        ({"encoder": False, "tiles": False}, "expected one of them on"),
        ({"gaps": 0}, "gaps: expected 1 or more"),
        ({"tile_stride": 7}, "tile_stride: expected a divisor"),
        ({"tile": 128}, "tile: expected at most frame_size"),
        ({"skips": 1.5}, "skips: expected 0 to 1, got 1.5"),
        ({"views": 3}, "views: expected 1, 2 or 4, got 3"),
        ({"sequence_share": 1.0}, "sequence_share: expected 0 or more and below 1"),
        ({"window": 1}, "window: expected 2 frames or more"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        MoGLoLongConfig(**change)
