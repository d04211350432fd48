"""Volumes small enough for a page to be turned in: coarse grey levels, packed as text."""

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import numpy as np

VOXELS_PER_SIDE = 64


def turnable(volumes: Mapping[str, np.ndarray], spacing_mm: np.ndarray) -> dict[str, Any]:
    """Return volumes (X, Y, Z; NaN: unseen) of one grid and one grey scale as JSON values.

    spacing_mm (3,). `size` (3,) and `spacing_mm` (3,) are of the coarse grid, along x, y, z;
    `shown` has each name with its `voxels`: base64 of gzip of uint8, x fastest, 0 where unseen.
    """
    first = next(iter(volumes.values()))
    step = max(1, -(-max(first.shape) // VOXELS_PER_SIDE))
    coarse = {name: _block_means(volume, step) for name, volume in volumes.items()}
    seen = np.concatenate([volume[np.isfinite(volume)] for volume in coarse.values()])
    low, high = np.percentile(seen, (1, 99.8)) if seen.size else (0.0, 1.0)
    return {
        "size": list(next(iter(coarse.values())).shape),
        "spacing_mm": [round(float(mm) * step, 6) for mm in spacing_mm],
        "shown": [
            {"name": name, "voxels": _packed(_levels(volume, low, high))}
            for name, volume in coarse.items()
        ],
    }


def _block_means(volume: np.ndarray, step: int) -> np.ndarray:
    """Return means over blocks of `step` voxels a side of what is seen; NaN where nothing is."""
    padded = np.pad(volume, [(0, -n % step) for n in volume.shape], constant_values=np.nan)
    blocks = padded.reshape([m for n in padded.shape for m in (n // step, step)])
    known = np.isfinite(blocks)
    count = known.sum((1, 3, 5))
    total = np.where(known, blocks, 0).sum((1, 3, 5))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _levels(volume: np.ndarray, low: float, high: float) -> np.ndarray:
    share = np.clip((volume - low) / max(high - low, 1e-30), 0, 1)
    return np.where(np.isfinite(volume), 1 + np.rint(254 * np.nan_to_num(share)), 0).astype(
        np.uint8
    )


def _packed(levels: np.ndarray) -> str:
    return base64.b64encode(gzip.compress(levels.transpose(2, 1, 0).tobytes(), 9, mtime=0)).decode()
