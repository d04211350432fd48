"""The endless stream of training sweeps: those of the data set, then more of their kind."""

import multiprocessing
from contextlib import closing
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

import simulate.dataset.stream as stream
from benchmark.errors import UserError
from simulate.spec import load_spec
from simulate.spec.vary import Vary
from simulate.sweep.compose import make_sweep

TINY = load_spec("tiny-v2")
SPEC = replace(
    TINY,
    acquisition=replace(TINY.acquisition, frames=3),
    vary=Vary.from_table({"bmode.gain_db": [-6, 6], "motion.tremor_mm": [0.0, 0.1]}, "vary"),
)


def same(one, two):
    return (
        one.name == two.name and one.factors == two.factors and one.probe == two.probe
        and np.array_equal(one.bmode.frames, two.bmode.frames)
        and np.array_equal(one.bmode.world_from_image, two.bmode.world_from_image)
    )  # fmt: skip


def test_a_worker_gives_the_sweeps_of_the_data_set_and_is_not_left_behind():
    """Of more workers, order and bound are those of `benchmark.workers.ahead_of`."""
    with closing(stream.sweeps(SPEC, workers=1)) as elsewhere:
        found = list(islice(elsewhere, 3))
    assert multiprocessing.active_children() == []
    here = list(islice(stream.sweeps(SPEC, workers=0), 3))
    assert all(map(same, here, found))
    assert same(here[0], make_sweep(SPEC, 0)) and same(here[1], make_sweep(SPEC, 1))
    assert len({sweep.bmode.frames.tobytes() for sweep in found}) == 3


def test_a_training_that_goes_on_or_is_shared_takes_its_own_sweeps():
    some = list(islice(stream.sweeps(SPEC, workers=0, first=1, every=3), 2))
    assert all(map(same, some, [stream.training_sweep(SPEC, number) for number in (1, 4)]))


@pytest.mark.parametrize(("workers", "ahead", "held"), [(1, None, 2), (3, None, 6), (2, 5, 5)])
def test_twice_the_workers_are_ahead_unless_told_otherwise(monkeypatch, workers, ahead, held):
    monkeypatch.setattr(stream, "ahead_of", lambda work, numbers, *bounds: bounds)
    assert stream.sweeps(SPEC, workers=workers, ahead=ahead) == (workers, held)


def test_an_error_of_a_sweep_reaches_the_consumer_and_ends_the_stream():
    never = replace(SPEC, vary=Vary.from_table({"tissue.limb_radius_mm": [1, 2]}, "vary"))
    endless = stream.sweeps(never, workers=0)
    with pytest.raises(UserError, match=r"subject 'train-000'.*probe.width_mm"):
        next(endless)
    assert list(endless) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"workers": -1}, "workers: expected at least 0, got -1"),
        ({"first": -1}, "first: expected at least 0, got -1"),
        ({"every": 0}, "every: expected at least 1, got 0"),
        ({"workers": 4, "ahead": 3}, "ahead: expected at least 4, .* got 3"),
    ],
)
def test_impossible_streams_are_refused_at_once(arguments, words):
    with pytest.raises(UserError, match=words):
        stream.sweeps(SPEC, **arguments)
