"""`python -m tests.house`: the figures of every package, and what breaks a rule of the house."""

import ast
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from tests.house import faults, rules
from tests.house.walk import House, arrows, circles, read_house

ROOT = Path(__file__).parents[2]


def spread(values: Sequence[int]) -> str:
    """Return median, 90th percentile and largest of some whole numbers."""
    if len(values) < 2:
        return " ".join(map(str, values))
    ninetieth = quantiles(values, n=10, method="inclusive")[8]
    return f"{sorted(values)[len(values) // 2]} {ninetieth:.0f} {max(values)}"


def function_lines(path: Path) -> list[int]:
    """Return the number of lines of every function of a file, from `def` to its last line."""
    return [
        node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def figures(house: House, package: str, above: Sequence[str]) -> dict[str, object]:
    """Return the figures of one package; arrows are those that start in its rooms."""
    modules = [module for module in house.files if module.split(".")[0] == package]
    paths = [house.files[module] for module in modules]
    rooms = {house.room(module) for module in modules}
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
    graph = {room: used for room, used in arrows(house).items() if room in rooms}
    files = {module: set(house.own(module)) for module in modules}
    return {
        "package": package,
        "rooms": len(rooms),
        "arrows": sum(map(len, graph.values())),
        "up": sum(fault.startswith(f"{package}.") for fault in above),
        "circles": len(circles(files)) + len(circles(graph)),
        "files": len(paths),
        "most in a folder": max(Counter(path.parent for path in paths).values()),
        "lines": sum(lines),
        "lines of a file": spread(lines),
        "lines of a function": spread([n for path in paths for n in function_lines(path)]),
    }


def main() -> int:
    """Print the figures as a table, then every broken rule; return 1 if there is one."""
    house, tests = read_house(ROOT, rules.PACKAGES), read_house(ROOT, ["tests"])
    above = faults.upward(house)
    rows = [figures(house, package, above) for package in rules.PACKAGES]
    rows.append(figures(tests, "tests", []))
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print("\nlines of a file, of a function: median, 90th percentile, most")
    broken = faults.all_faults(house, tests)
    print(*broken or ["no rule of the house is broken"], sep="\n")
    return int(bool(broken))


if __name__ == "__main__":
    raise SystemExit(main())
