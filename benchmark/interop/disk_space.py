"""Room on the disk, asked for before a long write."""

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Images


def ensure_space(path: Path, images: Images) -> None:
    """Refuse to begin a file for whose frames there is no room.

    The room is reserved and given back: full disks, quotas and limits on file sizes answer alike.
    HDF5 would notice in the middle, and then cannot even close its file.

    Raises
    ------
    UserError : the folder cannot be made or written, or there is no room.
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
