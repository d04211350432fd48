"""Every import of every file of some packages, read from the source without running it."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class House:
    """The modules of a tree, and the modules and library names that each imports.

    uses: every import of the file, those in functions and under TYPE_CHECKING too; loads: those
    that run when the file is imported, with the faces (`__init__`) of the rooms imported from.
    """

    files: Mapping[str, Path]
    uses: Graph
    loads: Graph

    def room(self, module: str) -> str:
        """Return the room of a module: its folder, or the module itself if it is a `__main__`."""
        if module.endswith(".__main__") or self.files[module].name == "__init__.py":
            return module
        return module.rpartition(".")[0]

    def within(self, name: str) -> list[str]:
        """Return the modules that a name stands for: a room's files, or one module."""
        return [m for m in self.files if name in (m, self.room(m))]

    def own(self, module: str) -> list[str]:
        """Return the modules of the tree that a module imports, in order."""
        return sorted(name for name in self.uses[module] if name in self.files)


def read_house(root: Path, packages: Iterable[str]) -> House:
    """Read all Python files of `packages`, which are folders of `root`."""
    files = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    uses: dict[str, set[str]] = {}
    loads: dict[str, set[str]] = {}
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for graph, nodes in ((uses, ast.walk(tree)), (loads, _run_at_import(tree))):
            names = {name for node in nodes for name in _imported(node, package)}
            graph[module] = {_resolved(name, files) for name in names} - {module}
        faces = {".".join(other.split(".")[:2]) for other in loads[module] if other in files}
        loads[module] |= {face for face in faces if face in files and face != package} - {module}
    return House(files, uses, loads)


def _run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes outside of functions and of blocks for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _run_at_import(node)


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the dotted names that a node imports, `a.b` for `from a import b`, in `package`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
        start = [*above, *([node.module] if node.module else [])]
        yield from (".".join([*start, alias.name]) for alias in node.names)


def _resolved(name: str, files: Mapping[str, Path]) -> str:
    """Return the module of the tree that a dotted name lies in; the name itself if in none."""
    module = name
    while module and module not in files:
        module = module.rpartition(".")[0]
    return module or name


def reached(graph: Graph, start: str) -> dict[str, str]:
    """Return all that `start` reaches, each with the node before it on a shortest way."""
    before, waiting = {}, [start]
    for node in waiting:
        for after in sorted(graph.get(node, ())):
            if after not in before and after != start:
                before[after] = node
                waiting.append(after)
    return before


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups of nodes that reach one another."""
    reach = {node: set(reached(graph, node)) for node in graph}
    groups = {
        frozenset({node} | {other for other in reach[node] if node in reach.get(other, ())})
        for node in graph
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def arrows(house: House) -> dict[str, set[str]]:
    """Return for each room the other rooms that its files import from."""
    found: dict[str, set[str]] = {house.room(module): set() for module in house.files}
    for module in house.files:
        room = house.room(module)
        found[room] |= {house.room(other) for other in house.own(module)} - {room}
    return found
