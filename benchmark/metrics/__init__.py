"""Every error measure of the field as one pure function under one frozen id.

`METRICS[id]` holds the function with its unit and definition, `compute` evaluates several on one
`Case` (the truth and one prediction of one sweep). No files, no torch, no tracker.
"""

# Each import enters a family into METRICS: their order is that of the columns of a board's csv.
# isort: off
from benchmark.metrics import drift, diagnosis, uncertainty, rotation, moglo, overlap, slam
from benchmark.metrics import segments, tusrec

# isort: on
from benchmark.metrics.case import Case
from benchmark.metrics.registry import METRICS, Metric, compute
from benchmark.metrics.tusrec import range_normalised_scores

__all__ = [
    "METRICS",
    "Case",
    "Metric",
    "compute",
    "diagnosis",
    "drift",
    "moglo",
    "overlap",
    "range_normalised_scores",
    "rotation",
    "segments",
    "slam",
    "tusrec",
    "uncertainty",
]
