"""Echoes that are no single scattering: reverberation, clutter and ringing, added to the IQ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.clutter import add_clutter, draw_halo
from simulate.bmode.reverberation import Reverberation
from simulate.bmode.ring_down import ring_down
from simulate.bmode.settings import SILENT_DB, BmodeSettings
from simulate.iq.beam import Beam
from simulate.iq.echo import Echo

Add = Callable[[NDArray[np.float32]], None]


def artefacts(echo: Echo, settings: BmodeSettings, beam: Beam, seed: int) -> Add | None:
    """Return a function that adds to the IQ of a frame what the settings ask for; None for nothing.

    It changes IQ (rows, 2 columns) float32, (re, im) interleaved, in place; what it adds is a
    function of that IQ only.

    Parameters
    ----------
    echo : of the probe in the tissue; beam : of both.
    seed : of the machine: its halo and its ringing are the same in all frames of a sweep.
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2)]
    multiples = clutter = ringing = None
    if settings.reverberation_db > SILENT_DB:
        multiples = Reverberation(echo, settings, beam)
    if settings.clutter_db > SILENT_DB:
        clutter = draw_halo(streams[0], settings, beam)
    if settings.ring_down_db > SILENT_DB:
        ringing = ring_down(streams[1], echo.probe, settings, beam)
    if multiples is None and clutter is None and ringing is None:
        return None
    grid, depths = beam.grid, beam.grid.depths_mm

    def add(iq: NDArray[np.float32]) -> None:
        added = np.zeros_like(iq)
        if clutter is not None:
            add_clutter(iq, clutter, depths, grid.row_step, grid.radius_mm, added)
        if multiples is not None:
            multiples(iq.view(np.complex64), added.view(np.complex64))
        if ringing is not None:
            added.view(np.complex64)[:] += ringing
        iq += added

    return add
