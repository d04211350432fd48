"""Reverberation, clutter and ringing: closed forms, independent sums and levels."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.signal import fftconvolve, hilbert

from benchmark.errors import UserError
from simulate.bmode.artefacts import artefacts
from simulate.bmode.clutter import add_clutter, draw_halo
from simulate.bmode.render import beam_for, render_bmode, render_iq
from simulate.bmode.reverberation import Reverberation
from simulate.bmode.ring_down import ring_down
from simulate.bmode.settings import BmodeSettings
from simulate.iq.echo import Echo
from simulate.probe.models import PROBES
from tests.simulate.speckle import FOCUS, QUIET, SIGMA_Z, WINDOW, Uniform, pose, speckle

DEEP = dataclasses.replace(WINDOW, start_depth_mm=1.0, depth_mm=36.0, height_px=280, width_px=64)
LAYERS = ((6.0, 9.0), (14.2, 5.0), (0.0, 0.0))  # depth mm, amplitude over the reference tissue
ATTENUATION = 0.6


def layers_iq(depths, carrier, layers):
    """IQ (rows,) of flat layers, each with its pulse and the phase of its depth."""
    total = np.zeros(len(depths), complex)
    for depth, amplitude in layers:
        phase = -2.0 * np.pi * (carrier[0] * depth + carrier[1] * depth**2)
        total += amplitude * np.exp(-0.5 * ((depths - depth) / SIGMA_Z) ** 2 + 1j * phase)
    return total


def multiples_by_real_signals(depths, echo, settings, layers):
    """IQ (rows,) of two orders of multiples, by convolving real signals on a fine grid from 0 mm.

    Each layer's echo is a pulse at the local frequency, with what is left of it when it arrives.
    The frequency at a depth is f_0 less the downshift, written out again here.
    """
    step = 0.01
    fine = np.arange(int(40.0 / step)) * step
    sigma_f = 0.6 * 5e6 / 2.3548
    shift = np.log(10.0) / 20.0 * 2.0 * ATTENUATION * 1e-7 * sigma_f**2  # Hz per mm
    cycles = 2e-3 / 1540.0 * (5e6 * fine - 0.5 * shift * fine**2)  # phase of an echo from there
    level, loss = echo.level(fine), echo.amplitude(fine)
    heard, returned = np.zeros(len(fine)), np.zeros(len(fine))
    for depth, amplitude in layers:
        pulse = amplitude * np.exp(-0.5 * ((fine - depth) / SIGMA_Z) ** 2)
        at = np.interp(depth, fine, cycles)
        wave = 2.0 * pulse * np.cos(2.0 * np.pi * (cycles - at))
        heard += level * wave
        returned += loss * wave
    strength = 10.0 ** ((settings.reverberation_db - 20.0) / 20.0) / (np.sqrt(np.pi) * SIGMA_Z)
    first = fftconvolve(heard, returned)[: len(fine)] * step
    second = fftconvolve(fftconvolve(heard, returned)[: len(fine)], returned) * step**2
    order = -strength * first + np.sqrt(0.75) * strength**2 * second[: len(fine)]
    base = 0.5 * hilbert(order) * np.exp(-2j * np.pi * cycles) / level
    return np.interp(depths, fine, base.real) + 1j * np.interp(depths, fine, base.imag)


def multiples_of(iq, echo, settings, beam):
    out = np.zeros_like(iq)
    Reverberation(echo, settings, beam)(iq, out)
    return out


@pytest.mark.parametrize("compensated", [True, False])
def test_multiples_are_the_convolution_of_real_signals(compensated):
    settings = dataclasses.replace(
        QUIET, reverberation_db=-3.0, time_gain_compensation=compensated, noise_depth_mm=20.0
    )
    echo = Echo(DEEP, ATTENUATION)
    beam = beam_for(Uniform(attenuation_db_cm_mhz=ATTENUATION), DEEP, settings)
    depths = beam.grid.depths_mm
    gain = np.ones(len(depths))
    if not compensated:
        gain = echo.level(depths) / echo.level(np.array(20.0))
    one = gain * layers_iq(depths, beam.carrier, LAYERS[:2])
    iq = np.repeat(one[:, None], 37, axis=1).astype(np.complex64)
    found = multiples_of(iq, echo, settings, beam) / gain[:, None]
    assert np.abs(found - found[:, :1]).max() <= 1e-5 * np.abs(found).max()
    expected = multiples_by_real_signals(depths, echo, settings, LAYERS[:2])
    inside = depths < 33.0
    for depth in (12.0, 18.0, 20.2, 26.2, 28.4):  # 2a, 3a, a + b, 2a + b, 2b
        near = np.abs(depths - depth) < 0.4
        assert np.abs(expected[near]).max() > 3e-4, depth
        error = np.linalg.norm(found[near, 0] - expected[near])
        assert error <= 0.05 * np.linalg.norm(expected[near]), depth
    away = inside & (np.abs(depths[:, None] - [12, 18, 20.2, 24, 26.2, 28.4, 32.2]).min(1) > 1.2)
    assert np.abs(found[away]).max() <= 1e-3 * np.abs(found[inside]).max()


def test_first_multiple_of_a_strong_layer_has_the_level_of_the_setting():
    """Before gain compensation, and with nothing lost on the second way."""
    for wanted in (-30.0, -10.0):
        settings = dataclasses.replace(QUIET, reverberation_db=wanted)
        beam, echo = beam_for(Uniform(), DEEP, settings), Echo(DEEP, 0.0)
        depths = beam.grid.depths_mm
        one = layers_iq(depths, beam.carrier, [(8.0, 10.0)])  # 20 dB over the reference tissue
        iq = np.repeat(one[:, None], 16, axis=1).astype(np.complex64)
        found = np.abs(multiples_of(iq, echo, settings, beam)[:, 5])
        near = np.abs(depths - 16.0) < 0.5
        level = echo.level(np.array([8.0, 16.0]))
        received = found[near].max() * level[1] / (10.0 * level[0])
        assert 20.0 * np.log10(received) == pytest.approx(wanted, abs=0.2)
        assert depths[near][found[near].argmax()] == pytest.approx(16.0, abs=beam.grid.row_step)


def test_tilted_layers_return_less_to_the_face_than_flat_ones():
    settings = dataclasses.replace(QUIET, reverberation_db=-10.0)
    beam, echo = beam_for(Uniform(), DEEP, settings), Echo(DEEP, 0.0)
    grid = beam.grid
    power = []
    for slope in (0.0, 0.2):
        lines = [
            layers_iq(grid.depths_mm, beam.carrier, [(10.0 + slope * x, 10.0)])
            for x in grid.lateral[:64] - grid.lateral[0]
        ]
        iq = np.stack(lines, axis=1).astype(np.complex64)
        power.append(np.mean(np.abs(multiples_of(iq, echo, settings, beam)) ** 2))
    assert power[1] < 0.5 * power[0]


# ---- noise and shadows


@dataclass(frozen=True)
class Bone(Uniform):
    """A hard surface at 12 mm where x > 0, which lets nothing through."""

    attenuation_db_cm_mhz: float = 0.3

    def backscatter(self, points_mm):
        x, y, _ = points_mm.T
        return np.where((x > 0.0) & (y > 12.0) & (y < 12.3), 30.0, 1.0)

    def attenuation_db_per_mm(self, points_mm, frequency_hz):
        x, y, _ = points_mm.T
        return np.where((x > 0.0) & (y > 12.3), 40.0, 0.0)


BONY = dataclasses.replace(DEEP, width_mm=24.0, width_px=96, depth_mm=34.0)
SHADED = dataclasses.replace(QUIET, shadows=True, noise_db=-40.0)


def bony_levels(settings, seed=3, frames=6):
    """Return rms dB of IQ (rows,) in the middle of the shadow and away from it, and depths."""
    poses = np.stack([pose(translation=(0, 0, 4.0 * n)) for n in range(frames)])
    iq = render_iq(Bone(), BONY, settings, poses, seed=seed)
    grid = beam_for(Bone(), BONY, settings).grid
    power = np.abs(iq) ** 2
    inside, outside = grid.lateral > 3.0, grid.lateral < -3.0
    levels = [10 * np.log10(power[:, :, side].mean(axis=(0, 2))) for side in (inside, outside)]
    return *levels, grid.depths_mm


def test_noise_at_a_depth_is_the_same_in_a_shadow_and_beside_it():
    poses = np.stack([pose(translation=(0, 0, 4.0 * n)) for n in range(4)])
    silent = dataclasses.replace(SHADED, noise_db=-200.0)
    grid = beam_for(Bone(), BONY, SHADED).grid
    noise = render_iq(Bone(), BONY, SHADED, poses, seed=3)
    noise = noise - render_iq(Bone(), BONY, silent, poses, seed=3)
    alone = render_iq(Bone(), BONY, dataclasses.replace(SHADED, shadows=False), poses, seed=3)
    alone = alone - render_iq(Bone(), BONY, dataclasses.replace(silent, shadows=False), poses)
    assert np.linalg.norm(noise - alone) <= 1e-3 * np.linalg.norm(alone)
    power = np.abs(noise) ** 2
    deep = grid.depths_mm > 14.0
    dark, bright = (
        10 * np.log10(power[:, deep][:, :, side].mean())
        for side in (grid.lateral > 3.0, grid.lateral < -3.0)
    )
    assert dark == pytest.approx(bright, abs=0.3)


def test_reverberation_is_the_floor_of_a_shadow_and_hardly_changes_tissue():
    dark, bright, depths = bony_levels(SHADED)
    haze, still, _ = bony_levels(dataclasses.replace(SHADED, reverberation_db=-25.0))
    behind = (depths > 14.0) & (depths < 22.0)
    assert dark[behind].max() < -30.0  # electronic noise only
    assert haze[behind].mean() > dark[behind].mean() + 10.0
    assert haze[behind].mean() < bright[behind].mean() - 6.0
    assert np.abs(still - bright)[behind].max() < 1.0
    # The bone's own multiple lies at twice its depth.
    double = np.abs(depths - 24.3) < 1.0
    assert haze[double].max() > haze[(depths > 21.0) & (depths < 23.0)].max() + 3.0


# ---- clutter


def clutter_of(iq, settings, beam, seed=0):
    halo = draw_halo(np.random.default_rng(seed), settings, beam)
    out = np.zeros((iq.shape[0], 2 * iq.shape[1]), np.float32)
    source = np.ascontiguousarray(iq, np.complex64).view(np.float32)
    grid = beam.grid
    add_clutter(source, halo, grid.depths_mm, grid.row_step, grid.radius_mm, out)
    return out.view(np.complex64), halo


def test_clutter_of_even_tissue_has_the_level_of_the_setting():
    settings = dataclasses.replace(QUIET, clutter_db=-24.0)
    beam = beam_for(Uniform(), FOCUS, settings)
    frames = speckle(FOCUS, QUIET, 4)
    middle = np.abs(beam.grid.lateral) < 8.0
    ratio = []
    for seed in range(6):
        for iq in frames:
            found = np.abs(clutter_of(iq, settings, beam, seed)[0][:, middle]) ** 2
            ratio.append(found.mean() / (np.abs(iq[:, middle]) ** 2).mean())
    assert 10.0 * np.log10(np.mean(ratio)) == pytest.approx(-24.0, abs=0.5)


def test_clutter_comes_along_the_arc_of_equal_range():
    """One scatterer is heard by lines beside it later by the square of their distance."""
    settings = dataclasses.replace(QUIET, clutter_db=0.0)
    for probe in (DEEP, dataclasses.replace(PROBES["curvilinear-6MHz"], depth_mm=60.0)):
        beam = beam_for(Uniform(), probe, settings)
        grid = beam.grid
        iq = np.zeros((len(grid.depths_mm), len(grid.lateral)), np.complex64)
        row = int(np.abs(grid.depths_mm - 20.0).argmin())
        column = len(grid.lateral) // 2
        iq[row, column] = 1.0
        found, halo = clutter_of(iq, settings, beam)
        lines = column - halo.lag
        kept = lines[(lines >= 0) & (lines < len(grid.lateral))]
        assert len(set(kept)) > 12
        for line in set(kept):
            side = grid.lateral[line] - grid.lateral[column]
            angle, radius = side, grid.radius_mm
            there = np.array([side, grid.depths_mm[row]])
            face = np.array([0.0, 0.0])
            if radius:
                there = (radius + grid.depths_mm[row]) * np.array([np.sin(angle), np.cos(angle)])
                face = np.array([0.0, radius])
            expected = np.hypot(*(there - face))
            heard = grid.depths_mm[np.abs(found[:, line]).argmax()]
            if np.abs(found[:, line]).max() > 0.0:
                assert heard == pytest.approx(expected, abs=0.02 * expected)


def test_clutter_moves_with_the_tissue():
    settings = dataclasses.replace(QUIET, clutter_db=-20.0)
    beam = beam_for(Uniform(), FOCUS, settings)
    iq = speckle(FOCUS, QUIET, 1)[0]
    still = clutter_of(iq, settings, beam)[0]
    moved = clutter_of(np.roll(iq, 5, axis=1), settings, beam)[0]
    inner = slice(120, -120)
    np.testing.assert_allclose(np.roll(still, 5, axis=1)[:, inner], moved[:, inner], atol=1e-6)
    other = clutter_of(speckle(FOCUS, QUIET, 1, key=8)[0], settings, beam)[0]
    shared = np.abs(np.vdot(still, other)) / (np.linalg.norm(still) * np.linalg.norm(other))
    assert shared < 0.1


# ---- ringing


def test_ringing_decays_from_its_level_and_is_wide():
    settings = dataclasses.replace(QUIET, ring_down_db=12.0, ring_down_mm=3.0)
    probe = dataclasses.replace(DEEP, start_depth_mm=0.0)
    beam = beam_for(Uniform(), probe, settings)
    power = np.zeros(len(beam.grid.depths_mm))
    for seed in range(200):
        pattern = ring_down(np.random.default_rng(seed), probe, settings, beam)
        power += np.mean(np.abs(pattern) ** 2, axis=1) / 200
    depths = beam.grid.depths_mm
    below = (depths >= 0.0) & (depths < 12.0)
    expected = 12.0 - 20.0 * np.log10(np.e) * depths[below] / 3.0
    np.testing.assert_allclose(10 * np.log10(power[below]), expected, atol=1.5)
    offset, slope = np.polynomial.polynomial.polyfit(depths[below], 10 * np.log10(power[below]), 1)
    assert offset == pytest.approx(12.0, abs=0.7)
    assert slope == pytest.approx(-20.0 * np.log10(np.e) / 3.0, rel=0.05)
    assert power[depths < 0.0].max(initial=0.0) == 0.0
    far = np.abs(np.sum(pattern[:, 5].conj() * pattern[:, -5])) / np.sqrt(
        np.sum(np.abs(pattern[:, 5]) ** 2) * np.sum(np.abs(pattern[:, -5]) ** 2)
    )
    assert far > 0.5


def test_ringing_is_the_same_in_all_frames_and_another_in_another_machine():
    settings = dataclasses.replace(QUIET, ring_down_db=10.0, ring_down_mm=9.0)
    poses = np.stack([pose(translation=(0, 0, 5.0 * n)) for n in range(2)])
    first = render_iq(Uniform(), DEEP, settings, poses, machine_seed=1)
    first = first - render_iq(Uniform(), DEEP, QUIET, poses)
    assert np.abs(first[0] - first[1]).max() <= 1e-5 * np.abs(first).max()
    other = render_iq(Uniform(), DEEP, settings, poses[:1], machine_seed=2)
    other = other - render_iq(Uniform(), DEEP, QUIET, poses[:1])
    shared = np.abs(np.vdot(first[0], other[0])) / np.linalg.norm(first[0])
    assert shared / np.linalg.norm(other[0]) < 0.5


# ---- all of them


ALL = {"reverberation_db": -10.0, "clutter_db": -30.0, "ring_down_db": 10.0}


def test_bytes_do_not_depend_on_threads_or_on_other_frames():
    settings = dataclasses.replace(BmodeSettings(**ALL), noise_db=-40.0)
    poses = np.stack([pose((0.1, 0.0, 0.02 * n), (0, 0, 0.5 * n)) for n in range(4)])
    contact = np.linspace(0.0, 1.0, 4 * 16).reshape(4, 16)
    common = {"seed": 1, "machine_seed": 4}
    images = [
        render_bmode(Bone(), BONY, settings, poses, threads=n, contact=contact, **common)
        for n in (1, 2)
    ]
    assert images[0].tobytes() == images[1].tobytes()
    alone = render_bmode(
        Bone(), BONY, settings, poses[2:3], contact=contact[2:3], first_frame=2, **common
    )
    assert alone.tobytes() == images[0][2:3].tobytes()


def test_off_they_change_nothing():
    assert artefacts(Echo(DEEP, 0.5), QUIET, beam_for(Uniform(), DEEP, QUIET), 1) is None
    on = dataclasses.replace(QUIET, **ALL)
    assert on.single_scattering == QUIET


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reverberation_db", 1.0),
        ("clutter_db", 0.5),
        ("ring_down_db", 100.0),
        ("ring_down_mm", 0.0),
        ("reverberation_db", float("nan")),
    ],
)
def test_impossible_artefacts_are_refused(field, value):
    with pytest.raises(UserError, match=rf"bmode\.{field}: expected .*, got"):
        BmodeSettings(**{field: value})
