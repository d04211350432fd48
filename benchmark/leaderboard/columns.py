"""The columns of the board: which come first, how they are titled and printed."""

from collections.abc import Sequence

from benchmark.metrics import METRICS
from benchmark.scoring.protocol import SWEEPBENCH_V1, SWEEPBENCH_V2

HEADLINE = SWEEPBENCH_V1.headline
OWN_HEADLINES = (HEADLINE, SWEEPBENCH_V2.headline)
#: What a reader sees first; every other metric is in the csv and behind a button of the page.
MAIN_METRICS = (
    HEADLINE,
    "adr_path_centre",
    "gpe",
    "lpe",
    "segment_rotation",
    "rotation_geodesic",
    "motion_correlation",
)
#: Shown beside those of `MAIN_METRICS` that the protocol of another benchmark has.
LANDMARK_METRICS = ("gle", "lle")


def main_columns(headline: str, metrics: Sequence[str]) -> list[str]:
    """Return those of a board's metrics that a reader sees first, the headline before all."""
    rest = MAIN_METRICS if headline in OWN_HEADLINES else (*MAIN_METRICS, *LANDMARK_METRICS)
    return [metric for metric in dict.fromkeys([headline, *rest]) if metric in metrics]


def short_title(metric: str) -> str:
    """Return the name of a metric over a column; of an unknown one its id."""
    return METRICS[metric].short if metric in METRICS else metric[:1].upper() + metric[1:]


def unit(metric: str) -> str:
    """Return the unit of a metric as printed; empty for a pure number."""
    found = METRICS[metric].unit if metric in METRICS else ""
    return found.replace("deg", "°")


def digits(metric: str) -> int:
    """Return how many decimals a metric is printed with."""
    return METRICS[metric].digits if metric in METRICS else 2
