"""Packages: pinned, locked with the hashes of their files, and listed on a page."""

import re

import pytest

from docs.dependencies import CONSTRAINTS, LOCK, PAGE, lock_faults, pins
from docs.lock import CUDA_LOCK, ON_GPUS, shortened, with_hashes


def test_the_lock_has_the_versions_of_the_constraints_and_hashes_of_all() -> None:
    assert len(pins(CONSTRAINTS)) > 100
    assert list(lock_faults(CONSTRAINTS, LOCK)) == []
    hashes = re.findall(r"--hash=sha256:(\w+)", LOCK.read_text() + CUDA_LOCK.read_text())
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes)


def test_what_gpus_need_is_apart() -> None:
    assert pins(CUDA_LOCK) and all(ON_GPUS.match(name) for name in pins(CUDA_LOCK))
    assert not any(ON_GPUS.match(name) for name in pins(LOCK))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("h5py==", "h5py==9", "h5py: expected"),
        ("h5py==", "h5pi==", "h5py: expected 3"),
        ("h5py==", "h5pi==", "h5pi: not in"),
        (r"\\\n    --hash=sha256:\w+", "", "no hash"),
    ],
)
def test_a_lock_of_other_packages_is_found_out(tmp_path, old: str, new: str, fault: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(re.sub(old, new, LOCK.read_text()))
    assert any(fault in line for line in lock_faults(CONSTRAINTS, lock))


def test_the_page_lists_the_versions_of_the_constraints() -> None:
    rows = re.findall(r"^\| ([\w.-]+) \| ([\w.]+) \| ", PAGE.read_text(), flags=re.M)
    listed = {f"{name}=={version}" for name, version in rows}
    assert {line for line in CONSTRAINTS.read_text().splitlines() if "==" in line} <= listed


def test_what_uv_resolves_becomes_a_part_of_the_lock() -> None:
    everywhere = "sys_platform == 'linux' or sys_platform == 'darwin' or sys_platform == 'win32'"
    found = (
        f"one==1.0 ; {everywhere} \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "    # via -c c.txt, other, sweepbench (pyproject.toml)\n"
    )
    lines = ["    --hash=sha256:aa \\", "    --hash=sha256:bb", "    # for other, sweepbench"]
    whole = "\n".join(["one==1.0 \\", *lines]) + "\n"
    assert shortened(found) == whole
    linux = "python_version >= '3.11' and sys_platform == 'linux'"
    on_linux = shortened(found.replace(everywhere, linux))
    assert on_linux.splitlines()[0] == "one==1.0 ; sys_platform == 'linux' \\"
    assert with_hashes(whole, ["bb"]) == whole
    assert with_hashes(whole, ["cc"]).splitlines()[2:] == [
        "    --hash=sha256:bb \\", "    --hash=sha256:cc", "    # for other, sweepbench",
        "    # of another index: 1",
    ]  # fmt: skip
