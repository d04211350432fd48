"""Modifiers of motion: each does what it says, and leaves the rest of the sweep as it was."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmark import geometry
from simulate.hand.motion import poses, sample_motion
from simulate.hand.settings import MotionSettings
from simulate.hand.trajectory import Pace
from simulate.harmonics import sample_correlated

SECONDS, RATE = 5.4, 20.0
FINE = np.linspace(0.0, SECONDS, 5401)
CALM = MotionSettings(
    wobble_across_mm_s=0.0, wobble_axial_mm_s=0.0, wobble_deg_s=0.0, gel_mm=0.0, start_mm=0.0
)


def flat(x, z):
    normal = np.zeros((*np.shape(x), 3))
    normal[..., 1] = 1.0
    return np.zeros(np.shape(x)), normal


def path(times=FINE, profile="straight", seed=3, orientation="perpendicular", **changes):
    settings = replace(CALM, **changes)
    motion = sample_motion(profile, np.random.default_rng(seed), settings, orientation, SECONDS)
    return poses(profile, times, motion, flat)


@cache
def undisturbed(profile):
    """Return the places (200001, 2) on the way of a calm hand, x and z in mm."""
    return path(np.linspace(0.0, SECONDS, 200001), profile=profile)[:, [0, 2], 3]


def test_tremor_moves_by_its_amplitude_within_its_band():
    t = np.arange(0.0, SECONDS, 1e-3)
    for band in ((6.0, 12.0), (9.0, 10.0)):
        difference = path(t, tremor_mm=0.1, tremor_deg=0.05, tremor_hz=band) - path(t)
        across = difference[:, 0, 3]
        assert across.std() == pytest.approx(0.1, rel=0.15)
        power = np.abs(np.fft.rfft(across * np.hanning(len(t)))) ** 2
        frequency = np.fft.rfftfreq(len(t), 1e-3)
        outside = (frequency < band[0] - 0.8) | (frequency > band[1] + 0.8)
        assert power[outside].sum() < 1e-3 * power.sum()


@pytest.mark.parametrize("profile", ["straight", "c", "free"])
@pytest.mark.parametrize(
    "change",
    [
        {"pauses": 4},
        {"reversals": 4},
        {"speed_spread": 0.9},
        {"tremor_mm": 1e-9},
        {"jerks": 4, "jerk_mm": 1e-9},
    ],
)
def test_what_befalls_a_hand_leaves_its_path(profile, change):
    """Every point of the undisturbed path is passed, and nothing else, within a micrometre."""
    dense, moved = undisturbed(profile), path(profile=profile, **change)[:, [0, 2], 3]
    order = np.searchsorted(dense[:, 1], moved[:, 1]).clip(1, len(dense) - 1)
    low, high = dense[order - 1], dense[order]
    share = (moved[:, 1] - low[:, 1]) / (high[:, 1] - low[:, 1])
    off = moved[:, 0] - (low[:, 0] + share * (high[:, 0] - low[:, 0]))
    assert np.abs(off).max() < 1e-3
    assert np.allclose(moved[[0, -1]], dense[[0, -1]], atol=1e-4)


def test_pauses_stand_still_as_often_as_asked():
    speed = np.abs(np.diff(path(pauses=3)[:, 2, 3])) / np.diff(FINE)
    still = speed < 0.02 * speed.mean()
    assert np.count_nonzero(np.diff(still.astype(int)) == 1) == 3
    assert 3 * 0.1 < still.mean() * SECONDS < 3 * 0.6


def test_reversals_go_backwards_as_often_as_asked_and_the_whole_way_stays():
    z = path(reversals=4)[:, 2, 3]
    back = np.diff(z) < 0
    assert np.count_nonzero(np.diff(back.astype(int)) == 1) == 4
    assert z[-1] - z[0] == pytest.approx(np.ptp(path()[:, 2, 3]), rel=1e-6)
    assert 0.1 < back.mean() < 0.4


def test_progress_with_backups_is_the_integral_of_speed():
    from scipy.integrate import quad

    log_speed = sample_correlated(np.random.default_rng(2), 0.4, 0.3)
    pace = Pace(5.4, log_speed, backups=((2.0, 2.6),))

    def speed(t):
        return np.exp(log_speed(t)) * np.tanh((2.0 - t) / 0.1) * np.tanh((2.6 - t) / 0.1)

    def integral(end):
        return quad(speed, 0, end, limit=400, epsabs=1e-11, points=(2.0, 2.6))[0]

    for time in (1.0, 2.3, 4.9):
        expected = integral(time) / integral(5.4)
        assert pace.progress(np.array([time]))[0] == pytest.approx(expected, abs=1e-6)


def test_jerks_are_short_and_of_their_size():
    away = path(jerks=4, jerk_mm=1.0, jerk_deg=2.0) @ geometry.inverse(path())
    moved = np.linalg.norm(away[:, :3, 3], axis=1)
    assert 0.2 < moved.max() < 2.5
    assert (moved > 0.5 * moved.max()).mean() * SECONDS < 4 * 0.3
    assert 0.2 < np.rad2deg(geometry.rotation_angle(away)).max() < 4.0


def test_tilt_nods_forth_and_back_and_a_fan_runs_through():
    def tilts(**change):
        turn = geometry.vector_from_rotation(path(**change)[:, :3, :3])
        assert np.allclose(turn[:, 1:], 0.0, atol=1e-12)
        return np.rad2deg(turn[:, 0])

    nod, fan = tilts(tilt_deg=7.0), tilts(fan_deg=30.0)
    assert nod.max() == pytest.approx(7.0, abs=0.01) and nod.min() == pytest.approx(-7.0, abs=0.01)
    assert nod[[0, -1]] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert fan[[0, -1]] == pytest.approx([-15.0, 15.0], abs=1e-6)
    assert (np.diff(fan) > 0).all()


@pytest.mark.parametrize("degrees", [15.0, 60.0, 90.0])
def test_the_in_plane_share_is_the_sine_of_the_azimuth(degrees):
    steps = geometry.relative(path(FINE[::50], azimuth_deg=degrees))[:, :3, 3]
    length = np.linalg.norm(steps, axis=1)
    assert np.allclose(steps[:, 0] / length, np.sin(np.deg2rad(degrees)), atol=1e-9)
    # The probe turns, the hand goes where it went.
    turned, straight = path(azimuth_deg=degrees), path()
    assert np.allclose(turned[:, :3, 3], straight[:, :3, 3], atol=1e-12)
