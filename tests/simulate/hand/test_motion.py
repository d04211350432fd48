"""Trajectories against mathematics: rigid, smooth, on the skin, of the speed that was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from simulate.hand.motion import check, poses, sample_motion
from simulate.hand.profiles import PROFILES, Profile
from simulate.hand.settings import MotionSettings
from simulate.hand.trajectory import Pace
from simulate.harmonics import sample_band, sample_correlated
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

FRAMES, RATE = 108, 20.0
TIMES = (np.arange(FRAMES) + 0.5) / RATE
CALM = MotionSettings(
    wobble_across_mm_s=0.0, wobble_axial_mm_s=0.0, wobble_deg_s=0.0, gel_mm=0.0, start_mm=0.0
)

ZIGZAG = Profile(lambda rng, settings, hand: replace(hand, wave_rad=1.0))


def flat(x, z):
    normal = np.zeros((*np.shape(x), 3))
    normal[..., 1] = 1.0
    return np.zeros(np.shape(x)), normal


def drawn(profile, seed, settings=None, orientation="perpendicular"):
    rng = np.random.default_rng(seed)
    return sample_motion(profile, rng, settings or MotionSettings(), orientation, FRAMES / RATE)


def trajectory(profile, seed, settings=None, orientation="perpendicular", times=TIMES):
    return poses(profile, times, drawn(profile, seed, settings, orientation), flat)


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("orientation", ["perpendicular", "parallel"])
def test_poses_are_rigid_and_continuous(profile, orientation):
    fine = np.linspace(0.2, 0.3, 101)
    found = trajectory(profile, 3, None, orientation, fine)
    assert geometry.se3_fault(found, 1e-12) is None
    steps = geometry.degrees_of_freedom(geometry.relative(found))
    # At 1 ms the motion is smooth: each step differs little from the next.
    assert np.abs(np.diff(steps, axis=0)).max() < 0.02 * np.abs(steps).max() + 1e-7


def test_a_straight_perpendicular_path_without_wobble_is_the_z_axis():
    found = trajectory("straight", 0, CALM)
    assert np.allclose(found[:, :3, :3], np.eye(3), atol=1e-12)
    assert np.allclose(found[:, :2, 3], 0.0, atol=1e-12)
    assert (np.diff(found[:, 2, 3]) > 0).all()


def test_a_parallel_path_travels_along_the_lateral_axis():
    steps = geometry.relative(trajectory("straight", 0, CALM, "parallel"))[:, :3, 3]
    assert (steps[:, 0] > 0).all()
    assert np.allclose(steps[:, 1:], 0.0, atol=1e-12)


@pytest.mark.parametrize("profile", ["straight", "c", "s", "free", "fast-slow", "stop-and-go"])
def test_the_path_has_the_length_that_was_drawn(profile):
    motion = drawn(profile, 5, CALM)
    fine = np.linspace(0.0, FRAMES / RATE, 20001)
    found = poses(profile, fine, motion, flat)[:, :3, 3]
    length = np.linalg.norm(np.diff(found, axis=0), axis=1).sum()
    assert length == pytest.approx(motion.length_mm, rel=1e-5)


def test_to_and_fro_covers_its_length_and_turns_round():
    motion = drawn("to-and-fro", 5, CALM)
    fine = np.linspace(0.0, FRAMES / RATE, 20001)
    z = poses("to-and-fro", fine, motion, flat)[:, 2, 3]
    assert np.abs(np.diff(z)).sum() == pytest.approx(motion.length_mm, rel=1e-4)
    assert (np.diff(z) < -1e-6).any() and (np.diff(z) > 1e-6).any()


def test_an_arc_is_a_circle():
    """The curvature radius of a C path is its length over the angle that its heading sweeps."""
    motion = replace(drawn("c", 2, CALM), follow=0.0)
    place = poses("c", TIMES, motion, flat)[:, [0, 2], 3]
    # Circle through all points by linear least squares (Kasa).
    system = np.column_stack([2 * place, np.ones(len(place))])
    solution = np.linalg.lstsq(system, (place**2).sum(1), rcond=None)[0]
    radius = np.linalg.norm(place - solution[:2], axis=1)
    assert np.ptp(radius) < 1e-6
    assert radius.mean() == pytest.approx(motion.length_mm / abs(motion.bend_rad), rel=1e-6)


def test_a_loop_closes_and_an_s_comes_back_to_its_line():
    for profile in ("loop", "s"):
        motion = drawn(profile, 4, CALM)
        ends = poses(profile, np.array([0.0, FRAMES / RATE]), motion, flat)[:, :3, 3]
        assert abs(ends[1, 0] - ends[0, 0]) < 1e-6
        if profile == "loop":
            assert abs(ends[1, 2] - ends[0, 2]) < 1e-6


@pytest.mark.parametrize(("profile", "axis"), [("fan", 0), ("turn", 1), ("rock", 2)])
def test_a_swing_turns_by_its_angle_about_its_axis(profile, axis):
    motion = drawn(profile, 1, CALM)
    ends = poses(profile, np.array([0.0, FRAMES / RATE]), motion, flat)
    turned = geometry.vector_from_rotation(ends[0, :3, :3].T @ ends[1, :3, :3])
    expected = np.zeros(3)
    expected[axis] = motion.swing_rad[axis]
    assert np.allclose(turned, expected, atol=1e-9)
    assert 35.0 <= np.rad2deg(abs(expected[axis])) <= 60.0


def test_the_probe_rests_on_the_skin_along_its_normal():
    tissue = sample_tissue(np.random.default_rng(1), TissueSettings())
    settings = replace(CALM, gel_mm=0.8)
    found = poses("s", TIMES, drawn("s", 1, settings), tissue.skin_surface)
    skin = found[:, :3, 3] + 0.8 * found[:, :3, 1]
    assert np.abs(tissue.depth_below_skin_mm(skin)).max() < 1e-9
    # The normal from finite differences of the depth, which knows nothing of `skin_surface`.
    step = 1e-5
    gradient = np.stack(
        [
            (tissue.depth_below_skin_mm(skin + e) - tissue.depth_below_skin_mm(skin - e)) / step / 2
            for e in step * np.eye(3)
        ],
        -1,
    )
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    assert np.allclose(found[:, :3, 1], gradient, atol=1e-8)


def test_advancing_sweeps_never_go_back():
    for profile in ("straight", "c", "s", "fan"):
        for seed in range(40):
            elevation = geometry.relative(trajectory(profile, seed))[:, 2, 3]
            assert elevation.min() > 0.0, (profile, seed)


@pytest.mark.parametrize("profile", ["loop", "spiral", "to-and-fro"])
def test_profiles_that_go_both_ways_are_for_both_directions_only(profile):
    steps = [geometry.relative(trajectory(profile, seed))[:, 2, 3] for seed in range(20)]
    assert np.mean(np.concatenate(steps) < 0.0) > 0.1
    for direction in ("advance", "retreat"):
        words = f"motion.direction: profile '{profile}' .* expected 'both', got '{direction}'"
        with pytest.raises(UserError, match=words):
            check(MotionSettings(profiles=("straight", profile), direction=direction))
    check(MotionSettings(profiles=(profile,), direction="both"))


def test_speed_differs_two_to_three_fold_within_and_between_sweeps():
    within, means = [], []
    for seed in range(80):
        speed = np.linalg.norm(
            np.diff(trajectory("straight", seed, CALM)[:, :3, 3], axis=0), axis=1
        )
        low, high = np.percentile(speed, [5, 95])
        within.append(high / low)
        means.append(speed.mean() * RATE)
    assert 2.0 < np.median(within) < 3.0
    low, high = np.percentile(means, [2, 98])
    assert 1.8 < high / low < 2.2  # path lengths of 18 to 38 mm


def test_steps_have_the_size_of_small_v1():
    """Per frame: 0.25 mm of elevation, 0.1 mm of lateral motion and 0.25 degrees at the most."""
    steps = np.concatenate(
        [
            geometry.degrees_of_freedom(geometry.relative(trajectory("straight", seed)))
            for seed in range(80)
        ]
    )
    assert steps[:, 2].mean() == pytest.approx(0.25, abs=0.02)
    assert 0.06 < steps[:, 2].std() < 0.11
    assert np.percentile(np.abs(steps[:, 0]), 84) == pytest.approx(0.075, abs=0.03)
    assert np.all(np.rad2deg(steps[:, 3:]).std(0) == pytest.approx(0.13, abs=0.03))


def test_wobble_has_the_rate_asked_for_and_stays_in_its_band():
    rng = np.random.default_rng(0)
    t = np.arange(0.0, 400.0, 0.05)
    wave = sample_band(rng, (0.1, 0.8), rate_rms=1.2)
    assert np.sqrt(np.mean(wave.rate(t) ** 2)) == pytest.approx(1.2, rel=0.03)
    assert np.allclose(wave.rate(t[:-1] + 0.025), np.diff(wave(t)) / 0.05, atol=0.01)
    power = np.abs(np.fft.rfft(wave(t) * np.hanning(len(t)))) ** 2
    frequency = np.fft.rfftfreq(len(t), 0.05)
    assert power[(frequency < 0.09) | (frequency > 0.81)].sum() < 1e-4 * power.sum()


def test_speed_is_correlated_over_the_time_asked_for():
    lag, correlation = 0.5, 0.5
    t = np.linspace(0.0, 300.0, 60001)
    shift = round(lag / (t[1] - t[0]))
    found = []
    for seed in range(30):
        value = sample_correlated(np.random.default_rng(seed), correlation, 1.0)(t)
        found.append(np.mean(value[shift:] * value[:-shift]) / np.mean(value**2))
    assert np.mean(found) == pytest.approx(np.exp(-1.0), abs=0.05)


def test_progress_is_the_integral_of_speed():
    from scipy.integrate import quad

    pace = Pace(5.4, sample_correlated(np.random.default_rng(2), 0.4, 0.3))
    whole = quad(lambda t: np.exp(pace.log_speed(t)), 0, 5.4, limit=200, epsabs=1e-11)[0]
    for time in (0.05, 1.234, 4.9):
        part = quad(lambda t: np.exp(pace.log_speed(t)), 0, time, limit=200, epsabs=1e-11)[0]
        assert pace.progress(np.array([time]))[0] == pytest.approx(part / whole, abs=1e-8)


def test_a_stop_stands_still():
    pace = Pace(5.0, sample_correlated(np.random.default_rng(2), 0.4, 0.3), stops=(2.5,))
    near = pace.progress(np.array([2.45, 2.55]))
    assert np.diff(near)[0] < 1e-3 * 0.1 / 5.0


def test_tusrec_like_sweeps_have_the_population_statistics():
    """Published statistics of TUS-REC: deviations of the steps, correlation of the speed."""
    spec = load_spec("tusrec-like-v2")
    times = (np.arange(spec.acquisition.frames) + 0.5) / spec.acquisition.frame_rate_hz
    steps, correlation = [], []
    # The layered limb has the same skin and is drawn faster.
    settings = replace(spec.tissue, kind="layered", arteries=0, veins=0)
    for subject in range(10):
        tissue = sample_tissue(np.random.default_rng(subject), settings)
        for plan in plan_sweeps(spec)[:6]:
            rng = np.random.default_rng([subject, plan.index])
            duration = spec.acquisition.duration_s
            motion = sample_motion(plan.profile, rng, spec.motion, plan.orientation, duration)
            found = poses(plan.profile, times, motion, tissue.skin_surface)
            steps.append(geometry.degrees_of_freedom(geometry.relative(found)))
            speed = np.linalg.norm(steps[-1][:, :3], axis=1)
            speed = speed - speed.mean()
            power = np.mean(speed**2)
            correlation.append([np.mean(speed[n:] * speed[:-n]) / power for n in (1, 5, 20)])
    spread = np.concatenate(steps).std(0)
    assert spread[:3] == pytest.approx([0.28, 0.05, 0.25], rel=0.2)
    assert np.rad2deg(spread[3:]) == pytest.approx([0.06, 0.04, 0.06], rel=0.2)
    assert np.mean(correlation, axis=0) == pytest.approx([0.78, 0.51, 0.15], abs=0.15)


def test_a_profile_of_ones_own_goes_by_its_address():
    settings = MotionSettings(profiles=(f"{__name__}:ZIGZAG",))
    found = trajectory(settings.profiles[0], 1, CALM)
    assert geometry.se3_fault(found, 1e-12) is None
    assert np.ptp(found[:, 0, 3]) > 1.0
    for address, words in (
        (f"{__name__}:NOTHING", "no 'NOTHING' in"),
        ("nowhere_at_all:x", "cannot be imported"),
        (f"{__name__}:TIMES", "expected a Profile"),
    ):
        with pytest.raises(UserError, match=words):
            check(MotionSettings(profiles=(address,)))


def test_the_same_seed_gives_the_same_trajectory_at_any_rate():
    motion = drawn("fan", 7)
    assert drawn("fan", 7) == motion
    sparse = poses("fan", TIMES[::5], motion, flat)
    assert np.allclose(sparse, poses("fan", TIMES, motion, flat)[::5], atol=1e-12)


def test_retreating_runs_the_same_path_from_its_end():
    settings = replace(CALM, direction="retreat")
    forward, back = drawn("c", 2, CALM), drawn("c", 2, settings)
    start = poses("c", np.array([0.0]), back, flat)
    end = poses("c", np.array([FRAMES / RATE]), forward, flat)
    assert np.allclose(start, end, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"profiles": ("strait",)}, "did you mean 'straight'"),
        ({"orientations": ("paralell",)}, "did you mean 'parallel'"),
        ({"direction": "advanced"}, "did you mean 'advance'"),
        ({"profiles": ("to-and-fro",)}, "both"),
        ({"path_length_mm": (0.0, 3.0)}, "motion.path_length_mm"),
        ({"path_length_mm": (4.0, 3.0)}, "motion.path_length_mm"),
        ({"wobble_deg_s": -1.0}, "motion.wobble_deg_s"),
        ({"profiles": ()}, "at least one"),
    ],
)
def test_impossible_motion_is_refused(change, words):
    with pytest.raises(UserError, match=words):
        check(MotionSettings(**change))
