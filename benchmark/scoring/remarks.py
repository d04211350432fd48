"""What looks strange in predictions that break no rule: a unit other than mm."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmark.dataset import Dataset
from benchmark.geometry import path_length
from benchmark.scoring.prediction_file import opened_prediction, prediction_faults
from benchmark.scoring.submission import prediction_files
from benchmark.sweep import Images, Sweep

#: A predicted path shorter than this share of the true one, or of the image's diagonal where the
#: truth is withheld, is of another unit rather than of another opinion; metres are at 1/1000.
SHARE = 1 / 100


def prediction_remarks(folder: Path | str, truth: Dataset) -> list[str]:
    """Return what a submitter should look at although it is no fault; at most a line.

    Predictions whose paths are a hundred times too short or more in half of the sweeps, but not
    zero, look like metres. Sweeps are compared with their true paths, or with the size of an image
    where the poses are withheld. Faulty prediction files are left out, and sweeps whose own file
    is elsewhere.

    truth: the data set, or the one with its answers.
    """
    files, _ = prediction_files(Path(folder)) if Path(folder).is_dir() else ({}, [])
    found = [pair for name, paths in files.items() for pair in _lengths(name, paths[0], truth)]
    if not found or not 0 < median(predicted / length for predicted, length, _ in found) < SHARE:
        return []
    predicted, length, what = found[0]
    return [
        f"{folder}: paths are far too short, e.g. {predicted:.3g} mm beside {what} of "
        f"{length:.3g} mm: this looks like metres; expected mm"
    ]


def _lengths(name: str, path: Path, truth: Dataset) -> Iterator[tuple[float, float, str]]:
    """Yield a sweep's predicted path (mm), what it is compared with (mm), and the name of that."""
    for entry in truth.entries:
        there = (truth.folder / entry.file).is_file()
        if entry.name != name or not there or prediction_faults(path, entry.frames):
            continue
        with opened_prediction(path) as file:
            poses = np.asarray(file["first_from_frame"][()], float)
        length, what = _yardstick(truth.load(entry, lazy=True))
        if length > 0:
            yield path_length(poses[:, :3, 3]), length, what


def _yardstick(sweep: Sweep) -> tuple[float, str]:
    """Return the true path of the image's origin (mm), or else the diagonal of an image (mm)."""
    channel = sweep.bmode
    if channel.is_withheld:
        return _diagonal_mm(channel), "an image's diagonal"
    return path_length(channel.world_from_image[:, :3, 3]), "a true path"


def _diagonal_mm(images: Images) -> float:
    height, width = images.frames.shape[1:3]
    return float(np.linalg.norm(images.mm_from_pixel[:3, :2] @ [width - 1, height - 1]))
