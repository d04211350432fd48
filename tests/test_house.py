"""The house keeps its own rules: which room may import which, and what a light import loads."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.house import faults, rules
from tests.house.__main__ import figures, spread
from tests.house.walk import House, read_house

ROOT = Path(__file__).parents[1]
HEAVY = (
    "torch", "lightning", "matplotlib", "plotly", "pandas", "kwave", "numba", "skimage", "monai",
)  # fmt: skip


@pytest.fixture(scope="module")
def house() -> House:
    return read_house(ROOT, rules.PACKAGES)


@pytest.fixture(scope="module")
def tests() -> House:
    return read_house(ROOT, ["tests"])


# ---- the rules hold


@pytest.mark.parametrize(
    "check",
    [
        faults.upward,
        faults.past_the_door,
        faults.forbidden,
        faults.unsafe,
        faults.heavy_settings,
        faults.turning,
        faults.unmatched,
    ],
    ids=lambda check: check.__name__,
)
def test_the_packages_keep_the_rules(house: House, check) -> None:
    assert "\n".join(check(house)) == ""


def test_no_folder_is_crowded(house: House, tests: House) -> None:
    assert faults.crowded(house, tests) == []


def test_no_file_of_tests_imports_another(tests: House) -> None:
    assert faults.borrowed(tests) == []


# ---- a broken rule is found


def with_import(house: House, module: str, *names: str) -> House:
    """Return a house in which a module has further imports, which run when it is imported."""
    uses, loads = (
        {**graph, module: graph[module] | set(names)} for graph in (house.uses, house.loads)
    )
    return replace(house, uses=uses, loads=loads)


def without(house: House, *names: str) -> House:
    """Return a house that lacks some modules."""
    return replace(house, files={m: p for m, p in house.files.items() if m not in names})


@pytest.mark.parametrize(
    ("module", "name", "check"),
    [
        ("benchmark.sweep", "simulate.spec", faults.upward),
        ("simulate.spec.plan", "moglo.tracker", faults.upward),
        ("baselines.monet", "moglo.motion", faults.upward),
        ("moglo.tracker", "moglo.long.tiles", faults.upward),
        ("benchmark.metrics.drift", "benchmark.scoring.protocol", faults.upward),
        ("benchmark.runs.run", "benchmark.commands.runs", faults.upward),
        ("simulate.iq.beam", "simulate.bmode.settings", faults.upward),
        ("simulate.spec.plan", "benchmark.runs.run", faults.past_the_door),
        ("simulate.spec.record", "simulate.doppler.flow", faults.past_the_door),
        ("simulate.iq.beam", "simulate.tissue.forearm", faults.past_the_door),
        ("moglo.tracker", "benchmark.leaderboard.board", faults.past_the_door),
        ("benchmark.leaderboard.page", "benchmark.tracker", faults.forbidden),
        ("benchmark.leaderboard.page", "h5py", faults.forbidden),
        ("benchmark.metrics.drift", "pathlib", faults.forbidden),
        ("benchmark.errors", "torch.nn", faults.forbidden),  # which metrics and evaluate import
        ("benchmark.tables", "benchmark.hdf5", faults.forbidden),  # which the leaderboard imports
        ("benchmark.files", "pickle", faults.unsafe),
        ("simulate.bmode.render", "kwave.data", faults.unsafe),
        ("benchmark.geometry", "scipy.spatial", faults.unsafe),
        ("benchmark.geometry", "benchmark.errors", faults.unsafe),
        ("simulate.hand.settings", "scipy", faults.heavy_settings),
        ("simulate.tissue.settings", "simulate.tissue.anatomy_kernels", faults.heavy_settings),
        ("simulate.harmonics", "numba.njit", faults.forbidden),  # which the hand imports, and spec
        ("benchmark.errors", "benchmark.files", faults.turning),
        ("simulate.shapes.sheets", "simulate.vessels.tree", faults.turning),
    ],
)
def test_a_forbidden_import_is_found(house: House, module: str, name: str, check) -> None:
    assert not any(name in fault and module in fault for fault in check(house))
    assert any(
        name in fault and module in fault for fault in check(with_import(house, module, name))
    )


def test_rules_that_match_nothing_and_files_without_a_room_are_found(house: House) -> None:
    for name in ("simulate.photoacoustic.kwave", "benchmark.geometry", "benchmark.tracker"):
        assert any(name in fault for fault in faults.unmatched(without(house, name)))
    views = [name for name in house.files if house.room(name) == "benchmark.volume"]
    assert any("benchmark.volume" in fault for fault in faults.unmatched(without(house, *views)))
    stray = replace(house, files={**house.files, "benchmark.attic.old": ROOT / "old.py"})
    assert "benchmark.attic.old: room benchmark.attic is unknown" in faults.unmatched(stray)
    kwave = "simulate.photoacoustic.kwave"
    idle = replace(house, uses={**house.uses, kwave: set()})
    assert f"a rule lets {kwave} alone import kwave, which it does not" in faults.unmatched(idle)


def test_a_crowded_folder_and_a_borrowing_test_are_found(house: House, tests: House) -> None:
    extra = {f"moglo.part{n}": ROOT / "moglo" / f"part{n}.py" for n in range(rules.MOST_FILES)}
    broken = faults.crowded(replace(house, files={**house.files, **extra}), tests)
    assert any(f"moglo: {rules.MOST_FILES + 13} Python files" in fault for fault in broken)
    borrowing = with_import(tests, "tests.test_house", "tests.test_main_job")
    assert faults.borrowed(borrowing) == ["tests.test_house imports tests.test_main_job"]


def test_the_walk_sees_imports_of_every_kind(tmp_path: Path) -> None:
    """In functions, relative, for type checkers, of a face, of a module and of a name in it."""
    sources = {
        "a/__init__.py": "",
        "a/top.py": "import numpy.linalg\nfrom a.room import one\n",
        "a/room/__init__.py": "from a.room.one import thing\n",
        "a/room/one.py": "def thing():\n    from .. import low\n    from .two import x\n",
        "a/room/two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a.low\n",
        "a/low.py": "class C:\n    import json\ntry:\n    import scipy\nexcept ImportError: pass\n",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_house(tmp_path, ["a"])
    assert found.uses == {
        "a": set(),
        "a.top": {"numpy.linalg", "a.room.one"},
        "a.room": {"a.room.one"},
        "a.room.one": {"a.low", "a.room.two"},
        "a.room.two": {"typing.TYPE_CHECKING", "a.low"},
        "a.low": {"json", "scipy"},
    }
    assert found.loads == {
        **found.uses,
        "a.top": {"numpy.linalg", "a.room.one", "a.room"},
        "a.room.one": set(),
        "a.room.two": {"typing.TYPE_CHECKING"},
    }
    assert [found.room(module) for module in ("a", "a.low", "a.room", "a.room.two")] == [
        "a", "a", "a.room", "a.room",
    ]  # fmt: skip


def test_the_figures_count_every_file(house: House) -> None:
    rows = [figures(house, package, []) for package in rules.PACKAGES]
    assert sum(row["files"] for row in rows) == len(house.files)
    rooms = {house.room(module) for module in house.files}
    assert sum(row["rooms"] for row in rows) == len(rooms) == len(rules.BELOW)
    assert spread([5, 1, 2, 4, 3]) == "3 5 5"


# ---- what is loaded


@pytest.mark.parametrize(
    "command",
    ["import benchmark", "import simulate", "benchmark --help", "simulate --help",
     "sweepbench --help", "sweepbench train --help",
     "benchmark train --help", "simulate generate --help",
     "from simulate.spec import *; [load_spec(name) for name in spec_names()]"],
)  # fmt: skip
def test_light_import(command: str) -> None:
    """A light import, every --help and every shipped spec load nothing heavy."""
    if not command.startswith(("import ", "from ")):
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
    names = listed.stdout.splitlines()
    assert "pyproject.toml" in names
    for name in names:
        path = ROOT / name
        if not path.exists() or path == Path(__file__):
            continue
        assert path.stat().st_size < 10_000_000, name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".cff", ".json", ".html", ".yml"}:
            text = path.read_text()
            assert "/work/" not in text and "/tmp/" not in text, name
