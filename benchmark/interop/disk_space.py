"""A check of free disk space before a long write."""

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Images


def ensure_space(path: Path, images: Images) -> None:
    """Refuse to write a file if its frames do not fit on the disk.

    The space is reserved and released, so full disks, quotas and limits on file sizes all count.
    Without this, HDF5 fails in the middle of writing and cannot close its file.

    Raises
    ------
    UserError : the folder cannot be made or written, or the space does not suffice.
    """
    frames = images.frames
    needed = int(np.prod(frames.shape)) * np.dtype(frames.dtype).itemsize
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, needed)
    except OSError as error:
        reason = f"{error.strerror}; {needed / 1e6:.0f} MB are needed"
        raise UserError(f"{path}: cannot be written ({reason})") from error
