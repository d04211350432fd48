"""Streams by name: their keys, and that none depends on another."""

import hashlib

import numpy as np
import pytest

from simulate.hand.motion import sample_motion
from simulate.hand.settings import MotionSettings
from simulate.streams import child, stream


def test_a_name_counts_by_the_first_32_bits_of_its_sha_256():
    word = int.from_bytes(hashlib.sha256(b"hand").digest()[:4], "big")
    expected = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(3, word)))
    assert stream(7, 3, "hand").integers(2**63) == expected.integers(2**63)


def test_streams_differ_by_entropy_name_and_number():
    keys = [(1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0)]
    assert len({stream(*key).random() for key in keys}) == len(keys)


def test_a_child_depends_on_its_name_alone_and_takes_nothing_from_its_parent():
    parent, fresh = stream(5, "x"), stream(5, "x")
    first = child(parent, "b").random()
    parent.random(100)
    child(parent, "a").random(3)
    assert child(parent, "b").random() == first == stream(5, "x", "b").random()
    child(fresh, "b")
    assert fresh.random() == stream(5, "x").random()


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"speed_correlation_s": (2.0, 3.0)}, {"pace"}),
        ({"path_length_mm": (50.0, 60.0)}, {"length_mm", "start_mm"}),
        ({"wobble_frequency_hz": (1.0, 2.0)}, {"across_mm", "axial_mm", "rotation_rad"}),
        ({"start_mm": 9.0}, {"start_mm"}),
        ({"follow": (0.9, 1.0)}, {"follow"}),
        ({"curve_deg": (40.0, 50.0)}, {"wave_rad", "start_mm"}),
        ({"tremor_mm": 0.1}, {"tremor"}),
        ({"pauses": 2}, {"pace"}),
        ({"jerks": 2, "jerk_mm": 1.0}, {"jerks"}),
    ],
)
def test_a_part_of_a_hand_changes_no_other(change, parts):
    one, two = (
        sample_motion("s", stream(3, "hand"), settings, "perpendicular", 6.0)
        for settings in (MotionSettings(), MotionSettings(**change))
    )
    assert {key for key, value in vars(one).items() if value != vars(two)[key]} == parts
