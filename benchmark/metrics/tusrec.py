"""The point errors of the TUS-REC challenge, exact over all pixels, and their scores."""

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import Case
from benchmark.metrics.registry import METRICS, metric

TUSREC = "TUS-REC challenge 2024/2025"
CATEGORIES = {
    "final": ("gpe", "gle", "lpe", "lle"),
    "global": ("gpe", "gle"),
    "local": ("lpe", "lle"),
    "pixel": ("gpe", "lpe"),
    "landmark": ("gle", "lle"),
}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


@metric(
    "gpe",
    "global pixel error",
    "mm",
    "lower",
    TUSREC,
    short="Global error",
    meaning="distance of every pixel from its true place in the first frame's space, averaged over "
    "pixels and frames",
)
def gpe(case: Case) -> float:
    """mean over frames i >= 2 and all pixels p of |(G_i - P_i) p|, poses to the first frame"""
    return _mean(case.global_pixel_errors)


@metric(
    "lpe",
    "local pixel error",
    "mm",
    "lower",
    TUSREC,
    short="Local error",
    meaning="the same for steps: every pixel against its true place in the previous frame's space",
    digits=3,
)
def lpe(case: Case) -> float:
    """mean over frames i >= 2 and all pixels p of |(g_i - p_i) p|, steps to the previous frame"""
    return _mean(case.local_pixel_errors)


@metric("gle", "global landmark error", "mm", "lower", TUSREC)
def gle(case: Case) -> float:
    """mean over landmarks of |(G_i - P_i) p|; a landmark on the first frame counts with 0"""
    difference = case.true_first_from_frame - case.predicted_first_from_frame
    return _landmark_error(case, difference)


@metric("lle", "local landmark error", "mm", "lower", TUSREC, digits=3)
def lle(case: Case) -> float:
    """mean over landmarks of |(g_i - p_i) p|; a landmark on the first frame counts with 0"""
    difference = case.true_prev_from_frame - case.predicted_prev_from_frame
    # The first frame has no previous one: true and predicted displacement are both zero.
    return _landmark_error(case, np.concatenate([np.zeros((1, 4, 4)), difference]))


def _landmark_error(case: Case, difference: np.ndarray) -> float:
    points = case.image_points(case.landmarks[:, 1:])
    own = difference[case.landmarks[:, 0].astype(int)]
    return _mean(np.linalg.norm(geometry.apply(own, points[:, None])[:, 0], axis=-1))


def identity_score(identifier: str, case: Case) -> float:
    """Return 1 - X / X_identity of an error X; 1 for the truth, 0 for no motion, may be negative.

    NaN where the truth does not move either.
    """
    function = METRICS[identifier].function
    still = function(case.identity)
    return 1 - function(case) / still if still > 1e-9 else float("nan")


def _enter_score(identifier: str) -> None:
    @metric(
        f"{identifier}_score",
        f"{METRICS[identifier].title}, score",
        "",
        "higher",
        TUSREC + " (2025 normalisation)",
        f"1 - {identifier} / {identifier} of the identity prediction; negatives stay",
    )
    def score(case: Case) -> float:
        return identity_score(identifier, case)


def _enter_category(category: str, members: tuple[str, ...]) -> None:
    names = " + ".join(f"{name}_score" for name in members)

    @metric(
        f"tusrec2025_{category}",
        f"TUS-REC2025 {category} score",
        "",
        "higher",
        "TUS-REC challenge 2025",
        f"({names}) / {len(members)}",
    )
    def score(case: Case) -> float:
        return float(np.mean([identity_score(name, case) for name in members]))


for _identifier in ("gpe", "lpe", "gle", "lle"):
    _enter_score(_identifier)
for _category, _members in CATEGORIES.items():
    _enter_category(_category, _members)


def range_normalised_scores(
    errors: dict[str, np.ndarray], baseline: str | None = None
) -> dict[str, np.ndarray]:
    """Return the 2024 scores (X_max - X) / (X_max - X_min) of a table; they depend on its rows.

    Parameters
    ----------
    errors : one error per scan (S,), by participant; NaN where a scan has none.
    baseline : a participant; those whose mean error is larger do not set the range (theirs may
        then fall far below 0), as in the 2024 edition.

    Returns
    -------
    Scores (S,) by participant, NaN at scans where a participant has no error (a scan without
    landmarks) and where all participants that set the range agree.
    """
    shared = np.isfinite(list(errors.values())).all(0)
    totals = {name: np.where(shared, values, 0).sum() for name, values in errors.items()}
    limit = np.inf if baseline is None else totals[baseline]
    setters = np.array([values for name, values in errors.items() if totals[name] <= limit])
    high, low = setters.max(0), setters.min(0)
    span = np.where(shared & (high > low), high - low, np.nan)
    return {name: (high - values) / span for name, values in errors.items()}
