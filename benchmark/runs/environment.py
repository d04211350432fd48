"""The environment of a run: library versions, machine, commit and accelerator."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "torch", "lightning", "numba", "h5py", "scikit-image", "sweepbench")

ATTEMPTS = 3


def environment() -> dict[str, Any]:
    """Return what results depend on beside data and configuration, as it is recorded with them."""
    versions = {}
    for package in PACKAGES:
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
    """Return the commit of the package's files, or None where git does not know it.

    A git that a signal ends, as Ctrl-C does, is asked again.
    """
    home = Path(__file__).parent
    asked = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    for _ in range(ATTEMPTS):
        try:
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
        except OSError:
            return None
        if done.returncode >= 0:
            return done.stdout.strip() if done.returncode == 0 else None
    return None


def _accelerator() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "cpu"
