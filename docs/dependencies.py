"""What each package of constraints.txt is needed for, and its licence.

    python docs/dependencies.py           # a table: package, version, licence, needed by
    python docs/dependencies.py --check   # exit status 1 if a package that is asked for is never
                                          # imported, or one that is imported is never asked for

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
FOLDERS = ("benchmark", "simulate", "baselines", "moglo", "tests", "docs", "results")
#: Programs and plugins that nothing imports: what they are run by.
RUN = {
    "mypy": "make lint",
    "ruff": "make lint",
    "setuptools": "the build",
    "dask": "its extra",
    "pytest-xdist": "pytest",
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
    """Return the licence that a package's metadata state, "" where it is not installed."""
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


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def table() -> Iterator[str]:
    """Yield the rows of the table in Markdown."""
    wanted, needed = asked(), needed_by()
    yield "| package | version | licence | needed by |\n|---|---|---|---|"
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if version:
            key = plain(name)
            users = [wanted[key]] if key in wanted else sorted(needed.get(key, []))[:3]
            yield f"| {name} | {version} | {licence(name)} | {', '.join(users) or '?'} |"


def main() -> int:
    """Print the table, or the faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="print faults instead of the table")
    lines = list(faults() if parser.parse_args().check else table())
    print("\n".join(lines))
    return int(bool(lines) and lines[0].count("|") == 0)


if __name__ == "__main__":
    sys.exit(main())
