"""Documents name only files, headings, modules and tests that exist; hooks run `make lint`."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("baselines", "benchmark", "moglo", "simulate", "tests")
# The changelog names modules that are gone.
PAGES = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
SCRIPTS = [
    *(path for place in ("docs", "gallery") for path in sorted((ROOT / place).rglob("*.py"))),
    *sorted(ROOT.glob("tests/speed/*.py")),
]
SOURCES = [path for room in (*ROOMS, "sweepbench") for path in sorted((ROOT / room).rglob("*.py"))]
TESTS = {
    node.name
    for path in (ROOT / "tests").rglob("test_*.py")
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef)
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def is_defined(dotted: str) -> bool:
    """Whether a dotted name is a module of the tree, or one followed by a word of its source."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:count])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                rest = parts[count:]
                return not rest or re.search(rf"\b{rest[0]}\b", path.read_text()) is not None
    return False


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_names_of_files_and_tests_exist(page: Path) -> None:
    text = page.read_text()
    for path in re.findall(r"\b(?:{})/[\w./-]+\.\w+".format("|".join((*ROOMS, "docs"))), text):
        assert (ROOT / path).exists() or not path.endswith((".py", ".md", ".toml")), path
    for name in re.findall(r"`([\w/]+\.py)`", text):
        assert any(f"/{relative(path)}".endswith(f"/{name}") for path in (*SOURCES, *SCRIPTS)), name
    for name, more in re.findall(r"`(test_\w+)(\.\.\.)?`", text):
        assert any(test.startswith(name) if more else test == name for test in TESTS), name


def test_dotted_names_are_modules_of_the_tree() -> None:
    dotted = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:\.\w+)+)`")
    found = {
        (relative(p), name) for p in (*PAGES, *SOURCES) for name in dotted.findall(p.read_text())
    }
    assert len(found) > 20
    files = (".md", ".json", ".toml")
    assert not {(p, name) for p, name in found if not name.endswith(files) and not is_defined(name)}


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_scripts_import_what_exists(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_hooks_are_the_commands_of_make_lint() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    linters = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"entry: (.+)", hooks) == linters
