"""Random sweeps with predictions, written with SciPy alone, so that tests share no code with what
they test."""

import numpy as np
from scipy.spatial.transform import Rotation

from benchmark.metrics import Case

MM_FROM_PIXEL = np.array(
    [[0.31, 0.01, 0.0, -4.2], [-0.02, 0.27, 0.0, 1.3], [0.0, 0.03, 1.0, 0.7], [0.0, 0.0, 0.0, 1.0]]
)
SHAPE = (23, 31)


def pose(vector, translation) -> np.ndarray:
    """Return a pose (4, 4) of a rotation vector (rad) and a translation (mm)."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(vector).as_matrix()
    matrix[:3, 3] = translation
    return matrix


def chained(steps) -> np.ndarray:
    """Return first_from_frame (N, 4, 4) of steps, one product after another."""
    poses = [np.eye(4)]
    for step in steps:
        poses.append(poses[-1] @ step)
    return np.array(poses)


def random_steps(rng, count: int, length: float = 0.4, turn: float = 0.03) -> np.ndarray:
    """Return steps (count, 4, 4) that advance along z with random motion on top."""
    return np.array(
        [
            pose(turn * rng.normal(size=3), [0, 0, length] + length * rng.normal(size=3))
            for _ in range(count)
        ]
    )


def random_case(seed: int, frames: int = 14, landmarks: int = 6, own_steps: bool = False) -> Case:
    """Return a case with independent truth and prediction; the first landmark lies on frame 0.

    own_steps: the prediction states steps that differ from those of its poses.
    """
    rng = np.random.default_rng(seed)
    true, other = random_steps(rng, frames - 1), random_steps(rng, frames - 1)
    predicted = chained(
        [a @ pose(0.02 * rng.normal(size=3), 0.2 * rng.normal(size=3)) for a in true]
    )
    rows = np.column_stack(
        [
            rng.integers(0, frames, landmarks),
            rng.uniform(0, SHAPE[1] - 1, landmarks),
            rng.uniform(0, SHAPE[0] - 1, landmarks),
        ]
    )
    if landmarks:
        rows[0, 0] = 0
    return Case(chained(true), predicted, MM_FROM_PIXEL, SHAPE, other if own_steps else None, rows)


def whole_case(seed: int, exact: bool = False) -> Case:
    """Return a case for which every metric is defined: about 220 mm long, turned by 140 degrees.

    It has landmarks, steps of its own and sigma (0.05 mm). exact: the prediction is the truth.
    """
    rng = np.random.default_rng(seed)
    turn = np.array([0.0, np.radians(1.0), 0.0])
    true = [
        pose(turn + 0.004 * rng.normal(size=3), [0, 0, 1.5] + 0.2 * rng.normal(size=3))
        for _ in range(140)
    ]
    wrong = [a @ pose(0.004 * rng.normal(size=3), rng.normal(size=3)) for a in true]
    steps = np.array(true if exact else wrong)
    first = np.array([[0, 3, 5], [60, 20, 9], [140, 30, 22]], float)
    return Case(
        chained(true), chained(steps), MM_FROM_PIXEL, SHAPE, steps, first, np.full(140, 0.05)
    )


def case_of(true, predicted, shape=SHAPE, mm_from_pixel=MM_FROM_PIXEL) -> Case:
    """Return a case of two lists of poses."""
    return Case(np.array(true), np.array(predicted), mm_from_pixel, shape)


def moved(translations) -> np.ndarray:
    """Return poses without rotation at given places (N, 3)."""
    return np.array([pose(np.zeros(3), place) for place in translations])
