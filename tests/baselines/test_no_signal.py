"""Registration and decorrelation where part of the image, or all of it, shows nothing."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.decorrelation import DecorrelationConfig, SpeckleDecorrelation
from baselines.parts.motion import centre_motion, true_motion
from baselines.registration import InPlaneRegistration
from benchmark.runs.answer import answered, seen_by_tracker
from benchmark.speckle.registration import RegistrationConfig
from benchmark.sweep import Observation, Sweep

MOST = 1.5  # times the error of whole frames
#: Of a plane fitted to one half of the patches, at the edge of that half: half as many, and a lever
#: of (h/2)^2 over a spread of h^2 / 12, give 2 (1 + 3) times the variance.
MOST_EXTRAPOLATED = 8**0.5


@pytest.fixture(scope="module")
def trackers(training_sweeps):
    decorrelation = SpeckleDecorrelation(DecorrelationConfig(gaps=(1,)))
    decorrelation.fit(training_sweeps[:2])
    registration = InPlaneRegistration(RegistrationConfig(gaps=(1,)))
    return {tracker.name: tracker for tracker in (registration, decorrelation)}


def with_frames(sweep: Sweep, frames: np.ndarray) -> Observation:
    seen = sweep.observe()
    return replace(seen, channels={"bmode": replace(seen.bmode, frames=frames)})


def black_sides(frames: np.ndarray) -> np.ndarray:
    tenth = frames.shape[2] // 10
    frames[:, :, :tenth] = frames[:, :, -tenth:] = 0
    return frames


def black_lower_half(frames: np.ndarray) -> np.ndarray:
    frames[:, frames.shape[1] // 2 :] = 0
    return frames


def still_top(frames: np.ndarray) -> np.ndarray:
    frames[:, : frames.shape[1] // 7] = frames[0, : frames.shape[1] // 7]
    return frames


def error(tracker, sweep: Sweep, observation: Observation) -> float:
    """Root mean square error (mm) of the image centre's steps, along the axes estimated."""
    axes = slice(0, 2) if isinstance(tracker, InPlaneRegistration) else slice(0, 3)
    seen, _ = seen_by_tracker(observation, None)
    found = centre_motion(sweep.bmode, answered(tracker, seen).prev_from_frame)
    return float(np.sqrt(np.square((found - true_motion(sweep))[:, axes]).sum(1).mean()))


@pytest.mark.parametrize("name", ["in-plane-registration", "speckle-decorrelation"])
def test_regions_without_tissue_do_little_harm(trackers, test_sweep, name):
    tracker, frames = trackers[name], np.asarray(test_sweep.bmode.frames)
    whole = error(tracker, test_sweep, test_sweep.observe())
    for change in (black_sides, black_lower_half, still_top):
        part = error(tracker, test_sweep, with_frames(test_sweep, change(frames.copy())))
        beyond = name == "speckle-decorrelation" and change is black_lower_half
        assert part < (MOST_EXTRAPOLATED if beyond else MOST) * whole, change.__name__


@pytest.mark.parametrize("level", [0, 90])
@pytest.mark.parametrize("name", ["in-plane-registration", "speckle-decorrelation"])
def test_frames_without_signal_tell_no_motion(trackers, test_sweep, name, level):
    frames = np.full((10, 72, 80), level, np.uint8)
    found = trackers[name].track(with_frames(test_sweep, frames))
    np.testing.assert_allclose(found.first_from_frame, np.tile(np.eye(4), (10, 1, 1)), atol=1e-9)
    assert found.sigma.min() > 1.0


def test_finer_pixels_give_the_same_motion_from_as_many_patches(test_sweep):
    """Pixels of a quarter of the size, each four by four alike, are joined again."""
    whole = test_sweep.observe().bmode
    images = replace(whole, frames=whole.frames[:5], timestamps=whole.timestamps[:5])
    fine = np.repeat(np.repeat(np.asarray(images.frames), 4, 1), 4, 2)
    matrix = images.mm_from_pixel @ np.diag([0.25, 0.25, 1, 1])
    matrix[:2, 3] -= 0.375 * images.pixel_mm  # centres of the first pixels
    config = RegistrationConfig(pixel_mm=float(images.pixel_mm[0]), gaps=(1,))
    found = [
        InPlaneRegistration(config).track(
            Observation({"bmode": replace(images, frames=f, mm_from_pixel=m)}, test_sweep.probe)
        )
        for f, m in ((np.asarray(images.frames), images.mm_from_pixel), (fine, matrix))
    ]
    np.testing.assert_allclose(found[1].first_from_frame, found[0].first_from_frame, atol=1e-5)
