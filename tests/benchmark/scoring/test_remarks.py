"""Predictions in metres are remarked on, whether the truth is known or not; others are not."""

import shutil

import h5py
import pytest

from benchmark.dataset import write_dataset, write_entry
from benchmark.scoring.remarks import prediction_remarks
from benchmark.scoring.submission import check_predictions


def scale(folder, factor, names=("p0-a", "p1-a", "p2-a")):
    """Multiply the translations of predictions by a factor."""
    for name in names:
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            for key in ("first_from_frame", "prev_from_frame"):
                array = file[key][()]
                array[:, :3, 3] *= factor
                file[key][...] = array


@pytest.fixture(scope="module")
def withheld(sound, tmp_path_factory):
    """The data set of `sound` without poses."""
    dataset, _ = sound
    folder = tmp_path_factory.mktemp("withheld")
    entries = []
    for entry in dataset.split("test"):
        hidden = dataset.load(entry).withhold({})
        entries.append(write_entry(folder, f"{entry.name}.h5", hidden, "test", entry.subject))
    return write_dataset(folder, dataset.name, entries, {})


def test_metres_break_no_rule_and_are_remarked_on(copy, withheld):
    dataset, folder = copy
    scale(folder, 1e-3)
    assert check_predictions(folder, dataset, "test") == []
    (line,) = prediction_remarks(folder, dataset)
    assert "beside a true path of" in line and "looks like metres; expected mm" in line
    (line,) = prediction_remarks(folder, withheld)
    assert "beside an image's diagonal of" in line


@pytest.mark.parametrize("factor", [1.0, 0.05, 30.0, 0.0])
def test_mm_are_not_whatever_the_drift_nor_are_predictions_without_motion(copy, withheld, factor):
    dataset, folder = copy
    scale(folder, factor)
    (folder / "p0-b.npz").unlink()
    assert prediction_remarks(folder, dataset) == prediction_remarks(folder, withheld) == []


def test_one_sweep_that_hardly_moves_is_no_unit(copy):
    dataset, folder = copy
    scale(folder, 1e-3, names=("p0-a",))
    assert prediction_remarks(folder, dataset) == []


def test_faulty_files_and_folders_have_no_remark(copy, tmp_path):
    dataset, folder = copy
    scale(folder, 1e-3)
    for path in folder.glob("p*"):
        path.write_bytes(b"x")
    assert prediction_remarks(folder, dataset) == []
    shutil.rmtree(folder)
    assert prediction_remarks(folder, dataset) == []
