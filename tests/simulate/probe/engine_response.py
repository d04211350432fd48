"""The engine's response of one sample, measured with one scatterer a frame.

On the grid of the independent field's response, so that both go through the same function
(`rayleigh.Response.correlation`) and no realisation of speckle is needed.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np

from simulate.bmode import render as bmode
from simulate.bmode.settings import BmodeSettings
from simulate.probe.transducer import Probe
from tests.simulate.probe.rayleigh import Response
from tests.simulate.speckle import Listed, Uniform

QUIET = BmodeSettings(noise_db=-200.0)


def engine_response(probe: Probe, like: Response, settings: BmodeSettings = QUIET) -> Response:
    """Return the engine's response at the depth of `like`, in the middle of the image.

    Columns are alike there, so the echoes of one scatterer in all columns are the echoes of
    scatterers aside in one. Elevations are taken from 0 upwards and mirrored.
    """
    window = _window(probe, like)
    half = like.elevation[len(like.elevation) // 2 :]
    beam = bmode.beam_for(Uniform(), window, settings)
    depths, places = beam.grid.depths_mm, beam.grid.lateral
    row = int(np.argmin(np.abs(depths - like.depth_mm)))
    down = depths[row] + like.range_ - like.depth_mm
    poses = np.tile(np.eye(4), (len(down) * len(half), 1, 1))
    poses[:, 1, 3] = -np.repeat(down, len(half))
    poses[:, 2, 3] = -np.tile(half, len(down))
    here = type("Here", (Listed,), {"listed": (np.zeros((1, 3)), np.ones(1))})
    with patch.object(bmode, "ScattererStore", here):
        iq = bmode.render_iq(Uniform(), window, settings, poses)
    if like.radius_mm:
        places = places * (like.radius_mm + like.depth_mm)
    aside = np.abs(places) <= like.lateral[-1]
    values = iq[:, row, aside].astype(np.complex128).reshape(len(down), len(half), -1)
    values = values.transpose(2, 0, 1)[::-1]
    # The phase of an echo is exp(-2jky) in the engine.
    turn = np.exp(1j * like.carrier * (down - depths[row]))
    values = values * turn[:, None]
    whole = np.concatenate([values[:, :, :0:-1], values], axis=2)
    return replace(like, lateral=-places[aside][::-1], values=whole, carrier=-like.carrier)


def _window(probe: Probe, like: Response) -> Probe:
    """Return the probe with an image of a few rows about a depth, no wider than needed.

    A curvilinear image is as wide as its array, so the array is cut to the elements in use.
    """
    start = max(like.depth_mm - 0.5, 0.0)
    width, elements = min(2.0 * like.lateral[-1] + 1.0, probe.width_mm), probe.elements
    if probe.radius_mm:
        sent = probe.transmit_focus_mm / probe.transmit_f_number
        used = max(sent, like.depth_mm / probe.f_number) + width
        elements = min(2 * int(np.ceil(0.5 * used / probe.pitch_mm)), elements)
    return replace(
        probe, start_depth_mm=start, depth_mm=start + 1.0, height_px=24, width_mm=width,
        width_px=max(8, round(width / 0.1)), elements=elements,
    )  # fmt: skip


def engine_plane(probe: Probe, like: Response, settings: BmodeSettings = QUIET) -> Response:
    """Return the engine's response in the image plane, of the line of `like` on a linear array.

    Scatterers lie in the plane only; each is moved to every place of the grid, so that the line may
    be one near the array's end, whose neighbours are not like it.
    """
    start = max(like.depth_mm - 0.5, 0.0)
    window = replace(probe, start_depth_mm=start, depth_mm=start + 1.0, height_px=24)
    beam = bmode.beam_for(Uniform(), window, settings)
    row = int(np.argmin(np.abs(beam.grid.depths_mm - like.depth_mm)))
    column = int(np.argmin(np.abs(beam.grid.lateral - like.line_mm)))
    across, down = np.meshgrid(
        beam.grid.lateral[column] + like.lateral,
        beam.grid.depths_mm[row] + like.range_ - like.depth_mm,
        indexing="ij",
    )
    poses = np.tile(np.eye(4), (across.size, 1, 1))
    poses[:, 0, 3], poses[:, 1, 3] = -across.ravel(), -down.ravel()
    here = type("Here", (Listed,), {"listed": (np.zeros((1, 3)), np.ones(1))})
    with patch.object(bmode, "ScattererStore", here):
        iq = bmode.render_iq(Uniform(), window, settings, poses)
    values = iq[:, row, column].astype(np.complex128).reshape(*across.shape, 1)
    turn = np.exp(1j * like.carrier * (like.range_ - like.depth_mm))
    return replace(
        like, elevation=np.zeros(1), values=values * turn[:, None], carrier=-like.carrier
    )
