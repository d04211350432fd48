"""Doppler of known flows in straight tubes, known clutter, and the closed form of the filter."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.settings import BmodeSettings
from simulate.doppler.flow import Flow
from simulate.doppler.pulses import aliasing_speed_m_s, pulse_times
from simulate.doppler.render import autocorrelation, filtered, render_doppler
from simulate.doppler.settings import DopplerSettings, FlowSettings, check_rate
from simulate.doppler.wall_filter import polynomial_filter, polynomial_response, svd_filter
from simulate.probe.transducer import Probe
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import _doppler_channels
from simulate.sweep.scene import draw_scene
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings
from simulate.vessels.tree import VesselTree
from tests.simulate.plain_tissue import PlainTissue

PROBE = Probe(
    transmit_f_number=2.0, start_depth_mm=14.0, depth_mm=26.0, height_px=48, width_px=48,
    width_mm=14.0,
)  # fmt: skip
SILENT = BmodeSettings(noise_db=-200.0)
STILL = np.repeat(np.eye(4)[None], 4, 0)
TIMES = 0.2 * np.arange(4)
SLANT = np.deg2rad(30.0)


def tube(direction, kind=0, radius=2.0):
    """A straight vessel through (0, 20, 0) mm, whose blood runs along `direction` if an artery."""
    ahead = np.array(direction, float) / np.linalg.norm(direction)
    s = np.linspace(-14, 14, 57)
    count = len(s)
    return VesselTree(
        np.array([0, 20.0, 0]) + s[:, None] * ahead, np.full(count, radius),
        np.arange(count) - 1, np.full(count, kind),
    )  # fmt: skip


@dataclass(frozen=True)
class Tube(PlainTissue):
    """A straight tube in tissue of one brightness."""

    vessels: VesselTree
    outside: float = 0.0
    blood_level: float = 1.0
    key: int = 3
    attenuation_db_cm_mhz: float = 0.0

    def in_lumen(self, points_mm):
        first, last = self.vessels.points_mm[[0, -1]]
        ahead = (last - first) / np.linalg.norm(last - first)
        gap = points_mm - first
        across = gap - (gap @ ahead)[:, None] * ahead
        return np.linalg.norm(across, axis=1) < self.vessels.radius_mm[0]

    def backscatter(self, points_mm):
        return np.full(len(points_mm), self.outside)

    def reflectors(self, low_mm, high_mm, density_per_mm3):
        return np.zeros((0, 3)), np.zeros(0)

    def attenuation_db_per_mm(self, points_mm, frequency_hz):
        return np.zeros(len(points_mm))


def settings(speed=100.0, profile="plug", **changes):
    flow = FlowSettings(
        profile=profile, artery_mm_s=speed, vein_mm_s=speed, reference_radius_mm=2.0,
        pulsatility_artery=0.0, pulsatility_vein=0.0,
    )  # fmt: skip
    return replace(DopplerSettings(prf_hz=3000.0, wall_filter="none", flow=flow), **changes)


def down(angle=SLANT):
    return (np.cos(angle), np.sin(angle), 0.0)


def mean_velocity(tissue, chosen, poses=STILL, probe=PROBE, bmode=SILENT):
    power, velocity = render_doppler(tissue, probe, chosen, bmode, poses, TIMES, seed=1)
    return float(np.average(velocity, weights=power))


@pytest.mark.parametrize("attenuation", [0.0, 0.7])
@pytest.mark.parametrize("speed", [60.0, 250.0])
def test_plug_flow_is_recovered_to_two_percent(speed, attenuation):
    tissue = Tube(tube(down()), attenuation_db_cm_mhz=attenuation)
    expected = -1e-3 * speed * np.sin(SLANT)
    assert mean_velocity(tissue, settings(speed)) == pytest.approx(expected, rel=0.02)


def test_blood_towards_the_probe_is_positive_and_veins_run_back():
    away, back = Tube(tube(down())), Tube(tube(down(), kind=1))
    assert mean_velocity(away, settings()) < -0.04
    assert mean_velocity(back, settings()) == pytest.approx(0.05, rel=0.02)


def test_a_parabolic_profile_has_its_mean_and_its_peak():
    flow = Flow(tube((0, 0, 1)), settings(100.0, "parabolic").flow)
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-2, 2, (40_000, 2)), rng.uniform(-5, 5, 40_000)])
    points[:, 1] += 20.0
    inside = np.hypot(points[:, 0], points[:, 1] - 20.0) < 2.0
    velocity = flow.velocity_mm_s(points, 0.0)
    assert not velocity[~inside].any() and not velocity[:, :2].any()
    assert velocity[inside, 2].mean() == pytest.approx(100.0, rel=0.02)
    assert flow.velocity_mm_s(np.array([[0, 20.0, 0.1]]), 0.0)[0, 2] == pytest.approx(200.0)
    assert velocity[:, 2].max() <= 200.0 + 1e-9


def test_murrays_law_keeps_the_flow_whole():
    tree = sample_tissue(np.random.default_rng(5), TissueSettings()).vessels
    flow = Flow(tree, FlowSettings(pulsatility_artery=0.0, pulsatility_vein=0.0))

    single = np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree)) == 1

    def volume(node):
        """Flow, mm3/s, between a node and the next."""
        (after,) = np.flatnonzero(tree.parent == node)
        middle = 0.5 * (tree.points_mm[node] + tree.points_mm[after])
        peak = np.linalg.norm(flow.velocity_mm_s(middle[None], 0.0)[0])
        return 0.5 * peak * np.pi * tree.radius_mm[after] ** 2

    def walk(node, steps):
        """A node so many steps on, clear of the fork, or None at an end."""
        for _ in range(steps):
            if not single[node]:
                return None
            (node,) = np.flatnonzero(tree.parent == node)
        return node if single[node] else None

    checked = 0
    for node in tree.branchings:
        before = node
        for _ in range(3):
            before = tree.parent[before]
        beyond = [walk(child, 8) for child in np.flatnonzero(tree.parent == node)]
        if single[before] and None not in beyond:
            assert sum(volume(n) for n in beyond) == pytest.approx(volume(before), rel=1e-6)
            checked += 1
    assert checked > 4


def test_flow_follows_the_beat():
    flow = Flow(tube((0, 0, 1)), FlowSettings(heart_hz=1.25, pulsatility_artery=1.5))
    centre = np.array([[0, 20.0, 0.1]])
    speed = np.array([flow.velocity_mm_s(centre, t)[0, 2] for t in np.linspace(0, 0.8, 201)])
    assert speed[0] == pytest.approx(speed[-1], rel=1e-9)
    assert speed[:-1].mean() == pytest.approx(2 * 150 * 2 / 1.5, rel=0.01)
    assert (speed.max() - speed.min()) / speed[:-1].mean() == pytest.approx(1.5, rel=0.02)


def test_blood_beats_with_the_walls_of_its_sweep(monkeypatch):
    """Frequency and phase of the blood are those drawn for the pulsation of the arteries."""
    chosen = settings(pulses=8)
    beating = replace(chosen, flow=replace(chosen.flow, heart_hz=1.25, pulsatility_artery=1.5))
    blood = Tube(tube(down()))
    early, late = (
        render_doppler(
            blood, PROBE, beating, SILENT, STILL, TIMES + shift, seed=1, beat_phase=phase
        )
        for shift, phase in ((0.0, 0.4), (0.4 / 1.25, 0.0))
    )
    np.testing.assert_allclose(early[1], late[1], atol=1e-5)

    spec = load_spec("tiny-v2")
    motion = replace(spec.tissue.motion, pulse_mm=(0.2, 0.3))
    pulsating = replace(
        spec,
        tissue=replace(spec.tissue, motion=motion),
        showcase=replace(spec.showcase, doppler=True),
    )
    calls = []

    def listen(tissue, probe, asked, *others, beat_phase, **_):
        calls.append((asked.flow.heart_hz, beat_phase))
        return np.zeros((2, 2, 48, 48), np.float32)

    monkeypatch.setattr("simulate.sweep.compose.render_doppler", listen)
    for each in (pulsating, replace(pulsating, tissue=spec.tissue)):
        _doppler_channels(draw_scene(each, plan_sweeps(each)[3]))
    moving = draw_scene(pulsating, plan_sweeps(pulsating)[3]).tissue_motion
    assert calls == [(moving.pulse_hz, moving.pulse_phase), (spec.doppler.flow.heart_hz, 0.0)]
    assert moving.pulse_hz != spec.doppler.flow.heart_hz


def test_a_velocity_beyond_the_limit_is_folded_to_the_other_sign():
    limit = aliasing_speed_m_s(PROBE, settings())
    assert limit == pytest.approx(1540 * 3000 / (4 * 5e6))
    speed = 1.3 * limit / np.sin(SLANT) * 1e3
    found = mean_velocity(Tube(tube(down())), settings(speed))
    assert found == pytest.approx(-1.3 * limit + 2 * limit, rel=0.02)


def test_blood_across_the_beam_has_no_velocity_but_power():
    tissue = Tube(tube((0.0, 0.0, 1.0)))
    power, velocity = render_doppler(tissue, PROBE, settings(), SILENT, STILL, TIMES, seed=1)
    x = np.linspace(-7, 7, 48)
    distance = np.hypot(x, np.linspace(14, 26, 48)[:, None] - 20.0)
    assert power[:, distance < 1.2].mean() == pytest.approx(1.0, abs=0.3)
    assert power[:, distance > 3.6].mean() < 1e-3
    assert abs(np.average(velocity, weights=power)) < 0.005


def test_stationary_clutter_is_suppressed_by_a_hundred_decibels():
    tissue = Tube(tube(down()), outside=30.0, blood_level=0.0)
    before, _ = render_doppler(tissue, PROBE, settings(), SILENT, STILL, TIMES, seed=1)
    for order in (0, 2):
        chosen = settings(wall_filter="polynomial", order=order)
        after, _ = render_doppler(tissue, PROBE, chosen, SILENT, STILL, TIMES, seed=1)
        assert 10 * np.log10(after.mean() / before.mean()) < -100.0


def test_moving_clutter_is_suppressed_as_the_filter_says():
    """A probe that moves in by 4 mm/s against the response of the regression filter."""
    poses = STILL.copy()
    poses[:, 1, 3] = 4.0 * TIMES
    tissue = Tube(tube(down()), outside=1.0, blood_level=0.0)
    before, _ = render_doppler(tissue, PROBE, settings(), SILENT, poses, TIMES, seed=1)
    cycles = np.array(2 * 4.0 / (1540e3 / 5e6) / 3000.0)
    for order in (0, 1):
        chosen = settings(wall_filter="polynomial", order=order)
        after, _ = render_doppler(tissue, PROBE, chosen, SILENT, poses, TIMES, seed=1)
        found = 10 * np.log10(after.mean() / before.mean())
        expected = 10 * np.log10(float(polynomial_response(12, order, cycles)))
        assert -70.0 < expected < -10.0
        assert found == pytest.approx(expected, abs=1.0)


def test_a_probe_that_slides_sideways_leaves_no_specks():
    """Beyond what decorrelates in the closed form, only scatterers at the slab's edge are left.

    Share of the clutter that the filter F leaves: trace(F R) / pulses, R_ij = exp(-d_ij^2 / 4 s^2)
    for planes d_ij apart. A cut at three sigmas adds -60 dB of steps to that, seen on bright walls.
    """
    speed = 20.0
    poses = STILL.copy()
    poses[:, 2, 3] = speed * TIMES
    tissue = Tube(tube(down()), outside=1.0, blood_level=0.0)
    chosen = settings(wall_filter="polynomial", order=2)
    before, _ = render_doppler(tissue, PROBE, settings(), SILENT, poses, TIMES, seed=1)
    after, _ = render_doppler(tissue, PROBE, chosen, SILENT, poses, TIMES, seed=1)
    place = speed * (pulse_times(TIMES, chosen)[0] - TIMES[0])
    sigma = float(PROBE.sigma_elevation_mm(20.0))
    coherence = np.exp(-((place[:, None] - place) ** 2) / (4 * sigma**2))
    polynomials = np.linalg.qr(np.vander(place, 3))[0]
    left = np.trace(coherence - polynomials @ (polynomials.T @ coherence)) / len(place)
    assert 10 * np.log10(left) < -80.0
    assert 10 * np.log10(after.mean() / before.mean()) < -80.0


def test_blood_is_found_below_clutter_that_moves():
    poses = STILL.copy()
    poses[:, 1, 3] = 4.0 * TIMES
    tissue = Tube(tube(down()), outside=10.0, blood_level=0.3)
    for name in ("polynomial", "svd"):
        chosen = settings(200.0, wall_filter=name, order=2)
        assert mean_velocity(tissue, chosen, poses) == pytest.approx(-0.1, rel=0.06)


def test_the_response_is_what_the_filter_does_to_a_wave():
    for order, cycles in ((0, 0.1), (2, 0.03), (3, 0.4)):
        wave = np.exp(2j * np.pi * cycles * np.arange(12))[:, None]
        left = (np.abs(polynomial_filter(wave, order)) ** 2).mean()
        assert left == pytest.approx(float(polynomial_response(12, order, np.array(cycles))))
    constant = np.full((12, 5), 3.0 + 2.0j)
    assert np.abs(polynomial_filter(constant, 0)).max() < 1e-13
    cubic = (np.arange(12.0) ** 3)[:, None] + 0j
    assert np.abs(polynomial_filter(cubic, 3)).max() < 1e-9
    assert np.abs(polynomial_filter(cubic, 2)).max() > 1.0


def test_the_svd_filter_takes_out_what_all_pixels_share():
    rng = np.random.default_rng(0)
    common = np.exp(1j * rng.uniform(0, 6, 12))[:, None] * rng.normal(size=200) * 100
    blood = rng.normal(size=(12, 200)) + 1j * rng.normal(size=(12, 200))
    left = svd_filter(common + blood, 1)
    assert (np.abs(left) ** 2).mean() == pytest.approx(2 * 11 / 12, rel=0.1)
    sizes = np.linalg.svd(left, compute_uv=False)
    assert sizes[-1] < 1e-9 * sizes[0] < 0.1 * sizes[-2]


HASHES = """
import hashlib
import numpy as np
from simulate.doppler.wall_filter import polynomial_filter, svd_filter
real, imaginary = np.random.default_rng(0).standard_normal((2, 12, 160, 200), dtype=np.float32)
for wall_filter in (polynomial_filter, svd_filter):
    print(hashlib.sha256(wall_filter(real + 1j * imaginary, 2).tobytes()).hexdigest())
"""


def test_filtered_bytes_do_not_depend_on_threads():
    """A BLAS that splits a sum among threads takes it in another order."""
    found = []
    for threads in ("1", "2"):
        keys = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        done = subprocess.run(
            [sys.executable, "-c", HASHES], cwd=Path(__file__).parents[3], capture_output=True,
            text=True, check=True, env=os.environ | keys,
        )  # fmt: skip
        found.append(done.stdout.split())
    assert len(set(found[0])) == 2 and found[0] == found[1]


def test_lag_one_has_the_phase_of_one_step():
    wave = 2.0 * np.exp(0.7j * np.arange(8))[:, None]
    power, lag = autocorrelation(wave)
    assert power == pytest.approx(4.0) and np.angle(lag) == pytest.approx(0.7)
    assert np.array_equal(filtered(wave, settings()), wave)


def test_noise_is_not_shown_as_flow():
    noisy = BmodeSettings(noise_db=-20.0)
    tissue = Tube(tube(down()), blood_level=0.0)
    chosen = settings(wall_filter="polynomial", order=1)
    power, velocity = render_doppler(tissue, PROBE, chosen, noisy, STILL, TIMES, seed=1)
    middle = power[:, 20:28].mean()
    assert middle == pytest.approx(10**-2.0 * (1 - 2 / 12), rel=0.15)
    assert (velocity != 0).mean() < 0.01


def test_frames_depend_on_their_number_and_the_seed_only():
    tissue = Tube(tube(down()), outside=1.0)
    chosen = settings(wall_filter="polynomial")
    whole = render_doppler(tissue, PROBE, chosen, BmodeSettings(), STILL, TIMES, seed=5)
    again = render_doppler(tissue, PROBE, chosen, BmodeSettings(), STILL, TIMES, seed=5)
    other = render_doppler(tissue, PROBE, chosen, BmodeSettings(), STILL, TIMES, seed=6)
    assert np.array_equal(whole[0], again[0]) and np.array_equal(whole[1], again[1])
    assert not np.array_equal(whole[0], other[0])
    assert not np.array_equal(whole[0][0], whole[0][1])
    assert whole[0].dtype == whole[1].dtype == np.float32 and whole[0].shape == (4, 48, 48)


def test_exact_poses_of_the_pulses_are_taken_as_they_are():
    """A hand that moves in by 40 mm/s for the length of an ensemble only."""
    chosen = settings(0.0)
    poses = np.repeat(STILL[:, None], chosen.pulses, 1)
    poses[..., 1, 3] = 40.0 * (pulse_times(TIMES, chosen) - TIMES[:, None])
    tissue = Tube(tube(down()), outside=1.0, blood_level=0.0)
    assert mean_velocity(tissue, chosen, poses) == pytest.approx(0.04, rel=0.03)


def test_a_curvilinear_probe_sees_the_same_flow():
    curved = Probe(
        geometry="curvilinear", radius_mm=40.0, elements=128, pitch_mm=0.35, start_depth_mm=0.0,
        depth_mm=30.0, width_mm=30.0, height_px=64, width_px=64, transmit_f_number=2.0,
    )  # fmt: skip
    straight = Tube(tube((0.0, 1.0, 1.0)))
    velocity = mean_velocity(straight, settings(120.0), probe=curved)
    assert velocity == pytest.approx(-0.12 * np.sqrt(0.5), rel=0.03)


def test_tissue_that_moves_carries_its_blood_along():
    """30 mm/s away from the probe are added to the blood's own 50 mm/s."""

    def sinking(points_mm, time_s, world_from_image):
        return np.broadcast_to([0.0, 30.0 * (time_s - 0.3), 0.0], points_mm.shape).copy()

    power, velocity = render_doppler(
        Tube(tube(down())), PROBE, settings(), SILENT, STILL[:1], TIMES[:1] + 0.3, seed=1,
        displacement=sinking,
    )  # fmt: skip
    assert np.average(velocity, weights=power) == pytest.approx(-0.08, rel=0.03)
    still = replace(settings(0.0), wall_filter="none")
    power, velocity = render_doppler(
        Tube(tube(down()), outside=1.0, blood_level=0.0), PROBE, still, SILENT, STILL[:1],
        TIMES[:1] + 0.3, seed=1, displacement=sinking,
    )  # fmt: skip
    assert np.average(velocity, weights=power) == pytest.approx(-0.03, rel=0.03)


def test_blood_lies_in_the_shadow_of_what_is_above_it():
    """1 dB/mm from 16 mm on takes 2 x (depth - 16) dB."""

    class Shaded(Tube):
        def attenuation_db_per_mm(self, points_mm, frequency_hz):
            return np.where(points_mm[:, 1] > 16.0, 1.0, 0.0)

    flat = tube((1.0, 0.0, 0.0), radius=3.0)
    shown = {}
    for shadows in (False, True):
        bmode = replace(SILENT, shadows=shadows)
        shown[shadows], _ = render_doppler(
            Shaded(flat), PROBE, settings(), bmode, STILL, TIMES, seed=1
        )
    depth = np.linspace(14, 26, 48)
    inside = (depth > 18) & (depth < 22)
    loss = 10 * np.log10(shown[True][:, inside].mean((0, 2)))
    loss -= 10 * np.log10(shown[False][:, inside].mean((0, 2)))
    assert np.allclose(loss, -2 * (depth[inside] - 16), atol=0.5)


def test_a_shadow_whose_edge_moves_over_the_grid_leaves_no_specks():
    """A slanted edge of 10 dB/mm passes from sample to sample while the probe slides sideways."""

    class Shaded(Tube):
        def attenuation_db_per_mm(self, points_mm, frequency_hz):
            x, y, z = points_mm.T
            return np.where(y > 18.0 + 0.05 * x + 0.3 * z, 10.0, 0.0)

    poses = STILL.copy()
    poses[:, 2, 3] = 20.0 * TIMES
    tissue = Shaded(tube(down()), outside=1.0, blood_level=0.0)
    bmode = replace(SILENT, shadows=True)
    chosen = settings(wall_filter="polynomial", order=2)
    before, _ = render_doppler(tissue, PROBE, settings(), bmode, poses, TIMES, seed=1)
    after, _ = render_doppler(tissue, PROBE, chosen, bmode, poses, TIMES, seed=1)
    near = slice(10, 24)  # from 16.5 to 20 mm, about the edge
    assert 10 * np.log10(after[:, near].max() / before[:, near].mean()) < -60.0


def test_a_rate_that_does_not_fit_the_depth_is_refused_with_the_numbers():
    deep = Probe(depth_mm=120.0)
    with pytest.raises(UserError, match=r"at most 6417 Hz.*depth_mm = 120.*got 8000"):
        check_rate(deep, DopplerSettings(prf_hz=8000.0))
    with pytest.raises(UserError, match=r"at least 60 Hz.*12 pulses"):
        check_rate(deep, DopplerSettings(prf_hz=50.0))
    check_rate(deep, DopplerSettings(prf_hz=6400.0))


@pytest.mark.parametrize(
    ("change", "key"),
    [({"pulses": 1}, "pulses"), ({"order": 10}, "order"), ({"wall_filter": "iir"}, "wall_filter"),
     ({"smooth_mm": 0.0}, "smooth_mm")],
)  # fmt: skip
def test_impossible_settings_are_refused(change, key):
    with pytest.raises(UserError, match=f"doppler.{key}"):
        DopplerSettings(**change)
    with pytest.raises(UserError, match=r"doppler\.flow\.heart_hz"):
        FlowSettings(heart_hz=0.0)
