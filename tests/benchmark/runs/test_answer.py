"""What a tracker is shown of a sweep, and what is made of its answer: untold steps, direction."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import example_observation
from benchmark.runs.answer import (
    UNTOLD_MM,
    advancing,
    answered,
    elevational_mm,
    mirrored,
    seen_by_tracker,
    without_signal,
)
from benchmark.runs.domain import Domain
from benchmark.sweep import Observation, Prediction
from benchmark.tracker import Tracker

STEP = geometry.exp(np.array([0.1, 0.02, 0.3, 0.01, -0.02, 0.03]))
DOMAIN = Domain((0.2, 0.2), (80, 80), (20, 20), (0.1, 0.5))


class Turning(Tracker):
    """The same step between all frames, with a sigma or without one."""

    name = "turning"

    def __init__(self, sigma_mm: float | None = 0.1):
        super().__init__()
        self.sigma_mm = sigma_mm

    def track(self, observation: Observation) -> Prediction:
        count = len(observation) - 1
        sigma = None if self.sigma_mm is None else np.full(count, self.sigma_mm)
        return Prediction.from_steps(np.repeat(STEP[None], count, 0), sigma)


def with_frames(change) -> Observation:
    """The example observation with its frames (12, 96, 96) changed."""
    example = example_observation()
    frames = example.bmode.frames.copy()
    change(frames)
    return replace(example, channels={"bmode": replace(example.bmode, frames=frames)})


def darken(frames: np.ndarray) -> None:
    frames[4:6] = 3
    frames[9] = 90


def test_steps_from_and_to_frames_without_signal_are_no_motion():
    seen = with_frames(darken)
    assert np.flatnonzero(without_signal(seen.bmode)).tolist() == [4, 5, 9]
    found = answered(Turning(), seen)
    untold = np.isin(np.arange(11), [3, 4, 5, 8, 9])
    assert np.array_equal(found.prev_from_frame[untold], np.tile(np.eye(4), (5, 1, 1)))
    np.testing.assert_allclose(found.prev_from_frame[~untold], np.tile(STEP, (6, 1, 1)))
    np.testing.assert_allclose(found.first_from_frame[-1], np.linalg.matrix_power(STEP, 6))
    assert np.array_equal(found.sigma, np.where(untold, UNTOLD_MM, 0.1))
    assert answered(Turning(None), seen).sigma is None


def test_the_sigma_of_positions_stays_and_grows_by_what_is_untold():
    class Sure(Turning):
        def track(self, observation):
            found = super().track(observation)
            return replace(found, position_sigma=np.arange(len(observation)) / 10)

    seen = with_frames(darken)
    found, own = answered(Sure(), seen), Sure().track(seen)
    untold = np.array([0, 0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 5])
    np.testing.assert_allclose(
        found.position_sigma**2, own.position_sigma**2 + untold * UNTOLD_MM**2
    )
    assert np.array_equal(mirrored(own).position_sigma, own.position_sigma)


def test_an_answer_to_frames_with_signal_is_the_trackers():
    seen = with_frames(lambda frames: None)
    found, own = answered(Turning(), seen), Turning().track(seen)
    assert np.array_equal(found.first_from_frame, own.first_from_frame)


def test_the_mirror_image_keeps_motion_in_the_plane_and_turns_the_rest():
    prediction = Turning().track(example_observation(5))
    other = mirrored(prediction)
    same, turned = (geometry.log(p.prev_from_frame) for p in (prediction, other))
    np.testing.assert_allclose(turned, same * [1, 1, -1, -1, -1, 1], atol=1e-12)
    back = mirrored(other)
    np.testing.assert_allclose(back.first_from_frame, prediction.first_from_frame, atol=1e-12)


@pytest.mark.parametrize(("advance", "sign"), [("plus", 1), ("minus", -1), ("unknown", -1)])
def test_the_direction_is_the_one_said(advance, sign):
    observation = example_observation(5)
    back = mirrored(Turning().track(observation))
    found = advancing(back, observation.bmode, advance)
    assert np.sign(elevational_mm(observation.bmode, found.prev_from_frame)) == sign


def test_a_tracker_is_shown_tissue_alone_at_the_extent_of_training():
    def border(frames: np.ndarray) -> None:
        frames[:, :, :10] = frames[:, :, -10:] = 0

    seen, regions = seen_by_tracker(with_frames(border), DOMAIN)
    assert regions.black.mean() == pytest.approx(20 / 96, abs=0.01)
    assert seen.bmode.frames.shape == (12, 80, 80)
    assert np.asarray(seen.bmode.frames).min(axis=(0, 1)).max() > 0
    assert np.asarray(seen.bmode.frames)[:, :, :5].mean() > 100
    whole, regions = seen_by_tracker(with_frames(border), None, find=False)
    assert regions.tissue.all() and not np.asarray(whole.bmode.frames)[:, :, :10].any()
