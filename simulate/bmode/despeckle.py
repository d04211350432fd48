"""Speckle reduction as machines do it to the compressed image; to a tracker, a loss of cues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BILATERAL_GRAY = 0.12  # sigma of gray level within which pixels are averaged, of 0 to 1


def despeckle(image: NDArray[np.uint8], method: str, width_px: int) -> None:
    """Filter a gray image (H, W) in place.

    Parameters
    ----------
    method : "median", of a square window, or "bilateral" (Tomasi and Manduchi 1998), Gaussian in
        place with a sigma of a quarter of the window, and in gray level.
    width_px : of the window, odd.
    """
    if method == "median":
        from scipy.ndimage import median_filter

        image[:] = median_filter(image, size=width_px, mode="nearest")
    elif method == "bilateral":
        from skimage.restoration import denoise_bilateral

        smooth = denoise_bilateral(
            image.astype(np.float64) / 255.0, win_size=width_px, sigma_color=BILATERAL_GRAY,
            sigma_spatial=0.25 * width_px, mode="edge",
        )  # fmt: skip
        image[:] = np.rint(255.0 * smooth)
    else:
        raise ValueError(f"despeckle: expected median or bilateral, got {method!r}")
