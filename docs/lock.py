"""Write requirements.lock and requirements-cuda.lock: every package with the hashes of its files.

    python -m pip install uv
    python docs/lock.py                    # versions of constraints.txt, hashes of the index
    python docs/lock.py --wheels FOLDER    # and those of wheels of torch from another index

The versions are those of constraints.txt. The second file holds what torch needs on GPUs. Files of
another index, such as torch's wheels for CPUs, are not on the first: `python -m pip download
--no-deps --index-url INDEX torch==VERSION` fetches them into a folder. Hashes of such wheels that
requirements.lock has for the same version are kept.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
LOCK, CUDA_LOCK = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
#: Systems that the lock is for: sys_platform, platform_machine.
SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"))
PYTHON = ("3.11.7", "3.14")  # from, and below; some packages ask for a late 3.11
EXTRAS = ("dev", "docs", "zea")
ON_GPUS = re.compile(r"(nvidia|cuda)-|triton\b")
HASH = "    --hash=sha256:{}"


def resolved() -> str:
    """Return what uv resolves for all systems from constraints.txt, with hashes."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = tomllib.loads(project)["project"]["requires-python"]
    project = project.replace(asked, f">={PYTHON[0]}")
    each = [
        f"python_full_version < '{PYTHON[1]}' and sys_platform == '{system}' "
        f"and platform_machine == '{machine}'"
        for system, machine in SYSTEMS
    ]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "pyproject.toml"
        file.write_text(f"{project}\n[tool.uv]\nenvironments = {each!r}\n", encoding="utf-8")
        words = ["--universal", "--python-version", PYTHON[0], "--generate-hashes", "--no-header"]
        words += ["--annotation-style", "line", "-c", str(ROOT / "constraints.txt")]
        words += [word for extra in EXTRAS for word in ("--extra", extra)]
        command = [sys.executable, "-m", "uv", "pip", "compile", str(file), *words]
        done = subprocess.run(command, check=True, cwd=place, stdout=subprocess.PIPE, text=True)
        return done.stdout


def blocks(text: str) -> list[str]:
    """Return the part of a lock of each package: a line, those of its hashes, what needs it."""
    return [part for part in re.split(r"^(?=\w)", text, flags=re.M) if re.match(r"\w", part)]


def shortened(block: str) -> str:
    """Return a part with a marker that tells no more than the systems of the lock do."""
    head, *rest = block.splitlines()
    found = re.fullmatch(r"(\S+)(?: ; (.*?))? \\", head)
    assert found, head
    marker = _marker(found[2]) if found[2] else ""
    users = ", ".join(re.findall(r"(?:via|,) (?!-c)([\w.-]+)(?: \(pyproject.toml\))?", rest[-1]))
    lines = [line for line in rest if "--hash" in line]
    return "\n".join([f"{found[1]}{marker} \\", *lines, f"    # for {users}"]) + "\n"


def _marker(text: str) -> str:
    marker, holds = Marker(text), []
    for system, machine in SYSTEMS:
        told = {"sys_platform": system, "platform_machine": machine}
        told |= {"python_full_version": PYTHON[0], "python_version": PYTHON[0][:4]}
        holds.append(marker.evaluate(told))
    if all(holds):
        return ""
    systems = {system for (system, _), held in zip(SYSTEMS, holds, strict=True) if held}
    whole = all(held == (s in systems) for (s, _), held in zip(SYSTEMS, holds, strict=True))
    if not whole:
        return f" ; {text}"
    return " ; " + " or ".join(f"sys_platform == '{system}'" for system in sorted(systems))


def with_hashes(block: str, hashes: Iterable[str]) -> str:
    """Return a part that allows further files, marked as those of another index."""
    *head, users = block.splitlines()
    more = [HASH.format(value) for value in sorted(hashes) if value not in block]
    if not more:
        return block
    head[-1] += " \\"
    lines = [f"{line} \\" for line in more[:-1]] + more[-1:]
    return "\n".join([*head, *lines, users, f"    # of another index: {len(more)}"]) + "\n"


def kept(block: str) -> set[str]:
    """Return the hashes of another index that LOCK has for the same version of a package."""
    if not LOCK.is_file():
        return set()
    for old in blocks(LOCK.read_text(encoding="utf-8")):
        told = re.search(r"# of another index: (\d+)", old)
        if told and old.split()[0] == block.split()[0]:
            return set(re.findall(r"sha256:(\w+)", old)[-int(told[1]) :])
    return set()


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder with wheels of another index")
    folder = parser.parse_args().wheels
    wheels = sorted(folder.glob("*.whl")) if folder else []
    found: dict[Path, list[str]] = {LOCK: [], CUDA_LOCK: []}
    for block in map(shortened, blocks(resolved())):
        name = block.partition("==")[0].replace("-", "_")
        own = [p for p in wheels if p.name.lower().startswith(f"{name.lower()}-")]
        hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in own} | kept(block)
        found[CUDA_LOCK if ON_GPUS.match(block) else LOCK].append(with_hashes(block, hashes))
    for path, parts in found.items():
        path.write_text("# Written by docs/lock.py.\n" + "".join(parts), encoding="utf-8")
        print(f"{path}: {len(parts)} packages")


if __name__ == "__main__":
    main()
