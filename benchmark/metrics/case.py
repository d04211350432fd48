"""Case: the truth and one prediction of one sweep, and the geometry that metrics share."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benchmark import geometry

#: Rates leave out frames that lie less than this far along the path (mm), as MoNet's code does.
SHORTEST_PATH = 0.1


@dataclass(frozen=True, eq=False)
class Case:
    """All that a metric may look at.

    true_first_from_frame, predicted_first_from_frame (N, 4, 4): image mm of frame i to image mm
    of the first frame; predicted_prev_from_frame (N-1, 4, 4): the predicted steps, derived when
    not given; mm_from_pixel (4, 4): (column, row, 0, 1) to image mm; shape: (rows, columns) of a
    frame; landmarks (L, 3): frame index, column, row, all 0-based; sigma (N-1,): what the tracker
    states for the root mean square of each step's position error, mm, or None.

    Raises
    ------
    ValueError : shapes that do not fit each other.
    """

    true_first_from_frame: np.ndarray
    predicted_first_from_frame: np.ndarray
    mm_from_pixel: np.ndarray
    shape: tuple[int, int]
    predicted_prev_from_frame: np.ndarray = None  # type: ignore[assignment]
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    sigma: np.ndarray | None = None

    def __post_init__(self) -> None:
        true, predicted = self.true_first_from_frame, self.predicted_first_from_frame
        if true.ndim != 3 or true.shape[1:] != (4, 4) or true.shape != predicted.shape:
            raise ValueError(
                f"poses: expected two arrays (N, 4, 4), got {true.shape}, {predicted.shape}"
            )
        if self.predicted_prev_from_frame is None:
            object.__setattr__(self, "predicted_prev_from_frame", geometry.relative(predicted))
        steps = self.predicted_prev_from_frame.shape
        if steps != (len(true) - 1, 4, 4):
            raise ValueError(f"steps: expected ({len(true) - 1}, 4, 4), got {steps}")
        if self.sigma is not None and self.sigma.shape != (len(true) - 1,):
            raise ValueError(f"sigma: expected ({len(true) - 1},), got {self.sigma.shape}")
        frames = self.landmarks[:, 0]
        if len(frames) and (frames.min() < 0 or frames.max() >= len(true)):
            raise ValueError(f"landmarks: a frame index lies outside 0..{len(true) - 1}")

    def __len__(self) -> int:
        return len(self.true_first_from_frame)

    @cached_property
    def true_prev_from_frame(self) -> np.ndarray:
        """True steps (N-1, 4, 4)."""
        return geometry.relative(self.true_first_from_frame)

    @cached_property
    def identity(self) -> "Case":
        """The same sweep with the prediction that nothing moves: the zero of normalised scores."""
        still = np.broadcast_to(np.eye(4), self.true_first_from_frame.shape)
        return Case(
            self.true_first_from_frame,
            still,
            self.mm_from_pixel,
            self.shape,
            still[1:],
            self.landmarks,
        )

    def image_points(self, pixels: np.ndarray) -> np.ndarray:
        """Return image mm (P, 3) of pixels (P, 2) given as (column, row)."""
        flat = np.column_stack([pixels, np.zeros(len(pixels))])
        return geometry.apply(self.mm_from_pixel, flat)

    @cached_property
    def centre(self) -> np.ndarray:
        """The image centre (3,) in image mm."""
        return geometry.image_centre(self.mm_from_pixel, self.shape)

    @cached_property
    def corners(self) -> np.ndarray:
        """The centres of the four corner pixels (4, 3) in image mm; the last two lie deepest."""
        x, y = self.shape[1] - 1, self.shape[0] - 1
        return self.image_points(np.array([[0, 0], [x, 0], [0, y], [x, y]], float))

    @cached_property
    def three_points(self) -> np.ndarray:
        """The image centre and the two bottom corners (3, 3), the point set of MoNet and RecON."""
        return np.vstack([self.centre, self.corners[2:]])

    @cached_property
    def true_tracks(self) -> np.ndarray:
        """True positions (3, N, 3) of the `three_points`, mm in the first frame."""
        return geometry.apply(self.true_first_from_frame, self.three_points).swapaxes(0, 1)

    @cached_property
    def predicted_tracks(self) -> np.ndarray:
        """Predicted positions (3, N, 3) of the `three_points`, mm in the first frame."""
        return geometry.apply(self.predicted_first_from_frame, self.three_points).swapaxes(0, 1)

    @property
    def true_track(self) -> np.ndarray:
        """True positions (N, 3) of the image centre, mm in the first frame."""
        return self.true_tracks[0]

    @property
    def predicted_track(self) -> np.ndarray:
        """Predicted positions (N, 3) of the image centre, mm in the first frame."""
        return self.predicted_tracks[0]

    @cached_property
    def drifts(self) -> np.ndarray:
        """Position errors (3, N) of the `three_points` in mm."""
        return np.linalg.norm(self.predicted_tracks - self.true_tracks, axis=-1)

    @cached_property
    def paths(self) -> np.ndarray:
        """True path lengths (3, N) of the `three_points` up to each frame, mm."""
        return path_lengths(self.true_tracks)

    @cached_property
    def nets(self) -> np.ndarray:
        """True straight distances (3, N) of the `three_points` from where they began, mm."""
        return np.linalg.norm(self.true_tracks - self.true_tracks[:, :1], axis=-1)

    @cached_property
    def global_pixel_errors(self) -> np.ndarray:
        """Mean distance (N-1,) over all pixels between true and predicted place, from frame 2 on.

        In mm of the first frame.
        """
        difference = self.true_first_from_frame[1:] - self.predicted_first_from_frame[1:]
        return self.mean_over_pixels(difference)

    @cached_property
    def local_pixel_errors(self) -> np.ndarray:
        """As `global_pixel_errors`, but of the steps: in mm of the previous frame."""
        return self.mean_over_pixels(self.true_prev_from_frame - self.predicted_prev_from_frame)

    def mean_over_pixels(self, difference: np.ndarray) -> np.ndarray:
        """Return the mean (N,) over all pixels p of |difference_i p| for matrices (N, 4, 4).

        On one frame this is the mean of |A (column, row, 1)| with a 3 x 3 matrix A = Q R, hence of
        |R (column, row, 1)|: two multiplications and a root per pixel, and no field in memory.
        """
        from benchmark.metrics.pixels import mean_length  # numba: loaded when first needed

        matrices = (difference @ self.mm_from_pixel)[:, :3, [0, 1, 3]]
        triangles = np.linalg.qr(matrices, mode="r") if len(matrices) else matrices
        return mean_length(np.ascontiguousarray(triangles), self.shape[0], self.shape[1])

    @cached_property
    def true_motion(self) -> np.ndarray:
        """True steps (N-1, 6) about the image centre: mm along x, y, z, then degrees about them."""
        return degrees_of_freedom(self.centre, self.true_prev_from_frame)

    @cached_property
    def predicted_motion(self) -> np.ndarray:
        """Predicted steps (N-1, 6), as `true_motion`."""
        return degrees_of_freedom(self.centre, self.predicted_prev_from_frame)

    @cached_property
    def swept(self) -> tuple[float, float, float]:
        """Swept volumes in mm^3: the true one, the predicted one, and what both share."""
        from benchmark.metrics.swept import swept_volumes  # numba: loaded when first needed

        return swept_volumes(
            geometry.apply(self.true_first_from_frame, self.corners),
            geometry.apply(self.predicted_first_from_frame, self.corners),
        )


def degrees_of_freedom(centre: np.ndarray, a_from_b: np.ndarray) -> np.ndarray:
    """Return (..., 6): motion of the point `centre` (3,) in mm, rotation vector in degrees."""
    values = geometry.degrees_of_freedom(geometry.about(centre, a_from_b))
    return values * np.array([1.0] * 3 + [np.degrees(1.0)] * 3)


def path_lengths(tracks: np.ndarray) -> np.ndarray:
    """Return the path length (..., N) up to each of the positions (..., N, 3)."""
    steps = np.linalg.norm(np.diff(tracks, axis=-2), axis=-1)
    return (
        np.concatenate([np.zeros_like(steps[..., :1]), steps.cumsum(-1)], -1)
        if (steps.shape[-1])
        else np.zeros(tracks.shape[:-1])
    )
