"""The reference is made of the program: every key, command and module, and nothing that is not."""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark.errors import UserError
from docs.site import interface, keys, lines
from docs.site.__main__ import ROOT, gather, reference
from simulate.spec import load_spec
from sweepbench.console import commands

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
TABLES = dict(keys.tables())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---- spec keys


@pytest.mark.parametrize("table", TABLES, ids=lambda name: name or "top")
def test_every_key_is_explained(table: str) -> None:
    for key in keys.keys(TABLES[table]):
        assert key.meaning, key.name
        assert key.default


@pytest.mark.parametrize(
    ("table", "key", "may_be", "unit", "default"),
    [
        ("tissue", "coherent_fraction", "0 to 1", "", "0"),
        ("bmode", "gamma", "0.2 to 5", "", "1"),
        ("probe", "pitch_mm", "more than 0", "mm", "0.3"),
        ("probe", "geometry", "one of linear, curvilinear", "", '"linear"'),
        ("imu", "rate_hz", "at least 0; at most 250", "Hz", "0"),
        ("motion", "wobble_deg_s", "at least 0", "degree/s", "2.5"),
        ("tissue", "attenuation_db_cm_mhz", "at least 0", "dB/(cm MHz)", "0.5"),
        ("photoacoustic", "dimensions", "one of (2, 3)", "", "2"),
        ("", "seed", "at least 0", "", "required"),
    ],
)
def test_keys_have_the_range_that_their_table_tells(table, key, may_be, unit, default) -> None:
    (found,) = (item for item in keys.keys(TABLES[table]) if item.name == key)
    assert (found.may_be, found.unit, found.default) == (may_be, unit, default)


def test_a_range_is_in_the_words_of_the_refusal() -> None:
    @dataclass(frozen=True)
    class Table:
        size_mm: float = 1.0

        def __post_init__(self) -> None:
            if not 0.5 <= self.size_mm <= 2:
                raise UserError(f"table.size_mm: expected 0.5 to 2, got {self.size_mm}")

    assert keys.expectations(Table, "size_mm", float) == ["0.5 to 2"]


# ---- commands and Python


def test_every_command_has_its_options() -> None:
    page = lines.page()
    for name in commands():
        assert f"\n### {name}\n" in page
        assert f"usage: sweepbench {name} [-h]" in page
    assert not re.search("[╭│╰\x1b]", page)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_pages_name_only_commands_and_options_that_exist(page: Path) -> None:
    called = re.compile(r"sweepbench ([a-z][a-z-]+)([^`\n]*)")
    for name, rest in called.findall(page.read_text().replace("\\\n", " ")):
        if name in commands():
            known = lines.help_text(name)
            for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", rest):
                assert re.search(rf"{option}\b", known), (name, option)
        else:
            assert not rest.startswith((" --", " data/")), name  # words of a sentence


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_have_one_spelling(page: Path) -> None:
    assert not re.findall(r"python -m (?:benchmark|simulate) [a-z-]+", page.read_text())


@pytest.mark.parametrize("module", interface.modules())
def test_the_interface_is_there_and_described(module: str) -> None:
    assert importlib.import_module(module).__doc__


def test_descriptions_are_not_taken_for_types() -> None:
    text = (
        "Return x.\n\nParameters\n----------\na, b : of x,\n    in mm.\n\nReturns\n-------\nx : y"
    )
    found = interface.described(text)
    assert "a, b\n    of x,\n    in mm." in found
    assert found.endswith("x : y")


# ---- pages


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "guides").glob("*.md")), ids=relative)
def test_specs_of_guides_can_be_loaded(page: Path, tmp_path: Path) -> None:
    for text in re.findall(r"```toml\n(.+?)```", page.read_text(), re.DOTALL):
        (tmp_path / "spec.toml").write_text(text)
        assert load_spec(tmp_path / "spec.toml").hash


def test_every_link_of_the_gathered_pages_leads_to_a_file(tmp_path: Path) -> None:
    gather(tmp_path)
    reference(tmp_path)
    pages = sorted(tmp_path.rglob("*.md"))
    assert tmp_path / "README.md" in pages
    for page in pages:
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text()):
            assert "://" in target or (page.parent / target).is_file(), (page.name, target)


def anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings get, as GitHub and the site make them."""
    bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = set(re.findall(r'id="([^"]+)"', bare)) | set(re.findall(r"\{ ?#([\w.-]+)", bare))
    for heading in re.findall(r"^#+ (.+?)\s*$", bare, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        found.add(re.sub(r"[^\w\- ]", "", words).strip().lower().replace(" ", "-"))
    return found


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=relative
)
def test_every_link_into_a_page_leads_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s#]*)#([^)\s]+)\)", page.read_text()):
        other = (page.parent / target).resolve() if target else page
        if "://" not in target and other.suffix == ".md":
            assert anchor in anchors(other.read_text()), (target, anchor)


def test_the_site_lists_every_page() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    listed = set(re.findall(r"[\w/-]+\.md", nav))
    written = {relative(page) for page in PAGES}
    assert written <= listed
    beside = {"CHANGELOG.md", "CONTRIBUTING.md"}
    others = {page for page in listed - written if not page.startswith(("reference/", "gallery/"))}
    assert others == beside
    names = {path.stem for path in (ROOT / "gallery").glob("*.py")}
    books = {f"notebook-{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    gallery = {Path(page).stem for page in listed if page.startswith("gallery/")}
    assert gallery == names | books | {"index"}
