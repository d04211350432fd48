"""The IQ of one frame: scatterers to grid, then shadow, noise and filters.

The sum of a frame runs over blocks in the order of their index in the world and over scatterers in
the order of their number, whatever else is in memory. Its bytes therefore depend on its pose and
its tissue only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import borrower
from simulate.iq.beam import Beam
from simulate.iq.culling import ROOT3, extent, rotate_cells, rotated, thin_cell, touches
from simulate.iq.drawing import BLOCK_SIDE, CELLS
from simulate.iq.filters import add_noise, filter_frame, shade
from simulate.iq.moving import Motion, scratch, splat_moving
from simulate.iq.scatterers import Scatterers, entries_at
from simulate.iq.staging import BATCH, STAGE, Workspace, add_staged, stage

_f = np.float32


class Frame(NamedTuple):
    """What one frame sees, beside its scatterers and its beam.

    views : (L, 4, 4) float64, world mm to image mm at each line; one of them where L is 1.
    motion : how lines and tissue move; None for a frame at rest.
    thinned : whether drawn cells are thinned to `Beam.keep`.
    shadow : (depths, lines) float32 amplitude left by attenuation in space; None for no shadow.
    noise_key : of the electronic noise; None for no noise.
    """

    views: NDArray[np.float64]
    motion: Motion | None = None
    thinned: bool = False
    shadow: NDArray[np.float32] | None = None
    noise_key: np.uint64 | None = None


def frame_iq(
    scatterers: Scatterers, frame: Frame, beam: Beam, work: Workspace, out: NDArray[np.float32]
) -> None:
    """Write the beamformed IQ of one frame to `out` (inner rows, 2 inner columns) float32.

    scatterers: at least all blocks that the frame touches, and with a motion exactly the blocks
    that its displacements are given for.
    """
    # None rather than 0 or False: numba then compiles kernels without what is not there.
    radius = beam.grid.radius_mm or None
    work.grid[:] = 0.0
    if frame.motion is None:
        thinned = True if frame.thinned else None
        splat_frame(scatterers, frame.views[0], thinned, beam, radius, work)
    else:
        sheared = True if len(frame.views) > 1 else None
        splat_moving(scatterers, frame.views, frame.motion, sheared, beam, radius, scratch(), work)
    if frame.shadow is not None:
        shade(frame.shadow, beam.grid, work.grid)
    if frame.noise_key is not None:
        add_noise(frame.noise_key, beam, work)
    filter_frame(beam, work, out)


@borrower
def splat_frame(scatterers, image_from_world, thinned, beam, radius, work):
    """Add to the grid of `work` all scatterers that a frame at rest hears.

    Parameters
    ----------
    scatterers : blocks of `Scatterers`, at least all that the frame touches.
    image_from_world : (4, 4) float64, world mm to image mm.
    thinned : True to thin drawn cells to `Beam.keep`, else None.
    radius : of a curvilinear probe, mm; None for a linear one.
    """
    matrix = image_from_world
    cell_mm = scatterers.cell_mm
    reach = 0.5 * cell_mm * extent(matrix)
    diagonal = 0.5 * ROOT3 * cell_mm
    offsets = work.offsets
    rotate_cells(matrix, cell_mm, offsets)
    side = 0.5 * BLOCK_SIDE * cell_mm
    to_middle = rotated(matrix, side, side, side)
    staged = np.int64(0)  # a literal 0 would be compiled for, too
    for block in range(len(scatterers.places)):
        corner = scatterers.corners[block]
        turned = rotated(matrix, corner[0], corner[1], corner[2])
        ox, oy, oz = turned[0] + matrix[0, 3], turned[1] + matrix[1, 3], turned[2] + matrix[2, 3]
        middle = (ox + to_middle[0], oy + to_middle[1], oz + to_middle[2])
        if not touches(middle, BLOCK_SIDE * reach, BLOCK_SIDE * diagonal, beam):
            continue
        starts = scatterers.starts[block]
        entries = entries_at(scatterers.places[block], starts[CELLS])
        x, y, z, amplitude = entries[0], entries[1], entries[2], entries[3]
        cell = 0
        while cell < CELLS:
            # Cells that follow one another in memory are transformed in one run.
            first = cell
            while cell < CELLS:
                centre = (ox + offsets[cell, 0], oy + offsets[cell, 1], oz + offsets[cell, 2])
                if not touches(centre, reach, diagonal, beam):
                    break
                cell += 1
            begin, end = starts[first], starts[cell]
            cell += 1
            # Thinning counts the scatterers of whole cells, so a run must not be split.
            if thinned is not None and staged + end - begin > STAGE:
                add_staged(staged, beam, work)
                staged = np.int64(0)
            run = staged - begin
            while begin < end:
                stop = min(end, begin + STAGE - staged)
                stage(
                    x[begin:stop], y[begin:stop], z[begin:stop], amplitude[begin:stop], _f(1.0),
                    (ox, oy, oz), matrix, None, radius, work, staged,
                )  # fmt: skip
                staged += stop - begin
                begin = stop
                if thinned is not None and not scatterers.listed[block]:
                    for c in range(first, cell - 1):
                        place = (ox + offsets[c, 0], oy + offsets[c, 1], oz + offsets[c, 2])
                        padded = starts[c + 1] - starts[c]
                        count = scatterers.counts[block, c]
                        thin_cell(work, run + starts[c], padded, count, place, beam)
                if staged >= BATCH:
                    add_staged(staged, beam, work)
                    staged = np.int64(0)
    add_staged(staged, beam, work)
