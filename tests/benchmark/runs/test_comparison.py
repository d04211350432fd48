"""A prediction beside a recording's own poses, against motions whose errors are known."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.runs.comparison import compared
from benchmark.sweep import Images, Prediction

PIXEL = np.diag([0.5, 0.25, 1.0, 1.0])
IMAGES = Images(np.zeros((11, 41, 21), np.uint8), np.arange(11.0), PIXEL)  # 10 by 10 mm
RNG = np.random.default_rng(5)


def hand(elevational: np.ndarray) -> np.ndarray:
    """Return poses (N, 4, 4) of steps (N-1,) mm along z."""
    steps = np.repeat(np.eye(4)[None], len(elevational), 0)
    steps[:, 2, 3] = elevational
    return geometry.chain(steps)


def test_a_path_that_is_too_long_by_a_quarter() -> None:
    steps = RNG.uniform(0.2, 0.6, 10)
    found = compared(IMAGES, hand(steps), Prediction(hand(1.25 * steps)))
    assert found is not None
    assert found.scale == pytest.approx(1.25)
    assert found.elevational == pytest.approx(1)
    assert found.drift_mm == pytest.approx(0.25 * steps.sum())
    assert found.corner_mm == pytest.approx(found.drift_mm) and found.turned_deg < 1e-4
    assert found.step_corner_mm == pytest.approx(0.25 * steps.mean())
    ends = [steps[:5].sum(), steps[5:].sum()]
    assert found.halves_mm == pytest.approx([0.25 * end for end in ends])
    assert found.constant_mm == pytest.approx([abs(ends[0] - ends[1])] * 2)
    assert np.isnan(found.end_sigma_mm) and "sigma" not in found.facts()


def test_a_turn_about_the_centre_shows_at_the_corners_alone() -> None:
    steps = np.full(10, 0.3)
    turn = geometry.about(-IMAGES.centre_mm, geometry.exp(np.array([0, 0, 0, 0, 0.02, 0])))
    tilted = np.repeat(turn[None], 10, 0)
    still = hand(np.zeros(10))
    found = compared(IMAGES, still, Prediction.from_steps(tilted))
    assert found is not None and found.drift_mm < 1e-9
    assert found.turned_deg == pytest.approx(np.degrees(0.2))
    assert found.step_turned_deg == pytest.approx(np.degrees(0.02))
    assert found.corner_mm == pytest.approx(2 * 5 * np.sin(0.1), rel=1e-6)  # 5 mm from the axis
    assert np.isnan(found.scale) and "unknown" in found.facts()["scale"]
    assert compared(IMAGES, hand(steps), Prediction(hand(-steps))).scale == pytest.approx(1)


def test_sigma_covers_what_it_covers() -> None:
    steps = np.full(10, 0.3)
    sigma = np.where(np.arange(10) < 4, 0.2, 0.05)
    prediction = Prediction(hand(steps + 0.1), sigma=sigma, position_sigma=0.2 * np.arange(11))
    found = compared(IMAGES, hand(steps), prediction)
    assert found.steps_covered == pytest.approx(0.4) and found.end_sigma_mm == pytest.approx(2)
    assert "40 % of steps" in found.facts()["sigma"] and "covers" in found.facts()["sigma"]
    short = compared(IMAGES, hand(steps), Prediction(hand(steps + 0.1), sigma=sigma))
    assert "is less than the drift" in short.facts()["sigma"]


def test_frames_without_a_pose_are_passed_over() -> None:
    steps = RNG.uniform(0.2, 0.6, 10)
    own, sigma = hand(steps), np.full(10, 0.2)
    own[[0, 5]] = np.nan
    sigma[4:6] = 0.0  # into and out of frame 5
    found = compared(IMAGES, own, Prediction(hand(steps + 0.1), sigma=sigma))
    assert found.drift_mm == pytest.approx(0.9) and found.steps_covered == 1
    own[:8] = np.nan
    assert compared(IMAGES, own, Prediction(hand(steps))) is None
