"""What is known of a sweep beside its frames: where tissue shows, and the speckle there."""

import numpy as np

from benchmark.speckle.map import SpeckleMap, speckle_map
from benchmark.speckle.probe import depth_at
from benchmark.sweep import Observation

#: Channels of a condition: 1 where a pixel shows tissue, and correlation lengths in mm.
MASK, LATERAL, AXIAL, ELEVATIONAL = range(4)
LENGTHS = [LATERAL, AXIAL, ELEVATIONAL]
ORDINARY_MM = (0.25, 0.15, 0.4)  # lengths of one ordinary probe, for the ablation of the map


def condition_of(observation: Observation, told: SpeckleMap | None) -> np.ndarray:
    """Return the condition (4, H, W) float32 of a sweep: mask, and lengths in mm at every pixel.

    told: the speckle map, None for the lengths of one ordinary probe.
    """
    images = observation.bmode
    height, width = images.frames.shape[1:]
    lengths = np.broadcast_to(np.array(ORDINARY_MM), (height, width, 3))
    if told is not None:
        lengths = told.at(depths_mm(observation))
    mask = np.ones((height, width)) if images.mask is None else images.mask
    return np.concatenate([mask[None], np.moveaxis(lengths, -1, 0)]).astype(np.float32)


def depths_mm(observation: Observation) -> np.ndarray:
    """Return the depth (H, W) mm below the probe's face of every pixel."""
    images = observation.bmode
    rows, columns = np.indices(images.frames.shape[1:])
    pixels = np.stack([columns, rows, 0 * rows, 1 + 0 * rows], -1)
    return depth_at(observation.probe, (pixels @ images.mm_from_pixel.T)[..., :3])


def map_of(observation: Observation) -> SpeckleMap:
    """Return the speckle map of an observation: measured, by the probe's formulas, or guessed."""
    return speckle_map(observation.probe, observation.bmode)
