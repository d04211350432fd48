"""Where the files of a challenge folder lie, in both layouts and both years."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.dataset import SPLITS
from benchmark.errors import UserError

Layout = Literal["train", "val"]
Year = Literal[2024, 2025]
LANDMARKS: dict[Year, str] = {2024: "landmark", 2025: "landmarks"}


@dataclass(frozen=True)
class Tree:
    """One challenge folder: its layout, and the folder of its landmarks if it has one."""

    folder: Path
    layout: Layout
    landmark_folder: str | None

    @property
    def calibration(self) -> Path:
        """Scale and rigid matrix of all scans."""
        return self.folder / "calib_matrix.csv"

    @property
    def keys(self) -> Path:
        """The list of scans, one key each (layout val)."""
        return self.folder / "dataset_keys.h5"

    def frames(self, number: str, scan: str) -> Path:
        """Return the file of a scan's frames."""
        return self._of_layout("frames", number, scan)

    def poses(self, number: str, scan: str) -> Path:
        """Return the file of a scan's poses, which is that of its frames in layout train."""
        return self._of_layout("transfs", number, scan)

    def _of_layout(self, part: str, number: str, scan: str) -> Path:
        place = "frames_transfs" if self.layout == "train" else part
        return self.folder / place / number / f"{scan}.h5"

    def landmarks(self, number: str) -> Path:
        """Return the file of the landmarks of a subject's scans, which need not be there."""
        place = self.landmark_folder or LANDMARKS[2025]
        return self.folder / place / f"landmark_{number}.h5"

    def scans(self) -> Iterator[tuple[str, str]]:
        """Yield number of subject and name of every scan that has frames, in order."""
        for path in sorted(self.frames("*", "*").parents[1].glob("*/*.h5")):
            yield path.parent.name, path.stem


def open_tree(folder: Path) -> Tree:
    """Return the tree of a challenge folder.

    Raises
    ------
    UserError : landmarks of both years.
    """
    found = [name for name in LANDMARKS.values() if (folder / name).is_dir()]
    if len(found) > 1:
        raise UserError(
            f"{folder}: expected landmark/ (2024) or landmarks/ (2025), got both; remove the one "
            "that is not of these scans"
        )
    layout: Layout = "train" if (folder / "frames_transfs").is_dir() else "val"
    return Tree(folder, layout, found[0] if found else None)


def is_tusrec(folder: Path) -> bool:
    """Return whether a folder is one of the challenge's, or holds such folders by split."""
    return _is_tree(folder) or any(_is_tree(folder / split) for split in SPLITS)


def trees_by_split(folder: Path) -> dict[str | None, Path]:
    """Return the challenge folders in a folder by split; a challenge folder itself under None."""
    if _is_tree(folder):
        return {None: folder}
    return {split: folder / split for split in SPLITS if _is_tree(folder / split)} or {None: folder}


def _is_tree(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in ("frames_transfs", "transfs"))
