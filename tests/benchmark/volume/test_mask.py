"""Pixels outside the field of view are no tissue: sectors that overlap keep their grey level."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.sweep import Images
from benchmark.volume.choices import Placing, place
from benchmark.volume.reconstruction import reconstruct

METHODS = ("nearest", "trilinear", "backward")
COMPOUNDINGS = ("mean", "max", "max-pixel", "latest")
LEVEL = 100


def sector(rows: int = 40, columns: int = 60) -> np.ndarray:
    """Return a mask (H, W): a ring's sector of 35 degrees to either side, its face at the top."""
    row, column = np.indices((rows, columns))
    x, y = column - (columns - 1) / 2, row + 12.0
    return (np.abs(np.arctan2(x, y)) < np.radians(35)) & (np.hypot(x, y) < rows + 11)


def convex_sweep(masked: bool, count: int = 6) -> tuple[Images, np.ndarray]:
    """Return frames of even tissue in a sector, black beside it, turned about the axis of depth."""
    mask = sector()
    frames = np.repeat(np.where(mask, LEVEL, 0).astype(np.uint8)[None], count, 0)
    matrix = np.diag([0.2, 0.2, 1.0, 1.0])
    matrix[0, 3] = -0.2 * (mask.shape[1] - 1) / 2
    values = np.zeros((count, 6))
    values[:, 0], values[:, 4] = 1.5 * np.arange(count), 0.1 * np.arange(count)
    images = Images(frames, np.arange(count) / 20, matrix, mask=mask if masked else None)
    return images, geometry.from_degrees_of_freedom(values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("compounding", COMPOUNDINGS)
def test_overlapping_sectors_of_even_tissue_are_even(method: str, compounding: str) -> None:
    images, poses = convex_sweep(masked=True)
    how = {"spacing_mm": 0.2, "method": method, "compounding": compounding, "threads": 2}
    volume = reconstruct(images, poses, **how)
    assert volume.known.any()
    np.testing.assert_allclose(volume.values[volume.known], LEVEL, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_without_the_mask_the_black_surround_darkens_the_overlap(method: str) -> None:
    """What the mask is for: the same frames without it."""
    images, poses = convex_sweep(masked=False)
    whole = reconstruct(images, poses, spacing_mm=0.2, method=method, threads=1)
    tissue = reconstruct(*convex_sweep(masked=True), spacing_mm=0.2, method=method, threads=1)
    assert whole.values.shape[1] >= tissue.values.shape[1]
    assert (whole.weight > 0).sum() > 1.2 * (tissue.weight > 0).sum()
    darkened = (whole.values > 1) & (whole.values < 0.75 * LEVEL)
    assert darkened.sum() > 0.1 * (tissue.weight > 0).sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("compounding", COMPOUNDINGS)
def test_a_mask_of_all_pixels_changes_no_bit(method: str, compounding: str) -> None:
    rng = np.random.default_rng(4)
    frames = rng.integers(0, 256, (5, 20, 30), dtype=np.uint8)
    poses = geometry.from_degrees_of_freedom(rng.normal(0, 0.2, (5, 6)))
    matrix, times = np.diag([0.2, 0.2, 1, 1]), np.arange(5.0)
    how = {"spacing_mm": 0.2, "method": method, "compounding": compounding, "threads": 1}
    plain = reconstruct(Images(frames, times, matrix), poses, **how)
    mask = np.ones((20, 30), bool)
    masked = reconstruct(Images(frames, times, matrix, mask=mask), poses, **how)
    assert np.array_equal(plain.weight, masked.weight)
    if method == "backward":  # samples are divided by the weights of the pixels inside, a sum of 1
        np.testing.assert_allclose(plain.values, masked.values, rtol=1e-6)
    else:
        assert np.array_equal(plain.values, masked.values)


@pytest.mark.parametrize("method", METHODS)
def test_masked_pixels_reach_no_voxel(method: str) -> None:
    rng = np.random.default_rng(5)
    frames = rng.integers(1, 256, (8, 12, 16), dtype=np.uint8)
    mask = rng.random((12, 16)) > 0.4
    mask[0, 0] = mask[-1, -1] = True  # the grid is then that of the whole frames
    poses = np.repeat(np.eye(4)[None], 8, 0)
    poses[:, 2, 3] = 0.2 * np.arange(8)
    images = Images(frames, np.arange(8.0), np.diag([0.2, 0.2, 1, 1]), mask=mask)
    volume = reconstruct(images, poses, spacing_mm=0.2, method=method, fill_holes_mm=0, threads=1)
    assert np.array_equal(volume.known, np.repeat(mask.T[..., None], 8, 2))
    np.testing.assert_allclose(
        volume.values[volume.known], frames.transpose(2, 1, 0)[volume.known], rtol=1e-5
    )


def test_the_volume_is_no_larger_than_the_field_of_view() -> None:
    frames = np.full((4, 30, 40), 9, np.uint8)
    mask = np.zeros((30, 40), bool)
    mask[5:25, 10:22] = True
    poses = np.repeat(np.eye(4)[None], 4, 0)
    poses[:, 2, 3] = 0.2 * np.arange(4)
    images = Images(frames, np.arange(4.0), np.diag([0.2, 0.2, 1, 1]), mask=mask)
    volume = place(images, poses, Placing(spacing_mm=0.2, threads=1))
    assert volume.values.shape == (12, 20, 4)
    np.testing.assert_allclose(volume.origin_mm, [2.0, 1.0, 0.0], atol=1e-9)
    with pytest.raises(UserError, match="nothing of the images' field of view"):
        place(images, poses, Placing(border_px=(25, 0, 0, 0), threads=1))
