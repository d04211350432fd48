"""Pages of the gallery's scripts and of the notebooks, with what they draw and print."""

import contextlib
import io
import json
import os
import runpy
from ast import get_docstring, parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import pyplot

GALLERY = Path(__file__).parents[2] / "gallery"
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: whether it is code, its text, what it printed, the pictures it drew."""

    is_code: bool
    text: str
    printed: str = ""
    pictures: tuple[bytes, ...] = ()


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[io.StringIO]:
    """Run in a folder, without a screen; what is printed is kept."""
    before, printed = Path.cwd(), io.StringIO()
    pyplot.switch_backend("agg")
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            yield printed
    finally:
        os.chdir(before)
        pyplot.close("all")


def scripts() -> list[Path]:
    """Return the scripts of the gallery, in the order of their names."""
    return sorted(GALLERY.glob("*.py"))


def notebooks() -> list[Path]:
    """Return the notebooks, in the order of their names."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def run_script(script: Path, folder: Path) -> tuple[Path, str]:
    """Run a script in a folder; return the picture it has drawn there and what it printed."""
    with _inside(folder) as printed:
        runpy.run_path(str(script), run_name="__main__")
    return folder / f"{script.stem}.png", printed.getvalue()


def run_notebook(notebook: Path, folder: Path) -> list[Cell]:
    """Run a notebook's cells in a folder, from top to bottom in one namespace."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            cells.append(Cell(False, text))
            continue
        with _inside(folder) as printed:
            exec(compile(text, notebook.name, "exec"), names)
            pictures = tuple(_drawn())
        cells.append(Cell(True, text, printed.getvalue(), pictures))
    return cells


def _drawn() -> Iterator[bytes]:
    """Yield the open figures as PNG."""
    for number in pyplot.get_fignums():
        picture = io.BytesIO()
        pyplot.figure(number).savefig(picture, format="png", dpi=90)
        yield picture.getvalue()


def title_of(script: Path) -> tuple[str, str]:
    """Return the first line of a script's docstring, and the rest of it."""
    head, _, rest = (get_docstring(parse(script.read_text(encoding="utf-8"))) or "").partition("\n")
    return head.rstrip("."), rest.strip()


def gallery_page(script: Path, printed: str) -> str:
    """Return the page of one script: title, picture, what it printed, its source."""
    title, text = title_of(script)
    source = script.read_text(encoding="utf-8").partition('"""\n')[2].strip()
    output = f"\n```text\n{printed.rstrip()}\n```\n" if printed else ""
    return (
        f"# {title}\n\n{text}\n\n![{title}]({script.stem}.png)\n{output}\n"
        f"    python gallery/{script.name}\n\n```python\n{source}\n```\n"
    )


def gallery_index() -> str:
    """Return the page that lists the gallery, with all pictures."""
    card = "-   [![{title}]({name}.png)]({name}.md)\n\n    [{title}]({name}.md)\n"
    cards = "\n".join(card.format(title=title_of(s)[0], name=s.stem) for s in scripts())
    return (
        "# Gallery\n\nEach script draws one picture within a minute on two cores; the tests run "
        f'them all.\n\n<div class="grid cards" markdown>\n\n{cards}\n</div>\n'
    )


def notebook_page(notebook: Path, cells: list[Cell], folder: Path) -> str:
    """Return the page of a notebook that has run; its pictures are written into `folder`."""
    parts = []
    for number, cell in enumerate(cells):
        if not cell.is_code:
            parts.append(cell.text)
            continue
        parts.append(f"```python\n{cell.text}\n```")
        if cell.printed:
            parts.append(f"```text\n{cell.printed.rstrip()}\n```")
        for place, picture in enumerate(cell.pictures):
            name = f"{notebook.stem}-{number}-{place}.png"
            (folder / name).write_bytes(picture)
            parts.append(f"![]({name})")
    parts.append(f"The notebook is `notebooks/{notebook.name}`.")
    return "\n\n".join(parts) + "\n"
