"""Windows that turn deep frames into grey levels."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.interop.cines.grey import eight_bit, luma

PATH = Path("x.tif")


def test_a_window_is_linear_between_its_ends() -> None:
    frames = np.array([[[0, 100, 350, 600, 65535]]], np.uint16)
    shown = eight_bit(frames, (100, 600), PATH)
    assert shown.dtype == np.uint8 and np.array_equal(shown[0], [[0, 0, 128, 255, 255]])
    assert np.array_equal(eight_bit(frames.astype(np.uint8), (0, 255), PATH)[0], frames[0] % 256)


def test_bytes_need_no_window() -> None:
    frames = np.zeros((2, 3, 4), np.uint8)
    assert eight_bit(frames, None, PATH) is frames


def test_frames_that_are_refused() -> None:
    deep = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 5
    with pytest.raises(UserError, match=r"16-bit frames \(values -5 to 18\).*--window -5 18"):
        eight_bit(deep, None, PATH)
    with pytest.raises(UserError, match="--window: expected a lower and a higher value, got 9 3"):
        eight_bit(deep, (9, 3), PATH)
    with pytest.raises(UserError, match="expected frames of whole numbers, got float32"):
        eight_bit(deep.astype(np.float32), (0, 1), PATH)


def test_luma_is_that_of_bt_601() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    exact = colours @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma(colours) - exact).max() <= 0.51
