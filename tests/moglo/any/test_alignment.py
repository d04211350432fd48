"""Shifts of whole frames, and frames that are moved by them."""

import numpy as np
import torch
from scipy.ndimage import fourier_shift

from moglo.any.alignment import FARTHEST, moved, offsets, shifts

SIDE = 64


def speckle(seed=0, width=1.2):
    """Return band-limited noise (SIDE, SIDE), periodic, of variance one."""
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE))
    across = np.fft.fftfreq(SIDE)
    low = np.exp(-2 * (np.pi * width) ** 2 * (across**2 + across[:, None] ** 2))
    image = np.fft.ifft2(np.fft.fft2(noise) * low).real
    return image / image.std()


def drifting(steps, seed=0):
    """Return frames (1, N, SIDE, SIDE) whose content moves by steps (N-1, 2), down and across."""
    spectrum = np.fft.fft2(speckle(seed))
    places = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, 0)])
    frames = [np.fft.ifft2(fourier_shift(spectrum, place)).real for place in places]
    return torch.tensor(np.stack(frames)).float()[None]


def test_shifts_between_pixels_are_found():
    steps = np.array([[0.0, 0.0], [1.3, -2.4], [-3.0, 5.0], [0.4, 0.2]])
    found = shifts(drifting(steps))[0].numpy()
    np.testing.assert_allclose(found, -steps, atol=0.1)


def test_a_shift_farther_than_is_looked_for_stays_within_reach():
    steps = np.array([[0.0, 0.98 * SIDE / FARTHEST], [-1.2 * SIDE / FARTHEST, 0.0], [20.0, 20.0]])
    smooth = torch.nn.functional.avg_pool2d(drifting(steps), 9, 1, 4)
    assert (shifts(smooth).abs() <= SIDE / FARTHEST).all()


def test_frames_that_are_not_alike_have_no_shift():
    frames = torch.tensor(np.stack([speckle(seed) for seed in range(3)])).float()[None]
    assert not shifts(frames).any()


def test_offsets_add_up_the_shifts_between_two_frames():
    found = torch.tensor([[[0.4, -1.0], [0.4, -1.2], [0.4, -1.4]]])
    assert offsets(found, [0, 1], 2).tolist() == [[[1, -2], [1, -3]]]


def test_moved_frames_lie_on_each_other():
    frames = drifting([[3.0, -5.0]])[0]
    offset = shifts(frames[None])[0].round().long()
    shown = moved(frames[:1], offset)[0]
    torch.testing.assert_close(shown[8:-8, 8:-8], frames[1, 8:-8, 8:-8], atol=1e-4, rtol=0)


def test_what_comes_from_beyond_the_edge_is_zero():
    frames = torch.ones(2, 4, 6)
    shown = moved(frames, torch.tensor([[1, -2], [9, 0]]))
    assert shown[0].tolist() == [[0, 0, 1, 1, 1, 1]] * 3 + [[0] * 6]
    assert not shown[1].any()
