"""What the programs of TUS-REC do with a folder, written from its published layout and formulas.

The reader takes the names, keys, shapes and types of the challenge's web page and nothing else.
The scorer has the challenge's fault: it looks for a landmark of frame f at f - 1 among frames 2..N,
which for frame 0 is the last.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

OURS = "sweepbench.json"  # beside the challenge's files
LANDMARKS = {2024: "landmark", 2025: "landmarks"}
TITLES = (
    "scaling_from_pixel_to_mm",
    "spatial_calibration_from_image_coordinate_system_to_tracking_tool_coordinate_system",
)


@dataclass(frozen=True)
class Scan:
    """frames (N, H, W); tforms (N, 4, 4) camera_from_tool; landmarks (L, 3): frame, x, y from 1."""

    frames: np.ndarray
    tforms: np.ndarray
    landmarks: np.ndarray


def read_calibration(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and rigid matrix of the csv file: a title row, four rows, a title, four rows."""
    with path.open() as file:
        rows = list(csv.reader(file))
    assert len(rows) == 10 and (rows[0][0], rows[5][0]) == TITLES
    return np.array(rows[1:5], float), np.array(rows[6:10], float)


def read_folder(folder: Path, layout: str, year: int) -> dict[tuple[int, str], Scan]:
    """Return the scans of a folder by subject and name; anything but the layout fails."""
    parts = ["frames_transfs"] if layout == "train" else ["frames", "transfs"]
    lists = [] if layout == "train" else ["dataset_keys.h5"]
    expected = {*parts, *lists, LANDMARKS[year], "calib_matrix.csv", OURS}
    assert {path.name for path in folder.iterdir()} == expected
    read_calibration(folder / "calib_matrix.csv")
    found, subjects = {}, [path.name for path in sorted((folder / parts[0]).iterdir())]
    for subject in subjects:
        assert re.fullmatch(r"\d{3}", subject)
        for path in sorted((folder / parts[0] / subject).iterdir()):
            found[int(subject), path.stem] = _read_scan(folder, parts, subject, path.name, year)
    marked = {f"landmark_{subject}.h5" for subject in subjects}
    assert {path.name for path in (folder / LANDMARKS[year]).iterdir()} == marked
    if lists:
        with h5py.File(folder / "dataset_keys.h5") as file:
            assert set(file) == {f"sub{subject:03d}__{scan}" for subject, scan in found}
    return found


def _read_scan(folder: Path, parts: list[str], subject: str, file: str, year: int) -> Scan:
    arrays: dict[str, np.ndarray] = {}
    for part in parts:
        with h5py.File(folder / part / subject / file) as opened:
            arrays |= {key: values[()] for key, values in opened.items()}
    assert set(arrays) == {"frames", "tforms"}
    with h5py.File(folder / LANDMARKS[year] / f"landmark_{subject}.h5") as opened:
        marks = opened[Path(file).stem][()]
    frames, tforms = arrays["frames"], arrays["tforms"]
    count, rows, columns = frames.shape
    assert (frames.dtype, tforms.dtype, marks.dtype) == (np.uint8, np.float32, np.int64)
    assert tforms.shape == (count, 4, 4) and marks.shape[1:] == (3,)
    assert ((marks >= [0, 1, 1]) & (marks <= [count - 1, columns, rows])).all()
    return Scan(frames, tforms, marks)


def scores(fields: tuple[np.ndarray, ...], scan: Scan, calibration: Path) -> np.ndarray:
    """Return GPE, GLE, LPE, LLE in mm of GP, GL, LP, LL."""
    errors = []
    for field, truth in zip(fields, true_fields(scan, calibration), strict=True):
        assert field.shape == truth.shape
        errors.append(np.sqrt(((field - truth) ** 2).sum(-2)).mean())
    return np.array(errors)


def true_fields(scan: Scan, calibration: Path) -> tuple[np.ndarray, ...]:
    """Return GP, GL, LP, LL of the tracked tool, as the scorer works them out."""
    scale, rigid = read_calibration(calibration)
    tforms = scan.tforms.astype(float)
    y, x = np.mgrid[1 : scan.frames.shape[1] + 1, 1 : scan.frames.shape[2] + 1].reshape(2, -1)
    pixels = scale @ np.stack([x, y, 0 * x, 1 + 0 * x]).astype(float)
    to_image = np.linalg.inv(rigid)
    fields = []
    for to in (lambda i: 0, lambda i: i - 1):
        moves = [
            to_image @ np.linalg.inv(tforms[to(i)]) @ tforms[i] @ rigid
            for i in range(1, len(tforms))
        ]
        points = [scale @ [float(x), float(y), 0.0, 1.0] for _, x, y in scan.landmarks]
        marked = [
            (moves[frame - 1] @ point - point)[:3]  # frame 0: moves[-1], the last
            for (frame, _, _), point in zip(scan.landmarks, points, strict=True)
        ]
        fields.append(np.stack([(move @ pixels - pixels)[:3] for move in moves]))
        fields.append(np.array(marked).reshape(-1, 3).T)
    return tuple(fields)
