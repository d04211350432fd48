"""Order of the stored pixels of an ultrasound image: PLUS' two- and three-letter codes.

The first letter is the direction of the columns' axis, the second that of the rows': M towards
the marked side of the probe, U the unmarked, F far from it, N near. A third letter (A ascending,
D descending, elevational) has no meaning for single planes. Calibrations of PLUS hold for MF.
"""

from collections.abc import Callable

import numpy as np

from benchmark.errors import UserError

CODES = ("MF", "UF", "MN", "UN", "FM", "FU", "NM", "NU")


def plain_code(code: str, what: str) -> str:
    """Return the two letters of a code for planes.

    Raises
    ------
    UserError : an unknown code, or one of volumes.
    """
    letters = code.strip().upper()
    if letters[:2] in CODES and letters[2:] in ("", "A", "D"):
        return letters[:2]
    raise UserError(
        f"{what}: expected an orientation of 2D frames, one of {', '.join(CODES)}, got '{code}'"
    )


def to_marked_far(code: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that turns a stored frame (H, W) of a two-letter code into MF."""

    def turn(frame: np.ndarray) -> np.ndarray:
        letters = code
        if letters[0] in "FN":
            frame, letters = frame.T, letters[::-1]
        return _flipped(frame, letters)

    return turn


def from_marked_far(code: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that turns an MF frame (H, W) into one stored by a two-letter code."""

    def turn(frame: np.ndarray) -> np.ndarray:
        if code[0] in "FN":
            return _flipped(frame, code[::-1]).T
        return _flipped(frame, code)

    return turn


def _flipped(frame: np.ndarray, letters: str) -> np.ndarray:
    across = -1 if letters[0] == "U" else 1
    down = -1 if letters[1] == "N" else 1
    return np.ascontiguousarray(frame[::down, ::across])
