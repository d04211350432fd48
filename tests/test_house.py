"""The house keeps its own rules: which room may import which, and what a light import loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("simulate", "benchmark", "baselines", "moglo")
FORBIDDEN = {
    "benchmark": {"simulate", "baselines", "moglo", "results"},
    "simulate": {"baselines", "moglo", "results"},
    "baselines": {"simulate", "moglo", "results"},
    "moglo": {"simulate", "baselines", "results"},
}
EXECUTABLE = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
PURE_NUMPY = {"benchmark/geometry.py": {"collections", "sys", "typing", "numpy"}}
WITHOUT = {
    "benchmark/metrics": {"h5py", "torch", "matplotlib", "plotly", "pandas", "pathlib"},
    "benchmark/evaluate": {
        "torch",
        "lightning",
        "benchmark.tracker",
        "benchmark.learning.training",
    },
    "benchmark/leaderboard": {"h5py", "benchmark.sweep", "benchmark.dataset", "benchmark.tracker"},
}
HEAVY = (
    "torch", "lightning", "matplotlib", "plotly", "pandas", "kwave", "numba", "skimage", "monai",
)  # fmt: skip
FILES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return every module that a file imports anywhere in it, with what is imported from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    """No room imports one that the design forbids it, and nothing executable is ever loaded."""
    name, found = path.relative_to(ROOT).as_posix(), imports(path)
    assert not tops(found) & FORBIDDEN[name.split("/")[0]]
    assert not tops(found) & EXECUTABLE
    assert "kwave" not in tops(found) or name == "simulate/photoacoustic/kwave.py"
    assert tops(found) <= PURE_NUMPY.get(name, tops(found))
    for prefix, banned in WITHOUT.items():
        if name.startswith(prefix):
            assert not (found | tops(found)) & banned


def test_the_ast_walk_sees_a_forbidden_arrow(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("def f():\n    from simulate.bmode.render import render\n")
    assert "simulate" in tops(imports(path))


@pytest.mark.parametrize(
    "command",
    ["import benchmark", "import simulate", "benchmark --help", "simulate --help",
     "benchmark train --help", "simulate generate --help"],
)  # fmt: skip
def test_light_import(command: str) -> None:
    """A light import and every --help load nothing heavy."""
    if not command.startswith("import "):
        package, *flags = command.split()
        command = (
            f"import runpy; sys.argv = ['x', *{flags!r}]\n"
            f"try: runpy.run_module('{package}', run_name='__main__')\n"
            "except SystemExit as end: assert not end.code, end.code"
        )
    code = f"import sys\n{command}\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


def test_nothing_tracked_names_a_machine() -> None:
    """No file that git tracks carries a machine's path or is over ten megabytes."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.exists() or path == Path(__file__):
            continue
        assert path.stat().st_size < 10_000_000, name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".cff", ".json", ".html", ".yml"}:
            text = path.read_text()
            assert "/work/" not in text and "/tmp/" not in text, name
