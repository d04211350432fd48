"""Gather the pages of the documentation: `python -m docs.site`, then `mkdocs build`.

The folder `build/pages` mirrors the repository: README, docs/, and whatever these link to, so that
every link is the same in both. Beside them stand pages that are generated: the reference, the
gallery and the notebooks.
"""

import re
import shutil
from pathlib import Path

from docs.site import interface, keys, lines, scripts

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "build" / "pages"
WORK = ROOT / "build" / "gallery"  # where scripts and notebooks run
LINK = re.compile(r"\]\(([^)\s#]+)")


def linked(first: list[Path]) -> list[Path]:
    """Return some files and all files of the repository that they link to, directly or not."""
    found = dict.fromkeys(first)
    waiting = list(first)
    for page in waiting:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if "://" in target or path in found or not path.is_file() or ROOT not in path.parents:
                continue
            found[path] = None
            waiting += [path] if path.suffix == ".md" else []
    return list(found)


def gather(pages: Path) -> None:
    """Copy the written pages and what they link to."""
    first = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
    for path in linked(first):
        place = pages / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    for name in ("site.css", "iframe-worker.js"):
        shutil.copyfile(Path(__file__).parent / name, pages / name)


def reference(pages: Path) -> None:
    """Write the pages that are made of the program itself."""
    folder = pages / "reference"
    folder.mkdir()
    for name, page in (("commands", lines), ("keys", keys), ("python", interface)):
        (folder / f"{name}.md").write_text(page.page(), encoding="utf-8")


def gallery(pages: Path) -> None:
    """Run the scripts and the notebooks, and write their pages."""
    folder = pages / "gallery"
    folder.mkdir()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    for script in scripts.scripts():
        print(f"gallery: {script.name}", flush=True)
        picture, printed = scripts.run_script(script, WORK)
        shutil.copyfile(picture, folder / picture.name)
        page = scripts.gallery_page(script, printed)
        (folder / f"{script.stem}.md").write_text(page, encoding="utf-8")
    (folder / "index.md").write_text(scripts.gallery_index(), encoding="utf-8")
    for notebook in scripts.notebooks():
        print(f"notebook: {notebook.name}", flush=True)
        cells = scripts.run_notebook(notebook, WORK)
        page = scripts.notebook_page(notebook, cells, folder)
        (folder / f"notebook-{notebook.stem}.md").write_text(page, encoding="utf-8")


def main() -> None:
    """Write all pages anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    gather(PAGES)
    reference(PAGES)
    gallery(PAGES)


if __name__ == "__main__":
    main()
