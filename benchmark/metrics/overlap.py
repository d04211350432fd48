"""Overlap of the true and the predicted volume that the image plane sweeps."""

from benchmark.metrics.case import Case
from benchmark.metrics.registry import metric

LI = "Li et al. 2023"
#: A true sweep of less (mm^3) moved within the image plane: there is no volume to compare.
LEAST_VOLUME = 1.0


@metric("overlap_dice", "Dice overlap of the swept volumes", "", "higher", LI)
def overlap_dice(case: Case) -> float:
    """2 |A and B| / (|A| + |B|) of the true and predicted union of the bodies swept between
    neighbouring frames, on a 0.5 mm grid; not defined where the truth swept less than 1 mm^3"""
    true, predicted, both = case.swept
    return 2 * both / (true + predicted) if true >= LEAST_VOLUME else float("nan")


@metric("swept_volume_error", "swept volume error", "%", "lower", "Wein et al. 2020, on the sweep")
def swept_volume_error(case: Case) -> float:
    """100 |predicted - true| / true swept volume, on the same grid"""
    true, predicted, _ = case.swept
    return 100 * abs(predicted - true) / true if true >= LEAST_VOLUME else float("nan")
