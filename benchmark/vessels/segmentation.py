"""Volume -> the voxels that lie inside vessels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.volume.reconstruction import Volume

CORE_LEVEL = 0.75  # of the local maximum: voxels above it tell how high a vessel stands
ROUNDING = 1e-5  # of the largest value: smaller differences are rounding errors


@dataclass(frozen=True)
class VesselSettings:
    """How vessels are found in a volume; lengths in mm.

    polarity: bright (photoacoustic, Doppler) or dark lumens (B-mode). smooth_mm: standard
    deviation of the Gaussian taken first, about the speckle size for B-mode. background_mm: the
    same for the local background that is subtracted; 0 takes the median of all that is known.
    level: the share of the height of vessels within neighbourhood_mm above which a voxel is vessel
    (one half puts the wall where a blurred step has it). noise_factor: how many robust standard
    deviations above the background the highest value there must lie, faintest: and at what share
    of the highest value of all. shortest_mm: smaller objects are dropped. spur_radii: side
    branches shorter than this many radii are not branches.
    """

    polarity: Literal["bright", "dark"] = "bright"
    smooth_mm: float = 0.2
    background_mm: float = 0.0
    level: float = 0.5
    neighbourhood_mm: float = 2.0
    noise_factor: float = 6.0
    faintest: float = 0.1
    shortest_mm: float = 3.0
    spur_radii: float = 2.5


def segment(volume: Volume, settings: VesselSettings | None = None) -> np.ndarray:
    """Return the voxels (X, Y, Z) inside vessels: at least half as high as vessels nearby.

    Only known voxels count, also in the Gaussian averages; holes in a vessel are closed.
    """
    from scipy import ndimage

    settings = settings or VesselSettings()
    known, spacing = volume.known, volume.spacing_mm
    smooth = _known_average(volume.values, known, settings.smooth_mm / spacing)
    if settings.background_mm:
        background = _known_average(volume.values, known, settings.background_mm / spacing)
    else:
        background = np.array(np.median(smooth[known]) if known.any() else 0, np.float32)
    signal = np.where(known, smooth - background, 0)
    if settings.polarity == "dark":
        signal = -signal
    noise = 1.4826 * float(np.median(np.abs(signal[known]))) if known.any() else 0.0
    size = 2 * np.ceil(settings.neighbourhood_mm / spacing).astype(int) + 1
    peak = ndimage.maximum_filter(signal, size=tuple(size))
    rounding = ROUNDING * float(np.abs(smooth).max(initial=0))
    faintest = settings.faintest * float(signal.max(initial=0))
    visible = peak > max(settings.noise_factor * noise, faintest, rounding)
    core = visible & (signal > CORE_LEVEL * peak)
    # The maximum of noisy values lies above what the vessel shows: take the mean of its core.
    sigma = settings.neighbourhood_mm / 2 / spacing
    share = ndimage.gaussian_filter(core.astype(np.float32), sigma)
    height = ndimage.gaussian_filter(np.where(core, signal, 0).astype(np.float32), sigma)
    height = height / np.maximum(share, 1e-6)
    mask = visible & (share > 1e-6) & (signal > settings.level * height)
    return _without_small(ndimage.binary_fill_holes(mask), spacing, settings.shortest_mm)


def _known_average(values: np.ndarray, known: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the Gaussian average over known voxels only (normalised convolution)."""
    from scipy import ndimage

    if not sigma.any():
        return values
    inside = known.astype(np.float32)
    total = ndimage.gaussian_filter(values * inside, sigma, mode="constant", truncate=3)
    share = ndimage.gaussian_filter(inside, sigma, mode="constant", truncate=3)
    return np.where(known, total / np.maximum(share, 1e-6), 0)


def _without_small(mask: np.ndarray, spacing: np.ndarray, shortest_mm: float) -> np.ndarray:
    """Return a mask without the objects whose bounding box is shorter than shortest_mm."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    wanted = [False]
    for box in ndimage.find_objects(labels):
        edges = np.array([side.stop - side.start for side in box]) * spacing
        wanted.append(bool(np.linalg.norm(edges) >= shortest_mm))
    return np.array(wanted)[labels]
