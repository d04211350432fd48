"""The mean over all pixels of a distance that is linear in the pixel: the kernel of GPE and LPE.

Imported only when a metric needs it, because it loads numba.
"""

import math

import numpy as np

from benchmark.machine.kernels import compiled
from benchmark.workers import in_parts

# Sums may be reordered, so that the loop over columns runs in vector registers; nothing else of
# fast-math is allowed, since a wrong root would go unseen.
_REORDER = {"reassoc", "contract", "nsz"}


def mean_length(triangles: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the mean (N,) over all pixels of |R_i (column, row, 1)|, R_i upper triangular.

    triangles (N, 3, 3) float64, contiguous. Each frame is summed by one thread in one order: the
    number of threads changes nothing.
    """
    means = np.empty(len(triangles))

    def work(start: int, stop: int) -> None:
        _mean_length(triangles[start:stop], rows, columns, means[start:stop])

    in_parts(work, len(triangles))
    return means


@compiled(nogil=True, fastmath=_REORDER)
def _mean_length(triangles: np.ndarray, rows: int, columns: int, means: np.ndarray) -> None:
    places = np.arange(columns).astype(np.float64)
    for index in range(len(triangles)):
        r = triangles[index]
        slope, last = r[0, 0], r[2, 2] * r[2, 2]
        total = 0.0
        for row in range(rows):
            start = r[0, 1] * row + r[0, 2]
            second = r[1, 1] * row + r[1, 2]
            rest = second * second + last
            part = 0.0
            for column in range(columns):
                first = slope * places[column] + start
                part += math.sqrt(first * first + rest)
            total += part
        means[index] = total / (rows * columns)
