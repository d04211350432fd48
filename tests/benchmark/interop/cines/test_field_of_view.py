"""Masks: given as a file, stated by geometry, found from what stays black."""

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.errors import UserError
from benchmark.interop.cines.fan import clip_mask, probe_mask
from benchmark.interop.cines.field_of_view import (
    mask_from_text,
    mask_to_text,
    with_mask,
)
from benchmark.sweep import Images
from simulate.bmode.scan_conversion import polar_positions
from simulate.probe.models import PROBES
from tests.benchmark.interop.cines.inputs import silence

SHAPE = (30, 40)


def triangle() -> np.ndarray:
    row, column = np.indices(SHAPE)
    return (np.abs(column - 20) < 3 + row / 2) & (row > 2) & (row < 28)


def images_of(frames: np.ndarray, mask: np.ndarray | None = None) -> Images:
    return Images(frames, np.arange(len(frames)) / 20, np.diag([0.2, 0.2, 1, 1]), mask=mask)


def curved_sector() -> np.ndarray:
    """Return what a curvilinear probe sees in 120 x 160 pixels; its face is an arc at the top."""
    probe = replace(PROBES["curvilinear-6MHz"], width_px=160, height_px=120)
    mask = probe_mask(asdict(probe), probe.mm_from_pixel, (120, 160))
    assert mask is not None
    return mask


def box(shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[10:115, 30:120] = True
    return mask


def speckle(mask: np.ndarray, count: int = 8) -> np.ndarray:
    """Return speckle in a mask, the ringing of lossy video beside it."""
    rng = np.random.default_rng(2)
    bright = rng.integers(4, 200, (count, *mask.shape), dtype=np.uint8)
    return np.where(mask, bright, rng.integers(0, 6, bright.shape, dtype=np.uint8))


def found_in(frames: np.ndarray, **how) -> np.ndarray:
    notes: list[str] = []
    images = with_mask(images_of(frames), "auto", Path("a.mp4"), notes.append, find=True, **how)
    assert len(notes) == 1 and "of the pixels are its field of view" in notes[0]
    assert images.mask is not None
    return images.mask


@pytest.mark.parametrize("sector", [curved_sector(), box()], ids=["curved", "box"])
def test_the_sector_is_found_from_what_is_lit(sector: np.ndarray) -> None:
    found = found_in(speckle(sector))
    assert (found != sector).sum() < 0.01 * sector.sum()


@pytest.mark.parametrize("sector", [curved_sector(), box()], ids=["curved", "box"])
def test_a_shadow_down_to_the_edge_belongs_to_the_sector(sector: np.ndarray) -> None:
    frames = speckle(sector)
    frames[:, 50:, 70:90] = 0
    frames[:, 60:64] = 0
    assert (found_in(frames) != sector).sum() < 0.01 * sector.sum()


def test_text_beside_the_sector_is_none_of_it() -> None:
    frames = speckle(box())
    frames[:, 20:30, 2:20] = 250
    frames[:, 100:104, 130:150] = 250
    assert (found_in(frames) != box()).sum() < 0.01 * box().sum()


def test_bright_wires_in_water_are_no_sector() -> None:
    """None of them frames the image; with a mask of one, the others would be lost."""
    frames = np.zeros((4, 120, 160), np.uint8)
    for row, column in ((30, 40), (40, 90), (80, 120)):
        frames[:, row : row + 6, column : column + 9] = 180
    found = with_mask(images_of(frames), "auto", Path("a"), silence, find=True)
    assert found.mask is None


def test_nothing_is_found_outside_of_what_the_file_states() -> None:
    frames = speckle(box())
    frames[:, 20:30, 27:32] = 250  # joined to the sector
    stated = box()
    assert np.array_equal(found_in(frames, stated=stated) & ~stated, np.zeros_like(stated))


def test_frames_that_show_tissue_everywhere_have_no_mask() -> None:
    frames = np.full((3, *SHAPE), 90, np.uint8)
    found = with_mask(images_of(frames), "auto", Path("a"), silence, find=True)
    assert found.mask is None
    black = with_mask(images_of(0 * frames), "auto", Path("a"), print, find=True)
    assert black.mask is None


def test_a_mask_given_wins(tmp_path: Path) -> None:
    images = images_of(speckle(triangle()), np.eye(*SHAPE, dtype=bool))
    Image.fromarray(np.where(triangle(), 7, 0).astype(np.uint8)).save(tmp_path / "m.png")
    np.save(tmp_path / "m.npy", triangle())
    for name in ("m.png", "m.npy"):
        found = with_mask(images, tmp_path / name, Path("a"), silence, find=True)
        assert np.array_equal(found.mask, triangle())
    assert with_mask(images, "whole", Path("a"), silence, find=True).mask is None
    kept = with_mask(images, "auto", Path("a"), silence)
    assert np.array_equal(kept.mask, images.mask)


def test_masks_that_are_refused(tmp_path: Path) -> None:
    images = images_of(speckle(triangle()))
    Image.fromarray(np.ones((30, 41), np.uint8)).save(tmp_path / "size.png")
    with pytest.raises(UserError, match=r"size.png: 41 x 30 pixels, expected the 40 x 30 of"):
        with_mask(images, tmp_path / "size.png", Path("a"), silence)
    Image.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / "none.png")
    with pytest.raises(UserError, match=r"none.png: expected tissue where it is not zero"):
        with_mask(images, tmp_path / "none.png", Path("a"), silence)
    with pytest.raises(UserError, match=r"gone.npy: no such file"):
        with_mask(images, tmp_path / "gone.npy", Path("a"), silence)
    np.save(tmp_path / "code.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(UserError, match=r"code.npy: cannot be read"):
        with_mask(images, tmp_path / "code.npy", Path("a"), silence)


def test_masks_as_text() -> None:
    for mask in (triangle(), np.ones((1, 3), bool), np.random.default_rng(0).random((7, 11)) > 0.5):
        assert np.array_equal(mask_from_text(mask_to_text(mask)), mask)
    with pytest.raises(ValueError):
        mask_from_text("3 4 AAAA")


def device_set(path: Path, attributes: str) -> Path:
    path.write_text(f"<PlusConfiguration><VolumeReconstruction {attributes}/></PlusConfiguration>")
    return path


def test_the_clipping_of_a_device_set(tmp_path: Path) -> None:
    """A fan of 90 degrees below (20, 5), between radii of 4 and 12, cut by a rectangle."""
    path = device_set(
        tmp_path / "set.xml",
        'ClipRectangleOrigin="14 6" ClipRectangleSize="20 9" FanAnglesDeg="-45 45" '
        'FanOriginPixel="20 5" FanRadiusStartPixel="4" FanRadiusStopPixel="12"',
    )
    mask = clip_mask(path, SHAPE)
    for column, row, inside in (
        (20, 9, True),  # on the inner arc
        (20, 8, False),
        (20, 14, True),
        (20, 15, False),  # below the rectangle
        (25, 11, True),
        (26, 10, False),  # right of the fan
        (15, 10, True),  # on its left edge
        (13, 12, False),  # left of the rectangle
    ):
        assert mask[row, column] == inside, (column, row)


def test_device_sets_that_clip_nothing_or_all(tmp_path: Path) -> None:
    whole = device_set(tmp_path / "w.xml", 'ClipRectangleOrigin="0 0" ClipRectangleSize="820 616"')
    assert clip_mask(whole, SHAPE) is None
    assert clip_mask(device_set(tmp_path / "n.xml", 'FanAnglesDeg="0 0"'), SHAPE) is None
    (tmp_path / "numbers.txt").write_text("1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1")
    assert clip_mask(tmp_path / "numbers.txt", SHAPE) is None
    away = device_set(tmp_path / "a.xml", 'ClipRectangleOrigin="90 0" ClipRectangleSize="9 9"')
    with pytest.raises(UserError, match=r"a.xml: VolumeReconstruction clips all of the 40 x 30"):
        clip_mask(away, SHAPE)
    odd = device_set(tmp_path / "o.xml", 'FanAnglesDeg="1 2 3"')
    with pytest.raises(UserError, match=r"o.xml: FanAnglesDeg: expected 2 numbers, got '1 2 3'"):
        clip_mask(odd, SHAPE)


def test_the_sector_of_a_curvilinear_probe_is_that_of_its_scan_conversion() -> None:
    probe = PROBES["curvilinear-6MHz"]
    grid: Any = SimpleNamespace(
        depths_mm=np.zeros(1), reduce_rows=1, row_step=1.0,
        lateral=np.zeros(1), reduce_columns=1, column_step=1.0,
    )  # fmt: skip
    rows, _ = polar_positions(probe, grid)
    mask = probe_mask(asdict(probe), probe.mm_from_pixel, rows.shape)
    assert mask is not None and 0.5 < mask.mean() < 0.9
    assert (mask != (rows >= 0)).sum() <= 2  # pixels on the edge, by rounding
    assert probe_mask(asdict(PROBES["linear-7.5MHz"]), probe.mm_from_pixel, rows.shape) is None
