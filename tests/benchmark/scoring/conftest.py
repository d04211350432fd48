"""A data set and predictions without fault, for the tests of scoring."""

import shutil

import pytest

from tests.benchmark.shared.folders import make_dataset, make_predictions


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A data set and a predictions folder without fault; tests copy it."""
    home = tmp_path_factory.mktemp("sound")
    dataset = make_dataset(home / "data")
    return dataset, make_predictions(home / "predictions", dataset)


@pytest.fixture
def copy(sound, tmp_path):
    """The data set, and a copy of the predictions folder that a test may spoil."""
    dataset, folder = sound
    return dataset, shutil.copytree(folder, tmp_path / "predictions")
