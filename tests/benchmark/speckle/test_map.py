"""The speckle map beside frames of uniform tissue moved along each axis, and where it is from."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.speckle.map import SpeckleMap, speckle_map
from benchmark.sweep import Images
from simulate.bmode.render import beam_for, render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.probe.models import PROBES
from simulate.probe.transducer import Probe
from tests.baselines import speckle as direct
from tests.simulate.speckle import Uniform, pose

#: Narrow bands of three probes, at and beyond their foci.
WINDOWS = (
    dataclasses.replace(PROBES["linear-5MHz"], start_depth_mm=24.0, depth_mm=30.0, height_px=40),
    dataclasses.replace(PROBES["linear-7.5MHz"], start_depth_mm=16.0, depth_mm=21.0, height_px=40),
    Probe(
        name="small", fractional_bandwidth=0.35, elements=96, pitch_mm=0.25, element_height_mm=3.0,
        elevation_focus_mm=12.0, transmit_focus_mm=12.0, transmit_f_number=2.0, f_number=2.0,
        width_mm=23.75, width_px=160, start_depth_mm=13.0, depth_mm=18.0, height_px=40,
    ),
)  # fmt: skip
QUIET = BmodeSettings(noise_db=-200.0)
KEYS = 6


def blank(probe: Probe) -> Images:
    frames = np.zeros((1, probe.height_px, probe.width_px), np.uint8)
    return Images(frames, np.zeros(1), probe.mm_from_pixel)


def half_length(correlation: np.ndarray, step: float) -> float:
    """The s of a Gaussian with the same step of half correlation, from even steps from 0 on."""
    below = int(np.argmax(correlation < 0.5))
    before, after = correlation[below - 1 : below + 1]
    return step * (below - 1 + (before - 0.5) / (before - after)) / np.sqrt(2.0 * np.log(2.0))


def correlations(first: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlation of intensities with the first, of (N, K) values."""
    first, others = first - first.mean(), others - others.mean(1, keepdims=True)
    power = np.sqrt((first**2).sum() * (others**2).sum(1))
    return (others @ first) / power


@pytest.mark.parametrize("probe", WINDOWS, ids=lambda probe: probe.name)
def test_lengths_are_those_of_simulated_speckle_along_each_axis(probe):
    """Frames moved by known steps along each axis, pooled over realisations of uniform tissue."""
    expected = speckle_map(
        {**dataclasses.asdict(probe), "attenuation_db_cm_mhz": 0.0}, blank(probe)
    )
    middle = 0.5 * (probe.start_depth_mm + probe.depth_mm)
    grid = beam_for(Uniform(), probe, QUIET).grid
    rows = np.flatnonzero(np.abs(grid.depths_mm - middle) < 1.2)
    columns = np.flatnonzero(np.abs(grid.lateral) < 0.35 * probe.width_mm)  # away from the ends
    for axis in range(3):
        length = expected.at(middle)[axis]
        step = 0.4 * length
        shift = np.eye(3)[axis] * step
        poses = np.stack([pose(translation=tuple(shift * n)) for n in range(5)])
        frames = [
            np.abs(render_iq(Uniform(key=key), probe, QUIET, poses)[:, rows][:, :, columns]) ** 2
            for key in range(KEYS)
        ]
        pooled = np.concatenate([one.reshape(len(one), -1) for one in frames], axis=1).astype(float)
        found = half_length(correlations(pooled[0], pooled), step)
        assert found == pytest.approx(length, rel=0.07), f"axis {axis}"


def test_between_depths_lengths_are_interpolated_and_beyond_the_ends_held():
    one = np.array([1.0, 2.0])
    found = SpeckleMap(np.array([10.0, 20.0]), one, 2 * one, 3 * one, 0.1, "measured")
    np.testing.assert_allclose(found.at([[5.0, 15.0], [20.0, 99.0]])[..., 2], [[3, 4.5], [6, 6]])
    assert found.at(10.0).shape == (3,)


def test_unknown_probe_is_guessed_from_the_frames(even_frames):
    """Lateral and axial lengths of the direct sum of scatterers are those of its Gaussian beam."""
    scene, images = even_frames
    found = speckle_map({}, images)
    assert found.source == "guessed" and found.relative_error == 0.5
    lateral, axial, elevation = found.at(10.0)
    assert lateral == pytest.approx(scene.lateral_mm, rel=0.15)
    assert axial == pytest.approx(scene.axial_mm, rel=0.2)
    assert elevation == pytest.approx(scene.elevation_at(10.0), rel=0.5)


@pytest.fixture(scope="module")
def even_frames():
    scene = direct.Scene(height=72, width=80)
    steps = np.tile(np.eye(4), (2, 1, 1))
    steps[:, 2, 3] = 1.5
    sweep = direct.speckle_sweep(scene, steps, 3)
    return scene, sweep.observe().bmode


def test_frames_without_speckle_give_a_guess_all_the_same():
    images = Images(np.zeros((2, 40, 50), np.uint8), np.arange(2.0), np.diag([0.2, 0.3, 1, 1]))
    found = speckle_map({}, images)
    assert np.isfinite(found.at([0.0, 5.0, 12.0])).all() and (found.elevation_mm > 0).all()


def test_measured_map_goes_first_and_may_leave_out_the_plane():
    table = {"depth_mm": [5.0, 15.0], "elevation_mm": [0.3, 0.5], "relative_error": 0.04}
    probe = {**dataclasses.asdict(WINDOWS[0]), "speckle": table}
    found = speckle_map(probe, blank(WINDOWS[0]))
    assert found.source == "measured" and found.relative_error == 0.04
    assert found.at(10.0)[2] == pytest.approx(0.4)
    full = {**table, "lateral_mm": [0.2, 0.2], "axial_mm": [0.1, 0.1]}
    assert speckle_map({"speckle": full}, blank(WINDOWS[0])).at(7.0)[:2] == pytest.approx(
        [0.2, 0.1]
    )
    with pytest.raises(UserError, match=r"probe\.speckle: expected rising depth_mm"):
        speckle_map({"speckle": {**table, "depth_mm": [15.0, 5.0]}}, blank(WINDOWS[0]))
    with pytest.raises(UserError, match=r"probe\.speckle: expected depth_mm, elevation_mm"):
        speckle_map({"speckle": {"depth_mm": [1.0]}}, blank(WINDOWS[0]))
