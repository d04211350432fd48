"""Tissue of a subject: what echoes, absorbs light and carries sound at any point of the world.

All that is random is drawn once into a plain record; every answer is a function of it. A kind of
tissue is one function that draws a subject and one line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulate.tissue.answers import Tissue
from simulate.tissue.carotid import sample_carotid
from simulate.tissue.forearm import sample_forearm
from simulate.tissue.inclusions import sample_inclusions
from simulate.tissue.layered import LayeredTissue, sample_layered
from simulate.tissue.settings import TissueSettings
from simulate.tissue.uniform import UniformTissue, _sample_uniform

if TYPE_CHECKING:
    pass

__all__ = [
    "KINDS", "LayeredTissue", "Tissue", "TissueSettings", "UniformTissue", "sample_tissue",
]  # fmt: skip

Array = NDArray[np.floating]


KINDS: dict[str, Callable[[np.random.Generator, TissueSettings, int], Tissue]] = {
    "uniform": _sample_uniform,
    "layered": sample_layered,
    "forearm": sample_forearm,
    "carotid": sample_carotid,
    "inclusions": sample_inclusions,
}


def sample_tissue(rng: np.random.Generator, settings: TissueSettings) -> Tissue:
    """Draw one subject."""
    key = int(rng.integers(2**63))
    return KINDS[settings.kind](rng, settings, key)
