"""Every fault of one prediction file, HDF5 or npz, that some program wrote for a sweep."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError, one_line
from benchmark.frames import reading_hdf5
from benchmark.geometry import se3_fault
from benchmark.hdf5 import PREDICTION_FORMAT, text_of
from benchmark.schema.checks import shown
from benchmark.stored import npz
from benchmark.stored.hdf5 import refuse_bombs, text_attribute
from benchmark.sweep import SE3_TOLERANCE

SUFFIXES = (".h5", ".npz")
KEYS = ("first_from_frame", "prev_from_frame", "sigma", "position_sigma")
OF_FRAMES = ("first_from_frame", "position_sigma")  # one entry per frame; others one per step
LINK = "expected a file, got a link out of the folder"
#: Poses farther away are no answer, and their errors overflow: a kilometre.
FARTHEST_MM = 1e6


def prediction_faults(path: Path, frames: int) -> list[str]:
    """Return one line per fault of one prediction file that should cover `frames` frames."""
    if leads_out(path):
        return [one_line(f"{path}: {LINK}")]
    try:
        with opened_prediction(path) as file:
            return [one_line(f"{path}: {fault}") for fault in _faults(file, frames)]
    except UserError as error:
        return [str(error)]


def leads_out(path: Path) -> bool:
    """Return whether a file is a link to a file outside of its folder."""
    return path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve())


@contextmanager
def opened_prediction(path: Path) -> Iterator[Mapping[str, Any]]:
    """Open a prediction file as a mapping of names to arrays, which are read when indexed.

    Raises
    ------
    UserError : no such file, another format, a damaged file, here or when it is read.
    """
    if path.suffix != ".npz":
        with reading_hdf5(path) as file:
            found = text_attribute(file, "format")
            if text_of(found) != PREDICTION_FORMAT:
                raise UserError(
                    f"{path}: format: expected '{PREDICTION_FORMAT}', got {shown(found)}"
                )
            yield file
        return
    try:
        with npz.NpzArrays(path) as arrays:
            yield arrays
    except npz.FAULTS as error:
        first = (str(error).strip().splitlines() or ["empty file"])[0]
        raise UserError(
            f"{path}: cannot be read as npz of plain arrays: truncated or of another kind ({first})"
        ) from error


def _faults(file: Mapping[str, Any], frames: int) -> Iterator[str]:
    """Yield the faults of what a file holds; an array of another shape or type is not read."""
    for key in file:
        if key not in KEYS:
            yield f"unknown key '{key}' (known: {', '.join(KEYS)})"
    if KEYS[0] not in file:
        yield f"{KEYS[0]} is missing"
    for key in KEYS:
        shape = (frames if key in OF_FRAMES else frames - 1, *([] if "sigma" in key else [4, 4]))
        if key not in file:
            continue
        stored = file[key]
        fault = _kind_fault(stored, "N" if key in OF_FRAMES else "N-1", shape)
        if fault:
            yield f"{key}: {fault}"
            continue
        if len(stored) != shape[0]:
            yield f"{key}: expected {shape[0]} entries for the sweep's frames, got {len(stored)}"
        if not isinstance(stored, np.ndarray):
            refuse_bombs(stored, slice(0, shape[0]))
        array = np.asarray(stored[: shape[0]], float)
        for fault in _sigma_faults(array) if "sigma" in key else _pose_faults(key, array):
            yield f"{key}: {fault}"


def _kind_fault(stored: Any, count: str, shape: tuple[int, ...]) -> str | None:
    """Return what is wrong with the type or the axes of a stored array, or None.

    count: how a message calls the length of its first axis.
    """
    if not (hasattr(stored, "dtype") and hasattr(stored, "shape")):
        return "expected an array, got a group"
    if stored.dtype.kind != "f":
        return f"expected floating-point numbers, got {str(stored.dtype)[:40]}"
    if stored.dtype.itemsize < 4:
        return f"expected float32 or float64, got {stored.dtype}, which has three digits only"
    found = stored.shape
    if found is not None and len(found) == len(shape) and found[1:] == shape[1:]:
        return None
    wanted = f"({count}, 4, 4)" if len(shape) == 3 else f"({count},)"
    turned = found is not None and len(found) == 3 and len(shape) == 3 and found[:2] == (4, 4)
    hint = (
        "; looks transposed: programs that store columns first (MATLAB, R, Fortran) write axes in "
        "reverse order"
    )
    return f"expected shape {wanted}, got {found}{hint if turned else ''}"


def _pose_faults(key: str, poses: np.ndarray) -> Iterator[str]:
    """Yield what is wrong with the values of poses (N, 4, 4)."""
    finite = np.isfinite(poses).all((1, 2))
    far = np.abs(np.where(finite[:, None, None], poses, 0)).max((1, 2)) > FARTHEST_MM
    if not finite.all():
        yield f"NaN or infinite in {(~finite).sum()} entries, the first being {finite.argmin()}"
    if far.any():
        yield (
            f"expected values within {FARTHEST_MM:g} mm, got up to "
            f"{np.abs(poses[far]).max():.3g} in {far.sum()} entries, the first being {far.argmax()}"
        )
    good = poses[finite & ~far]
    fault = se3_fault(good, SE3_TOLERANCE)
    if fault:
        turned = se3_fault(good.swapaxes(1, 2), SE3_TOLERANCE) is None
        hint = "; looks transposed: each matrix has its translation in the last row"
        yield f"not rigid poses: {fault}{hint if turned else ''}"
    if key == KEYS[0] and len(poses) and finite[0] and not far[0]:
        off = float(np.abs(poses[0] - np.eye(4)).max())
        if off > SE3_TOLERANCE:
            yield (
                f"the first pose is not the identity (off by {off:.3g}); poses map each frame to "
                "the first one, not to the world"
            )


def _sigma_faults(sigma: np.ndarray) -> Iterator[str]:
    """Yield what is wrong with the values of standard deviations (N,) in mm."""
    bad = ~np.isfinite(sigma)
    if bad.any():
        yield f"NaN or infinite in {bad.sum()} entries, the first being {bad.argmax()}"
    if (sigma < 0).any():
        yield "a standard deviation below zero"
    if (sigma[~bad] > FARTHEST_MM).any():
        yield f"expected at most {FARTHEST_MM:g} mm, got {sigma[~bad].max():.3g}"
