"""Numbers that say whether a sweep's speckle is like that of others, whatever its brightness.

Brightness and contrast change with a machine's knobs and do no harm; how speckle decorrelates from
frame to frame is what trackers read. How fast it does depends on the hand; how it does with depth,
and with the number of frames, depends on the beam, the tissue and the machine.
"""

import numpy as np

from benchmark.speckle.matching import circular_correlation, whole_shift
from benchmark.sweep import Images

PLACES = 16  # in a sweep, evenly spread
AHEAD = 8  # frames from the last place to the end of a sweep
GAPS = (1, 2, 4)  # frames
BANDS = 4  # of depth
WINDOW_MM = 3.0  # over which brightness is taken out
FINE_MM = 1.5  # the same, where structures larger than speckle are to count little
DARK = 2.0  # grey levels of deviation below which a place is black
LEAST_SEEN = 64  # pixels
LEAST, MOST = 0.02, 0.999  # correlations within which a logarithm is taken
LEAST_SHIFT_MM = 0.005  # smaller motion in the plane counts as this one

PACE = "pace"  # mean of -log(correlation) of neighbouring frames over the depths

#: The measures beside the pace, in words.
MEASURES = {
    "top": "decorrelation of the upper quarter, over that of the image",
    "upper": "decorrelation of the second quarter, over that of the image",
    "lower": "decorrelation of the third quarter, over that of the image",
    "bottom": "decorrelation of the lowest quarter, over that of the image",
    "two": "decorrelation over two frames, over that of one",
    "two_top": "decorrelation over two frames in the upper quarter, over that of one",
    "two_bottom": "decorrelation over two frames in the lowest quarter, over that of one",
    "four": "decorrelation over four frames, over that of one",
    "lateral_mm": "lateral speckle width (mm)",
    "axial_mm": "axial speckle width (mm)",
    "sideways_mm": "motion of the image in its plane between frames (mm)",
}


def measures(images: Images) -> dict[str, float]:
    """Return the logarithms of the pace and of `MEASURES` of a sweep; empty if it is too short.

    Decorrelation is -log rho, rho being the median over `PLACES` of the correlation of frames that
    are standardised locally (`standardised`). For a Gaussian beam and an even motion it grows with
    the square of the number of frames; noise, which changes at once, lowers its growth, and
    persistence too. `sideways_mm` is the shift at which neighbours agree best. Empty also for
    frames that show nothing.
    """
    places = np.unique(np.linspace(0, len(images.frames) - 1 - AHEAD, PLACES).astype(int))
    if len(images.frames) <= AHEAD or not (found := [_at(images, int(n)) for n in places]):
        return {}
    rho, widths, sideways = (np.median(values, axis=0) for values in zip(*found, strict=True))
    if not widths.all():
        return {}
    lost = -np.log(np.clip(rho, LEAST, MOST))
    pace, growth = lost[0].mean(), lost[1] / lost[0]
    values = [
        *lost[0] / pace,
        growth.mean(), growth[0], growth[-1], (lost[2] / lost[0]).mean(),
        *widths, max(float(sideways), LEAST_SHIFT_MM),
    ]  # fmt: skip
    named = zip((PACE, *MEASURES), np.log([pace, *values]), strict=True)
    return {key: float(value) for key, value in named}


def _at(images: Images, place: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return correlations (GAPS, BANDS) of a frame with later ones, speckle widths (2,) mm, shift.

    The shift in the plane, mm, is that of the next frame.
    """
    detail, seen = standardised(images.frames[place], images)
    later = [standardised(images.frames[place + gap], images) for gap in GAPS]
    bands = np.array_split(np.arange(len(detail)), BANDS)
    rho = [
        [_correlation(detail[rows], seen[rows], one[rows], also[rows]) for rows in bands]
        for one, also in later
    ]
    widths = np.array([_half_width(detail, 1), _half_width(detail, 0)]) * images.pixel_mm
    shift = float(np.hypot(*(_shift_px(detail, later[0][0]) * images.pixel_mm)))
    return np.array(rho), widths if seen.any() else np.zeros(2), shift


def _shift_px(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the shift (across, down) of a frame (H, W) against another at which they agree best.

    Between pixels by a parabola.
    """
    product = circular_correlation(one, other)
    peak = np.unravel_index(int(product.argmax()), product.shape)
    shift = []
    for axis in (1, 0):
        at, size = int(peak[axis]), product.shape[axis]
        line = product[:, peak[1]] if axis == 0 else product[peak[0]]
        before, here, after = line[at - 1], line[at], line[(at + 1) % size]
        bend = before - 2 * here + after
        part = (before - after) / (2 * bend) if bend < 0 else 0.0
        shift.append((at + size // 2) % size - size // 2 + part)
    return np.array(shift)


def shared_speckle(images: Images) -> float | None:
    """Return the correlation of neighbouring frames' speckle, aligned in their plane.

    The median over `PLACES` of frames standardised over squares of `FINE_MM`. None of one frame.
    """
    if len(images.frames) < 2:
        return None
    found = []
    for place in np.unique(np.linspace(0, len(images.frames) - 2, PLACES).astype(int)).tolist():
        one, seen = standardised(images.frames[place], images, FINE_MM)
        other, also = standardised(images.frames[place + 1], images, FINE_MM)
        across, down = (-whole_shift(one, other)).tolist()
        other, also = (np.roll(each, (down, across), (0, 1)) for each in (other, also))
        found.append(_correlation(one, seen, other, also))
    return float(np.median(found))


def standardised(
    frame: np.ndarray, images: Images, window_mm: float = WINDOW_MM
) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame (H, W) less its local mean, over its local deviation, and where it is seen.

    Both are over squares of `window_mm`. Seen (H, W) bool: in the mask of the images and not black.
    """
    from scipy.ndimage import uniform_filter

    size = np.maximum(3, np.rint(window_mm / images.pixel_mm[::-1])).astype(int)
    levels = np.asarray(frame, float)
    detail = levels - uniform_filter(levels, size)
    spread = np.sqrt(np.maximum(uniform_filter(detail**2, size), 0))  # sums round below 0
    seen = spread > DARK
    if images.mask is not None:
        seen &= images.mask
    return np.where(seen, detail / np.maximum(spread, DARK), 0.0), seen


def _correlation(one: np.ndarray, seen: np.ndarray, other: np.ndarray, also: np.ndarray) -> float:
    """Return the correlation of two standardised frames (H, W), 0 where little is seen of both."""
    both = seen & also
    if both.sum() < LEAST_SEEN:
        return 0.0
    a, b = one[both], other[both]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


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
