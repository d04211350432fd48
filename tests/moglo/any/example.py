"""Small observations of drifting noise, of any size, with a probe that is known."""

from dataclasses import replace

import numpy as np

from benchmark.checker import example_observation
from benchmark.speckle.map import SpeckleMap
from benchmark.sweep import Observation

DEPTH_MM = np.array([0.0, 100.0])


def table(elevation=0.4, lateral=0.3, axial=0.2, error=0.1):
    """Return a measured speckle map, the same at all depths, as a probe's description has it."""
    told = {"lateral_mm": lateral, "axial_mm": axial, "elevation_mm": elevation}
    maps = {key: [value, 1.5 * value] for key, value in told.items()}
    return {"depth_mm": DEPTH_MM.tolist(), **maps, "relative_error": error}


def observation(frames=6, height=96, width=96, pixel=0.2, mask=None, speckle=None):
    """Return an observation whose probe has a measured speckle map."""
    example = example_observation(frames, height, width)
    grid = example.bmode.mm_from_pixel.copy()
    grid[:2] *= pixel / 0.2
    images = replace(example.bmode, mm_from_pixel=grid, mask=mask)
    probe = {**example.probe, "speckle": table() if speckle is None else speckle}
    return Observation({"bmode": images}, probe)


def speckle_of(taken):
    """Return the speckle map of an observation with a measured one."""
    told = taken.probe["speckle"]
    keys = ("lateral_mm", "axial_mm", "elevation_mm")
    lengths = (np.array(told[key]) for key in keys)
    return SpeckleMap(DEPTH_MM, *lengths, told["relative_error"], "measured")
