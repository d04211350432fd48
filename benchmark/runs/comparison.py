"""A prediction beside the poses that a recording has itself: errors, scale, sigma, and a yardstick.

The yardstick is a constant motion: each half of the recording moves on by the mean step of the
other half. A tracker that drifts more than it has read less than a steady hand tells.
"""

from dataclasses import dataclass

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import Case
from benchmark.metrics.diagnosis import correlation
from benchmark.metrics.drift import NAN
from benchmark.sweep import Images, Prediction, centre_path, end_error_mm

LEAST_FRAMES = 4  # of which two halves have a step each
ELEVATIONAL = 2


@dataclass(frozen=True)
class Comparison:
    """What a prediction's poses are worth beside true ones; NaN where the frames cannot tell.

    drift_mm: error of the image centre at the end; corner_mm, turned_deg: the largest error of the
    image's corners there, and the rotation error; step_corner_mm, step_turned_deg: means over steps
    of the corners' errors and of the rotation error; elevational: correlation of elevational steps;
    scale: predicted over true path of the centre; halves_mm, constant_mm (2,): drift over each half
    of the frames, and that of a constant motion taken from the other half; steps_covered: share of
    steps whose centre lies within the tracker's sigma; end_sigma_mm: its sigma of the end.
    """

    drift_mm: float
    corner_mm: float
    turned_deg: float
    step_corner_mm: float
    step_turned_deg: float
    elevational: float
    scale: float
    halves_mm: tuple[float, float]
    constant_mm: tuple[float, float]
    steps_covered: float
    end_sigma_mm: float

    def facts(self) -> dict[str, str]:
        """Return the numbers in words, by what they are."""
        halves, constant = (
            f"{one:.2f} and {other:.2f} mm" for one, other in (self.halves_mm, self.constant_mm)
        )
        corners = f"{self.corner_mm:.2f} mm at most, {self.turned_deg:.1f} degrees"
        steps = f"{self.step_corner_mm:.3f} mm, {self.step_turned_deg:.2f} degrees"
        found = {
            "error of the corners at the end": corners,
            "error of the corners in a step": steps,
            "elevational steps": f"correlation {self.elevational:.2f} with the true ones",
            "scale": f"{self.scale:.2f} (predicted over true path)",
            "drift of each half": f"{halves}; of the other half's constant motion {constant}",
        }
        if np.isfinite(self.end_sigma_mm):
            found["sigma"] = self._sigma()
        return {key: text.replace("nan", "unknown") for key, text in found.items()}

    def _sigma(self) -> str:
        word = "covers" if self.end_sigma_mm >= self.drift_mm else "is less than"
        return (
            f"{100 * self.steps_covered:.0f} % of steps within it; at the end "
            f"{self.end_sigma_mm:.2f} mm, which {word} the drift"
        )


def compared(
    images: Images, world_from_image: np.ndarray, prediction: Prediction
) -> Comparison | None:
    """Return the comparison of a prediction with poses (N, 4, 4), NaN where a frame has none.

    Frames without a pose are left out: a step then leads from one known frame to the next, and
    sigma is compared at those that are neighbours. None where fewer than `LEAST_FRAMES` are known.
    """
    known = np.isfinite(world_from_image).all((1, 2))
    if known.sum() < LEAST_FRAMES:
        return None
    true = geometry.anchor(world_from_image[known])
    found = geometry.anchor(prediction.first_from_frame[known])
    steps = prediction.prev_from_frame if known.all() else geometry.relative(found)
    rows, columns = images.frames.shape[1:]
    case = Case(true, found, images.mm_from_pixel, (rows, columns), steps)
    here, there = (geometry.apply(poses, case.corners) for poses in (found[-1], true[-1]))
    near, far = (
        geometry.apply(each, case.corners[None]) for each in (steps, case.true_prev_from_frame)
    )
    turned = geometry.inverse(case.true_prev_from_frame) @ steps
    ends = geometry.inverse(true[-1]) @ found[-1]
    paths = [geometry.path_length(centre_path(images, poses)) for poses in (found, true)]
    return Comparison(
        drift_mm=end_error_mm(images, true, found),
        corner_mm=float(geometry.norm(here - there).max()),
        turned_deg=float(np.degrees(geometry.rotation_angle(ends))),
        step_corner_mm=float(geometry.norm(near - far).mean()),
        step_turned_deg=float(np.degrees(geometry.rotation_angle(turned)).mean()),
        elevational=correlation(
            case.true_motion[:, ELEVATIONAL], case.predicted_motion[:, ELEVATIONAL]
        ),
        scale=paths[0] / paths[1] if paths[1] else NAN,
        halves_mm=_halves(images, true, found),
        constant_mm=_halves(images, true, _constant(images, true)),
        steps_covered=_covered(case, known, prediction.sigma),
        end_sigma_mm=NAN if prediction.end_sigma is None else prediction.end_sigma,
    )


def _halves(images: Images, true: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Return the drift (mm) over each half of the frames; the middle one belongs to both."""
    middle = (len(true) - 1) // 2
    first, second = (
        end_error_mm(images, true[part], found[part])
        for part in (slice(None, middle + 1), slice(middle, None))
    )
    return first, second


def _constant(images: Images, true: np.ndarray) -> np.ndarray:
    """Return poses (N, 4, 4) that move on, in each half, by the mean step of the other half."""
    motion = geometry.degrees_of_freedom(geometry.about(images.centre_mm, geometry.relative(true)))
    middle = (len(true) - 1) // 2
    means = np.stack([motion[middle:].mean(0), motion[:middle].mean(0)])
    steps = geometry.from_degrees_of_freedom(
        np.repeat(means, [middle, len(motion) - middle], axis=0)
    )
    return geometry.chain(geometry.about(-images.centre_mm, steps))


def _covered(case: Case, known: np.ndarray, sigma: np.ndarray | None) -> float:
    """Return the share of steps between neighbouring known (N,) frames that sigma (N-1,) covers."""
    if sigma is None:
        return NAN
    frames = np.flatnonzero(known)
    beside = np.diff(frames) == 1
    error = geometry.norm(case.predicted_motion[:, :3] - case.true_motion[:, :3])[beside]
    return float((error <= sigma[frames[1:][beside] - 1]).mean()) if len(error) else NAN
