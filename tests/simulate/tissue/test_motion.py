"""Tissue under the probe: compression, breathing and pulsation against their closed forms."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.spec import load_spec
from simulate.spec.factors import at_level
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.motion import PULSE_REACH_MM, TissueMotion, sample_tissue_motion
from simulate.tissue.settings import TissueMotionSettings, TissueSettings
from simulate.vessels.heartbeat import pressure_wave
from simulate.vessels.tree import VesselTree, only_arteries

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
            moved = [motion.displacement(deep_points(), t, np.eye(4)) for t in (0.3, 0.9, 2.2)]
            sizes.append(np.abs(moved).max())
        assert np.allclose(np.array(sizes) / sizes[0], range(1, 6), rtol=1e-9)


def test_compression_is_incompressible_and_holds_the_skin():
    motion = sample_tissue_motion(
        np.random.default_rng(1),
        dataclasses.replace(ALL, breath_mm=(0, 0), pulse_mm=(0, 0)),
        tube(),
    )
    pose, time = tilted_pose(), 0.7
    points = deep_points() @ pose[:3, :3].T + pose[:3, 3]
    assert np.abs(divergence(lambda p: motion.displacement(p, time, pose), points)).max() < 1e-7
    face = np.array([[0.0, 0.0, 0.0]]) @ pose[:3, :3].T + pose[:3, 3]
    assert np.abs(motion.displacement(face, time, pose)).max() < 1e-12


def test_compression_has_the_strain_it_says():
    """Down the probe's axis, u_y = -e D (1 - exp(-y / D))."""
    motion = TissueMotion(strain=0.12, depth_mm=14.0)
    strain = 0.12 * motion.pressure(0.0)
    y = np.linspace(0, 30, 7)
    line = np.column_stack([np.zeros_like(y), y, np.zeros_like(y)])
    moved = motion.displacement(line, 0.0, np.eye(4))
    assert np.allclose(moved[:, 1], -strain * 14 * (1 - np.exp(-y / 14)))
    assert not moved[:, [0, 2]].any()


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
