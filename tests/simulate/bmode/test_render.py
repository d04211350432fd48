"""The B-mode engine against direct double-precision sums and closed forms.

Nothing here uses the engine's own beam numbers: widths are written out again from
sigma = 0.376 wavelength f-number and the Gaussian beam, phases from the positions.
"""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from benchmark.errors import UserError
from simulate.bmode.compression import compress
from simulate.bmode.envelope import band_limited_envelope
from simulate.bmode.render import beam_for, image_from_iq, render_bmode, render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.iq import frames
from simulate.probe.transducer import Probe
from tests.simulate.speckle import (
    FOCUS,
    QUIET,
    SIGMA_Z,
    WAVENUMBER,
    WINDOW,
    Uniform,
    all_points,
    correlation,
    listed,
    oblique,
    pose,
    sigma_elevation,
    sigma_lateral,
    sigma_transmit,
    speckle,
)


def intensity_correlation(a, b):
    """For circular Gaussian fields the correlation of intensities is |complex correlation|²."""
    return float(np.corrcoef(np.abs(a).ravel() ** 2, np.abs(b).ravel() ** 2)[0, 1])


# ---- the sum itself


def test_iq_is_the_direct_sum_of_an_oblique_frame():
    probe = dataclasses.replace(WINDOW, width_mm=9.0, width_px=64, depth_mm=26.0, height_px=80)
    matrix = pose((0.3, -0.5, 0.2), (31.7, -4.1, 112.3))
    tissue = Uniform()
    iq = render_iq(tissue, probe, QUIET, matrix[None])[0]
    grid = beam_for(tissue, probe, QUIET).grid
    points, amplitudes = all_points(tissue, probe, matrix)
    x, y, z = points.T
    weight = amplitudes * np.exp(-0.5 * (z / sigma_elevation(y)) ** 2 - 2j * WAVENUMBER * y)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(grid.depths_mm), 120)
    columns = rng.integers(0, len(grid.lateral), 120)
    direct = np.array(
        [
            np.sum(
                weight
                * np.exp(
                    -0.5 * ((grid.lateral[c] - x) / sigma_lateral(y)) ** 2
                    - 0.5 * ((grid.depths_mm[r] - y) / SIGMA_Z) ** 2
                )
            )
            for r, c in zip(rows, columns, strict=True)
        ]
    )
    density = len(y) / np.prod(np.ptp(points @ matrix[:3, :3].T, axis=0))
    depth = grid.depths_mm[rows]
    volume = np.pi**1.5 * sigma_lateral(depth) * sigma_elevation(depth) * SIGMA_Z
    direct = direct / np.sqrt(density * volume)
    error = np.linalg.norm(iq[rows, columns] - direct) / np.linalg.norm(direct)
    assert error <= 0.015


def test_attenuated_echo_is_the_direct_sum_over_frequencies():
    """Every frequency loses its own share: amplitude, downshift and beam width follow."""
    alpha = 0.7
    probe = dataclasses.replace(
        WINDOW, width_mm=4.0, width_px=32, start_depth_mm=30.0, depth_mm=36.0, height_px=60
    )
    settings = dataclasses.replace(QUIET, time_gain_compensation=False, noise_depth_mm=33.0)
    tissue = Uniform(attenuation_db_cm_mhz=alpha)
    iq = render_iq(tissue, probe, settings, pose()[None])[0]
    grid = beam_for(tissue, probe, settings).grid
    x, y, z = all_points(Uniform(), probe, pose(), reach=5.0)[0].T
    amplitudes = all_points(Uniform(), probe, pose(), reach=5.0)[1]
    column = len(grid.lateral) // 2
    nepers = np.log(10.0) / 20.0 * 2.0 * alpha * 1e-6 * y / 10.0  # two ways, per Hz
    sigma_f = 0.6 * 5e6 / 2.3548
    wavelength = 1540e3 / (5e6 - nepers * sigma_f**2)
    spreading = sigma_transmit(y, wavelength) ** -0.5 / sigma_elevation(y, wavelength)
    weight = (
        amplitudes
        * spreading
        * np.exp(
            -0.5 * (z / sigma_elevation(y, wavelength)) ** 2
            - 0.5 * ((grid.lateral[column] - x) / sigma_lateral(y, wavelength)) ** 2
        )
    )
    near = np.abs(weight) > 1e-5 * np.abs(weight).max()
    weight, y, nepers = weight[near], y[near], nepers[near]
    frequency = np.linspace(5e6 - 4.5 * sigma_f, 5e6 + 4.5 * sigma_f, 300)
    spectrum = np.exp(-0.5 * ((frequency - 5e6) / sigma_f) ** 2)
    phase = 4e-3 * np.pi * frequency[:, None] * 1e3 / 1540e3
    echoes = np.exp(-1j * phase * y - frequency[:, None] * nepers) @ weight
    analytic = np.exp(1j * phase * grid.depths_mm).T @ (spectrum * echoes)
    expected, found = np.abs(analytic), np.abs(iq[:, column])
    assert np.max(1540e3 / wavelength[near]) < 4.5e6  # far below the 5 MHz that are sent
    found = found * (expected @ found) / (found @ found)
    assert np.linalg.norm(found - expected) <= 0.02 * np.linalg.norm(expected)


def test_attenuation_slope():
    """Two-way loss 2 alpha f_0 z, with a narrow band so that the downshift takes little of it."""
    probe = dataclasses.replace(
        WINDOW, fractional_bandwidth=0.25, start_depth_mm=5.0, depth_mm=40.0, height_px=128
    )
    settings = dataclasses.replace(QUIET, time_gain_compensation=False)
    poses = np.stack([pose(translation=(0, 0, 4.0 * i)) for i in range(2)])
    lossless, lossy = (
        render_iq(Uniform(attenuation_db_cm_mhz=alpha), probe, settings, poses)
        for alpha in (0.0, 0.5)
    )
    depth = beam_for(Uniform(), probe, settings).grid.depths_mm
    power = [np.mean(np.abs(iq) ** 2, axis=(0, 2)) for iq in (lossless, lossy)]
    loss_db = 10.0 * np.log10(power[1] / power[0])
    slope = np.polyfit(depth, loss_db, 1)[0]
    assert slope == pytest.approx(-2.0 * 0.5 * 5.0 / 10.0, rel=0.03)


def test_downshift_of_the_echo_frequency():
    """Mean frequency against depth, from the IQ with its carrier put back."""
    probe = dataclasses.replace(WINDOW, start_depth_mm=2.0, depth_mm=40.0, height_px=500)
    tissue = Uniform(attenuation_db_cm_mhz=0.5)
    poses = np.stack([pose(translation=(0, 0, 4.0 * i)) for i in range(2)])
    iq = render_iq(tissue, probe, QUIET, poses)
    beam = beam_for(tissue, probe, QUIET)
    depth = beam.grid.depths_mm
    carrier = 2.0 * np.pi * (beam.carrier[0] * depth + beam.carrier[1] * depth**2)
    echo = iq * np.exp(1j * (carrier - 4e-3 * np.pi * 5e6 / 1540.0 * depth))[:, None]
    lag = np.sum(echo[:, 1:] * np.conj(echo[:, :-1]), axis=(0, 2))
    shift = np.angle(lag) / (2.0 * np.pi) / (2e-3 * beam.grid.row_step / 1540.0)
    slope = np.polyfit(depth[1:], shift, 1)[0]
    sigma_f = 0.6 * 5e6 / 2.3548
    expected = np.log(10.0) / 20.0 * 2.0 * 0.5e-6 / 10.0 * sigma_f**2
    assert slope == pytest.approx(-expected, rel=0.03)


# ---- first-order statistics


def test_envelope_is_rayleigh_at_ten_scatterers_per_cell():
    envelope = np.abs(speckle(FOCUS, QUIET, 24)).astype(float)
    assert envelope.mean() / envelope.std() == pytest.approx(1.86, abs=0.03)
    assert np.std(20.0 * np.log10(envelope)) == pytest.approx(5.6, abs=0.2)
    assert np.mean(envelope**2) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("per_cell", [1.0, 3.0, 10.0])
def test_intensity_variance_follows_scatterer_density(per_cell):
    settings = dataclasses.replace(QUIET, scatterers_per_cell=per_cell)
    intensity = np.abs(speckle(FOCUS, settings, 24)).astype(float) ** 2
    # N counts scatterers in (2 pi)^1.5 sigma³, the density is per FWHM cell at the focus.
    depth = np.linspace(18.0, 22.0, 50)
    cell = sigma_lateral(depth) * sigma_elevation(depth)
    number = per_cell * (2.0 * np.pi) ** 1.5 / 2.35482**3 * cell / cell.min()
    expected = np.sqrt(1.0 + np.mean(1.0 / number))
    assert intensity.std() / intensity.mean() == pytest.approx(expected, rel=0.04)


def test_mean_brightness_does_not_know_of_the_sample_grid():
    """Sub-sample shifts of one scatterer, in both directions: the energy of its echo is flat."""
    probe = dataclasses.replace(WINDOW, width_mm=6.0, width_px=41)
    grid = beam_for(Uniform(), probe, QUIET).grid
    with pytest.MonkeyPatch.context() as patch:
        listed(patch, [(0.03, 20.01, 0.0)], [1.0])
        shifts = np.linspace(0.0, 1.0, 6)
        poses = np.stack(
            [
                pose(translation=(a * grid.column_step, b * grid.row_step, 0.0))
                for a in shifts
                for b in shifts
            ]
        )
        energy = np.sum(np.abs(render_iq(Uniform(), probe, QUIET, poses)) ** 2, axis=(1, 2))
    assert np.ptp(energy) / energy.mean() < 0.01


# ---- second-order statistics


def fitted_sigma(lags, field_correlation):
    """Sigma of the PSF from |complex correlation| = exp(-lag² / 4 sigma²)."""
    use = field_correlation > 0.3
    slope = np.sum(np.log(field_correlation[use]) * lags[use] ** 2) / np.sum(lags[use] ** 4)
    return np.sqrt(-0.25 / slope)


def test_axial_and_lateral_widths_from_correlations():
    iq = speckle(FOCUS, QUIET, 8)
    grid = beam_for(Uniform(), FOCUS, QUIET).grid
    axial = np.array([correlation(iq[:, : -n or None], iq[:, n:]) for n in range(1, 5)])
    lateral = np.array([correlation(iq[:, :, : -n or None], iq[:, :, n:]) for n in range(1, 6)])
    axial_sigma = fitted_sigma(grid.row_step * np.arange(1, 5), axial)
    lateral_sigma = fitted_sigma(grid.column_step * np.arange(1, 6), lateral)
    assert axial_sigma == pytest.approx(SIGMA_Z, rel=0.05)
    expected = np.mean(sigma_lateral(np.linspace(18.0, 22.0, 50)))
    assert lateral_sigma == pytest.approx(expected, rel=0.05)


SHIFTS = np.array([0.1, 0.2, 0.3, 0.5, 0.8, 1.0])


@pytest.mark.parametrize("depth", [20.0, 32.0])
def test_elevational_width_and_decorrelation(depth):
    probe = dataclasses.replace(
        WINDOW, start_depth_mm=depth - 1.5, depth_mm=depth + 1.5, height_px=40
    )
    fields, intensities = [], []
    bases = 6.0 * np.arange(10)
    poses = [pose(translation=(0, 0, base + d)) for d in (0.0, *SHIFTS) for base in bases]
    iq = render_iq(Uniform(), probe, QUIET, np.stack(poses)).reshape(7, 10, -1)
    for n in range(1, 7):
        fields.append(correlation(iq[0], iq[n]))
        intensities.append(intensity_correlation(iq[0], iq[n]))
    sigma = np.mean(sigma_elevation(np.linspace(depth - 1.5, depth + 1.5, 50)))
    assert fitted_sigma(SHIFTS, np.array(fields)) == pytest.approx(sigma, rel=0.05)
    theory = np.exp(-(SHIFTS**2) / (2.0 * sigma**2))
    seen = theory > 0.2
    assert np.abs(np.array(intensities) - theory)[seen].max() <= 0.04


# The closed forms are for Gaussian fields; at 10 per cell the fourth cumulant of the scatterers
# still lifts intensity correlations by (1 - rho) / 13.
DENSE = dataclasses.replace(QUIET, scatterers_per_cell=30.0)


def rotation_curve(probe, axis, angles, window):
    """Intensity correlation against rotation about an image axis through (0, 20, 0) mm."""
    bases = 8.0 * np.arange(14)
    poses = [
        pose(angle * np.eye(3)[axis], (0, 0, base), pivot=(0.0, 20.0, 0.0))
        for angle in (0.0, *angles)
        for base in bases
    ]
    iq = render_iq(Uniform(), probe, DENSE, np.stack(poses))
    iq = iq.reshape(len(angles) + 1, len(bases), *iq.shape[1:])[..., window]
    return np.array([intensity_correlation(iq[0], iq[n]) for n in range(1, len(angles) + 1)])


THIN = dataclasses.replace(WINDOW, start_depth_mm=19.5, depth_mm=20.5, height_px=16)


def test_tilt_decorrelates_at_the_pivot_itself():
    angles = np.radians([0.5, 1.0, 2.0, 3.0, 4.0, 5.0])
    theory = np.exp(-2.0 * (WAVENUMBER * sigma_elevation(20.0) * angles) ** 2)
    found = rotation_curve(THIN, 0, angles, slice(None))
    assert np.abs(found - theory)[theory > 0.2].max() <= 0.04


def test_yaw_decorrelates_by_the_shift_away_from_the_axis():
    angles = np.radians([0.5, 1.0, 2.0, 3.0, 4.0])
    columns = beam_for(Uniform(), WINDOW, QUIET).grid.lateral
    window = np.flatnonzero(np.abs(np.abs(columns) - 9.5) < 1.0)
    theory = np.exp(-((9.5 * angles) ** 2) / (2.0 * np.mean(sigma_elevation(np.r_[16:25])) ** 2))
    found = rotation_curve(WINDOW, 1, angles, window)
    assert np.abs(found - theory)[theory > 0.2].max() <= 0.04
    on_axis = np.flatnonzero(np.abs(columns) < 0.8)
    assert rotation_curve(WINDOW, 1, angles[:3], on_axis).min() > 0.98


def test_small_roll_at_the_pivot():
    angles = np.radians([0.5, 1.0, 2.0])
    columns = beam_for(Uniform(), THIN, QUIET).grid.lateral
    window = np.flatnonzero(np.abs(columns) < 0.5)
    theory = np.exp(-2.0 * (WAVENUMBER * sigma_lateral(20.0) * angles) ** 2)
    assert np.abs(rotation_curve(THIN, 2, angles, window) - theory).max() <= 0.04


# ---- invariances and determinism


def test_bytes_do_not_depend_on_threads_groups_or_other_frames(monkeypatch):
    settings, tissue = BmodeSettings(noise_db=-20.0), Uniform(attenuation_db_cm_mhz=0.5)
    poses = oblique(7)
    whole = render_bmode(tissue, WINDOW, settings, poses, seed=5, threads=1)
    two = render_bmode(tissue, WINDOW, settings, poses, seed=5, threads=2)
    assert whole.tobytes() == two.tobytes()
    monkeypatch.setattr(frames, "GROUP_FRAMES", 2)
    assert whole.tobytes() == render_bmode(tissue, WINDOW, settings, poses, seed=5).tobytes()
    for number in (6, 2):
        alone = render_bmode(
            tissue, WINDOW, settings, poses[number][None], seed=5, first_frame=number
        )
        assert alone[0].tobytes() == whole[number].tobytes()


def test_same_pose_gives_same_bytes_and_noise_alone_changes_them():
    poses = np.repeat(oblique(1), 2, axis=0)
    quiet = render_bmode(Uniform(), WINDOW, QUIET, poses, seed=5)
    assert quiet[0].tobytes() == quiet[1].tobytes()
    noisy = render_bmode(Uniform(), WINDOW, BmodeSettings(noise_db=-20.0), poses, seed=5)
    assert noisy[0].tobytes() != noisy[1].tobytes()


def test_world_moved_with_the_probe_gives_the_same_frame(monkeypatch):
    rng = np.random.default_rng(3)
    probe = dataclasses.replace(WINDOW, width_mm=10.0, width_px=68)
    points = rng.uniform((-6, 14, -4), (6, 26, 4), (20000, 3))
    signs = rng.choice([-1.0, 1.0], len(points))
    there = pose((0.4, 0.2, -1.0), (83.1, -40.7, 260.9))
    listed(monkeypatch, points, signs)
    near = render_iq(Uniform(), probe, QUIET, pose((0.05, 0.1, 0.02))[None])
    listed(monkeypatch, points @ there[:3, :3].T + there[:3, 3], signs)
    far = render_iq(Uniform(), probe, QUIET, (there @ pose((0.05, 0.1, 0.02)))[None])
    assert np.linalg.norm(near - far) <= 1e-3 * np.linalg.norm(near)


# ---- noise, images, geometry


def test_noise_floor_has_its_level_statistics_and_gain():
    class Silent(Uniform):
        def backscatter(self, points_mm):
            return np.zeros(len(points_mm))

    probe = dataclasses.replace(WINDOW, start_depth_mm=18.0, depth_mm=38.0, height_px=128)
    settings = BmodeSettings(noise_db=-30.0, noise_depth_mm=20.0)
    tissue = Silent(attenuation_db_cm_mhz=0.5)
    noise = render_iq(tissue, probe, settings, np.stack([pose()] * 8), seed=11)
    depth = beam_for(tissue, probe, settings).grid.depths_mm
    rms_db = 10.0 * np.log10(np.mean(np.abs(noise) ** 2, axis=(0, 2)))
    assert np.mean(rms_db[np.abs(depth - 20.0) < 1.0]) == pytest.approx(-30.0, abs=0.3)
    # 17 mm deeper the compensation gives at least the loss of the shifted spectrum, 7 dB.
    assert np.mean(rms_db[np.abs(depth - 37.0) < 1.0]) > -23.0
    flat = np.abs(noise) / 10.0 ** (rms_db / 20.0)[:, None]
    assert flat.mean() / flat.std() == pytest.approx(1.913, abs=0.04)
    assert correlation(noise[0], noise[1]) < 0.1


def test_log_compression_is_the_logarithm():
    amplitude = np.geomspace(1e-4, 1e3, 40000).astype(np.float32).reshape(100, 400)
    image = np.empty(amplitude.shape, np.uint8)
    compress(amplitude, 25.0, 60.0, image)
    level = 255.0 * (20.0 * np.log10(amplitude.astype(float)) - 25.0 + 60.0) / 60.0
    assert np.abs(image - np.clip(level, 0.0, 255.0)).max() <= 0.501


def test_band_limit_is_a_triangle():
    rng = np.random.default_rng(0)
    iq = (rng.normal(size=(65, 47)) + 1j * rng.normal(size=(65, 47))).astype(np.complex64)
    out = np.empty((21, 23), np.float32)
    band_limited_envelope(iq.view(np.float32), 3, 2, 3, 2, out)
    triangle = np.outer([1, 2, 3, 2, 1], [1, 2, 1]) / 36.0
    smooth = ndimage.correlate(np.abs(iq).astype(float), triangle)
    np.testing.assert_allclose(out, smooth[2:-2:3, 1:-1:2], rtol=1e-5)


@pytest.mark.parametrize(
    "probe",
    [
        Probe(),
        Probe(width_px=90, height_px=70, start_depth_mm=8.0),
        Probe(
            geometry="curvilinear",
            radius_mm=50.0,
            elements=192,
            width_mm=90.0,
            depth_mm=60.0,
            start_depth_mm=-9.0,
            elevation_focus_mm=40.0,
            transmit_focus_mm=40.0,
            element_height_mm=12.0,
        ),
    ],
)
def test_scatterers_appear_at_their_pixels(monkeypatch, probe):
    targets = np.array([(-11.0, 13.0, 0.0), (4.0, 21.0, 0.0), (15.5, 30.0, 0.0)])
    matrix = pose((0.3, 0.2, 0.1), (5.0, 6.0, 7.0))
    listed(monkeypatch, targets @ matrix[:3, :3].T + matrix[:3, 3], np.full(3, 1e3))
    image = render_bmode(Uniform(), probe, QUIET, matrix[None], seed=0)[0].astype(float)
    pixels = np.linalg.solve(probe.mm_from_pixel, np.c_[targets, np.ones(3)].T)[:2].T
    for column, row in pixels:
        top, left = int(row) - 6, int(column) - 6
        patch = image[top : top + 14, left : left + 14] ** 4
        found = np.array(ndimage.center_of_mass(patch)) + np.array((top, left))
        np.testing.assert_allclose(found, (row, column), atol=0.6)


def test_image_of_stored_iq_is_the_rendered_image():
    poses = oblique(2)
    beam = beam_for(Uniform(), WINDOW, QUIET)
    iq = render_iq(Uniform(), WINDOW, QUIET, poses)
    expected = render_bmode(Uniform(), WINDOW, QUIET, poses, seed=0)
    np.testing.assert_array_equal(image_from_iq(iq, WINDOW, QUIET, beam), expected)


def test_tissue_that_swallows_the_spectrum_is_refused():
    with pytest.raises(UserError, match="attenuation_db_cm_mhz"):
        render_iq(Uniform(attenuation_db_cm_mhz=3.0), Probe(), QUIET, pose()[None])


@pytest.mark.parametrize("bandwidth", [0.6, 0.03])
def test_noise_measured_where_nothing_echoes_is_refused(bandwidth):
    """The spectrum is shifted below 0 Hz, or the level is less than a float32 holds."""
    probe = dataclasses.replace(WINDOW, fractional_bandwidth=bandwidth)
    deep = BmodeSettings(noise_depth_mm=5000.0)
    with pytest.raises(UserError, match=r"bmode.noise_depth_mm: .* got 5000, of which tissue"):
        render_bmode(Uniform(attenuation_db_cm_mhz=0.7), probe, deep, pose()[None], seed=0)
    below = dataclasses.replace(deep, noise_depth_mm=WINDOW.depth_mm + 20.0)
    assert render_bmode(
        Uniform(attenuation_db_cm_mhz=0.7), WINDOW, below, pose()[None], seed=0
    ).std()


@pytest.mark.parametrize("field", ["scatterers_per_cell", "dynamic_range_db"])
def test_impossible_settings_are_refused(field):
    with pytest.raises(UserError, match=field):
        BmodeSettings(**{field: -1.0})
