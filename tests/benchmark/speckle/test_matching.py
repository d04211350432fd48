"""Patches and their correlation against NumPy, shifts of known size, and speckle laws."""

import numpy as np
from scipy.ndimage import fourier_shift, gaussian_filter

from benchmark.speckle.matching import (
    PatchGrid,
    correlation_maps,
    decompress,
    flatten,
    heights_at,
    peaks,
    speckle_shape,
    whole_shift,
)

PIXEL = np.array([0.2, 0.25])


def grid(shape=(64, 80), patch_mm=4.0):
    return PatchGrid.of_image(shape, PIXEL, patch_mm)


def noise(seed=0, shape=(64, 80)):
    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), (1.2, 1.6), mode="wrap")


def test_decompression_inverts_log_compression():
    envelope = np.random.default_rng(1).rayleigh(size=(2, 40, 40)) + 0.05
    decibels = 20 * np.log10(envelope / envelope.max((1, 2), keepdims=True))
    levels = np.rint(255 * (1 + decibels / 60)).astype(np.uint8)
    expected = envelope / envelope.mean((1, 2), keepdims=True)
    assert np.abs(decompress(levels, 60.0) / expected - 1).max() < 0.02


def test_flattening_takes_brightness_off_and_leaves_speckle():
    speckle = np.random.default_rng(2).rayleigh(size=(1, 80, 80))
    bright = speckle * np.linspace(1, 20, 80)[:, None]
    flat = flatten(bright, np.array([0.2, 0.2]), 1.0)
    halves = flat[0, 10:30].mean(), flat[0, 50:70].mean()
    assert abs(halves[0] / halves[1] - 1) < 0.05
    assert np.corrcoef(flat[0, 10:-10].ravel(), speckle[0, 10:-10].ravel())[0, 1] > 0.98


def test_patches_cover_the_image_and_know_their_centres():
    patches = grid()
    assert (patches.rows.sum(0) > 0).all() and (patches.columns.sum(0) > 0).all()
    column = np.broadcast_to(np.arange(80.0), (64, 80))
    row = np.broadcast_to(np.arange(64.0)[:, None], (64, 80))
    assert np.allclose(patches.mean(column), patches.centre_px[:, 0], atol=1e-4)
    assert np.allclose(patches.mean(row), patches.centre_px[:, 1], atol=1e-4)


def test_correlation_is_numpys_patch_by_patch():
    one, other = noise(3), noise(4) + 0.7 * noise(3)
    patches, shift = grid(), np.array([3, -2])
    maps = correlation_maps(patches, one, other, shift, 2)
    ny, nx = len(patches.rows), len(patches.columns)
    assert maps.shape == (ny * nx, 5, 5)
    seen = 0
    for p in range(0, ny * nx, 7):
        rows = np.flatnonzero(patches.rows[p // nx])
        columns = np.flatnonzero(patches.columns[p % nx])
        for j, i in ((0, 0), (2, 2), (1, 4)):
            there = rows + shift[1] + j - 2, columns + shift[0] + i - 2
            outside = any(
                (a < 0).any() or (a >= n).any() for a, n in zip(there, (64, 80), strict=True)
            )
            if outside:
                assert np.isnan(maps[p, j, i])
                continue
            a, b = one[np.ix_(rows, columns)], other[np.ix_(*there)]
            assert abs(maps[p, j, i] - np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 1e-5
            seen += 1
    assert seen > 10


def test_whole_shift_finds_a_rolled_frame():
    frame = noise(5)
    assert tuple(whole_shift(frame, np.roll(frame, (4, -7), (0, 1)))) == (-7, 4)


def test_peaks_and_heights_are_exact_on_gaussian_maps():
    rng = np.random.default_rng(6)
    widths = np.stack([rng.uniform(0.8, 1.5, 50), rng.uniform(0.5, 1.0, 50)], -1)
    position = rng.uniform(-0.9, 0.9, (50, 2))
    height = rng.uniform(0.3, 1.0, 50)
    lag = np.arange(-2, 3)
    away_x = (lag[None, None, :] - position[:, None, None, :1]) / widths[:, None, None, :1]
    away_y = (lag[None, :, None] - position[:, None, None, 1:]) / widths[:, None, None, 1:]
    away_x, away_y = away_x.reshape(50, 1, 5), away_y.reshape(50, 5, 1)
    maps = height[:, None, None] * np.exp(-0.5 * (away_x**2 + away_y**2))
    found, top = peaks(maps, widths)
    assert np.abs(found - position).max() < 0.02 and np.abs(top - height).max() < 0.02
    assert np.abs(heights_at(maps, widths, position) - height).max() < 1e-9


def test_sub_pixel_shift_of_a_band_limited_image():
    frame, shift = noise(7), np.array([0.37, -0.21])  # column, row
    moved = np.fft.ifft2(fourier_shift(np.fft.fft2(frame), shift[::-1])).real
    widths, floor = speckle_shape(grid(), frame)
    assert np.abs(np.median(widths, 0) - np.sqrt(2) * np.array([1.6, 1.2])).max() < 0.3
    maps = correlation_maps(grid(), frame, moved, np.zeros(2, int), 2)
    found, height = peaks((maps - floor) / (1 - floor), widths)
    assert np.abs(np.nanmedian(found, 0) - shift).max() < 0.03
    assert np.nanmedian(height) > 0.97
