"""Motion of the image centre, to and from poses, and the fusion of steps over several gaps."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark import geometry
from benchmark.speckle.samples import motion_between
from benchmark.sweep import Images, Sweep


def centre_motion(images: Images, prev_from_frame: np.ndarray) -> np.ndarray:
    """Return the motion (..., 6) of poses (..., 4, 4): image centre in mm, rotation vector."""
    centre = images.centre_mm
    return geometry.degrees_of_freedom(geometry.about(centre, prev_from_frame))


def steps_from_centre_motion(images: Images, motion: np.ndarray) -> np.ndarray:
    """Return poses (..., 4, 4), image mm, of centre motion (..., 6); undoes `centre_motion`."""
    return geometry.about(
        -images.centre_mm,
        geometry.from_degrees_of_freedom(motion),
    )


def true_motion(sweep: Sweep, gap: int = 1) -> np.ndarray:
    """Return the true centre motion (N-gap, 6) between frames `gap` apart."""
    return motion_between(sweep.bmode, sweep.bmode.world_from_image, gap)


def fuse_gaps(
    measures: Mapping[int, np.ndarray], variances: Mapping[int, np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return first_from_frame (N, 4, 4) and step variances (N-1, 6) from steps over several gaps.

    measures[k] (N-k, 4, 4): poses `frame_i_from_frame_i+k`, origins at the image centre;
    variances[k] (N-k, 6): of their translation (mm^2) and rotation vector (rad^2).
    Each gap k gives a candidate pose of a frame, from frame i-k. Candidates are averaged, for each
    degree of freedom, with the weights of the best linear unbiased estimate, C^-1 1 / (1' C^-1 1),
    where C is their covariance, including the errors of the frames they start from. Only earlier
    frames are used.
    """
    poses = np.tile(np.eye(4), (count, 1, 1))
    reach = max(measures)
    covariance = np.zeros((6, reach, reach))  # errors of the last `reach` poses, newest first
    spread = np.zeros((count - 1, 6))
    for i in range(1, count):
        gaps = [k for k in measures if k <= i]
        candidates = np.stack([poses[i - k] @ measures[k][i - k] for k in gaps])
        noise = np.stack([variances[k][i - k] for k in gaps], 1)
        poses[i], covariance, spread[i - 1] = _best_pose(
            poses[i - 1], candidates, noise, covariance, gaps
        )
    return poses, spread


def _best_pose(
    previous: np.ndarray,
    candidates: np.ndarray,
    noise: np.ndarray,
    covariance: np.ndarray,
    gaps: Sequence[int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the joined pose, the shifted covariance (6, K, K), the variance (6,) of the step."""
    index = np.asarray(gaps) - 1
    joint = covariance[:, index[:, None], index] + noise[:, :, None] * np.eye(len(gaps))
    weights = np.linalg.solve(joint, np.ones((6, len(gaps), 1)))[..., 0]
    weights /= weights.sum(1, keepdims=True)
    twists = geometry.log(geometry.inverse(previous) @ candidates)
    pose = previous @ geometry.exp((weights * twists.T).sum(1))
    variance = np.einsum("di,dij,dj->d", weights, joint, weights)
    cross = np.einsum("di,dij->dj", weights, covariance[:, index])
    moved = np.empty_like(covariance)
    moved[:, 1:, 1:] = covariance[:, :-1, :-1]
    moved[:, 0, 1:] = moved[:, 1:, 0] = cross[:, :-1]
    moved[:, 0, 0] = variance
    step = variance + covariance[:, 0, 0] - 2 * cross[:, 0]
    # Only differences matter: errors are relative to the oldest frame that is still in reach.
    oldest = moved[:, -1:, :]
    moved = moved - oldest - oldest.swapaxes(1, 2) + moved[:, -1:, -1:]
    return pose, moved, np.maximum(step, 0)
