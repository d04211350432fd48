"""The wheel holds all that the commands need and nothing else, and runs by itself."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("baselines", "benchmark", "moglo", "simulate", "sweepbench")
MADE = (".*", "*.egg-info", "build", "data", "runs")  # at the root, by commands; not sources
# Runs a module as a command, then asserts that only the unpacked wheel answered for the packages.
COMMAND = f"""
import runpy, sys
from pathlib import Path
home, package, *words = sys.argv[1:]
sys.argv = [package, *words]
try:
    runpy.run_module(package, run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
modules = [m for name, m in sys.modules.items() if name.split(".")[0] in {PACKAGES!r}]
files = [m.__file__ for m in modules if m.__file__]
strangers = [file for file in files if not Path(file).is_relative_to(home)]
assert files and not strangers, strangers
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the tree, without network."""
    home = tmp_path_factory.mktemp("wheel")

    def left_out(folder: str, names: list[str]) -> set[str]:
        made = MADE if Path(folder) == ROOT else ()
        return {name for name in names if any(fnmatch(name, k) for k in (*made, "__pycache__"))}

    shutil.copytree(ROOT, home / "tree", ignore=left_out)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", *options, "--wheel-dir", str(home)],
        capture_output=True, text=True, cwd=home / "tree",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = home.glob("*.whl")
    return built


def test_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        entries = ConfigParser()
        (listed,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        entries.read_string(archive.read(listed).decode())
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == sources
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert dict(entries["sweepbench.trackers"]) == project["entry-points"]["sweepbench.trackers"]


def test_unpacked_wheel_generates_data_and_lists_its_trackers(wheel: Path, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)

    def command(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, str(home), *words],
            capture_output=True, text=True, cwd=elsewhere, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("simulate", "generate", "tiny-v2", "--out", "X", "--workers", "1")
    assert len(list((elsewhere / "X" / "sweeps").glob("*.h5"))) == 4
    listed = command("benchmark", "trackers")
    assert "moglo-long" in listed and "two-frame-cnn" in listed
