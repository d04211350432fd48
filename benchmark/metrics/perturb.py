"""The truth of one sweep, spoiled in one known way at a time: what each metric then says."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmark import geometry
from benchmark.metrics import Case, compute

SEED = 20_251_105
DRAWS = 8  # random rows of the table are means over so many draws
DIAGONAL = np.full(3, 1 / np.sqrt(3))

#: From true steps about the image centre (N-1, 6; mm, rad) and a generator to spoiled steps.
Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def example_case(frames: int = 435, shape: tuple[int, int] = (120, 160)) -> Case:
    """Return the truth, predicted perfectly, of a hand-like sweep of about 170 mm.

    The image is 146.8 x 106.1 mm, as in TUS-REC, at a quarter of its resolution. The hand advances
    elevationally with unsteady speed, pauses and goes back once, swings sideways in an S, tilts
    slowly and trembles. Landmarks lie on the first, a middle and the last frame.
    """
    rng = np.random.default_rng(SEED)
    t = np.linspace(0, 1, frames - 1)
    steps = np.empty((frames - 1, 6))
    forward = 1 - 1.6 / (1 + ((t - 0.5) / 0.035) ** 4)  # dips below zero: back for a moment
    steps[:, 2] = 0.34 * forward * (1 + 0.3 * np.sin(17 * t) + 0.1 * np.sin(61 * t + 1))
    steps[:, 0] = 0.20 * np.sin(2 * np.pi * t + 0.4)
    steps[:, 1] = 0.03 * np.sin(5 * np.pi * t)
    swing, phase = np.array([0.0007, 0.0005, 0.0009]), np.array([0.2, 1.1, 2.3])
    steps[:, 3:] = swing * np.sin(np.outer(t, [7.0, 11.0, 5.0]) + phase)
    tremor = np.array([0.02] * 3 + [0.0003] * 3)
    steps += tremor * np.sin(2 * np.pi * np.outer(t, [83, 97, 71, 89, 67, 79]) + rng.normal(size=6))
    mm_from_pixel = np.diag([146.809 / shape[1], 106.070 / shape[0], 1.0, 1.0])
    mm_from_pixel[0, 3] = -mm_from_pixel[0, 0] * (shape[1] - 1) / 2
    rows, columns = shape
    landmarks = np.array(
        [[0, 10, 20], [frames // 2, columns / 2, rows / 3], [frames - 1, columns - 9, rows - 7]],
        float,
    )
    still = Case(np.eye(4)[None], np.eye(4)[None], mm_from_pixel, shape)
    true = geometry.chain(poses_from_steps(still.centre, steps))
    return Case(true, true, mm_from_pixel, shape, landmarks=landmarks)


def poses_from_steps(centre: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return poses (N, 4, 4) of degrees of freedom (N, 6; mm, rad) about the point `centre`."""
    return geometry.about(-centre, geometry.from_degrees_of_freedom(steps))


def _add(value: np.ndarray, part: slice) -> Spoil:
    def spoil(steps: np.ndarray, _: np.random.Generator) -> np.ndarray:
        spoiled = steps.copy()
        spoiled[:, part] += value
        return spoiled

    return spoil


def _noise(sigma: float, part: slice) -> Spoil:
    def spoil(steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        spoiled = steps.copy()
        spoiled[:, part] += rng.normal(0, sigma, (len(steps), 3))
        return spoiled

    return spoil


def _scale(factors: Sequence[float]) -> Spoil:
    return lambda steps, _: steps * np.array(factors)


def _sign_lost(steps: np.ndarray, _: np.random.Generator) -> np.ndarray:
    spoiled = steps.copy()
    spoiled[:, 2] = np.abs(steps[:, 2])
    return spoiled


def _mean(steps: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.broadcast_to(steps.mean(0), steps.shape)


def _late(steps: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.vstack([np.zeros(6), steps[:-1]])


MOVE, TURN = slice(0, 3), slice(3, 6)
#: Every way of spoiling, by the name of its row.
PERTURBATIONS: Mapping[str, Spoil] = {
    "ground truth": _scale([1] * 6),
    "identity": _scale([0] * 6),
    "sweep-mean constant motion": _mean,
    "no rotation": _scale([1, 1, 1, 0, 0, 0]),
    "no translation": _scale([0, 0, 0, 1, 1, 1]),
    "in-plane motion only": _scale([1, 1, 0, 0, 0, 1]),
    "elevational sign lost": _sign_lost,
    "elevational sign flipped": _scale([1, 1, -1, 1, 1, 1]),
    "translation times 0.9": _scale([0.9, 0.9, 0.9, 1, 1, 1]),
    "one frame late": _late,
    **{f"white noise {s} mm": _noise(s, MOVE) for s in (0.05, 0.1, 0.2)},
    **{f"white noise {d} deg": _noise(np.radians(d), TURN) for d in (0.05, 0.1)},
    **{f"bias {b} mm": _add(b * DIAGONAL, MOVE) for b in (0.01, 0.02)},
    **{f"bias {d} deg": _add(np.radians(d) * DIAGONAL, TURN) for d in (0.005, 0.01, 0.02)},
}


def spoiled_case(truth: Case, name: str, seed: int = SEED) -> Case:
    """Return the case of a truth and its perturbation `name` of `PERTURBATIONS`."""
    motion = geometry.degrees_of_freedom(geometry.about(truth.centre, truth.true_prev_from_frame))
    spoiled = PERTURBATIONS[name](motion, np.random.default_rng(seed))
    steps = poses_from_steps(truth.centre, spoiled)
    return Case(
        truth.true_first_from_frame,
        geometry.chain(steps),
        truth.mm_from_pixel,
        truth.shape,
        steps,
        truth.landmarks,
    )


def perturbation_table(
    truth: Case, metrics: Sequence[str], *, draws: int = DRAWS
) -> dict[str, dict[str, float | None]]:
    """Return the value of every metric for every perturbation: table[perturbation][metric]."""
    table = {}
    for name in PERTURBATIONS:
        seeds = range(SEED, SEED + draws) if "noise" in name else [SEED]
        rows = [compute(spoiled_case(truth, name, seed), metrics) for seed in seeds]
        table[name] = {metric: _mean_known([row[metric] for row in rows]) for metric in metrics}
    return table


def _mean_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
