"""Photoacoustic frames: light, band, beam, image and both engines together."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.photoacoustic import optics, receiver
from simulate.photoacoustic.band import photoacoustic_band, receive_band
from simulate.photoacoustic.grid import photoacoustic_mm_from_pixel, plan_grid
from simulate.photoacoustic.render import (
    _heterogeneous_grid,
    element_signals,
    form_image,
)
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.photoacoustic.source import initial_pressure
from simulate.tissue.answers import Acoustics
from tests.simulate.photoacoustic.tubes import CLEAR, PROBE, SETTINGS, Tubes, across, frame


def peak_near(image, x, y, half_mm=1.0):
    """Return the largest value within a box about (x, y) mm."""
    pixel = np.linalg.inv(PROBE.mm_from_pixel) @ (x, y, 0, 1)
    step = PROBE.pixel_mm[0]
    n = round(half_mm / step)
    rows = slice(max(round(pixel[1]) - n, 0), round(pixel[1]) + n + 1)
    columns = slice(max(round(pixel[0]) - n, 0), round(pixel[0]) + n + 1)
    return image[rows, columns].max()


def test_a_vessel_is_imaged_where_it_is():
    image = frame([across(3.0, 12.0, 0.15)])
    assert image.shape == (201, 190)
    assert image.dtype == np.float32
    row, column = np.unravel_index(image.argmax(), image.shape)
    x, y = (photoacoustic_mm_from_pixel(PROBE, SETTINGS) @ (column, row, 0, 1))[:2]
    assert abs(x - 3.0) < 0.15
    assert abs(y - 12.0) < 0.15


def test_depth_slope_is_the_effective_attenuation():
    light = replace(CLEAR, bulk_absorption_per_cm=0.2)
    places = [(-4.0, 5.0), (0.0, 10.0), (4.0, 15.0)]
    tubes = [across(x, y, 0.15) for x, y in places]
    clear, dim = frame(tubes), frame(tubes, replace(SETTINGS, illumination=light))
    depth = np.array([y for _, y in places]) / 10
    ratio = [peak_near(dim, x, y) / peak_near(clear, x, y) for x, y in places]
    slope = -np.polyfit(depth, np.log(ratio), 1)[0]
    assert slope == pytest.approx(optics.effective_attenuation_per_cm(light, 800), rel=0.05)


def test_lateral_width_is_one_way():
    band = (1.8e6, 2.2e6)
    settings = replace(SETTINGS, band_hz=band, f_number=2.0, apodisation="boxcar")
    image = frame([across(0.0, 15.0, 0.1)], settings, replace(PROBE, width_px=946))
    line = image[image.max(axis=1).argmax()]
    x = np.linspace(-0.5, 0.5, 946) * PROBE.width_mm
    above = x[line >= 0.5 * line.max()]
    expected = 1.207 * 1.54 / 2.0 * 2.0
    assert above[-1] - above[0] == pytest.approx(expected, rel=0.05)


def test_oxygen_saturation_is_recovered_without_fluence_distortion():
    tubes = [across(-4.0, 8.0, 0.3), across(0.0, 12.0, 0.3), across(4.0, 10.0, 0.3)]
    truth = (0.98, 0.75, 0.4)
    first, second = (frame(tubes, wavelength=w, oxygenation=truth) for w in (750, 850))
    for ((x, y, _), _, _), expected in zip(tubes, truth, strict=True):
        pair = (peak_near(first, x, y), peak_near(second, x, y))
        assert optics.oxygen_saturation(*pair, 750, 850) == pytest.approx(expected, abs=0.02)


def test_image_does_not_depend_on_the_grid():
    tubes = [across(-3.0, 8.0, 0.4), across(3.0, 13.0, 0.4)]
    coarse = frame(tubes, replace(SETTINGS, cells_per_wavelength=4.0))
    fine = frame(tubes, replace(SETTINGS, cells_per_wavelength=7.0))
    assert np.linalg.norm(coarse - fine) < 0.05 * np.linalg.norm(fine)


def test_engines_give_the_same_frame():
    tubes = [across(-3.0, 8.0, 0.4), across(3.0, 13.0, 1.5)]
    touching = replace(CLEAR, background_absorption_per_cm=0.05)  # tissue lies against the face
    settings = replace(SETTINGS, illumination=touching)
    exact = frame(tubes, settings)
    simulated = frame(tubes, replace(settings, engine="kwave"))
    assert np.abs(exact - simulated).max() < 1e-3 * exact.max()
    assert np.linalg.norm(exact - simulated) < 1e-3 * np.linalg.norm(exact)


def test_source_in_2d_is_weighted_by_the_elevational_beam():
    settings = replace(SETTINGS, elevation_samples=41)
    grid = plan_grid(PROBE, settings)
    band = receive_band(PROBE, settings)
    sigma = float(PROBE.sigma_elevation_oneway_mm(14.0, *band.of_a_point()))
    lateral = ((0, 14.0, 0), (1, 0, 0), 0.5)  # a vessel in the plane, moved out of it
    heard = []
    for out in (0.0, 0.7 * sigma, 1.4 * sigma):
        pose = np.eye(4)
        pose[2, 3] = out
        p0 = initial_pressure(Tubes([lateral]), PROBE, settings, grid, pose, 800)
        heard.append(p0.sum())
    expected = np.exp(-0.5 * np.array([0.7, 1.4]) ** 2)
    np.testing.assert_allclose(np.array(heard[1:]) / heard[0], expected, atol=0.05)


def test_elevational_beam_in_3d_is_that_of_height_and_lens():
    probe = replace(
        PROBE, elements=8, pitch_mm=0.6, width_mm=4.0, element_height_mm=5.0, depth_mm=14.4,
        width_px=21, height_px=101,
    )  # fmt: skip
    settings = PhotoacousticSettings(
        dimensions=3, illumination=CLEAR, band_hz=(1.6e6, 2.4e6), apodisation="boxcar", f_number=4
    )
    grid = plan_grid(probe, settings)
    axial, lateral, elevation = grid.axes_mm
    spread = 1.5 * grid.spacing_mm
    offsets, heard = np.linspace(0, 1.6, 4), []
    for z in offsets:
        shape = [np.exp(-((a - c) ** 2) / (2 * spread**2))
                 for a, c in ((axial, 14.0), (lateral, 0.0), (elevation, z))]  # fmt: skip
        ball = np.einsum("i,j,k->ijk", *shape).astype(np.float32)
        signals = element_signals(ball, probe, settings, grid, probe.sound_speed_m_s)
        heard.append(form_image(signals, probe, settings, grid).max())
    expected = np.abs(np.sinc(offsets * 5.0 / (0.77 * 14.0)))  # one-way aperture of 5 mm at 14 mm
    np.testing.assert_allclose(np.array(heard) / heard[0], expected, atol=0.05)


def test_steep_vessels_vanish_and_flat_ones_do_not():
    def tilted(degrees):
        angle = np.deg2rad(degrees)
        tube = ((0, 10.0, 0), (np.cos(angle), np.sin(angle), 0), 0.3)
        return peak_near(frame([tube]), 0.0, 10.0)

    flat, slanted, steep = (tilted(degrees) for degrees in (0, 20, 75))
    assert slanted > 0.3 * flat
    assert steep < 0.1 * flat


def test_only_walls_of_a_large_vessel_are_seen():
    image = frame([across(0.0, 10.0, 3.0)])
    top, middle, bottom = (peak_near(image, 0.0, y, 0.5) for y in (7.0, 10.0, 13.0))
    assert middle < 0.3 * min(top, bottom)


def test_pulses_are_averaged_at_their_own_poses():
    poses = np.tile(np.eye(4), (1, 3, 1, 1))
    poses[0, :, 0, 3] = -5.0, 0.0, 5.0
    tubes = [across(0.0, 10.0, 0.2)]
    sharp = frame(tubes)
    blurred = frame(tubes, pose=poses)
    for x in (-5.0, 0.0, 5.0):
        assert peak_near(blurred, x, 10.0) == pytest.approx(sharp.max() / 3, rel=0.1)


HASHES = """
import hashlib
from dataclasses import replace
from simulate.photoacoustic.settings import PhotoacousticSettings
from tests.simulate.photoacoustic.tubes import PROBE, SETTINGS, across, frame
small = replace(PROBE, elements=16, width_mm=4.5, depth_mm=8.0, width_px=40, height_px=60)
tubes = [across(0.5, 5.0, 0.4), across(-1.0, 7.0, 0.3)]
volume = PhotoacousticSettings(dimensions=3, band_hz=(1.2e6, 2.6e6))
for settings, probe in ((replace(SETTINGS, noise_pa=5.0), PROBE),
                        (replace(SETTINGS, reconstruction="line"), PROBE), (volume, small)):
    print(hashlib.sha256(frame(tubes, settings, probe).tobytes()).hexdigest())
"""


def test_bytes_do_not_depend_on_threads():
    """Threads of BLAS, OpenMP and numba could each change the order of a sum."""
    found = []
    for threads in ("1", "2"):
        keys = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", HASHES], cwd=Path(__file__).parents[3], capture_output=True,
            text=True, check=True, env=os.environ | dict.fromkeys(keys, threads),
        )  # fmt: skip
        found.append(done.stdout.split())
    assert len(set(found[0])) == 3 and found[0] == found[1]


def test_noise_has_its_rms_and_its_seed():
    settings = replace(SETTINGS, noise_pa=50.0)
    band = receive_band(PROBE, settings)
    noise = receiver.white_noise((64, 4000), 5e-8, band, 50.0, np.random.default_rng(0))
    silence = np.zeros((64, 4000), np.float32)
    heard, _ = receiver.analytic_signals(silence, 5e-8, band, 0.15, 1540.0, noise=noise)
    assert np.std(heard.real) == pytest.approx(50.0, rel=0.03)
    first, again, other = (frame([], settings, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_band_of_a_probe_is_sqrt2_wider_than_its_echo():
    band = photoacoustic_band(PROBE)
    assert band.centre_hz == pytest.approx(2e6)
    assert band.high_hz - band.low_hz == pytest.approx(np.sqrt(2) * 0.6 * 2e6)
    echo = band.response(np.array([2e6, 2e6 + 0.6e6])) ** 2
    assert echo[1] / echo[0] == pytest.approx(0.5, rel=0.02)
    assert band.response(np.zeros(1))[0] == 0


def test_element_weights_interpolate_a_wave_exactly():
    nodes = np.arange(-80, 81) * 0.15
    wave = 2 * np.pi / 0.45  # three nodes per wavelength
    found = receiver.element_weights(PROBE, nodes) @ np.cos(wave * nodes + 0.3)
    places = receiver.element_positions_mm(PROBE)
    expected = np.cos(wave * places + 0.3) * np.sinc(wave * PROBE.pitch_mm / 2 / np.pi)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_heterogeneous_medium_displaces_the_image_as_ray_times_say():
    settings = replace(SETTINGS, engine="kwave", medium="heterogeneous", f_number=3.0)
    image = frame([across(0.0, 12.0, 0.2)], settings)
    seen = np.linspace(0, 20, 201)[image.max(axis=1).argmax()]
    assert seen == pytest.approx(1540 * (6 / 1450 + 6 / 1580), abs=0.12)


def test_a_heterogeneous_grid_is_planned_for_what_its_own_nodes_meet():
    """Fat makes the grid finer; only the finer one has a node within a thin, slower sheet."""
    settings = replace(SETTINGS, engine="kwave", medium="heterogeneous")
    coarse, finer = plan_grid(PROBE, settings), plan_grid(PROBE, settings, slowest_m_s=1450.0)
    sheet = 55 * finer.spacing_mm
    assert np.abs(coarse.axes_mm[0] - sheet).min() > 0.02

    class Sheet(Tubes):
        def acoustics(self, points):
            speed, *others = super().acoustics(points)
            return Acoustics(np.where(np.abs(points[:, 1] - sheet) < 0.01, 1300.0, speed), *others)

    grid, medium = _heterogeneous_grid(Sheet([]), PROBE, settings, coarse, np.eye(4))
    slowest, fastest = medium.sound_speed_m_s.min(), medium.sound_speed_m_s.max()
    band = receive_band(PROBE, settings)
    assert grid.spacing_mm * settings.cells_per_wavelength <= 1e3 * slowest / band.high_hz + 1e-9
    assert grid.time_step_s <= 0.44 * grid.spacing_mm * 1e-3 / fastest * (1 + 1e-9)
    assert grid == plan_grid(PROBE, settings, slowest_m_s=1300.0, fastest_m_s=1580.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spacing_mm": 0.3}, r"small-2MHz.*1\.15 to 2\.85 MHz.*at least 3: spacing_mm of 0\.1802"),
        ({"cfl": 5.0}, r"cfl: 5 samples less than twice .* 2\.85 MHz, expected at most 2:"),
        ({"engine": "kwave", "cfl": 0.7}, r"unstable in 2D, expected at most 0\.45"),
        ({"grid_width_mm": 10.0}, r"outside the grid: lateral -9\.6 to 9\.6.*19\.2 mm"),
        ({"grid_depth_mm": 12.0}, r"outside the grid: axial 0 to 20"),
        ({"steps": 60}, r"60 samples.*the deepest pixel needs.*395 steps or more"),
    ],
)  # fmt: skip
def test_grids_that_cannot_work_are_refused_with_numbers_that_do(change, message):
    with pytest.raises(UserError, match=message):
        plan_grid(PROBE, replace(SETTINGS, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "fullwave"}, "photoacoustic.engine"),
        ({"dimensions": 1}, "photoacoustic.dimensions"),
        ({"medium": "heterogeneous"}, "needs engine 'kwave'"),
        ({"wavelengths_nm": (532,)}, "haemoglobin"),
        ({"noise_pa": -1.0}, "noise_pa"),
        ({"f_number": 0.0}, "f_number"),
        ({"cells_per_wavelength": 0.0}, "photoacoustic.cells_per_wavelength: expected more than 0"),
        ({"spacing_mm": 0.0}, "photoacoustic.spacing_mm: expected more than 0"),
        ({"grid_width_mm": -3.0}, "photoacoustic.grid_width_mm: expected more than 0"),
        ({"grid_depth_mm": -30.0}, "photoacoustic.grid_depth_mm: expected more than 0"),
        ({"cfl": -0.3}, "photoacoustic.cfl: expected more than 0"),
        ({"steps": 0}, "photoacoustic.steps: expected more than 0"),
        ({"width_px": 0}, "photoacoustic.width_px: expected more than 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        replace(SETTINGS, **change)


def test_wrong_poses_and_curved_arrays_are_refused():
    with pytest.raises(UserError, match="expected poses"):
        frame([], pose=np.eye(4))
    curved = replace(PROBE, geometry="curvilinear", radius_mm=50.0)
    with pytest.raises(UserError, match="geometry 'linear'"):
        frame([], probe=curved)
