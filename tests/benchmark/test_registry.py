"""Trackers by name or address, and settings given as text."""

import pytest

from benchmark.errors import UserError
from benchmark.registry import make_tracker, tracker_class


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
        ("benchmark.errors:note", "expected a class derived from benchmark.Tracker"),
        ("benchmark.errors:UserError", "expected a class derived from benchmark.Tracker"),
        ("benchmark.tracker:Tracker", "expected methods track, which it lacks"),
    ],
)
def test_wrong_address(address, message):
    with pytest.raises(UserError, match=message):
        tracker_class(address)


@pytest.fixture
def steady_address(monkeypatch, tmp_path):
    """The address of a tracker in a module outside of the repository."""
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
