"""TODO."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

FRONT_DOOR = ("numpy", "scipy", "torch", "lightning", "numba", "h5py", "scikit-image", "sweepbench")


def environment() -> dict[str, Any]:
    """Return what the numbers depend on beside code and data: versions, processor, commit."""
    versions = {}
    for package in FRONT_DOOR:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "commit": _commit(),
        "accelerator": _accelerator(),
    }


def _commit() -> str | None:
    home = Path(__file__).parent
    asked = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _accelerator() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "cpu"
