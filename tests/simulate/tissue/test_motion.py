"""Tissue under the probe: compression, breathing and pulsation against their closed forms."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.render import render_iq
from simulate.spec import load_spec
from simulate.spec.factors import at_level
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.motion import PULSE_REACH_MM, TissueMotion, sample_tissue_motion
from simulate.tissue.settings import TissueMotionSettings, TissueSettings
from simulate.vessels.heartbeat import pressure_wave
from simulate.vessels.tree import VesselTree, only_arteries
from tests.simulate.speckle import QUIET, WINDOW, Uniform

ALL = TissueMotionSettings(strain=(0.1, 0.1), breath_mm=(1.0, 1.0), pulse_mm=(0.4, 0.4))


def tilted_pose():
    angle = 0.3
    pose = np.eye(4)
    pose[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[:3, 3] = 3.0, -1.0, 12.0
    return pose


def tube(kind=0, radius=2.0):
    z = np.arange(-30.0, 30.5, 0.5)
    points = np.column_stack([np.zeros_like(z), np.full_like(z, 12.0), z])
    return VesselTree(points, np.full(len(z), radius), np.arange(len(z)) - 1, np.full(len(z), kind))


def divergence(field, points, step=1e-4):
    total = np.zeros(len(points))
    for axis in range(3):
        offset = step * np.eye(3)[axis]
        total += (field(points + offset) - field(points - offset))[:, axis] / (2 * step)
    return total


TIMES = (0.3, 0.9, 2.2)


def deep_points(count=500):
    return np.random.default_rng(0).uniform((-15, 2, 0), (15, 35, 25), (count, 3))


def test_nothing_moves_without_severity():
    still = sample_tissue_motion(np.random.default_rng(0), TissueMotionSettings(), tube())
    assert still.still and TissueMotionSettings().still
    assert not still.displacement(deep_points(), 1.3, tilted_pose()).any()
    assert load_spec("tiny-v2").tissue.motion.still


def test_each_severity_moves_more_than_the_last():
    for kind in ("compression", "breathing", "pulsation"):
        sizes = []
        for severity in range(1, 6):
            settings = at_level(load_spec("tiny-v2"), kind, severity).tissue.motion
            motion = sample_tissue_motion(np.random.default_rng(3), settings, tube())
            moved = [motion.displacement(deep_points(), t, motion.sinking(t)) for t in TIMES]
            sizes.append(np.abs(moved).max())
        assert np.allclose(np.array(sizes) / sizes[0], range(1, 6), rtol=1e-9)


def test_compression_is_incompressible_and_the_skin_stays_at_the_face():
    motion = sample_tissue_motion(
        np.random.default_rng(1),
        dataclasses.replace(ALL, breath_mm=(0, 0), pulse_mm=(0, 0)),
        tube(),
    )
    hand, time = tilted_pose(), 0.7
    pose = hand @ motion.sinking(time)
    points = deep_points() @ hand[:3, :3].T + hand[:3, 3]
    assert np.abs(divergence(lambda p: motion.displacement(p, time, pose), points)).max() < 1e-7
    skin = hand[None, :3, 3]  # in the middle of the face, before the probe pressed
    pressed = skin + motion.displacement(skin, time, pose)
    assert np.abs(pressed - pose[:3, 3]).max() < 1e-12
    assert np.linalg.norm(pressed - skin) > 0.5


def test_compression_has_the_strain_it_says():
    """Down the probe's axis, u_y = e D exp(-y / D): in the image, -e D (1 - exp(-y / D))."""
    motion = TissueMotion(strain=0.12, depth_mm=14.0)
    strain = 0.12 * motion.pressure(0.0)
    y = np.linspace(0, 30, 7)
    line = np.column_stack([np.zeros_like(y), y, np.zeros_like(y)])
    pose = motion.sinking(0.0)
    moved = motion.displacement(line, 0.0, pose)
    assert np.allclose(moved[:, 1], strain * 14 * np.exp(-y / 14))
    assert not moved[:, [0, 2]].any()
    seen = (line + moved - pose[:3, 3])[:, 1]
    assert np.allclose(seen - y, -strain * 14 * (1 - np.exp(-y / 14)))


def test_bone_stays_where_it_is_and_comes_nearer_in_the_image():
    """What lies far below the face is fixed in the world; the probe comes down to it."""
    motion = sample_tissue_motion(
        np.random.default_rng(4), dataclasses.replace(ALL, breath_mm=(0, 0), pulse_mm=(0, 0)),
        tube(),
    )  # fmt: skip
    motion = dataclasses.replace(motion, depth_mm=6.0)
    bone = np.array([[0.0, 80.0, 0.0]])
    times = np.linspace(0.0, 12.0, 60)
    moved = np.concatenate([motion.displacement(bone, t, motion.sinking(t)) for t in times])
    assert np.abs(moved).max() < 1e-5
    depth = bone[0, 1] - motion.sinking(times)[:, 1, 3]
    expected = 80.0 - motion.strain * 6.0 * motion.pressure(times)
    assert np.allclose(depth, expected, atol=1e-12) and np.ptp(depth) > 0.2


def test_a_sunk_probe_sees_what_one_held_still_over_rising_tissue_would():
    """Frames depend on where tissue is in the image alone: 5 MHz IQ, both worlds, within 1e-3."""
    motion, hand, time = TissueMotion(strain=0.12, depth_mm=9.0), tilted_pose(), 0.4
    sunk = hand @ motion.sinking(time)
    down = sunk[:3, 3] - hand[:3, 3]

    def relative(points, time_s, pose):
        return motion.displacement(points, time_s, sunk) - down

    frames = [
        render_iq(Uniform(), WINDOW, QUIET, pose[None], timestamps=[time], displacement=field)
        for pose, field in ((sunk, motion.displacement), (hand, relative))
    ]
    assert np.linalg.norm(down) > 0.4
    assert np.abs(frames[0] - frames[1]).max() < 1e-3 * np.abs(frames[1]).max()


def test_each_number_of_a_motion_has_a_stream_of_its_own():
    moved = dataclasses.replace(ALL, strain=(0.2, 0.3), strain_change_hz=(1.0, 2.0))
    one, two = (
        sample_tissue_motion(np.random.default_rng(6), settings, tube())
        for settings in (ALL, moved)
    )
    changed = {f.name for f in dataclasses.fields(one) if f.name != "arteries"
               and getattr(one, f.name) != getattr(two, f.name)}  # fmt: skip
    assert changed == {"strain", "press"}


def test_breathing_is_periodic_and_incompressible():
    settings = dataclasses.replace(ALL, strain=(0, 0), pulse_mm=(0, 0))
    motion = sample_tissue_motion(np.random.default_rng(2), settings, tube())
    assert 0.2 <= motion.breath_hz <= 0.3
    points = deep_points()
    first = motion.displacement(points, 0.4, np.eye(4))
    later = motion.displacement(points, 0.4 + 3 / motion.breath_hz, np.eye(4))
    assert np.allclose(first, later, atol=1e-12) and np.abs(first).max() > 0.05
    field = lambda p: motion.displacement(p, 0.4, np.eye(4))  # noqa: E731
    assert np.abs(divergence(field, points)).max() < 1e-8


def test_an_artery_swells_by_what_it_says_and_its_vein_does_not():
    motion = TissueMotion(pulse_mm=0.4, pulse_hz=1.2, arteries=tube())
    times = np.linspace(0, 1 / 1.2, 200)
    times[7] = np.linspace(0, 1, 5001)[pressure_wave(np.linspace(0, 1, 5001)).argmax()] / 1.2
    wall = np.array([[2.0, 12.0, 0.1], [0.0, 10.0, 0.1]])
    moved = np.array([motion.displacement(wall, t, np.eye(4)) for t in times])
    assert moved[:, 0, 0].max() == pytest.approx(0.4, rel=1e-5)
    assert moved[:, 1, 1].min() == pytest.approx(-0.4, rel=1e-5)
    assert np.abs(moved[:, :, 2]).max() < 1e-9
    again = motion.displacement(wall, times[40] + 5 / 1.2, np.eye(4))
    assert np.allclose(again, moved[40], atol=1e-9)
    vein = TissueMotion(pulse_mm=0.4, arteries=tube(kind=1))
    assert not vein.displacement(wall, 0.15, np.eye(4)).any()


def test_pulsation_is_incompressible_near_the_artery_and_dies_out():
    motion = TissueMotion(pulse_mm=0.4, arteries=tube())
    angle, gap = np.random.default_rng(4).uniform((0, 0.1), (2 * np.pi, 2.9), (300, 2)).T
    points = np.column_stack(
        [(2 + gap) * np.cos(angle), 12 + (2 + gap) * np.sin(angle), np.full(300, 0.3)]
    )
    field = lambda p: motion.displacement(p, 0.12, np.eye(4))  # noqa: E731
    assert np.abs(field(points)).max() > 0.1
    assert np.abs(divergence(field, points)).max() < 1e-6
    far = np.array([[2.0 + PULSE_REACH_MM + 0.01, 12.0, 0.0]])
    assert not field(far).any()
    edge = np.array([[2.0 + PULSE_REACH_MM - 0.05, 12.0, 0.0]])
    assert np.abs(field(edge)).max() < 1e-3


def test_only_arteries_keeps_their_branchings():
    tree = sample_tissue(np.random.default_rng(5), TissueSettings()).vessels
    kept = only_arteries(tree)
    assert (kept.kind == 0).all() and len(kept) == (tree.kind == 0).sum()
    theirs = tree.branchings[tree.kind[tree.branchings] == 0]
    assert np.array_equal(kept.points_mm[kept.branchings], tree.points_mm[theirs])


@pytest.mark.parametrize(
    ("change", "key"),
    [({"strain": (0.1, 0.05)}, "strain"), ({"strain": (0.0, 0.5)}, "at most 0.3"),
     ({"breath_hz": (0.0, 0.3)}, "breath_hz"), ({"pulse_mm": (-1.0, 0.3)}, "pulse_mm")],
)  # fmt: skip
def test_impossible_motion_is_refused(change, key):
    with pytest.raises(UserError, match=key):
        TissueMotionSettings(**change)


def test_an_unknown_severity_is_refused():
    with pytest.raises(UserError, match="1 to 5, got 6"):
        at_level(load_spec("tiny-v2"), "breathing", 6)
