"""Scatterers to baseband IQ, one frame at a time: cull, transform, splat, filter (numba).

A frame's sum runs over blocks in the order of their world index and over scatterers in the order
of their number, whatever else is in memory, so its bytes depend on its pose and its tissue only.
"""

from __future__ import annotations

import numpy as np

from simulate.compiled import kernel
from simulate.iq.culling import ROOT3, rotated, rotated_cells, touches
from simulate.iq.filters import add_noise, filter_frame, shade
from simulate.iq.moving import splat_moving
from simulate.iq.scatterers import BLOCK_SIDE, CELLS
from simulate.iq.staging import STAGE, splat_staged, stage, workspace
from simulate.iq.thinning import thin_cell

__all__ = ["frame_iq", "moving_frame_iq", "splat_frame", "workspace"]

_f = np.float32


@kernel
def splat_frame(scatterers, image_from_world, thinned, beam, radius, work):
    """Add all scatterers that one frame hears to the grid of `work`.

    Parameters
    ----------
    scatterers : blocks of `Scatterers`, at least all that the frame touches.
    image_from_world : (4, 4) float64, world mm to image mm.
    thinned : True to thin drawn cells to `Beam.keep`, else None.
    radius : of a curvilinear probe, mm; None for a linear one.
    """
    matrix = image_from_world
    cell_mm = scatterers.cell_mm
    reach = 0.5 * cell_mm * np.abs(matrix[2, :3]).sum()
    diagonal = 0.5 * ROOT3 * cell_mm
    offsets = rotated_cells(matrix, cell_mm)
    side = 0.5 * BLOCK_SIDE * cell_mm
    to_middle = rotated(matrix, side, side, side)
    staged = 0
    for block in range(len(scatterers.slots)):
        corner = scatterers.corners[block]
        turned = rotated(matrix, corner[0], corner[1], corner[2])
        ox, oy, oz = turned[0] + matrix[0, 3], turned[1] + matrix[1, 3], turned[2] + matrix[2, 3]
        middle = (ox + to_middle[0], oy + to_middle[1], oz + to_middle[2])
        if not touches(middle, BLOCK_SIDE * reach, BLOCK_SIDE * diagonal, beam):
            continue
        slot = scatterers.slots[block]
        starts = scatterers.starts[slot]
        x, y = scatterers.x[slot], scatterers.y[slot]
        z, amplitude = scatterers.z[slot], scatterers.amplitude[slot]
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
            if thinned is not None and staged + end - begin > STAGE:
                splat_staged(staged, beam.grid.columns, work)  # runs stay whole
                staged = 0
            run = staged - begin
            while begin < end:
                stop = min(end, begin + STAGE - staged)
                stage(
                    x[begin:stop], y[begin:stop], z[begin:stop], amplitude[begin:stop], _f(1.0),
                    (ox, oy, oz), matrix, None, beam.elevation_table, beam, radius, work, staged,
                )  # fmt: skip
                staged += stop - begin
                begin = stop
                if thinned is not None and not scatterers.listed[block]:
                    for c in range(first, cell - 1):
                        place = (ox + offsets[c, 0], oy + offsets[c, 1], oz + offsets[c, 2])
                        padded = starts[c + 1] - starts[c]
                        count = scatterers.counts[slot, c]
                        thin_cell(work, run + starts[c], padded, count, place, beam)
                if staged == STAGE:
                    splat_staged(staged, beam.grid.columns, work)
                    staged = 0
    splat_staged(staged, beam.grid.columns, work)


@kernel
def frame_iq(scatterers, image_from_world, beam, radius, noise_seed, noisy, work, out):
    """Beamformed IQ of one frame at rest; parameters as in `moving_frame_iq` and `splat_frame`."""
    work.grid[:] = _f(0.0)
    splat_frame(scatterers, image_from_world, None, beam, radius, work)
    if noisy:
        add_noise(noise_seed, beam, work)
    filter_frame(beam, work, out)


@kernel
def moving_frame_iq(
    scatterers, views, motion, sheared, thinned, beam, radius, shadow, noise_seed, noisy, work, out
):
    """Beamformed IQ of one frame with whatever moves or shades in it.

    Parameters
    ----------
    scatterers : blocks of `Scatterers`, all that the frame touches.
    views : (L, 4, 4) float64, world mm to image mm at each line; one of them where L is 1.
    motion : None, or the `Motion` of lines and tissue.
    sheared : None where all lines share one pose.
    thinned : True to thin drawn cells to `Beam.keep`, else None.
    radius : of a curvilinear probe, mm; None for a linear one.
    shadow : None, or (depths, lines) float32 amplitude left by attenuation in space.
    noise_seed, noisy : key of the electronic noise, and whether there is any.
    out : (inner rows, 2 inner columns) float32, overwritten.
    """
    work.grid[:] = _f(0.0)
    if motion is None:
        splat_frame(scatterers, views[0], thinned, beam, radius, work)
    else:
        splat_moving(scatterers, views, motion, sheared, beam, radius, work)
    if shadow is not None:
        shade(shadow, beam.grid, work.grid)
    if noisy:
        add_noise(noise_seed, beam, work)
    filter_frame(beam, work, out)
