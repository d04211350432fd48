"""What each package of constraints.txt is needed for, and its licence.

    python docs/dependencies.py           # a table: package, version, licence, needed by
    python docs/dependencies.py --write   # the same into docs/dependencies.md
    python docs/dependencies.py --check   # exit status 1 if a package that is asked for is never
                                          # imported, one that is imported is never asked for, one
                                          # of constraints.txt is needed by nothing, or the lock
                                          # has other versions

Reads the metadata of the installed packages and the imports of every file of this repository.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "sweepbench", "benchmark", "simulate", "baselines", "moglo",
    "tests", "docs", "gallery", "results",
)  # fmt: skip
CONSTRAINTS, LOCK = ROOT / "constraints.txt", ROOT / "requirements.lock"
PAGE, MARK = ROOT / "docs" / "dependencies.md", "<!-- docs/dependencies.py --write -->\n"
#: Programs and plugins that nothing imports: what they are run by.
RUN = {
    "mypy": "make lint",
    "ruff": "make lint",
    "setuptools": "the build",
    "dask": "its extra",
    "pytest-xdist": "pytest",
    "mkdocs": "make docs",
    "mkdocs-material": "make docs",
    "mkdocstrings": "make docs",
    "hdf5plugin": "h5py, for files of zea",
}
#: Licences that the metadata of a package lack or state otherwise than its own licence file.
STATED = {
    "k-wave-python": "LGPL-3.0 (its LICENSE; the metadata say GPL)",
    "hdf5plugin": "MIT, its filters others (its LICENSE)",
    "mlcroissant": "Apache-2.0 (its repository; the package states none)",
}


def plain(name: str) -> str:
    """Return a package's name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked() -> dict[str, str]:
    """Return the packages that pyproject.toml asks for, each with the list that asks for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"sweepbench": project["dependencies"]}
    lists |= {f"sweepbench[{key}]": v for key, v in project["optional-dependencies"].items()}
    found: dict[str, str] = {}
    for name, lines in lists.items():
        for line in lines:
            found.setdefault(plain(_named(line)), name)
    found.pop("sweepbench", None)
    return found


def _named(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match, requirement
    return match[0]


def imported() -> dict[str, str]:
    """Return the packages that the repository's files import, each with one of these files."""
    providers = metadata.packages_distributions()
    found: dict[str, str] = {}
    for path in sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")):
        for module in _modules(ast.parse(path.read_text(encoding="utf-8"))):
            for package in providers.get(module, ()):
                found.setdefault(plain(package), str(path.relative_to(ROOT)))
    return found


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            yield ast.literal_eval(node.args[0]).partition(".")[0]


def needed_by() -> dict[str, list[str]]:
    """Return which installed packages ask for each package, first those that always do."""
    always: dict[str, list[str]] = {}
    by_extra: dict[str, list[str]] = {}
    for package in metadata.distributions():
        for line in package.requires or ():
            found = re.search(r"extra == ['\"]([\w-]+)", line)
            user = plain(package.name) + (f"[{found[1]}]" if found else "")
            (by_extra if found else always).setdefault(plain(_named(line)), []).append(user)
    return by_extra | always


def licence(name: str) -> str:
    """Return the licence of a package, by its metadata; "" where it is not installed."""
    if plain(name) in STATED:
        return STATED[plain(name)]
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    kinds = [k.rpartition(" :: ")[2] for k in told.get_all("Classifier") or () if "License" in k]
    stated = told.get("License-Expression") or ", ".join(kinds) or told.get("License") or "unknown"
    return stated.splitlines()[0][:60]


def faults() -> Iterator[str]:
    """Yield packages that are asked for and never imported, and the other way round."""
    wanted, used = asked(), imported()
    for name in sorted(wanted.keys() - used.keys() - RUN.keys()):
        if _is_installed(name):
            yield f"{name}: asked for by {wanted[name]}, imported by nothing"
    needed = needed_by()
    for name in sorted(used.keys() - wanted.keys() - RUN.keys() - {"sweepbench"}):
        users = {user.partition("[")[0] for user in needed.get(name, ())}
        if not users & wanted.keys():
            yield f"{name}: imported by {used[name]}, asked for by nothing"
    for name in pins(CONSTRAINTS):
        if name not in wanted and not needed.get(name) and _is_installed(name):
            yield f"{name}: in {CONSTRAINTS.name}, needed by nothing"
    yield from lock_faults(CONSTRAINTS, LOCK)


def pins(path: Path) -> dict[str, str]:
    """Return the version of each package of constraints.txt or of a lock, by its plain name."""
    found = re.findall(r"^([\w.-]+)==([\w.+]+)", path.read_text(encoding="utf-8"), flags=re.M)
    return {plain(name): version for name, version in found}


def lock_faults(constraints: Path, lock: Path) -> Iterator[str]:
    """Yield where a lock has other packages than constraints.txt, other versions or no hashes."""
    wanted, locked = pins(constraints), pins(lock)
    for name, version in wanted.items():
        if locked.get(name) != version:
            yield f"{lock.name}: {name}: expected {version}, got {locked.get(name)}"
    yield from (
        f"{lock.name}: {name}: not in {constraints.name}" for name in locked.keys() - wanted.keys()
    )
    for block in re.split(r"^(?=\w)", lock.read_text(encoding="utf-8"), flags=re.M):
        if "==" in block and "--hash=sha256:" not in block:
            yield f"{lock.name}: {block.split()[0]}: no hash"


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def table() -> Iterator[str]:
    """Yield the rows of the table in Markdown."""
    wanted, needed, used = asked(), needed_by(), imported()
    yield "| package | version | licence | needed by |\n|---|---|---|---|"
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if version:
            key = plain(name)
            users = sorted(needed.get(key, []))[:3]
            if key in wanted:
                users = [f"{wanted[key]}: {RUN.get(key) or used.get(key, 'nothing')}"]
            yield f"| {name} | {version} | {licence(name)} | {', '.join(users) or '?'} |"


def write_page() -> None:
    """Write the table into the page, below its mark."""
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(above + mark + "\n" + "\n".join(table()) + "\n", encoding="utf-8")


def main() -> int:
    """Print or write the table, or print the faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="print faults instead of the table")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    if given.write:
        write_page()
        return 0
    lines = list(faults() if given.check else table())
    print("\n".join(lines))
    return int(bool(lines) and given.check)


if __name__ == "__main__":
    sys.exit(main())
