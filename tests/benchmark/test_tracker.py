from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import check_tracker
from benchmark.errors import UserError
from benchmark.registry import make_tracker, tracker_class
from benchmark.sweep import Prediction
from benchmark.tracker import Tracker


@dataclass(frozen=True)
class SteadyConfig:
    step_mm: float = 0.1
    frames: int = 3
    backwards: bool = False
    label: str = "plain"


class Steady(Tracker):
    """Moves on by a constant step: keeps the contract, and is the base of all that break it."""

    name = "steady"
    Config = SteadyConfig

    def track(self, observation):
        steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
        steps[:, 2, 3] = self.config.step_mm
        return Prediction.from_steps(steps)


def moved(prediction, value):
    """The prediction whose poses are further along z by `value` (N,), zero for the first."""
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
    (LooksAhead, "causal, yet the first 6 poses change"),
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


def test_unknown_tracker_suggests_the_nearest():
    with pytest.raises(UserError, match="unknown tracker 'identify'; did you mean 'identity'"):
        tracker_class("identify")


def test_tracker_by_address():
    assert tracker_class("baselines.constant:Identity").name == "identity"


@pytest.mark.parametrize(
    "address, message",
    [
        ("no_such_package.file:Name", "no module named 'no_such_package.file'"),
        ("baselines.nothing:Name", "no module named 'baselines.nothing'"),
        ("baselines.constant:Nobody", "no 'Nobody' in 'baselines.constant'"),
    ],
)
def test_wrong_address(address, message):
    with pytest.raises(UserError, match=message):
        tracker_class(address)


@pytest.fixture
def steady_address(monkeypatch, tmp_path):
    """Steady as a module outside of the repository."""
    (tmp_path / "outside_tracker.py").write_text(
        "from dataclasses import dataclass\n"
        "from benchmark.tracker import Tracker\n"
        "@dataclass(frozen=True)\n"
        "class Config:\n"
        "    step_mm: float = 0.1\n"
        "    frames: int = 3\n"
        "    backwards: bool = False\n"
        "    gaps: tuple[int, ...] = (1, 2, 3)\n"
        "    spread: tuple[float, str] = (0.5, 'mm')\n"
        "class Outside(Tracker):\n"
        "    name = 'outside'\n"
        "    Config = Config\n"
        "    def track(self, observation):\n"
        "        raise NotImplementedError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "outside_tracker:Outside"


def test_overrides_become_the_type_of_the_default(steady_address):
    tracker = make_tracker(steady_address, step_mm="0.25", frames="7", backwards="True")
    assert (tracker.config.step_mm, tracker.config.frames) == (0.25, 7)
    assert tracker.config.backwards is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1,2", (1, 2)), ("(1, 2, 4, 8)", (1, 2, 4, 8)), ("[1]", (1,)), ("1,", (1,)), ("()", ())],
)
def test_tuples_are_read_item_by_item(steady_address, text, expected):
    tracker = make_tracker(steady_address, gaps=text, spread='[0.25, "px"]')
    assert tracker.config.gaps == expected and tracker.config.spread == (0.25, "px")


def test_unknown_field_suggests_the_nearest(steady_address):
    with pytest.raises(UserError, match="'step_m'; did you mean 'step_mm'"):
        make_tracker(steady_address, step_m=1.0)


@pytest.mark.parametrize(
    "override, message",
    [
        ({"frames": "many"}, "frames: expected int"),
        ({"backwards": "yes"}, "true or false"),
        ({"gaps": "1,x"}, "gaps: expected int, got 'x'"),
        ({"gaps": "1,,2"}, "gaps: expected int, got ''"),
    ],
)
def test_override_of_a_wrong_type(steady_address, override, message):
    with pytest.raises(UserError, match=message):
        make_tracker(steady_address, **override)


def test_other_configuration_is_refused_by_name(tmp_path):
    Steady().save(tmp_path)
    other = Steady(replace(SteadyConfig(), step_mm=0.2))
    with pytest.raises(UserError, match=r"another configuration \(step_mm: 0.1 there, 0.2 here\)"):
        other.load(tmp_path)


def test_missing_weights_are_named(tmp_path):
    Steady().save(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights.safetensors: no such file"):
        Steady().load(tmp_path)
