"""The kinds of tissue by name, each a function that draws a subject.

A subject is a plain record of random numbers drawn once; every answer is a function of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulate.tissue.answers import Tissue
from simulate.tissue.carotid import sample_carotid
from simulate.tissue.forearm import sample_forearm
from simulate.tissue.inclusions import sample_inclusions
from simulate.tissue.layered import sample_layered
from simulate.tissue.settings import TissueSettings
from simulate.tissue.uniform import sample_uniform

SAMPLERS: dict[str, Callable[[np.random.Generator, TissueSettings, int], Tissue]] = {
    "uniform": sample_uniform,
    "layered": sample_layered,
    "forearm": sample_forearm,
    "carotid": sample_carotid,
    "inclusions": sample_inclusions,
}


def sample_tissue(rng: np.random.Generator, settings: TissueSettings) -> Tissue:
    """Draw the tissue of one subject."""
    key = int(rng.integers(2**63))
    return SAMPLERS[settings.kind](rng, settings, key)
