"""The checker of trackers: each way to break the contract is found and named."""

from typing import ClassVar

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import check_tracker
from benchmark.errors import UserError
from benchmark.sweep import Prediction
from tests.benchmark.shared.steady import Steady


def moved(prediction, value):
    """Return the prediction with its poses, except the first, moved along z by `value` (N,)."""
    poses = prediction.first_from_frame.copy()
    poses[1:, 2, 3] += np.broadcast_to(value, len(poses))[1:]
    return Prediction(poses)


class AnswersPoses(Steady):
    def track(self, observation):
        return super().track(observation).first_from_frame


class LosesAFrame(Steady):
    def track(self, observation):
        return Prediction(super().track(observation).first_from_frame[:-1])


class Scales(Steady):
    def track(self, observation):
        return Prediction(super().track(observation).first_from_frame * [1.001, 1, 1, 1])


class StartsElsewhere(Steady):
    def track(self, observation):
        poses = super().track(observation).first_from_frame
        return Prediction(geometry.exp(np.array([0, 0, 1.0, 0, 0, 0])) @ poses)


class NotANumber(Steady):
    def track(self, observation):
        return moved(super().track(observation), np.nan)


class Scribbles(Steady):
    def track(self, observation):
        observation.bmode.frames[0, 0, 0] ^= 1
        return super().track(observation)


class Wavers(Steady):
    calls = 0

    def track(self, observation):
        self.calls += 1
        return moved(super().track(observation), 1e-9 * self.calls)


class ReadsTheClock(Steady):
    def track(self, observation):
        return moved(super().track(observation), 1e-3 * observation.bmode.timestamps)


class LooksAhead(Steady):
    def track(self, observation):
        return moved(super().track(observation), 1e-3 * len(observation))


class LooksAheadOpenly(LooksAhead):
    causal: ClassVar[bool] = False


class NeedsFourFrames(Steady):
    def track(self, observation):
        poses = super().track(observation).first_from_frame
        return Prediction(np.concatenate([poses, poses[1:]])[: max(4, len(poses))])


BROKEN = [
    (AnswersPoses, "track returned ndarray, expected Prediction"),
    (LosesAFrame, "expected 12 poses, one per frame, got 11"),
    (Scales, "not orthonormal"),
    (StartsElsewhere, "first pose is not the identity"),
    (NotANumber, "NaN"),
    (Scribbles, "changed the frames"),
    (Wavers, "another prediction the second time"),
    (ReadsTheClock, "constant offset of the timestamps"),
    (LooksAhead, "the first 6 poses change .* 'causal = False'"),
    (NeedsFourFrames, "2 frames gave"),
]


@pytest.mark.parametrize("broken, message", BROKEN, ids=[c.__name__ for c, _ in BROKEN])
def test_check_refuses(broken, message):
    with pytest.raises(UserError, match=message):
        check_tracker(broken())


def test_check_accepts_what_keeps_the_contract():
    check_tracker(Steady())
    check_tracker(LooksAheadOpenly())


def test_check_names_the_tracker_and_all_faults_in_one_line():
    class Both(ReadsTheClock, LooksAhead):
        name = "both"

    with pytest.raises(UserError) as caught:
        check_tracker(Both())
    text = str(caught.value)
    assert text.startswith("tracker 'both': ")
    assert "timestamps" in text and "causal" in text and "\n" not in text
