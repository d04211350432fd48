"""What a reader of frames without poses returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report


@dataclass(frozen=True)
class Cine:
    """The frames of one file or folder, grey and in order, with what it says of them.

    frames (N, H, W), whole numbers, read when indexed; timestamps (N,) s, None where there are
    none; pixel_mm (2,): size of a pixel across and down, mm, or None; mask (H, W) bool: the part
    that the file states to show tissue, or None; probe: its description.
    """

    path: Path
    frames: Any
    timestamps: np.ndarray | None = None
    pixel_mm: np.ndarray | None = None
    mask: np.ndarray | None = None
    probe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the folder, or of the file without its suffix."""
        return self.path.name if self.path.is_dir() else self.path.stem


@dataclass(frozen=True)
class CineFormat:
    """A format of cines: the suffixes of its files, and the function that reads one.

    read : returns the cine of a path, telling what a user should know of it; a UserError names
        what cannot be read.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, Report], Cine]
