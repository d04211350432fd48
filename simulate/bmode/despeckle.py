"""Speckle reduction of the compressed image, as scanners do it; it takes cues from a tracker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BILATERAL_GRAY = 0.12  # sigma of the gray level of a bilateral filter, on a scale of 0 to 1


def despeckle(image: NDArray[np.uint8], method: str, width_px: int) -> None:
    """Filter a gray image (H, W) in place.

    Parameters
    ----------
    method : "median" of a square window, or "bilateral" (Tomasi and Manduchi 1998), with Gaussian
        weights of position, of sigma a quarter of the window, and of gray level.
    width_px : width of the window, odd.
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
