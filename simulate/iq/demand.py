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

from simulate.compiled import kernel
from simulate.iq.beam import Beam
from simulate.iq.culling import ROOT3, rotated, rotated_cells, touches
from simulate.iq.scatterers import BLOCK_SIDE, CELLS, Name
from simulate.iq.thinning import share_kept

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
        self._shares: dict[Name, Array] = {}

    def add(self, image_from_world: Array, blocks: NDArray[np.int64]) -> None:
        """Take in a frame at rest, (4, 4), and the blocks (B, 3) that it may hear."""
        shares = self.shares(blocks)
        _raise(shares, blocks, image_from_world, self.cell_mm, self.thinned, self.beam)
        self._shares.update(zip(_names(blocks), shares, strict=True))

    def shares(self, blocks: NDArray[np.int64]) -> Array:
        """Return the largest shares (B, CELLS) of the cells of blocks (B, 3); 0 where unheard."""
        silent = np.zeros(CELLS, np.float64)
        found = [self._shares.get(name, silent) for name in _names(blocks)]
        return np.array(found, np.float64).reshape(-1, CELLS)


def _names(blocks: NDArray[np.int64]) -> Iterable[Name]:
    return map(tuple, blocks.tolist())


@kernel
def _raise(shares, blocks, image_from_world, cell_mm, thinned, beam):
    """Raise the shares (B, CELLS) of cells to those that one frame keeps of them.

    The tests of cells are those of `simulate.iq.one_frame.splat_frame`.
    """
    matrix = image_from_world
    reach = 0.5 * cell_mm * np.abs(matrix[2, :3]).sum()
    diagonal = 0.5 * ROOT3 * cell_mm
    offsets = rotated_cells(matrix, cell_mm)
    for block in range(len(blocks)):
        corner = blocks[block] * (BLOCK_SIDE * cell_mm)
        turned = rotated(matrix, corner[0], corner[1], corner[2])
        ox, oy, oz = turned[0] + matrix[0, 3], turned[1] + matrix[1, 3], turned[2] + matrix[2, 3]
        for cell in range(CELLS):
            centre = (ox + offsets[cell, 0], oy + offsets[cell, 1], oz + offsets[cell, 2])
            if touches(centre, reach, diagonal, beam):
                share = share_kept(centre, beam) if thinned else 1.0
                shares[block, cell] = max(shares[block, cell], share)
