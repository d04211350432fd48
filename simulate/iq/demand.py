"""Which scatterers of each cell are heard by any frame of a sweep.

The tissue is asked about no others, and no others are stored. Since a frame hears the first
scatterers of a cell, or none, the demand for a cell is one number: the largest share of its
scatterers that a frame keeps.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from simulate.compiled import borrower
from simulate.iq.beam import Beam
from simulate.iq.culling import ROOT3, extent, rotate_cells, rotated, share_kept, touches
from simulate.iq.drawing import BLOCK_SIDE, CELLS
from simulate.iq.scatterers import Name

Array = NDArray[np.float64]


class Demand:
    """The largest share of each cell's scatterers that any frame keeps, by block.

    cell_mm: side of a cell; thinned: whether drawn cells are thinned to `Beam.keep`.
    """

    def __init__(self, cell_mm: float, beam: Beam, thinned: bool) -> None:
        self.cell_mm = cell_mm
        # The largest of three rows: rounding may put a cell's centre into the row beside.
        self.beam = beam._replace(keep=maximum_filter1d(beam.keep, 3))
        self.thinned = thinned
        self._rows: dict[Name, int] = {}  # of `_shares`, by block
        self._shares: Array = np.zeros((256, CELLS))

    def add(self, image_from_world: Array, blocks: NDArray[np.int64]) -> None:
        """Take in a frame at rest, (4, 4), and the blocks (B, 3) that it may hear."""
        held = self._rows
        rows = np.array([held.setdefault(name, len(held)) for name in _names(blocks)], np.int64)
        if len(held) > len(self._shares):
            more = np.zeros((2 * len(held) - len(self._shares), CELLS))
            self._shares = np.concatenate([self._shares, more])
        _raise(
            self._shares, rows, blocks, image_from_world, self.cell_mm, self.thinned, self.beam,
            np.empty((CELLS, 3)),
        )  # fmt: skip

    def shares(self, blocks: NDArray[np.int64]) -> Array:
        """Return the largest shares (B, CELLS) of the cells of blocks (B, 3); 0 where unheard."""
        rows = np.array([self._rows.get(name, -1) for name in _names(blocks)], np.int64)
        return np.where(rows[:, None] >= 0, self._shares[rows], 0.0)


def _names(blocks: NDArray[np.int64]) -> Iterable[Name]:
    return map(tuple, blocks.tolist())


@borrower
def _raise(shares, rows, blocks, image_from_world, cell_mm, thinned, beam, offsets):
    """Raise the shares of the cells of blocks (B, 3) to those that one frame keeps of them.

    rows (B,): of `shares` (rows, CELLS), those of the blocks; offsets (CELLS, 3): scratch. The
    tests of cells are those of `simulate.iq.one_frame.splat_frame`.
    """
    matrix = image_from_world
    reach = 0.5 * cell_mm * extent(matrix)
    diagonal = 0.5 * ROOT3 * cell_mm
    rotate_cells(matrix, cell_mm, offsets)
    side = BLOCK_SIDE * cell_mm
    for block in range(len(blocks)):
        i, j, k = blocks[block, 0] * side, blocks[block, 1] * side, blocks[block, 2] * side
        turned = rotated(matrix, i, j, k)
        ox, oy, oz = turned[0] + matrix[0, 3], turned[1] + matrix[1, 3], turned[2] + matrix[2, 3]
        for cell in range(CELLS):
            centre = (ox + offsets[cell, 0], oy + offsets[cell, 1], oz + offsets[cell, 2])
            if touches(centre, reach, diagonal, beam):
                share = share_kept(centre, beam) if thinned else 1.0
                row = rows[block]
                shares[row, cell] = max(shares[row, cell], share)
