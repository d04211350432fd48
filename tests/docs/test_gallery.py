"""Every script of the gallery draws its picture, and every notebook runs from top to bottom."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.site.scripts import notebooks, run_notebook, run_script, scripts, title_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all of them share one tiny data set."""
    return tmp_path_factory.mktemp("gallery")


def is_drawn(picture: bytes) -> bool:
    """Whether a picture is large enough to read and not of one colour."""
    with Image.open(BytesIO(picture)) as image:
        pixels = np.asarray(image.convert("L"))
    return min(pixels.shape) > 200 and len(np.unique(pixels)) > 20


def processor_s() -> float:
    """Seconds of the processor that this process and its ended children have taken."""
    return sum(os.times()[:4])


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.stem)
def test_script_draws_one_picture_within_a_minute(script: Path, folder: Path) -> None:
    before, began = set(folder.glob("*.png")), processor_s()
    picture, _ = run_script(script, folder)
    assert processor_s() - began < 60
    assert set(folder.glob("*.png")) - before == {picture}
    assert is_drawn(picture.read_bytes())


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.stem)
def test_script_is_short_and_says_what_it_shows(script: Path) -> None:
    assert 20 <= len(script.read_text().splitlines()) <= 60
    title, text = title_of(script)
    assert title and len(text) > 80


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.stem)
def test_notebook_runs(notebook: Path, folder: Path) -> None:
    cells = run_notebook(notebook, folder)
    assert any(cell.printed for cell in cells)
    pictures = [picture for cell in cells for picture in cell.pictures]
    assert pictures and all(is_drawn(picture) for picture in pictures)
