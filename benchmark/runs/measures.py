"""Numbers that say whether a sweep's speckle is like that of others, whatever its brightness.

Brightness and contrast change with a machine's knobs and do no harm; how speckle decorrelates from
frame to frame is what trackers read. How fast it does depends on the hand; how it does with depth,
and with the number of frames, depends on the beam, the tissue and the machine.
"""

import numpy as np

from benchmark.sweep import Images

PLACES = 16  # in a sweep, evenly spread
AHEAD = 8  # frames from the last place to the end of a sweep
GAPS = (1, 2, 4)  # frames
BANDS = 4  # of depth
WINDOW_MM = 3.0  # over which brightness is taken out
DARK = 2.0  # grey levels of deviation below which a place is black
LEAST_SEEN = 64  # pixels
LEAST, MOST = 0.02, 0.999  # correlations within which a logarithm is taken

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
}


def measures(images: Images) -> dict[str, float]:
    """Return the logarithms of the pace and of `MEASURES` of a sweep; empty if it is too short.

    Decorrelation is -log rho, rho being the median over `PLACES` of the correlation of frames that
    are standardised locally (`standardised`). For a Gaussian beam and an even motion it grows with
    the square of the number of frames; noise, which changes at once, lowers its growth, and
    persistence too. Empty also for frames that show nothing.
    """
    places = np.unique(np.linspace(0, len(images.frames) - 1 - AHEAD, PLACES).astype(int))
    if len(images.frames) <= AHEAD or not (found := [_at(images, int(n)) for n in places]):
        return {}
    rho = np.median([correlations for correlations, _ in found], axis=0)
    widths = np.median([width for _, width in found], axis=0)
    if not widths.all():
        return {}
    lost = -np.log(np.clip(rho, LEAST, MOST))
    pace, growth = lost[0].mean(), lost[1] / lost[0]
    values = [
        *lost[0] / pace,
        growth.mean(), growth[0], growth[-1], (lost[2] / lost[0]).mean(),
        *widths,
    ]  # fmt: skip
    named = zip((PACE, *MEASURES), np.log([pace, *values]), strict=True)
    return {key: float(value) for key, value in named}


def _at(images: Images, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return correlations (GAPS, BANDS) of a frame with later ones, and speckle widths (2,) mm."""
    detail, seen = standardised(images.frames[place], images)
    bands = np.array_split(np.arange(len(detail)), BANDS)
    rho = []
    for gap in GAPS:
        later = standardised(images.frames[place + gap], images)
        rho.append([_correlation(detail[rows], seen[rows], *(x[rows] for x in later))
                    for rows in bands])  # fmt: skip
    widths = np.array([_half_width(detail, 1), _half_width(detail, 0)]) * images.pixel_mm
    return np.array(rho), widths if seen.any() else np.zeros(2)


def standardised(frame: np.ndarray, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame (H, W) less its local mean, over its local deviation, and where it is seen.

    Both are over squares of `WINDOW_MM`. Seen (H, W) bool: in the mask of the images and not black.
    """
    from scipy.ndimage import uniform_filter

    size = np.maximum(3, np.rint(WINDOW_MM / images.pixel_mm[::-1])).astype(int)
    levels = np.asarray(frame, float)
    detail = levels - uniform_filter(levels, size)
    spread = np.sqrt(np.maximum(uniform_filter(detail**2, size), 0.0))  # running sums round
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
