"""Submissions: one clear line for each fault, and all faults at once."""

import shutil

import h5py
import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction
from benchmark.scoring.remarks import prediction_remarks
from benchmark.scoring.submission import check_predictions
from tests.benchmark.shared.folders import FRAMES, write_meta


def replace(folder, key, value, name="p0-a.h5"):
    """Put another array under a key of a prediction file, or take the key away."""
    with h5py.File(folder / name, "r+") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value


def poses(folder, name="p0-a.h5"):
    with h5py.File(folder / name) as file:
        return file["first_from_frame"][()]


def spoiled(folder, change):
    array = poses(folder)
    change(array)
    replace(folder, "first_from_frame", array)


def with_nan(array):
    array[3, 0, 0] = np.nan
    array[5, 1, 1] = np.inf


def sheared(array):
    array[2, 0, 1] += 0.01


def mirrored(array):
    array[2, :3, 0] *= -1


def projective(array):
    array[2, 3, 0] = 0.5


def off_identity(array):
    array[:] = array[4] @ array


def array_to_group(folder):
    replace(folder, "sigma", None)
    with h5py.File(folder / "p0-a.h5", "r+") as file:
        file.create_group("sigma")


def other_format(folder):
    with h5py.File(folder / "p0-a.h5", "r+") as file:
        file.attrs["format"] = "mine-2"


def single_array(folder):
    with (folder / "p0-b.npz").open("wb") as file:
        np.save(file, np.eye(4))


def far_away(array):
    array[4, 2, 3] = 1e300


def columns_first(folder):
    replace(folder, "first_from_frame", poses(folder).transpose(2, 1, 0))


def corrupt_zip(folder):
    """Change a byte of the compressed values of an npz."""
    path = folder / "p0-b.npz"
    with np.load(path) as file:
        np.savez_compressed(path, **file)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


def endless(folder):
    """Declare poses of which nothing is stored, and which no memory could hold."""
    replace(folder, "first_from_frame", None)
    with h5py.File(folder / "p0-a.h5", "r+") as file:
        file.create_dataset("first_from_frame", (2**40, 4, 4, 4), "f8", chunks=(1, 4, 4, 4))


def as_type(kind):
    return lambda f: replace(f, "first_from_frame", poses(f).astype(kind))


FILE = "p0-a.h5: "
TRANSPOSED = "; looks transposed: programs that store columns first (MATLAB, R, Fortran)"
#: name: how to spoil the folder, what the one line must say.
WRONG_FILES = {
    "truncated": (
        lambda f: (f / "p0-a.h5").write_bytes((f / "p0-a.h5").read_bytes()[:900]),
        FILE + "truncated or not HDF5",
    ),
    "not HDF5": (lambda f: (f / "p0-a.h5").write_text("hello"), FILE + "truncated or not HDF5"),
    "empty": (lambda f: (f / "p0-a.h5").write_bytes(b""), FILE + "truncated or not HDF5"),
    "not npz": (
        lambda f: (f / "p0-b.npz").write_text("hello"),
        "p0-b.npz: cannot be read as npz of plain arrays",
    ),
    "pickled objects": (
        lambda f: np.savez(f / "p0-b.npz", first_from_frame=np.array([{}, 1], object)),
        "p0-b.npz: cannot be read as npz of plain arrays",
    ),
    "npy for npz": (
        single_array,
        "p0-b.npz: cannot be read as npz of plain arrays",
    ),
    "other format": (
        other_format,
        FILE + "format: expected 'sweepbench-prediction-1', got 'mine-2'",
    ),
    "no poses": (
        lambda f: replace(f, "first_from_frame", None),
        FILE + "first_from_frame is missing",
    ),
    "unknown key": (
        lambda f: replace(f, "poses", np.eye(4)),
        FILE + "unknown key 'poses' (known: first_from_frame, prev_from_frame, sigma, "
        "position_sigma)",
    ),
    "whole numbers": (
        lambda f: replace(f, "first_from_frame", np.tile(np.eye(4, dtype=int), (FRAMES, 1, 1))),
        FILE + "first_from_frame: expected floating-point numbers, got int64",
    ),
    "complex numbers": (
        as_type(complex),
        FILE + "first_from_frame: expected floating-point numbers, got complex128",
    ),
    "flags": (as_type(bool), FILE + "first_from_frame: expected floating-point numbers, got bool"),
    "half precision": (
        as_type(np.float16),
        FILE + "first_from_frame: expected float32 or float64, got float16",
    ),
    "a table": (
        lambda f: replace(f, "sigma", np.zeros(8, [("a", "f8"), ("b", "f8")])),
        FILE + "sigma: expected floating-point numbers, got [('a', '<f8'), ('b', '<f8')]",
    ),
    "no values at all": (
        lambda f: replace(f, "first_from_frame", h5py.Empty("f8")),
        FILE + "first_from_frame: expected shape (N, 4, 4), got None",
    ),
    "no frames": (
        lambda f: replace(f, "first_from_frame", np.zeros((0, 4, 4))),
        FILE + "first_from_frame: expected 9 entries for the sweep's frames, got 0",
    ),
    "more than memory holds": (
        endless,
        FILE + "first_from_frame: expected shape (N, 4, 4), got (1099511627776, 4, 4, 4)",
    ),
    "columns first": (
        columns_first,
        FILE + "first_from_frame: expected shape (N, 4, 4), got (4, 4, 9)" + TRANSPOSED,
    ),
    "each matrix transposed": (
        lambda f: replace(f, "first_from_frame", poses(f).swapaxes(1, 2)),
        "looks transposed: each matrix has its translation in the last row",
    ),
    "a light year away": (
        lambda f: spoiled(f, far_away),
        FILE + "first_from_frame: expected values within 1e+06 mm, got up to 1e+300 in 1 entries, "
        "the first being 4",
    ),
    "sigma of a light year": (
        lambda f: replace(f, "sigma", np.full(8, 1e300)),
        FILE + "sigma: expected at most 1e+06 mm, got 1e+300",
    ),
    "sigma of positions for another sweep": (
        lambda f: replace(f, "position_sigma", np.ones(8)),
        FILE + "position_sigma: expected 9 entries for the sweep's frames, got 8",
    ),
    "damaged zip": (corrupt_zip, "p0-b.npz: cannot be read as npz of plain arrays"),
    "text": (
        lambda f: replace(f, "first_from_frame", "identity"),
        FILE + "first_from_frame: expected floating-point numbers, got",
    ),
    "group for an array": (
        array_to_group,
        FILE + "sigma: expected an array, got a group",
    ),
    "3 x 4": (
        lambda f: replace(f, "first_from_frame", poses(f)[:, :3]),
        FILE + "first_from_frame: expected shape (N, 4, 4), got (9, 3, 4)",
    ),
    "flat": (
        lambda f: replace(f, "first_from_frame", poses(f).reshape(-1, 16)),
        FILE + "first_from_frame: expected shape (N, 4, 4), got (9, 16)",
    ),
    "too short": (
        lambda f: replace(f, "first_from_frame", poses(f)[:-1]),
        FILE + "first_from_frame: expected 9 entries for the sweep's frames, got 8",
    ),
    "too long": (
        lambda f: replace(f, "first_from_frame", np.concatenate([poses(f), poses(f)[-1:]])),
        FILE + "first_from_frame: expected 9 entries for the sweep's frames, got 10",
    ),
    "NaN": (
        lambda f: spoiled(f, with_nan),
        FILE + "first_from_frame: NaN or infinite in 2 entries, the first being 3",
    ),
    "sheared": (
        lambda f: spoiled(f, sheared),
        FILE + "first_from_frame: not rigid poses: rotation is not orthonormal",
    ),
    "mirrored": (
        lambda f: spoiled(f, mirrored),
        FILE + "first_from_frame: not rigid poses: holds a reflection",
    ),
    "projective": (
        lambda f: spoiled(f, projective),
        FILE + "first_from_frame: not rigid poses: last row is not 0 0 0 1",
    ),
    "world poses": (
        lambda f: spoiled(f, off_identity),
        FILE + "first_from_frame: the first pose is not the identity",
    ),
    "steps too long": (
        lambda f: replace(f, "prev_from_frame", poses(f)),
        FILE + "prev_from_frame: expected 8 entries for the sweep's frames, got 9",
    ),
    "steps not rigid": (
        lambda f: replace(f, "prev_from_frame", 2 * poses(f)[1:]),
        FILE + "prev_from_frame: not rigid poses",
    ),
    "sigma of another shape": (
        lambda f: replace(f, "sigma", np.ones((8, 3))),
        FILE + "sigma: expected shape (N-1,), got (8, 3)",
    ),
    "sigma below zero": (
        lambda f: replace(f, "sigma", -np.ones(8)),
        FILE + "sigma: a standard deviation below zero",
    ),
    "sigma with NaN": (
        lambda f: replace(f, "sigma", np.full(8, np.nan)),
        FILE + "sigma: NaN or infinite in 8 entries",
    ),
    "missing sweep": (
        lambda f: (f / "p1-a.h5").unlink(),
        "sweep 'p1-a' is missing (expected p1-a.h5 or p1-a.npz)",
    ),
    "extra sweep": (
        lambda f: shutil.copy(f / "p1-a.h5", f / "p1-aa.h5"),
        "p1-aa.h5: data set 'tiny-v2' has no sweep 'p1-aa'; did you mean 'p1-a'?",
    ),
    "sweep of another split": (
        lambda f: shutil.copy(f / "p1-a.h5", f / "p9-a.h5"),
        "p9-a.h5: sweep 'p9-a' is of split 'train', expected 'test'",
    ),
    "given twice": (
        lambda f: np.savez(f / "p0-a.npz", first_from_frame=poses(f)),
        "sweep 'p0-a' is given twice, as .h5 and as .npz",
    ),
    "stray file": (
        lambda f: (f / "notes.csv").write_text("x"),
        "notes.csv: unexpected file (expected meta.json, *.h5, *.npz)",
    ),
    "stray folder": (lambda f: (f / "p0").mkdir(), "p0: unexpected file"),
    "no meta": (lambda f: (f / "meta.json").unlink(), "meta.json: no such file"),
    "meta is no JSON": (
        lambda f: (f / "meta.json").write_text("{"),
        "meta.json: expected JSON",
    ),
    "meta is a list": (
        lambda f: (f / "meta.json").write_text("[]"),
        "meta.json: expected an object, got list",
    ),
}
WRONG_META = {
    "format": ({"format": "x"}, "format: expected 'sweepbench-predictions-1', got 'x'"),
    "no tracker": ({"tracker": None}, "key 'tracker' is missing"),
    "empty tracker": ({"tracker": " "}, "tracker: expected a name, got ' '"),
    "no dataset": ({"dataset": None}, "dataset: expected an object with name and hash, got None"),
    "kind": ({"kind": "magic"}, "kind: expected one of learned, classical, reference, external"),
    "seed": ({"seed": "one"}, "seed: expected a whole number, got 'one'"),
    "seed flag": ({"seed": True}, "seed: expected a whole number, got True"),
    "seconds": ({"seconds_per_frame": -1}, "seconds_per_frame: expected a number of at least 0"),
    "seconds NaN": (
        {"seconds_per_frame": float("nan")},
        "seconds_per_frame: expected a finite number, got nan",
    ),
    "training": ({"training": 60}, "training: expected an object, got 60"),
    "training time": (
        {"training": {"seconds": "60"}},
        "training.seconds: expected a number of at least 0, got '60'",
    ),
    "card": ({"card": "\ud800"}, "card: expected a text of whole characters"),
    "environment": ({"environment": "linux"}, "environment: expected an object, got 'linux'"),
}


def test_a_sound_folder_has_no_fault(sound):
    dataset, folder = sound
    assert check_predictions(folder, dataset, "test") == []
    assert check_predictions(folder, dataset.folder, "test") == []


def test_meta_needs_only_format_tracker_and_dataset(copy):
    dataset, folder = copy
    write_meta(folder, dataset, kind=None, seconds_per_frame=None, seed=None)
    assert check_predictions(folder, dataset, "test") == []


@pytest.mark.parametrize("kind", WRONG_FILES)
def test_each_wrong_file_gets_its_own_line(copy, kind):
    dataset, folder = copy
    spoil, line = WRONG_FILES[kind]
    spoil(folder)
    faults = check_predictions(folder, dataset, "test")
    assert len(faults) == 1, faults
    assert line in faults[0] and "\n" not in faults[0]


@pytest.mark.parametrize(
    "kind",
    [k for k, (_, line) in WRONG_FILES.items() if ".h5: " in line or ".npz: " in line],
)
def test_a_faulty_file_that_is_read_anyway_is_refused_in_a_line_or_holds_poses(copy, kind):
    _, folder = copy
    WRONG_FILES[kind][0](folder)
    for path in folder.glob("p0-*"):
        try:
            found = read_prediction(path)
        except UserError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert found.first_from_frame.dtype == np.float64


@pytest.mark.parametrize("kind", WRONG_META)
def test_each_wrong_entry_of_meta_gets_its_own_line(copy, kind):
    dataset, folder = copy
    changes, line = WRONG_META[kind]
    write_meta(folder, dataset, **changes)
    faults = check_predictions(folder, dataset, "test")
    assert len(faults) == 1, faults
    assert line in faults[0]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"hash": "0" * 64}, "dataset.hash: predictions of other data"),
        ({"hash": None}, "dataset.hash: predictions of other data"),
        ({"split": "train"}, "dataset.split: expected 'test', got 'train'"),
        ({"split": "all"}, "dataset.split: expected one of train, val, test, got 'all'"),
    ],
)
def test_predictions_of_other_data_are_refused(copy, change, line):
    dataset, folder = copy
    told = {"name": dataset.name, "hash": dataset.hash, "split": "test", **change}
    write_meta(folder, dataset, dataset=told)
    faults = check_predictions(folder, dataset, "test")
    assert len(faults) == 1 and line in faults[0]


def test_all_faults_are_listed_at_once(copy):
    dataset, folder = copy
    kinds = ("missing sweep", "extra sweep", "stray file", "meta is no JSON", "sigma below zero")
    # "extra sweep" copies the one that "missing sweep" takes away.
    for kind in sorted(kinds):
        WRONG_FILES[kind][0](folder)
    array = poses(folder)[:-1]
    with_nan(array)
    sheared(array)
    array[0, 0, 3] = 1.0
    replace(folder, "first_from_frame", array)
    faults = check_predictions(folder, dataset, "test")
    assert len(faults) == 9, faults
    for kind in kinds:
        assert sum(WRONG_FILES[kind][1] in fault for fault in faults) == 1
    for part in ("got 8", "NaN or infinite", "not rigid", "not the identity"):
        assert sum(part in fault for fault in faults) == 1


def test_no_folder_is_a_fault_and_no_data_set_an_error(sound, tmp_path):
    dataset, folder = sound
    assert check_predictions(tmp_path / "gone", dataset, "test") == [
        f"{tmp_path / 'gone'}: no such folder"
    ]
    with pytest.raises(UserError, match="unknown data set"):
        check_predictions(folder, tmp_path / "gone", "test")
    with pytest.raises(UserError, match="unknown split"):
        check_predictions(folder, dataset, "tests")


def test_poses_of_the_data_set_are_not_needed(copy):
    """A withheld split has no answers on this machine."""
    dataset, folder = copy
    moved = dataset.folder / "sweeps"
    hidden = moved.rename(moved.with_name("elsewhere"))
    try:
        assert check_predictions(folder, dataset, "test") == []
        assert prediction_remarks(folder, dataset) == []
    finally:
        hidden.rename(moved)


def padded(text, padding):
    """Return how to write the attribute "format" as a text of 40 bytes, as C programs do."""

    def write(file):
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(40)
        kind.set_strpad(padding)
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        filled = text.ljust(40, " " if padding == h5py.h5t.STR_SPACEPAD else "\0")
        h5py.h5a.create(file.id, b"format", kind, space).write(np.array(filled.encode(), "S40"))

    return write


FORMAT = "sweepbench-prediction-1"
TEXTS = {
    "filled with NULs": padded(FORMAT, h5py.h5t.STR_NULLPAD),
    "ended by NUL": padded(FORMAT, h5py.h5t.STR_NULLTERM),
    "filled with spaces": padded(FORMAT, h5py.h5t.STR_SPACEPAD),
    "bytes": lambda file: file.attrs.create("format", np.bytes_(FORMAT)),
    "ASCII of 25": lambda file: file.attrs.create(
        "format", FORMAT, dtype=h5py.string_dtype("ascii", 25)
    ),
    "an array of one": lambda file: file.attrs.create("format", [FORMAT.encode()]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_of_fixed_length_are_read_as_c_matlab_and_r_write_them(copy, kind):
    dataset, folder = copy
    with h5py.File(folder / "p0-a.h5", "r+") as file:
        del file.attrs["format"]
        TEXTS[kind](file)
    assert check_predictions(folder, dataset, "test") == []
    assert len(read_prediction(folder / "p0-a.h5").first_from_frame) == FRAMES


@pytest.mark.parametrize("kind", [">f8", "<f4", ">f4", np.longdouble])
def test_floats_of_any_machine_are_the_same_poses(copy, kind):
    dataset, folder = copy
    before = poses(folder)
    replace(folder, "first_from_frame", before.astype(kind))
    assert check_predictions(folder, dataset, "test") == []
    assert np.allclose(read_prediction(folder / "p0-a.h5").first_from_frame, before, atol=1e-5)


def test_column_major_memory_of_an_npz_is_no_fault(copy):
    dataset, folder = copy
    array = np.asfortranarray(poses(folder, "p1-a.h5"))
    (folder / "p1-a.h5").unlink()
    np.savez(folder / "p1-a.npz", first_from_frame=array)
    assert check_predictions(folder, dataset, "test") == []


def test_a_byte_order_mark_and_files_for_people_are_no_fault(copy):
    dataset, folder = copy
    meta = folder / "meta.json"
    meta.write_bytes(b"\xef\xbb\xbf" + meta.read_bytes())
    for name in ("README", "README.rst", "readme.md", "LICENSE", "notes.txt", ".DS_Store"):
        (folder / name).write_text("x")
    assert check_predictions(folder, dataset, "test") == []


def test_hidden_files_of_a_file_system_or_a_killed_writer_are_no_fault(copy):
    dataset, folder = copy
    (folder / ".DS_Store").write_text("x")
    (folder / ".p0-a-x1.part.h5").write_text("x")
    assert check_predictions(folder, dataset, "test") == []
