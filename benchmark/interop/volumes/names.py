"""Names of volume files and of the patient's axes in them.

All formats place a volume in the patient, so the meaning of the world's axes must be given: "LPS"
reads them as left, posterior, superior (+x to the patient's left, +y to the back, +z to the head),
"RAS" as right, anterior, superior.
"""

from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Axes

SUFFIXES = (".mha", ".nrrd", ".nii", ".nii.gz")
NRRD_SPACES: dict[Axes, str] = {
    "LPS": "left-posterior-superior",
    "RAS": "right-anterior-superior",
}


def volume_suffix(path: Path | str) -> str:
    """Return the suffix of a volume file's name, one of `SUFFIXES`.

    Raises
    ------
    UserError : another suffix.
    """
    suffix = next((s for s in reversed(SUFFIXES) if Path(path).name.lower().endswith(s)), None)
    if suffix is None:
        raise UserError(f"{path}: expected a name ending in one of {', '.join(SUFFIXES)}")
    return suffix


def turned(given_from_voxel: np.ndarray, given: Axes, wanted: Axes) -> np.ndarray:
    """Return wanted_from_voxel (4, 4) of a matrix whose world has other axes: LPS <-> RAS."""
    if given == wanted:
        return given_from_voxel
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ given_from_voxel
