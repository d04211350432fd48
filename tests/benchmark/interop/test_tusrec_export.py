"""Data sets in the challenge's own programs, and back: both years, both layouts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.dataset import Dataset, open_dataset
from benchmark.errors import UserError
from benchmark.hdf5 import write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.displacements import write_displacements
from benchmark.interop.formats import Writing
from benchmark.interop.sequence import Reading
from benchmark.interop.tusrec import read_tusrec, write_splits, write_tusrec
from benchmark.interop.tusrec.writing import numbered
from benchmark.sweep import Prediction, Sweep
from tests.benchmark.shared import folders
from tests.benchmark.shared.challenge import read_calibration, read_folder, true_fields
from tests.benchmark.shared.random_sweeps import make_sweep


def uneven(sweep: Sweep, seed: int) -> Sweep:
    """Return a sweep with times, an origin and landmarks that the challenge's files cannot hold."""
    rng = np.random.default_rng(seed)
    mm_from_pixel = sweep.bmode.mm_from_pixel.copy()
    mm_from_pixel[:2, 3] = -6.4, 1.7
    times = np.cumsum(rng.uniform(0.04, 0.07, len(sweep)))
    channel = replace(sweep.bmode, timestamps=times, mm_from_pixel=mm_from_pixel)
    _, rows, columns = sweep.bmode.frames.shape
    marks = rng.uniform([0, -0.5, -0.5], [len(sweep), columns - 0.5, rows - 0.5], (7, 3))
    marks[:, 0] = np.floor(marks[:, 0])
    return replace(sweep, channels={"bmode": channel}, landmarks=marks)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    """One train and four test sweeps; the second has no landmarks, the others uneven ones."""
    found = folders.make_dataset(tmp_path_factory.mktemp("set"), "some")
    for seed, entry in enumerate(found.entries):
        sweep = uneven(found.load(entry), seed)
        sweep = replace(sweep, landmarks=np.zeros((0, 3))) if seed == 1 else sweep
        write_sweep(found.folder / entry.file, sweep)
    return found


@pytest.mark.parametrize("year", [2024, 2025])
@pytest.mark.parametrize("layout", [None, "train", "val"])
def test_the_challenges_programs_read_an_export(tmp_path, dataset, year, layout) -> None:
    """Strict reader; pixels of its poses and calibration lie where those of the sweeps lie."""
    notes: list[str] = []
    convert(
        dataset.folder, tmp_path / "out", writing=Writing(layout=layout, year=year),
        report=notes.append,
    )  # fmt: skip
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"train", "test"}
    scans = {
        split: read_folder(tmp_path / "out" / split, layout or usual, year)
        for split, usual in (("train", "train"), ("test", "val"))
    }
    assert list(scans["train"]) == [(0, "p9-a")]
    assert list(scans["test"]) == [(1, "p0-a"), (1, "p0-b"), (2, "p1-a"), (3, "p2-a")]
    for entry in dataset.entries:
        sweep, folder = dataset.load(entry), tmp_path / "out" / entry.split
        (scan,) = [found for key, found in scans[entry.split].items() if key[1] == entry.name]
        scale, rigid = read_calibration(folder / "calib_matrix.csv")
        assert np.array_equal(scan.frames, sweep.bmode.frames)
        pixels = np.array([[0.0, 0, 0], [15, 11, 0], [3, 8, 0]])
        from_one = pixels + np.array([1, 1, 0])
        theirs = geometry.apply(scan.tforms @ rigid @ scale, from_one)
        mine = geometry.apply(sweep.bmode.world_from_image @ sweep.bmode.mm_from_pixel, pixels)
        np.testing.assert_allclose(theirs, mine, atol=1e-5)
        assert np.abs(scan.landmarks - [0, 1, 1] - sweep.landmarks).max(initial=0) <= 0.5
    assert any("16 x 12 pixels; the challenge expects 640 x 480" in note for note in notes)
    assert any("1 of 4 sweeps have no landmarks" in note for note in notes)
    assert any("rounded to whole pixels" in note for note in notes)


@pytest.mark.parametrize("year", [2024, 2025])
def test_a_data_set_comes_back_the_same(tmp_path, dataset, year) -> None:
    """Frames, times, pixels, landmarks, names, factors, splits to the bit; poses to float32."""
    convert(dataset.folder, tmp_path / "out", writing=Writing(year=year))
    notes: list[str] = []
    convert(tmp_path / "out", tmp_path / "again", report=notes.append)
    (note,) = notes
    assert "test: no landmarks of 1 of 4 scans (001/p0-b); they have no gle" in note
    again = {entry.name: entry for entry in open_dataset(tmp_path / "again").entries}
    assert len(again) == len(dataset.entries)
    for entry in dataset.entries:
        mine = again[entry.name]
        assert (mine.split, mine.subject, mine.factors) == (
            entry.split, entry.subject, entry.factors,
        )  # fmt: skip
        was, back = dataset.load(entry), open_dataset(tmp_path / "again").load(mine)
        assert (back.name, back.factors, back.probe) == (was.name, was.factors, was.probe)
        for name in ("frames", "timestamps", "mm_from_pixel"):
            found, expected = getattr(back.bmode, name), getattr(was.bmode, name)
            assert np.array_equal(found, expected) and found.dtype == expected.dtype, name
        assert np.array_equal(back.landmarks, was.landmarks)
        np.testing.assert_allclose(
            back.bmode.world_from_image, was.bmode.world_from_image, atol=2e-6
        )


def test_one_split_alone_keeps_its_name_and_numbers(tmp_path, dataset) -> None:
    convert(dataset.folder, tmp_path / "out", writing=Writing(split="test", layout="train"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"test"}
    convert(tmp_path / "out/test", tmp_path / "again")
    assert {e.split for e in open_dataset(tmp_path / "again").entries} == {"test"}
    convert(tmp_path / "out/test", tmp_path / "other", writing=Writing(split="val"))
    assert {e.split for e in open_dataset(tmp_path / "other").entries} == {"val"}
    record = json.loads((tmp_path / "out/test/sweepbench.json").read_text())
    assert record["subjects"] == {"001": "p0", "002": "p1", "003": "p2"}
    assert record["split"] == "test"
    with pytest.raises(UserError, match="split 'val' holds no sweep"):
        convert(dataset.folder, tmp_path / "none", writing=Writing(split="val"))


def test_numbers_of_subjects() -> None:
    subjects: dict[str, str] = {}
    for name in ("014", "test-000", "000", "test-000", "14", "²²²"):
        subjects = numbered(subjects, name)
    assert subjects == {"014": "014", "000": "test-000", "001": "000", "002": "14", "003": "²²²"}
    many = {f"{number:03d}": f"s{number}" for number in range(1000)}
    assert numbered(many, "one more")["1000"] == "one more"


def test_a_data_set_gives_numbers_of_subjects_to_their_owners_first(tmp_path) -> None:
    """A subject that is a number of three digits keeps it, whoever comes before it."""
    made = folders.make_dataset(tmp_path / "set")
    entries = [
        replace(entry, subject="000" if entry.subject == "p2" else entry.subject)
        for entry in made.entries
    ]
    write_splits(tmp_path / "out", replace(made, entries=tuple(entries)))
    found = {
        number: name
        for split in ("train", "test")
        for number, name in json.loads((tmp_path / f"out/{split}/sweepbench.json").read_text())[
            "subjects"
        ].items()
    }
    assert found == {"000": "000", "001": "p9", "002": "p0", "003": "p1"}


def test_displacements_of_landmarks_are_those_of_the_exported_ones(tmp_path, dataset) -> None:
    """A landmark between pixels is taken at the pixel that the export names, for the scorer."""
    entry = dataset.entries[0]
    sweep = dataset.load(entry)
    convert(dataset.folder, tmp_path / "out", writing=Writing(split=entry.split))
    scan = read_folder(tmp_path / "out" / entry.split, "val", 2025)[1, entry.name]
    later = np.flatnonzero(sweep.landmarks[:, 0] > 0)
    prediction = Prediction(sweep.first_from_frame)
    write_displacements(tmp_path, prediction, sweep.bmode, sweep.landmarks)
    truth = true_fields(scan, tmp_path / "out" / entry.split / "calib_matrix.csv")
    for name, expected in (("GL", truth[1]), ("LL", truth[3])):
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found[:, later], expected[:, later], atol=2e-5)


def test_a_folder_takes_more_sweeps(tmp_path) -> None:
    """One after another is all at once: files, landmarks of one subject, list of scans."""
    sweeps = [
        replace(make_sweep(seed), name=f"sweep {seed}", factors={"subject": "someone"})
        for seed in range(3)
    ]
    for sweep in sweeps:
        write_tusrec(tmp_path / "steps", [sweep], "val", 2024)
    write_tusrec(tmp_path / "once", sweeps, "val", 2024)
    one, other = (read_folder(tmp_path / name, "val", 2024) for name in ("steps", "once"))
    assert list(one) == list(other) == [(0, "sweep_0"), (0, "sweep_1"), (0, "sweep_2")]
    for key in one:
        assert np.array_equal(one[key].landmarks, other[key].landmarks)
    back = list(read_tusrec(tmp_path / "steps"))
    assert [sweep.name for sweep in back] == [sweep.name for sweep in sweeps]
    write_tusrec(tmp_path / "steps", sweeps[:1], "val", 2024)  # the same again
    assert len(list(read_tusrec(tmp_path / "steps"))) == 3


def test_what_a_folder_refuses_has_its_line(tmp_path) -> None:
    sweep = make_sweep(1)
    write_tusrec(tmp_path / "a", [sweep])
    with pytest.raises(UserError, match="another calibration or frame size"):
        write_tusrec(tmp_path / "a", [make_sweep(2, rows=9)])
    with pytest.raises(UserError, match="'b' and 'a sweep' are of one subject and one scan name"):
        write_tusrec(tmp_path / "a", [replace(sweep, name="b")])
    for layout, year in (("val", 2025), ("train", 2024)):
        with pytest.raises(UserError, match="expected an empty folder, got one of another layout"):
            write_tusrec(tmp_path / "a", [sweep], layout, year)
    (tmp_path / "a/sweepbench.json").unlink()
    with pytest.raises(UserError, match="or source; give another name"):
        write_tusrec(tmp_path / "a", [sweep])
    with pytest.raises(UserError, match="frames: expected uint8, got float32"):
        write_tusrec(tmp_path / "b", [make_sweep(1, dtype="float32")])
    with pytest.raises(UserError, match=r"landmark 1: expected frame, x, y from 0 to \[3, 6, 4\]"):
        write_tusrec(tmp_path / "b", [replace(sweep, landmarks=np.array([[0, 0, 0], [1, 2, 4.6]]))])
    with pytest.raises(UserError, match="no sweep to write"):
        write_tusrec(tmp_path / "b", [])


def test_the_record_gives_way_to_files_that_were_changed(tmp_path, dataset) -> None:
    """Landmarks and calibration of the files win; another number of frames is refused."""
    import h5py

    convert(dataset.folder, tmp_path / "out", writing=Writing(split="train"))
    folder = tmp_path / "out/train"
    with h5py.File(folder / "landmarks/landmark_000.h5", "a") as file:
        file["p9-a"][0] = (1, 5, 6)
    table = folder / "calib_matrix.csv"
    (tmp_path / "half.csv").write_text(table.read_text().replace("0.8,", "0.4,"))
    (sweep,) = read_tusrec(folder, tmp_path / "half.csv", frame_rate=10)
    assert sweep.name == "p9-a" and sweep.landmarks[0].tolist() == [1, 4, 5]
    assert sweep.bmode.mm_from_pixel[0, 0] == 0.4 and sweep.bmode.timestamps[1] == 0.1
    record = json.loads((folder / "sweepbench.json").read_text())
    record["scans"]["000/p9-a"]["timestamps"].pop()
    (folder / "sweepbench.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"frames: expected 8 as in sweepbench\.json, got 9"):
        list(read_tusrec(folder))
    for text, words in (
        ('{"format": "other"}', "expected format 'sweepbench-tusrec-1'"),
        ('{"format": "sweepbench-tusrec-1"}', "expected split, subjects and scans"),
        ("{", "expected JSON"),
    ):
        (folder / "sweepbench.json").write_text(text)
        with pytest.raises(UserError, match=words):
            convert(folder, tmp_path / "again", reading=Reading())
