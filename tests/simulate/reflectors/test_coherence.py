"""Fibres and mirrors against direct double-precision sums and the closed form of coherence."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial import cKDTree

from simulate.iq.scatterers import ScattererStore
from simulate.reflectors.coherence import BEAM_MM, coherence, coherent_share, fibre_overlap_mm
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

DENSITY = 73.0  # per mm3: ten in a resolution cell at 5 MHz
SIGMA_X, SIGMA_Y = 0.23, 0.10
WAVENUMBER = 2 * np.pi / 0.308


def tissue(fraction, seed=0, **settings):
    chosen = TissueSettings(kind="uniform", coherent_fraction=fraction, **settings)
    return sample_tissue(np.random.default_rng(seed), chosen)


def everything(subject, low, high):
    """All scatterers of a box: (M, 3) mm and amplitudes (M,), block by block."""
    store = ScattererStore(subject, DENSITY)
    first = np.floor(np.array(low) / store.block_mm).astype(int)
    last = np.floor(np.array(high) / store.block_mm).astype(int)
    blocks = np.stack(
        np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last, strict=True))), -1
    )
    drawn = [store.points(tuple(int(i) for i in block)) for block in blocks.reshape(-1, 3)]
    return np.concatenate([p for p, _ in drawn]), np.concatenate([a for _, a in drawn])


def echoes(points, amplitudes, samples, shifts, beam_mm, tilt=0.0):
    """Complex echoes (shifts, samples) at places (K, 2) in planes z = shift, a direct sum.

    `tilt` turns the direction of sound about x by a small angle: a phase along z.
    """
    scale = np.array([SIGMA_X, SIGMA_Y])
    near = cKDTree(points[:, :2] / scale).query_ball_point(samples / scale, 3.3)
    result = np.empty((len(shifts), len(samples)), complex)
    for n, members in enumerate(near):
        p, a = points[members], amplitudes[members]
        off = (p[:, :2] - samples[n]) / scale
        weight = a * np.exp(-0.5 * (off**2).sum(1))
        phase = 2 * WAVENUMBER * (p[:, 1] + tilt * p[:, 2])
        beam = np.exp(-0.5 * (np.subtract.outer(shifts, p[:, 2]) / beam_mm) ** 2)
        real, imaginary = (beam * (weight * turn(phase)) for turn in (np.cos, np.sin))
        result[:, n] = real.sum(1) - 1j * imaginary.sum(1)
    return result


def places(seed=0, count=900):
    return np.random.default_rng(seed).uniform((1.0, 2.0), (13.0, 14.0), (count, 2))


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.9])
def test_decorrelation_of_iq_follows_the_closed_form(fraction):
    shifts = np.array([0.0, 0.3, 0.6, 1.0, 1.5, 2.5, 4.0])
    subject = tissue(fraction, coherent_length_mm=4.0)
    points, amplitudes = everything(subject, (0, 1, -3.2), (20, 17, 7.2))
    samples = np.random.default_rng(1).uniform((1, 2), (19, 16), (1500, 2))
    for beam in (0.4, 0.8):
        iq = echoes(points, amplitudes, samples, shifts, beam)
        power = (np.abs(iq) ** 2).mean(1)
        found = (iq * iq[0].conj()).mean(1).real / np.sqrt(power * power[0])
        expected = coherence(shifts, beam, fraction, 4.0)
        assert np.abs(found - expected).max() < 0.06
        if fraction == 0.0:
            assert np.allclose(expected, np.exp(-(shifts**2) / (4 * beam**2)))
        else:
            assert expected[3] > np.exp(-1 / (4 * beam**2)) + 0.05


def test_intensity_of_developed_speckle_decorrelates_as_the_gaussian():
    points, amplitudes = everything(tissue(0.0), (0, 1, -2), (14, 15, 3))
    iq = echoes(points, amplitudes, places(count=1500), np.array([0.0, 0.3, 0.6]), 0.46)
    intensity = np.abs(iq) ** 2
    for row, shift in ((1, 0.3), (2, 0.6)):
        found = np.corrcoef(intensity[0], intensity[row])[0, 1]
        assert found == pytest.approx(np.exp(-(shift**2) / (2 * 0.46**2)), abs=0.06)


def test_the_overlap_on_fibres_is_its_integral():
    for shift, beam, length in ((0.0, 0.5, 4.0), (1.3, 0.46, 2.0), (5.0, 0.9, 3.0)):
        integral, _ = quad(
            lambda u, d=shift, s=beam, top=length: (
                max(1 - abs(u) / top, 0.0) * np.exp(-((u - d) ** 2) / (4 * s**2))
            ),
            -length, length, points=[0.0],
        )  # fmt: skip
        assert float(fibre_overlap_mm(shift, beam, length)) == pytest.approx(integral, abs=1e-6)


def test_the_share_of_the_power_is_the_fraction_and_the_whole_is_kept():
    assert coherent_share(0.4, BEAM_MM, 3.0) == pytest.approx(0.4)
    assert coherent_share(0.4, 1.0, 3.0) > 0.5
    power = []
    for fraction, plates in ((0.0, 0.0), (0.6, 0.0), (0.6, 1.0)):
        subject = tissue(fraction, sheet_fraction=plates)
        points, amplitudes = everything(subject, (0, 1, -2), (14, 15, 2))
        iq = echoes(points, amplitudes, places(count=2000), np.zeros(1), BEAM_MM)
        power.append((np.abs(iq) ** 2).mean())
    assert power[1] / power[0] == pytest.approx(1.0, abs=0.1)
    assert power[2] / power[0] == pytest.approx(1.0, abs=0.12)


def test_the_coherent_fraction_falls_with_depth_and_the_power_stays():
    """With a depth of 8 mm, 0.9 of the power is coherent at the skin and 0.04 at 14 mm."""
    shallow, deep = np.random.default_rng(1).uniform((1, 0), (59, 2), (2, 1800, 2))
    shallow[:, 1] += 2.0
    deep[:, 1] += 13.0
    subject = tissue(0.9, coherent_length_mm=8.0, coherent_depth_mm=8.0)
    points, amplitudes = everything(subject, (0, 1, -3), (60, 17, 5))
    for samples, fraction in (
        (shallow, 0.9 * np.exp(-((3.0 / 8.0) ** 2))),
        (deep, 0.9 * np.exp(-((14.0 / 8.0) ** 2))),
    ):
        iq = echoes(points, amplitudes, samples, np.array([0.0, 1.5]), 0.5)
        power = (np.abs(iq) ** 2).mean(1)
        found = (iq[1] * iq[0].conj()).mean().real / np.sqrt(power[0] * power[1])
        assert found == pytest.approx(float(coherence(1.5, 0.5, fraction, 8.0)), abs=0.08)
        unit = DENSITY * np.pi**1.5 * SIGMA_X * SIGMA_Y * 0.5
        assert power.mean() == pytest.approx(unit, rel=0.12)


def test_plates_are_alike_across_and_fibres_are_not():
    """Echoes 0.7 mm apart across the limb, three beams, in plates of 2.5 mm."""
    correlation = []
    for plates in (0.0, 1.0):
        subject = tissue(1.0, sheet_fraction=plates)
        points, amplitudes = everything(subject, (0, 1, -2), (14, 15, 2))
        here = places(count=1500)
        beside = here + np.array([0.7, 0.0])
        iq = [echoes(points, amplitudes, p, np.zeros(1), BEAM_MM)[0] for p in (here, beside)]
        correlation.append(np.abs((iq[0] * iq[1].conj()).mean()) / np.mean(np.abs(iq[0]) ** 2))
    assert correlation[0] < 0.15 and correlation[1] > 0.4


def test_fibres_fall_silent_where_the_beam_is_tilted_against_them():
    """The spectrum of a fibre under the beam is exp(-(2 k tilt sigma)²) in power; speckle stays.

    What is left of fibres is the unevenness of their beads, 5 % of their power.
    """
    points, amplitudes = everything(tissue(0.6), (0, 1, -2), (14, 15, 2))
    straight, tilted = (
        (np.abs(echoes(points, amplitudes, places(), np.zeros(1), BEAM_MM, tilt)) ** 2).mean()
        for tilt in (0.0, np.deg2rad(6.0))
    )
    assert tilted / straight == pytest.approx(0.4 + 0.6 * 0.06, abs=0.06)


def test_reflectors_of_a_box_are_those_of_its_parts():
    settings = TissueSettings(kind="forearm", coherent_fraction=0.3, specular=4.0)
    subject = sample_tissue(np.random.default_rng(2), settings)
    low, high = np.array([-4.0, 0.0, 3.0]), np.array([4.0, 16.0, 7.0])
    whole, amplitude = subject.reflectors(low, high, DENSITY)
    parts = []
    for a, b in ((-4.0, -1.234), (-1.234, 4.0)):
        for c, d in ((3.0, 4.567), (4.567, 7.0)):
            parts.append(subject.reflectors((a, 0.0, c), (b, 16.0, d), DENSITY))
    joined = np.concatenate([p for p, _ in parts])
    values = np.concatenate([v for _, v in parts])
    order, again = np.lexsort(whole.T), np.lexsort(joined.T)
    assert len(whole) > 5000 and np.array_equal(whole[order], joined[again])
    assert np.array_equal(amplitude[order], values[again])


def test_a_store_holds_the_drawn_scatterers_and_then_the_reflectors():
    rich = tissue(0.5)
    store = ScattererStore(rich, DENSITY)
    low = np.array([0.0, store.block_mm, 0.0])
    points, amplitudes = store.points((0, 1, 0))
    extra, strength = rich.reflectors(low, low + store.block_mm, DENSITY)
    alone = dataclasses.replace(rich, extended=type(rich.extended)(0))
    drawn, signs = ScattererStore(alone, DENSITY).points((0, 1, 0))
    assert len(extra) > 0.4 * len(drawn) and len(points) == len(extra) + len(drawn)
    assert np.array_equal(points[: len(drawn)], drawn)
    assert np.allclose(amplitudes[: len(drawn)], np.sqrt(0.5) * signs)
    assert np.sum(amplitudes[len(drawn) :] ** 2) == pytest.approx(np.sum(strength**2))


def test_a_mirror_is_as_bright_as_it_says_straight_on_and_dark_askew():
    """A flat skin mirror of strength 5 against tissue speckle, by the direct sum."""
    settings = TissueSettings(
        kind="layered", specular=5.0, undulation_mm=(0.0, 0.0), limb_radius_mm=(1e6, 1e6)
    )
    subject = sample_tissue(np.random.default_rng(1), settings)
    flat = subject.extended.sheets[0].copy()
    flat[:] = 0.0
    flat[0, 0] = 8.0
    mirror = type(subject.extended)(subject.key, sheets=flat[None], strengths=(5.0,))
    low, high = np.array([0.0, 7.0, -3.0]), np.array([90.0, 9.0, 3.0])
    points, amplitudes = mirror.scatterers(
        low, high, DENSITY, lambda p: np.ones(len(p)), lambda p: np.ones(len(p), bool)
    )
    at = np.column_stack([np.linspace(2, 88, 800), np.full(800, 8.0)])
    straight = np.abs(echoes(points, amplitudes, at, np.zeros(1), 0.5)[0])
    askew = np.abs(echoes(points, amplitudes, at, np.zeros(1), 0.5, np.deg2rad(8.0))[0])
    cell = np.pi**1.5 * 0.25 * 0.10 * 0.5 * DENSITY
    level = straight.mean() / np.sqrt(cell) * (0.25 / SIGMA_X)
    assert level == pytest.approx(5.0, rel=0.15)
    assert np.median(askew) < 0.2 * np.median(straight)
