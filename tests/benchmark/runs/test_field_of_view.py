"""Which pixels show tissue, found from frames: black, still, marks; and frames of tissue alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark.runs.field_of_view import find_regions, found_mask, of_tissue, tissue_alone
from benchmark.sweep import Images

SIZE = 60
MATRIX = np.diag([0.25, 0.2, 1.0, 1.0])


def moving(count: int = 12, dx: int = 0) -> np.ndarray:
    """Frames (count, SIZE, SIZE) through smoothed noise, `dx` columns further in each."""
    rng = np.random.default_rng(1)
    volume = gaussian_filter(rng.normal(size=(count, SIZE, SIZE + dx * count)), (1.5, 1.0, 1.5))
    levels = np.clip(120 + 40 * volume / volume.std(), 0, 255).astype(np.uint8)
    return np.stack([levels[0 if dx else n, :, dx * n : dx * n + SIZE] for n in range(count)])


def images(frames: np.ndarray, mask: np.ndarray | None = None) -> Images:
    return Images(frames, np.arange(len(frames)) / 20, MATRIX, mask=mask)


def agree(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


def test_all_tissue_has_no_mask():
    assert found_mask(images(moving())) is None
    found = of_tissue(images(moving()))
    assert found.mask is None and tissue_alone(found) is found


@pytest.mark.parametrize("level", [0, 5], ids=["black", "black after lossy compression"])
def test_black_sides_are_found_and_text_in_them_is_no_tissue(level):
    frames = moving()
    frames[:, :, :9] = frames[:, :, -9:] = level
    frames[:, 10:14, 2:7] = 200
    mask = found_mask(images(frames))
    true = np.zeros((SIZE, SIZE), bool)
    true[:, 9:-9] = True
    assert agree(mask, true) > 0.99


def test_dark_tissue_inside_is_tissue():
    frames = moving()
    frames[:, 20:32, 25:40] = 0
    assert found_mask(images(frames)) is None


def test_a_still_top_is_found_and_its_share_told():
    frames = moving(40)
    frames[:, :12] = frames[0, :12]
    found = find_regions(images(frames))
    assert not found.tissue[:11].any() and found.tissue[14:].all()
    assert found.still.mean() == pytest.approx(0.2, abs=0.03) and not found.black.any()
    assert "20 % unchanged" in str(found) or "21 % unchanged" in str(found)


def test_ringing_over_faint_tissue_is_still():
    """A strong standing echo and tissue a tenth of its strength: 0.9 dB of change, rms."""
    frames = moving(40).astype(float)
    ringing = 200 + 30 * np.sin(np.arange(12))[:, None]
    frames[:, :12] = ringing + 0.08 * (frames[:, :12] - 120)
    found = find_regions(images(np.rint(frames).astype(np.uint8)))
    assert not found.tissue[:11].any() and found.tissue[14:].all()


def test_marks_on_the_screen_are_found():
    frames = moving(40)
    frames[:, 30, 5:25] = 255
    mask = found_mask(images(frames))
    assert not mask[30, 5:25].any() and mask.mean() > 0.98


def test_a_probe_at_rest_and_a_single_frame_tell_nothing():
    still = np.repeat(moving(1), 10, 0)
    assert found_mask(images(still)) is None
    dark = moving(1)
    dark[:, :, :9] = 0
    assert found_mask(images(dark)) is None
    assert found_mask(images(np.zeros((5, SIZE, SIZE), np.uint8))) is None
    glow = moving().astype(np.float32)
    glow[:, :, :9] = 0
    assert found_mask(images(glow)) is None


def test_a_given_mask_stays_a_bound():
    given = np.zeros((SIZE, SIZE), bool)
    given[5:50, 5:50] = True
    frames = moving()
    frames[:, 40:] = 0
    mask = found_mask(images(frames, given))
    true = given.copy()
    true[40:] = False
    assert agree(mask, true) > 0.98


def test_what_is_beside_tissue_moves_as_tissue_does():
    """With a lateral motion of one column, every pixel but those at seams moves so."""
    frames = moving(6, dx=1)
    mask = np.ones((SIZE, SIZE), bool)
    mask[:, :10] = mask[:, -8:] = False
    mask[20:25, 30:36] = False
    mask[:4] = False
    filled = np.asarray(tissue_alone(images(frames, mask)).frames)
    assert np.array_equal(filled[:, mask], frames[:, mask])
    same = (filled[1:, :, :-1] == filled[:-1, :, 1:]).mean()
    assert same > 1 - 2.2 / 59  # two seams in most rows


def test_frames_are_cut_around_the_mask_and_places_stay():
    mask = np.zeros((SIZE, SIZE), bool)
    mask[10:40, 20:50] = True
    frames = moving()
    whole, least = images(frames, mask), (10.0, 4.0)  # mm: 40 columns, 20 rows
    cut = tissue_alone(whole, least)
    assert cut.frames.shape == (12, 30, 40) and cut.mask.sum() == mask.sum()
    column, row = 20, 10  # the first pixel of the mask
    at = np.linalg.inv(cut.mm_from_pixel) @ whole.mm_from_pixel @ [column, row, 0, 1]
    assert cut.frames[3][round(at[1]), round(at[0])] == frames[3, row, column]
    tight = tissue_alone(replace(whole, mask=mask), (0.0, 0.0))
    assert tight.frames.shape == (12, 30, 30) and tight.mask is None
