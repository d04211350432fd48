"""TUS-REC's function `predict_ddfs(frames, landmark, data_path_calib, device)` of any tracker.

A submission's own file is two lines:

    from benchmark.interop.tusrec_submission import submission
    predict_ddfs = submission("moglo", "path/to/run", first_frame_landmarks="as_scored")
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.interop.displacements import (
    FirstFrame,
    anchored_poses,
    displacement,
    landmark_displacements,
    pixel_points,
    refuse_unknown_word,
)
from benchmark.interop.parts.calibration import read_tusrec_calibration
from benchmark.interop.tusrec import COUNT_FROM_ONE, FRAME_RATE
from benchmark.runs.domain import Domain
from benchmark.runs.track import open_tracker, track
from benchmark.sweep import Images, Prediction
from benchmark.tracker import LearnedTracker, Tracker

#: GP (N-1, 3, H·W), GL (3, L), LP (N-1, 3, H·W), LL (3, L), float32, mm.
Fields = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def submission(
    tracker: Tracker | str,
    folder: Path | str | None = None,
    report: Report = silent,
    first_frame_landmarks: FirstFrame = "still",
) -> Callable[..., Fields]:
    """Return the function that the challenge's scripts call.

    tracker: ready to track, or its name with the `folder` of its trained run (by default its
    shipped weights); report: told what lies outside the tracker's training. first_frame_landmarks:
    "still" answers landmarks on frame 0 with no displacement, which is true; "as_scored" with that
    of their pixel in the last frame, which is what the challenge's scorer compares them with.

    Raises
    ------
    UserError : as `benchmark.runs.track.open_tracker`; an unknown word.
    """
    refuse_unknown_word(first_frame_landmarks)
    domain: Domain | None = None
    if isinstance(tracker, str):
        tracker, domain = open_tracker(tracker, Path(folder) if folder else None, report)

    def predict_ddfs(
        frames: Any, landmark: Any, data_path_calib: Path | str, device: Any = None
    ) -> Fields:
        """Return GP, GL, LP, LL: displacements in mm of all pixels and of the landmarks.

        frames (N, H, W) uint8; landmark (L, 3): frame from 0, x and y from 1; data_path_calib: the
        challenge's calib_matrix.csv; device: torch's, for a tracker with a network. Global (G)
        fields lead to the first frame, local (L) ones to the previous; pixels are of frames 2..N,
        x fastest.
        """
        images = challenge_images(frames, data_path_calib)
        if device is not None and isinstance(tracker, LearnedTracker):
            tracker.module().to(device)
        prediction = track(tracker, domain, images, {}, report)
        marks = np.asarray(landmark, float)
        return displacement_fields(prediction, images, marks, first_frame_landmarks)

    return predict_ddfs


def challenge_images(frames: Any, calibration: Path | str) -> Images:
    """Return the challenge's frames (N, H, W) with its calibration, pixels counted from 0.

    Raises
    ------
    UserError : frames of another shape or type, a calibration that cannot be read.
    """
    values = np.asarray(frames)
    if values.ndim != 3 or not len(values):
        raise UserError(f"frames: expected shape (N, H, W), got {values.shape}")
    if values.dtype != np.uint8:
        raise UserError(f"frames: expected uint8, got {values.dtype}")
    scale, _ = read_tusrec_calibration(calibration)
    return Images(values, np.arange(len(values)) / FRAME_RATE, scale @ COUNT_FROM_ONE)


def displacement_fields(
    prediction: Prediction,
    images: Images,
    landmark: np.ndarray,
    first_frame_landmarks: FirstFrame = "still",
) -> Fields:
    """Return GP, GL, LP, LL of a prediction, in the order in which the challenge takes them.

    landmark (L, 3): frame from 0, x and y from 1; first_frame_landmarks: as of `submission`.

    Raises
    ------
    UserError : a landmark outside the sweep.
    """
    marks = landmark.reshape(-1, 3) - np.array([0.0, 1.0, 1.0])
    count = len(images.frames)
    if len(marks) and not (marks[:, 0].min() >= 0 and marks[:, 0].max() < count):
        raise UserError(f"landmark: expected frames 0 to {count - 1}")
    points = pixel_points(images)
    fields: list[np.ndarray] = []
    for poses in anchored_poses(prediction):
        pixels = np.empty((count - 1, 3, len(points)), np.float32)
        for index, pose in enumerate(poses[1:]):
            pixels[index] = displacement(pose, points)
        fields += [pixels, landmark_displacements(poses, images, marks, first_frame_landmarks)]
    return fields[0], fields[1], fields[2], fields[3]
