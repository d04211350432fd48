"""Elevational speckle lengths that a probe's description tells, over the depth of its images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.speckle.file import placed
from benchmark.speckle.map import speckle_map
from benchmark.speckle.probe import depth_at
from benchmark.sweep import Images

QUARTERS = (0.125, 0.375, 0.625, 0.875)  # of the depth, their middles


def elevational_lengths_mm(probe: Mapping[str, Any], images: Images) -> np.ndarray | None:
    """Return the elevational speckle lengths (4,) mm in the middle of each quarter of the depth.

    By the probe's description (`benchmark.speckle.map`); None where it does not tell them.
    """
    described = placed(probe, images)
    told = speckle_map(described, images)
    if told.source == "guessed":
        return None
    rows, columns = images.frames.shape[1:]
    middle = np.array([[(columns - 1) / 2, share * (rows - 1), 0.0] for share in QUARTERS])
    depth = depth_at(described, geometry.apply(images.mm_from_pixel, middle))
    lengths: np.ndarray = told.at(depth)[:, -1]
    return lengths
