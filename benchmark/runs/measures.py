"""Numbers that say whether a sweep's images are like others, whatever their brightness.

Brightness and contrast change with a machine's knobs and do no harm; how speckle correlates from
frame to frame is what trackers read.
"""

import numpy as np

from benchmark.sweep import Images

PLACES = 8  # in a sweep, evenly spread
FAR = 8  # frames between two that developed speckle of a moving probe has left
WINDOW_MM = 3.0  # over which brightness is taken out
DARK = 2.0  # grey levels of deviation below which a place is black
LEAST_SEEN = 64  # pixels

MEASURES = {
    "correlation_top": "correlation of neighbouring frames in the upper third",
    "correlation_middle": "correlation of neighbouring frames in the middle third",
    "correlation_bottom": "correlation of neighbouring frames in the lower third",
    "correlation_gradient": "correlation in the lower third less that in the upper third",
    "noise": "share of speckle that changes at once between frames",
    "far_correlation": f"correlation of frames {FAR} apart",
    "speckle_lateral_mm": "lateral speckle width (mm)",
    "speckle_axial_mm": "axial speckle width (mm)",
}  # fmt: skip


def measures(images: Images) -> dict[str, float]:
    """Return the measures (`MEASURES`) of a sweep, medians over `PLACES`; empty if it is black.

    Correlations are of frames standardised locally (`standardised`). The noise is 1 - c of the law
    rho(k) = c exp(-a k^2) through the correlations of frames one and two apart: above 0 where
    something changes at once (noise), below 0 where frames hold a share of those before them. Too
    short a sweep has no noise or far correlation.
    """
    count = len(images.frames)
    rows = []
    for place in np.unique(np.linspace(0, max(count - 2, 0), PLACES).astype(int)):
        found = _at(images, int(place))
        if found:
            rows.append(found)
    keys = {key for row in rows for key in row}
    return {
        key: float(np.median([row[key] for row in rows if key in row]))
        for key in MEASURES
        if key in keys
    }


def _at(images: Images, place: int) -> dict[str, float]:
    """Return the measures at one frame of a sweep, empty where it shows nothing."""
    pixel_mm, count = images.pixel_mm, len(images.frames)
    detail, seen = standardised(images.frames[place], images)
    if seen.sum() < LEAST_SEEN:
        return {}
    found = {
        "speckle_lateral_mm": _half_width(detail, 1) * pixel_mm[0],
        "speckle_axial_mm": _half_width(detail, 0) * pixel_mm[1],
    }
    later = {
        gap: standardised(images.frames[place + gap], images)
        for gap in (1, 2, FAR)
        if place + gap < count
    }
    if 1 not in later:
        return found
    thirds = np.array_split(np.arange(len(detail)), 3)
    bands = [_correlation(detail, seen, *later[1], third) for third in thirds]
    names = ("correlation_top", "correlation_middle", "correlation_bottom")
    found |= dict(zip(names, bands, strict=True))
    found["correlation_gradient"] = bands[2] - bands[0]
    if 2 in later:
        beyond = [_correlation(detail, seen, *later[2], third) for third in thirds]
        at_once = [_at_once(*pair) for pair in zip(bands, beyond, strict=True)]
        found["noise"] = float(np.median(at_once))
    if FAR in later:
        found["far_correlation"] = _correlation(detail, seen, *later[FAR], slice(None))
    return found


def standardised(frame: np.ndarray, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame (H, W) less its local mean, over its local deviation, and where it is seen.

    Both are over squares of `WINDOW_MM`. Seen (H, W) bool: in the mask of the images and not black.
    """
    from scipy.ndimage import uniform_filter

    size = np.maximum(3, np.rint(WINDOW_MM / images.pixel_mm[::-1])).astype(int)
    levels = np.asarray(frame, float)
    detail = levels - uniform_filter(levels, size)
    spread = np.sqrt(uniform_filter(detail**2, size))
    seen = spread > DARK
    if images.mask is not None:
        seen &= images.mask
    return np.where(seen, detail / np.maximum(spread, DARK), 0.0), seen


def _correlation(
    one: np.ndarray, seen: np.ndarray, other: np.ndarray, also: np.ndarray, rows: slice | np.ndarray
) -> float:
    """Return the correlation of two standardised frames over some rows, 0 where little is seen."""
    both = (seen & also)[rows]
    if both.sum() < LEAST_SEEN:
        return 0.0
    a, b = one[rows][both], other[rows][both]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def _at_once(near: float, far: float) -> float:
    """Return 1 - c of rho(k) = c exp(-a k^2) through rho(1) and rho(2)."""
    near, far = max(near, 0.02), max(far, 0.02)
    return 1.0 - near ** (4 / 3) * far ** (-1 / 3)


def _half_width(detail: np.ndarray, axis: int) -> float:
    """Return the shift in pixels along an axis at which a frame's correlation is one half."""
    lines = np.moveaxis(detail, axis, -1)
    power = np.abs(np.fft.rfft(lines, 2 * lines.shape[-1], axis=-1)) ** 2
    correlation = np.fft.irfft(power.mean(0))[: lines.shape[-1]]
    correlation = correlation / max(correlation[0], 1e-12)
    below = int(np.argmax(correlation < 0.5))
    if below == 0:
        return float(len(correlation))
    before, after = correlation[below - 1], correlation[below]
    return below - 1 + float((before - 0.5) / (before - after))
