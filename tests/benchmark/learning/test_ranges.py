"""Numbers of learned trackers' configurations that mean nothing are refused by the field's name."""

import math
from dataclasses import dataclass, fields

import pytest

from benchmark.errors import UserError
from benchmark.learning.ranges import above_zero, refuse_out_of_range, share
from benchmark.registry import make_tracker, tracker_class, tracker_names
from benchmark.tracker import LearnedTracker, Recipe

LEARNED = [name for name in tracker_names() if issubclass(tracker_class(name), LearnedTracker)]


@dataclass(frozen=True)
class Plain:
    window: int = 3
    crop: int = 0
    width: float = above_zero(0.5)
    average: float = share(0.05)
    rate: float = 1.0
    margin: float = 0.1
    gates: bool = True
    head: str = "mean"


@dataclass(frozen=True)
class Cropped(Plain):
    crop: int = 224
    width: float = 1.0


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (Plain(window=0), "window: expected 1 or more, got 0"),
        (Plain(crop=-1), "crop: expected 0 or more, got -1"),
        (Plain(width=0.0), "width: expected a number above 0, got 0.0"),
        (Cropped(width=0.0), "width: expected a number above 0, got 0.0"),
        (Plain(average=1.5), "average: expected 0 to 1, got 1.5"),
        (Plain(average=-0.5), "average: expected 0 to 1, got -0.5"),
        (Plain(margin=-0.1), "margin: expected 0 or more, got -0.1"),
        (Plain(margin=math.nan), "margin: expected 0 or more, got nan"),
        (Plain(margin=math.inf), "margin: expected 0 or more, got inf"),
    ],
)
def test_a_number_that_means_nothing_is_refused(config, fault):
    with pytest.raises(UserError) as refused:
        refuse_out_of_range(config)
    assert str(refused.value) == fault


@pytest.mark.parametrize(
    "config", [Plain(), Cropped(crop=0), Plain(gates=False, average=1.0, rate=0.0)]
)
def test_nothing_else_is_refused(config):
    refuse_out_of_range(config)


@pytest.mark.parametrize("name", LEARNED)
def test_every_number_of_every_learned_tracker_has_a_range(name):
    defaults = {item.name: item.default for item in fields(tracker_class(name).Config)}
    numbers = {
        field: default
        for field, default in defaults.items()
        if isinstance(default, int | float) and not isinstance(default, bool)
    }
    assert numbers
    for field, default in numbers.items():
        for wrong in ("-1", "nan") if isinstance(default, float) else ("-1",):
            with pytest.raises(UserError, match=f"^{field}: expected"):
                make_tracker(name, **{field: wrong})


@pytest.mark.parametrize(
    ("choice", "fault"),
    [
        ({"optimiser": "adm"}, "optimiser: expected one of adam, adamw, sgd, got 'adm'"),
        ({"schedule": "linear"}, "schedule: expected one of constant, cosine, step, got 'linear'"),
    ],
)
def test_a_recipe_that_training_does_not_know_is_refused(choice, fault):
    with pytest.raises(UserError) as refused:
        Recipe(**choice)
    assert str(refused.value) == fault


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError, match=r"heads: expected a divisor of model \(64\), got 3"):
        make_tracker("dual-track", heads=3)
