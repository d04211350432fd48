"""The columns of the board: which come first, how they are titled and printed."""

import re
from collections.abc import Sequence

from benchmark.metrics import METRICS

HEADLINE = "fdr_path_centre"


#: What a reader sees first; every other metric is in the csv and behind a button of the page.
MAIN_METRICS = (
    HEADLINE,
    "adr_path_centre",
    "gpe",
    "lpe",
    "rotation_geodesic",
    "motion_correlation",
)


#: Beside those that a protocol of another benchmark has of them.
TUSREC_METRICS = ("gle", "lle")


#: Names that fit over a column; elsewhere a metric bears its full title.
SHORT_TITLES = {
    "fdr_path_centre": "Final drift",
    "adr_path_centre": "Average drift",
    "gpe": "Global error",
    "lpe": "Local error",
    "gle": "Global landmark error",
    "lle": "Local landmark error",
    "rotation_geodesic": "Rotation error",
    "motion_correlation": "Correlation",
}


FINE = re.compile(r"^(lpe|lle|fe_4pt|rfe_moglo|rae_.*|elevational_si.*|(mae|noise|bias)_step_.*)$")


def main_columns(headline: str, metrics: Sequence[str]) -> list[str]:
    """Return those of a board's metrics that a reader sees first, the headline before all."""
    rest = [*MAIN_METRICS, *TUSREC_METRICS] if headline != HEADLINE else MAIN_METRICS
    return [metric for metric in dict.fromkeys([headline, *rest]) if metric in metrics]


def short_title(metric: str) -> str:
    """Return the name of a metric for a column; its id where nothing else is known."""
    if metric in SHORT_TITLES:
        return SHORT_TITLES[metric]
    title = METRICS[metric].title if metric in METRICS else metric
    return title[:1].upper() + title[1:]


def unit(metric: str) -> str:
    """Return the unit of a metric as printed; empty for a pure number."""
    found = METRICS[metric].unit if metric in METRICS else ""
    return "°" if found == "deg" else found


def digits(metric: str) -> int:
    """Return how many decimals a metric is printed with."""
    if FINE.match(metric):
        return 3
    return 1 if unit(metric) == "%" else 2
