"""Folders of tracked recordings become data sets: by their names, or by a table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.interop.convert import convert
from benchmark.interop.folder import plan_of
from benchmark.interop.formats import Writing
from benchmark.interop.igsio import write_igsio
from benchmark.sweep import Sweep
from tests.benchmark.shared.random_sweeps import make_sweep

FILES = ("train/anna/left.igs.mha", "train/anna/right.igs.mha", "val-bert-1.mha", "cleo_1.igs.mha")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings of three subjects, and a file that is none."""
    folder = tmp_path_factory.mktemp("recordings")
    for number, name in enumerate(FILES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_igsio(folder / name, bare(number))
    (folder / "notes.txt").write_text("not a recording")
    return folder


def bare(number: int) -> Sweep:
    """Return a sweep without what a recording of PLUS does not hold."""
    return replace(make_sweep(number, factors={}), probe={}, landmarks=np.zeros((0, 3)))


def told(folder: Path, table: Path | None = None, split: str | None = None) -> list[tuple]:
    plans = plan_of(folder, table, split)
    return [(plan.file.name.split(".")[0], plan.subject, plan.split) for plan in plans]


def test_names_tell_subjects_and_splits(folder: Path) -> None:
    expected = [
        ("cleo_1", "cleo", "test"),
        ("left", "anna", "train"),
        ("right", "anna", "train"),
        ("val-bert-1", "bert", "val"),
    ]
    assert told(folder) == expected
    assert told(folder, split="train") == [("cleo_1", "cleo", "train"), *expected[1:]]


def test_a_table_tells_them_in_either_form(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "file, subject, split\ncleo_1.igs.mha, c, val\nval-bert-1.mha,,\n"
    )
    assert told(folder, tmp_path / "t.csv") == [
        ("cleo_1", "c", "val"),
        ("val-bert-1", "bert", "val"),
    ]
    (tmp_path / "t.toml").write_text(
        '[train]\nc = ["cleo_1.igs.mha"]\n[test]\nb = ["val-bert-1.mha"]'
    )
    assert told(folder, tmp_path / "t.toml") == [
        ("cleo_1", "c", "train"),
        ("val-bert-1", "b", "test"),
    ]


def test_the_data_set_holds_what_was_recorded(folder: Path, tmp_path: Path) -> None:
    probe = tmp_path / "probe.toml"
    probe.write_text("centre_frequency_hz = 7.5e6")
    convert(folder, tmp_path / "set", writing=Writing(probe=probe))
    found = open_dataset(tmp_path / "set")
    assert [(e.name, e.subject, e.split) for e in found.entries] == [
        ("cleo_1", "cleo", "test"),
        ("train-anna-left", "anna", "train"),
        ("train-anna-right", "anna", "train"),
        ("val-bert-1", "bert", "val"),
    ]
    assert found.verify() == []
    left = next(found.sweeps("train"))
    np.testing.assert_array_equal(left.bmode.frames, bare(0).bmode.frames)
    np.testing.assert_allclose(left.prev_from_frame, bare(0).prev_from_frame, atol=1e-9)
    assert left.probe["centre_frequency_hz"] == 7.5e6 and left.factors["subject"] == "anna"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("t.csv", "file,subject,split\nlost.mha,a,test", r"row 2: no file 'lost\.mha'"),
        ("t.csv", "file,subject,split\ncleo_1.igs.mha,a,tset", "row 2: .*'tset'"),
        ("t.csv", "path,who\na,b", "expected the columns file, subject, split"),
        ("t.csv", "file,subject,split\n", "names no recording"),
        ("t.toml", "train = 3", "train: expected a table of subjects, got 3"),
        ("t.toml", '[train]\na = "cleo_1.igs.mha"', r"train\.a: expected a list of files"),
        ("t.toml", "[train", "expected TOML"),
    ],
)
def test_a_table_with_a_fault_is_refused_in_a_line(
    folder: Path, tmp_path: Path, name: str, text: str, fault: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=fault) as raised:
        convert(folder, tmp_path / "set", writing=Writing(splits=tmp_path / name))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "file,subject,split\ncleo_1.igs.mha,a,test\nval-bert-1.mha,a,train\n"
    )
    with pytest.raises(UserError, match="subject 'a' stands in splits"):
        convert(folder, tmp_path / "set", writing=Writing(splits=tmp_path / "t.csv"))
    with pytest.raises(UserError, match=r"expected a folder \(no suffix\)"):
        convert(folder, tmp_path / "one.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="without images or recordings"):
        convert(tmp_path / "empty", tmp_path / "set")
