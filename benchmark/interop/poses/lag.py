"""The lag between the clocks of poses and frames, given or found from the motion in the images.

The probe's motion within the image plane is seen twice: by the poses, and by the shift of the
images' content from frame to frame. The lag is where the two agree best (normalised
cross-correlation), as temporal calibration of freehand ultrasound does, e.g. Treece et al.,
"High-definition freehand 3-D ultrasound", Ultrasound in Medicine & Biology 29 (2003).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError
from benchmark.interop.poses.clock import untold
from benchmark.interop.poses.table import PoseTable
from benchmark.sweep import Images

Lag = float | Literal["auto", "start"] | None

SEARCH_S = 1.0  # lags that are tried, in both directions
FINE = 10  # lags tried per interval of frames
MOST_FRAMES = 1000  # of a sweep, those in which the probe moves most within its plane
MOST_PIXELS = 256  # across and down, the middle of the image
UPSAMPLED = 20  # parts of a pixel in which shifts are found
LEAST_CORRELATION = 0.5
RIVAL = 0.9  # of the best correlation: another peak as high leaves the lag open
LARGEST_SIGMA = 0.25  # of the interval of frames
FEWEST = 10  # steps between frames that are compared
TINY = 1e-12  # in place of zero where it divides


@dataclass(frozen=True)
class LagEstimate:
    """A lag found from images.

    lag_s: the pose at time t + lag_s belongs to the frame of time t; sigma_s: its standard
    deviation; correlation: of the two motions at this lag; doubt: why it cannot be told, or None.
    """

    lag_s: float
    sigma_s: float
    correlation: float
    doubt: str | None = None


def lag_s(images: Images, table: PoseTable, lag: Lag, report: Report) -> float:
    """Return the lag in seconds that was asked for; report one that was found.

    table : timed poses of the image. A lag is looked for around 0, or around that of a common
        start where the clocks do not overlap. One that cannot be told is reported and taken as 0.

    Raises
    ------
    UserError : a lag that is not finite.
    """
    if lag is None or table.times is None:
        return 0.0
    start = float(table.times[0] - images.timestamps[0])
    if lag == "start":
        return start
    if lag != "auto":
        if not np.isfinite(lag):
            raise UserError(f"--lag: expected seconds, auto or start, got {lag}")
        return float(lag)
    ends = images.timestamps[[0, -1]]
    about = 0.0 if table.times[0] <= ends[1] and ends[0] <= table.times[-1] else start
    found = estimate_lag(images, table, about)
    if found.doubt:
        report(f"{table.path}: the lag to the images cannot be told: {found.doubt}")
        return 0.0
    frames = found.lag_s / float(np.median(np.diff(images.timestamps)))
    report(
        f"{table.path}: poses are later than the images by {found.lag_s:.4f} s, +- "
        f"{found.sigma_s:.4f} s ({frames:.2f} frames; correlation {found.correlation:.2f})"
    )
    return found.lag_s


def estimate_lag(images: Images, table: PoseTable, about_s: float = 0.0) -> LagEstimate:
    """Return the lag of poses to frames, within one second of `about_s`.

    images : B-mode frames (N, H, W) with times; table : timed poses of the image.
    """
    held = np.isfinite(table.world_from_body).all((1, 2))
    times, poses = np.asarray(table.times)[held], table.world_from_body[held]
    if min(len(images.frames) - 1, len(times) - 1) < FEWEST:
        return LagEstimate(about_s, np.inf, 0.0, f"fewer than {FEWEST} steps")
    way = _Way(times, poses, images)
    some = _busiest(images.timestamps, way, about_s)
    frame_times = images.timestamps[some]
    seen = shifts_mm(images, some)
    interval = float(np.median(np.diff(frame_times)))
    reach = min(SEARCH_S, (frame_times[-1] - frame_times[0]) / 3)
    count = int(reach * FINE / interval)
    tried = about_s + interval / FINE * np.arange(-count, count + 1)
    smooth = max(FINE, round(float(np.median(np.diff(times))) * FINE / interval))
    correlations = _correlations(seen, [way.steps(frame_times, lag) for lag in tried], smooth)
    return _peak(seen, way, frame_times, tried, correlations)


def shifts_mm(images: Images, some: slice) -> np.ndarray:
    """Return the probe's motion (M-1, 2) mm within its plane between frames, by their content.

    It is the shift at which neighbouring frames correlate best, to a twentieth of a pixel
    (Guizar-Sicairos et al., Optics Letters 33 (2008)); what stays in place in all frames is
    taken out first. Frames are read one by one.
    """
    from scipy.signal.windows import hann
    from skimage.registration import phase_cross_correlation

    rows, columns = (_middle(side) for side in images.frames.shape[1:])
    numbers = range(*some.indices(len(images.frames)))
    mean = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
    for number in numbers:
        mean += images.frames[number][rows, columns]
    mean /= len(numbers)
    window = np.outer(*(hann(side + 2)[1:-1] for side in mean.shape))
    shifts, before = [], None
    for number in numbers:
        frame = images.frames[number][rows, columns] - mean
        frame = np.fft.fft2((frame - frame.mean()) * window)
        if before is not None:
            shift, _, _ = phase_cross_correlation(
                before, frame, upsample_factor=UPSAMPLED, space="fourier", normalization=None
            )
            shifts.append(shift[::-1])
        before = frame
    return np.array(shifts) @ images.mm_from_pixel[:2, :2].T


def _middle(side: int) -> slice:
    first = max(0, (side - MOST_PIXELS) // 2)
    return slice(first, first + min(side, MOST_PIXELS))


class _Way:
    """How far the image's centre has gone within the image plane, at any time.

    Where rows are denser than frames, the way is averaged over an interval of frames.
    """

    def __init__(self, times: np.ndarray, world_from_image: np.ndarray, images: Images):
        from scipy.interpolate import CubicSpline
        from scipy.ndimage import uniform_filter1d

        steps = geometry.about(images.centre_mm, geometry.relative(world_from_image))[:, :2, 3]
        self.times = times
        gone = np.vstack([np.zeros(2), np.cumsum(steps, 0)])
        rows = np.median(np.diff(images.timestamps)) / np.median(np.diff(times))
        self.gone = CubicSpline(times, uniform_filter1d(gone, 2 * int(rows / 2) + 1, 0))

    def steps(self, frame_times: np.ndarray, lag: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps (M-1, 2) mm between frames at a lag, and which the poses tell (M-1,)."""
        at = frame_times + lag
        inside = ~np.any(list(untold(self.times, at).values()), 0)
        return np.diff(self.gone(at), axis=0), inside[1:] & inside[:-1]


def _busiest(frame_times: np.ndarray, way: _Way, about_s: float) -> slice:
    """Return the run of frames, as many as are looked at, in which the probe moves most."""
    steps, inside = way.steps(frame_times, about_s)
    moved = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1) * inside)])
    count = min(len(frame_times), MOST_FRAMES)
    first = int(np.argmax(moved[count - 1 :] - moved[: len(moved) - count + 1]))
    return slice(first, first + count)


def _correlations(
    seen: np.ndarray, told: list[tuple[np.ndarray, np.ndarray]], smooth: int
) -> np.ndarray:
    """Return the correlation (L,) of two motions without their means at each lag, NaN if untold.

    seen (M, 2); told: steps (M, 2) by the poses, and which are known, at each lag. The power of the
    poses' motion is averaged over `smooth` lags: interpolation weakens noise between rows and
    would move the peak there.
    """
    products, powers = np.full((2, len(told)), np.nan)
    for index, (steps, inside) in enumerate(told):
        if inside.sum() >= max(FEWEST, len(seen) / 2):
            one, other = (motion[inside] - motion[inside].mean(0) for motion in (seen, steps))
            products[index] = (one * other).sum() / max(np.linalg.norm(one), TINY)
            powers[index] = (other**2).sum()
    known = np.isfinite(powers)
    kernel = np.ones(smooth + 1)
    total = np.convolve(np.where(known, powers, 0), kernel, "same")
    power = total / np.maximum(np.convolve(known, kernel, "same"), 1)
    return products / np.sqrt(np.maximum(power, TINY))


def _peak(
    seen: np.ndarray,
    way: _Way,
    frame_times: np.ndarray,
    tried: np.ndarray,
    correlations: np.ndarray,
) -> LagEstimate:
    """Return the highest peak between the lags tried and what speaks against it."""
    if np.isnan(correlations).all():
        return LagEstimate(float(tried[len(tried) // 2]), np.inf, 0.0, "too few frames with poses")
    best, interval = int(np.nanargmax(correlations)), float(np.median(np.diff(frame_times)))
    near = correlations[max(0, best - FINE) : best + FINE + 1]
    if len(near) <= 2 * FINE or np.isnan(near).any():
        height, words = float(correlations[best]), "the motions agree best at the longest lag"
        return LagEstimate(float(tried[best]), np.inf, height, words)
    lag, height, curvature = _top(tried[best - FINE : best + FINE + 1], near)
    sigma = _sigma(seen, *way.steps(frame_times, lag), height, curvature)
    away = np.abs(tried - lag) > 1.5 * interval
    inner = np.nan_to_num(correlations, nan=-1.0)
    peaks = away[1:-1] & (inner[1:-1] > inner[:-2]) & (inner[1:-1] >= inner[2:])
    rival = float(inner[1:-1][peaks].max(initial=-1.0))
    doubts = {
        f"motion seen and motion of the poses correlate by {height:.2f} only": (
            height < LEAST_CORRELATION
        ),
        "several lags fit about as well": rival > RIVAL * height,
        "the probe moves too little within its plane for the noise of the poses": (
            sigma > LARGEST_SIGMA * interval
        ),
    }
    doubt = next((words for words, holds in doubts.items() if holds), None)
    return LagEstimate(lag, sigma, height, doubt)


def _top(lags: np.ndarray, correlations: np.ndarray) -> tuple[float, float, float]:
    """Return place, height and second derivative of the peak of a polynomial through points."""
    middle, half = lags[len(lags) // 2], np.ptp(lags) / 2
    fit = np.polynomial.Polynomial.fit((lags - middle) / half, correlations, 4, domain=[-1, 1])
    fine = np.linspace(-1, 1, 2001)
    top = float(fine[int(np.argmax(fit(fine)))])
    return float(middle + half * top), float(fit(top)), float(fit.deriv(2)(top)) / half**2


def _sigma(
    seen: np.ndarray, steps: np.ndarray, inside: np.ndarray, height: float, curvature: float
) -> float:
    """Return the standard deviation (s) of a lag by the peak of the correlation.

    For a correlation r at its peak and n samples, var = (1 - r^2) / (n r |r''|), r'' being the
    second derivative there (time delay between noisy copies of a signal); n counts less where
    neighbouring residuals of the two motions are alike.
    """
    one, other = (motion[inside] - motion[inside].mean(0) for motion in (seen, steps))
    if curvature >= 0 or height <= 0:
        return np.inf
    residual = one - other * (one * other).sum() / max((other**2).sum(), TINY)
    alike = (residual[1:] * residual[:-1]).sum() / max((residual**2).sum(), TINY)
    alike = float(np.clip(alike, 0.0, 0.9))
    count = residual.size * (1 - alike) / (1 + alike)
    spread = max(1 - min(height, 1.0) ** 2, TINY)
    return float(np.sqrt(spread / (count * height * -curvature)))
