"""Calibration files: PLUS device sets (XML), plain 4 × 4 matrices, and TUS-REC's two tables."""

from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError
from benchmark.files import atomic_path
from benchmark.interop.parts.rigid import ROUNDING

#: mm per pixel, lateral and axial, of sets whose frames are 480 x 640.
KNOWN_SCALES = {
    "TUS-REC 2024 and 2025": (0.229389190673828, 0.220979690551758),
    "the older UCL set (Zenodo 7740734)": (0.22447395, 0.23554039),
}
CHALLENGE, CHALLENGE_FRAME = "TUS-REC 2024 and 2025", (480, 640)
SAME_SCALE = 1e-3
LIKELY_IMAGE_MM = (5.0, 400.0)
TITLES = (
    "scaling_from_pixel_to_mm",
    "spatial_calibration_from_image_coordinate_system_to_tracking_tool_coordinate_system",
)


def read_calibration(path: Path | str) -> dict[tuple[str, str], np.ndarray]:
    """Return matrices (4, 4) by (from, to) of a calibration file.

    A device set of PLUS (XML) holds any number; a plain text file holds 16 numbers row by row,
    which map pixels (column, row) to mm of the probe: its key is ("Image", "").

    Raises
    ------
    UserError : no such file, no matrix in it, or one without 16 numbers.
    """
    path = Path(path)
    text = _text(path)
    if not text.lstrip().startswith("<"):
        return {("Image", ""): _matrix(text, f"{path}: expected XML or a 4 x 4 matrix")}
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UserError(f"{path}: expected XML ({error})") from error
    found = {}
    for element in root.iter("Transform"):
        key = (element.get("From", ""), element.get("To", ""))
        if element.get("Matrix"):
            found[key] = _matrix(element.get("Matrix", ""), f"{path}: {key[0]}To{key[1]}")
    if not found:
        raise UserError(f"{path}: no Transform with From, To and Matrix in CoordinateDefinitions")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a text file ({error})") from error


def _matrix(text: str, what: str) -> np.ndarray:
    rows = (line.split("#")[0] for line in text.splitlines())
    words = " ".join(rows).replace(",", " ").replace(";", " ").split()
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError as error:
        raise UserError(f"{what}: {error}") from error
    if numbers.shape != (16,) or not np.isfinite(numbers).all():
        raise UserError(f"{what}: expected 16 finite numbers, got {len(numbers)}")
    return numbers.reshape(4, 4)


def read_tusrec_calibration(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Return (mm_from_pixel, tool_from_image), (4, 4) each, of a `calib_matrix.csv`.

    Both layouts are read: with a title row before each matrix, and without. The scale maps pixels
    counted from 1.

    Raises
    ------
    UserError : no such file, not two matrices, or a rigid one that is not.
    """
    path = Path(path)
    rows = []
    for line in _text(path).splitlines():
        words = line.replace(",", " ").replace(";", " ").split()
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            continue  # a title
    rows = [row for row in rows if row]
    if len(rows) != 8 or any(len(row) != 4 for row in rows):
        raise UserError(f"{path}: expected two 4 x 4 matrices, got {len(rows)} rows of numbers")
    scale, rigid = np.array(rows[:4]), np.array(rows[4:])
    if geometry.se3_fault(scale, ROUNDING) is None and geometry.se3_fault(rigid, ROUNDING):
        scale, rigid = rigid, scale
    fault = geometry.se3_fault(rigid, ROUNDING)
    if fault:
        raise UserError(f"{path}: the calibration from image to tool is not rigid: {fault}")
    if abs(scale[2, 2]) == 0 or np.linalg.det(scale) == 0:
        raise UserError(f"{path}: the scale from pixels to mm is singular")
    return scale, rigid


def write_tusrec_calibration(path: Path, scale: np.ndarray, rigid: np.ndarray) -> None:
    """Write a `calib_matrix.csv` with a title row before each matrix, digits enough to be exact."""
    lines = []
    for title, matrix in zip(TITLES, (scale, rigid), strict=True):
        lines.append(f"{title},,,")
        lines += [",".join(repr(float(value)) for value in row) for row in matrix]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_scale(
    path: Path, scale: np.ndarray, frame: tuple[int, int], report: Report, challenge: bool
) -> None:
    """Report a scale (4, 4) that does not fit frames (rows, columns).

    challenge: the folder is laid out as TUS-REC 2024 or 2025, whose scale is known.
    """
    size = np.linalg.norm(scale[:3, :2], axis=0)
    extent = size * frame[::-1]
    if not ((extent > LIKELY_IMAGE_MM[0]) & (extent < LIKELY_IMAGE_MM[1])).all():
        report(
            f"{path}: its scale makes an image of {extent[0]:.4g} x {extent[1]:.4g} mm; "
            "is it in mm per pixel?"
        )
    if not challenge:
        return
    if frame != CHALLENGE_FRAME:
        report(
            f"{path}: frames of {frame[1]} x {frame[0]} pixels where {CHALLENGE} has "
            f"{CHALLENGE_FRAME[1]} x {CHALLENGE_FRAME[0]}; the scale was measured for those"
        )
    matches = [n for n, s in KNOWN_SCALES.items() if np.allclose(size, s, rtol=SAME_SCALE)]
    if CHALLENGE not in matches:
        expected = KNOWN_SCALES[CHALLENGE]
        off = 100 * np.abs(size / expected - 1).max()
        whose = f", that of {matches[0]}" if matches else ""
        report(
            f"{path}: scale {size[0]:.6g} x {size[1]:.6g} mm per pixel{whose}; {CHALLENGE} has "
            f"{expected[0]:.6g} x {expected[1]:.6g}, lengths would be off by up to {off:.1f} %"
        )
