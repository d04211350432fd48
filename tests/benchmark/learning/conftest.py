"""Data on which a training of some updates learns."""

from pathlib import Path

import pytest

from benchmark.dataset import Dataset
from tests.benchmark.learning.brightness import write_bright


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_bright(tmp_path / "data")
