"""What an interrupted training left in its run's folder: checked, and thrown away if damaged."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from benchmark.errors import UserError, note
from benchmark.runs.run import Run

CHECKPOINT = "last.ckpt"


def resumable(run: Run, precision: str) -> Path | None:
    """Return the checkpoint from which a training goes on; None if it begins at the start.

    A damaged file is named on standard error, and all checkpoints of the run are removed.

    Raises
    ------
    UserError : the training began with another precision.
    """
    last = run.folder / CHECKPOINT
    if not last.is_file():
        return None
    state, fault = _state(last), None
    if state is None:
        fault = f"{last}: damaged"
    for path in _best(run.folder, state or {}):
        if fault is None and not _is_whole(path):
            fault = f"{path}: missing or damaged"
    if fault:
        note(f"{fault}; '{run.name}' is trained again from the start")
        run.remove_checkpoints()
        return None
    known = (state or {}).get("precision", precision)
    if known != precision:
        raise UserError(
            f"{last}: this training began with --precision {known}, asked for {precision}; go on "
            "with the former, or delete the folder or use another --runs"
        )
    return last


def _is_whole(path: Path) -> bool:
    """Return whether a checkpoint is there and its bytes are those that were written."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (FileNotFoundError, zipfile.BadZipFile):
        return False


def _state(path: Path) -> dict[str, Any] | None:
    """Return the content of a checkpoint; None if it is damaged."""
    if not _is_whole(path):
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, KeyError):  # a whole archive of something else
        return None


def _best(folder: Path, state: dict[str, Any]) -> list[Path]:
    """Return the files of the best weights that a checkpoint refers to, in the run's folder."""
    kept = [told for key, told in state.get("callbacks", {}).items() if "ModelCheckpoint" in key]
    names = [Path(told.get("best_model_path") or "").name for told in kept]
    return [folder / name for name in names if name]
