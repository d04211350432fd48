"""Files made to harm: each ends in one line, soon, in little memory, and nothing else is read."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from benchmark.dataset import open_dataset, write_entry
from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.frames import reading_hdf5
from benchmark.hdf5 import read_prediction, read_sweep, write_prediction, write_sweep
from benchmark.interop import tusrec
from benchmark.interop.cines.pictures import decoding, frame_of, open_picture
from benchmark.interop.cines.tiff import TiffFrames
from benchmark.interop.formats import open_sweep
from benchmark.interop.igsio import write_igsio
from benchmark.scoring.evaluate import evaluate
from benchmark.scoring.submission import check_predictions
from benchmark.stored.hdf5 import WholeArrays
from benchmark.stored.jsons import parsed
from benchmark.stored.packing import BLOSC, DAMAGED, LENGTHS
from benchmark.sweep import Prediction
from tests.benchmark.shared import folders
from tests.benchmark.shared.random_sweeps import make_sweep

STEPS = np.tile(np.eye(4), (3, 1, 1))
POSES = "channels/bmode/world_from_image"


def refused(read, *words: str) -> None:
    """Assert that a reading ends in one line with all these words."""
    with pytest.raises(UserError) as told:
        read()
    text = str(told.value)
    assert text.isprintable() and all(word in text for word in words), text


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    write_prediction(path, Prediction.from_steps(STEPS))
    return path


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.h5"
    write_sweep(path, make_sweep(0))
    return path


def test_a_link_out_of_a_file_is_not_followed(prediction: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "answers.h5", "w") as other:
        other["poses"] = np.tile(np.eye(4), (4, 1, 1))
    with h5py.File(prediction, "r+") as file:
        del file["first_from_frame"]
        file["first_from_frame"] = h5py.ExternalLink("answers.h5", "poses")
    refused(lambda: read_prediction(prediction), "a.h5", "first_from_frame", "link to another file")


def test_a_link_to_a_pipe_does_not_wait(prediction: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with h5py.File(prediction, "r+") as file:
        file["sigma"] = h5py.ExternalLink("pipe", "/")
    refused(lambda: read_prediction(prediction), "sigma", "link")
    os.mkfifo(tmp_path / "b.h5")
    refused(lambda: read_prediction(tmp_path / "b.h5"), "no such file")


def test_arrays_that_lie_in_other_files_are_refused(sweep: Path) -> None:
    layout = h5py.VirtualLayout((4, 4, 4), "f8")
    layout[...] = h5py.VirtualSource("answers.h5", "poses", (4, 4, 4))
    with h5py.File(sweep, "r+") as file:
        del file[POSES]
        file.create_virtual_dataset(POSES, layout)
    refused(lambda: read_sweep(sweep), POSES, "in other files")
    with h5py.File(sweep, "r+") as file:
        del file[POSES]
        file.create_dataset(POSES, (4, 4, 4), "f8", external=[("raw", 0, 1024)])
    refused(lambda: read_sweep(sweep, lazy=True), POSES, "in other files")


def test_a_promise_of_a_million_million_frames_takes_no_memory(sweep: Path) -> None:
    with h5py.File(sweep, "r+") as file:
        del file["channels/bmode/frames"], file["channels/bmode/timestamps"]
        bmode = file["channels/bmode"]
        bmode.create_dataset("frames", (10**12, 5, 7), "u1", chunks=(1, 5, 7))
        bmode.create_dataset("timestamps", (10**12,), "f8", chunks=(1,))
    for lazy in (False, True):
        refused(lambda lazy=lazy: read_sweep(sweep, lazy=lazy), "sweep.h5", "1000000000000")


def test_one_array_under_many_names_counts_each_time(sweep: Path) -> None:
    with h5py.File(sweep, "r+") as file:
        file["imu/a0"] = np.zeros(2**20)
        for index in range(1, 40):
            file[f"imu/a{index}"] = file["imu/a0"]
    refused(lambda: read_sweep(sweep), "/imu/a", "bytes in a file")


#: Filters of HDF5 by name: the number of each, and its settings for a chunk of three doubles.
FILTERS = {
    "deflate": (1, (4,)),
    "shuffle": (2, (8,)),
    "nbit": (5, ()),
    "lzf": (32000, (4, 261, 24)),  # its version, its library's, the size of a chunk
}


def packed(path: Path, chunk: bytes, *filters: str, mask: int = 0) -> None:
    """Put three doubles in place of sigma, in one chunk that these filters made in turn."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((3,))
    for name in filters:
        number, settings = FILTERS[name]
        plan.set_filter(number, h5py.h5z.FLAG_OPTIONAL, settings)
    with h5py.File(path, "r+") as file:
        if "sigma" in file:
            del file["sigma"]
        space = h5py.h5s.create_simple((3,))
        made = h5py.h5d.create(file.id, b"sigma", h5py.h5t.IEEE_F64LE, space, plan)
        made.write_direct_chunk((0,), chunk, mask)


LZF_BOMB = bytes(2) + b"\xe0\xff\0" * 100_000  # each token repeats a byte 264 times: 26 MB


@pytest.mark.parametrize(
    ("chunk", "filters", "words"),
    [
        (LZF_BOMB, ("lzf",), "unpacks to more"),
        (zlib.compress(bytes(100 << 20)), ("deflate",), "unpacks to more"),
        (zlib.compress(zlib.compress(bytes(100 << 20))), ("deflate", "deflate"), "filters [1, 1]"),
        (zlib.compress(bytes(100 << 20)), ("deflate", "shuffle"), "filters [1, 2]"),
        (LZF_BOMB, ("lzf", "deflate"), "filters [32000, 1]"),
        (bytes(24), ("nbit",), "filters [5]"),
        (bytes([7]) + bytes(8), ("lzf",), "holds 8 in their place"),
        (zlib.compress(bytes(8)), ("deflate",), "holds 8 in their place"),
        (zlib.compress(bytes(24))[:-6], ("deflate",), "is damaged"),
        (bytes(8), (), "holds 8 in their place"),
    ],
)  # fmt: skip
def test_a_chunk_that_does_not_hold_its_bytes_is_not_read(prediction, chunk, filters, words):
    """HDF5 unpacks long ones to the end, and reads memory that is not theirs behind short ones."""
    packed(prediction, chunk, *filters)
    refused(lambda: read_prediction(prediction), "sigma", words)


def test_a_chunk_whose_filters_are_left_out_has_its_own_size(prediction: Path) -> None:
    packed(prediction, np.ones(3).tobytes(), "deflate", mask=1)
    assert np.array_equal(read_prediction(prediction).sigma, np.ones(3))
    packed(prediction, bytes(8), "deflate", mask=1)
    refused(lambda: read_prediction(prediction), "sigma", "holds 8")


@pytest.mark.parametrize("packing", [None, "gzip", "lzf"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("fletcher32", [False, True])
def test_what_h5py_packs_is_read(tmp_path, packing, shuffle, fletcher32) -> None:
    values = np.random.default_rng(0).integers(0, 5, (100, 33))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("plain", data=values, chunks=(7, 10), compression=packing,
                            shuffle=shuffle, fletcher32=fletcher32)  # fmt: skip
        file.create_dataset("noise", data=values.astype(float) / 7, chunks=(50, 33),
                            compression=packing, shuffle=shuffle)  # fmt: skip
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(WholeArrays(file)(file, "plain"), values)
        assert np.array_equal(WholeArrays(file)(file, "noise"), values / 7)


def test_a_bomb_of_blosc_is_told_by_its_head() -> None:
    """Bytes 4 to 7 of the head are the unpacked size, for which Blosc's filter takes memory."""
    head = bytes([2, 1, 1, 8]) + (24).to_bytes(4, "little") + bytes(8)
    assert LENGTHS[BLOSC](memoryview(head), 24) == 24
    assert LENGTHS[BLOSC](memoryview(head), 16) == 17
    assert LENGTHS[BLOSC](memoryview(head[:9]), 24) == DAMAGED


@pytest.mark.parametrize(
    ("place", "value"),
    [(16 + 16 + 24 + 8, 200), (16 + 16 + 24 + 8, 0), (16 + 8, 2**64 - 16), (16 + 8, 5000)],
)
def test_a_heap_that_does_not_end_is_not_walked(prediction: Path, place: int, value: int) -> None:
    """HDF5 walks it for ever where an object has no size: the first holds the file's format."""
    data = bytearray(prediction.read_bytes())
    heap = data.find(b"GCOL")
    data[heap + place : heap + place + 8] = value.to_bytes(8, "little")
    prediction.write_bytes(data)
    refused(lambda: read_prediction(prediction), "heap of texts", "no end")


def test_heaps_at_both_ends_of_a_large_file_are_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("benchmark.stored.heaps.EITHER_END", 8192)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = np.zeros(100_000)
        file["b"] = ["a text of any length"] * 30
    data = bytearray((tmp_path / "a.h5").read_bytes())
    heap = data.rfind(b"GCOL")
    assert heap > 8192 and len(data) - heap < 8192
    with reading_hdf5(tmp_path / "a.h5") as file:
        assert len(file["b"]) == 30
    data[heap + 24 : heap + 32] = (2**64 - 16).to_bytes(8, "little")
    (tmp_path / "a.h5").write_bytes(data)
    refused(lambda: reading_hdf5(tmp_path / "a.h5").__enter__(), "heap of texts")


def test_a_bomb_in_an_npz_is_not_unpacked(tmp_path: Path) -> None:
    header = io.BytesIO()
    array = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 4, 4)}
    np.lib.format.write_array_header_1_0(header, array)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first_from_frame.npy", header.getvalue() + bytes(50 << 20))
    refused(lambda: read_prediction(tmp_path / "a.npz"), "first_from_frame", "fits the file")


class Unpickled:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    left = tmp_path / "left"
    np.savez(tmp_path / "a.npz", first_from_frame=np.array([Unpickled(left)], object))
    refused(lambda: read_prediction(tmp_path / "a.npz"), "first_from_frame", "expected numbers")
    assert not left.exists()


#: A PNG of 8 x 8 pixels, whose piece after the pixels says that it has a gigabyte.
LONG_PIECE = (
    "89504e470d0a1a0a0000000d4948445200000008000000080800000000e164e1"
    "578000001049444154789c63f461800026068a1800132c004c42a2502a000000"
    "0249454e44ae426082"
)


def test_a_piece_of_an_image_takes_no_more_memory_than_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes.fromhex(LONG_PIECE))
    tracemalloc.start()
    path = tmp_path / "a.png"
    with contextlib.suppress(UserError), open_picture(path) as picture, decoding(str(path)):
        frame_of(picture)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_an_image_of_another_kind_is_no_tiff(tmp_path: Path) -> None:
    """It has no pages to count, which is an error of the program that asks."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(buffer, "bmp")
    (tmp_path / "a.tif").write_bytes(buffer.getvalue())
    refused(lambda: TiffFrames(tmp_path / "a.tif"), "a.tif", "image")


def test_a_header_cannot_name_a_file_of_another_folder(tmp_path: Path) -> None:
    write_igsio(tmp_path / "a.mhd", make_sweep(0))
    text = (tmp_path / "a.mhd").read_text()
    for name in ("/etc/passwd", "../a.raw", "/dev/zero"):
        (tmp_path / "b.mhd").write_text(text.replace("a.raw", name))
        refused(lambda: open_sweep(tmp_path / "b.mhd"), "ElementDataFile", name)


@pytest.mark.parametrize("sizes", ["1000000000000", "99999999999999999999", "-1"])
def test_a_header_cannot_promise_more_frames_than_its_file_holds(tmp_path: Path, sizes) -> None:
    for compress in (False, True):
        write_igsio(tmp_path / "a.mha", make_sweep(0), compress=compress)
        data = (tmp_path / "a.mha").read_bytes().replace(b"7 5 4", f"7 5 {sizes}".encode())
        (tmp_path / "b.mha").write_bytes(data)
        refused(lambda: open_sweep(tmp_path / "b.mha"), "b.mha")


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    dataset = folders.make_dataset(tmp_path / "data")
    return folders.make_predictions(tmp_path / "made", dataset)


def test_a_submission_with_links_out_of_its_folder_has_faults_and_no_score(submission, tmp_path):
    path = submission / "p0-a.h5"
    path.rename(tmp_path / "elsewhere.h5")
    path.symlink_to(tmp_path / "elsewhere.h5")
    faults = check_predictions(submission, tmp_path / "data", "test")
    assert len(faults) == 1 and "link out of the folder" in faults[0]
    result = evaluate(submission, tmp_path / "data")
    assert [failed["sweep"] for failed in result["failed"]] == ["p0-a"]
    (submission / "meta.json").rename(tmp_path / "meta.json")
    (submission / "meta.json").symlink_to(tmp_path / "meta.json")
    refused(lambda: evaluate(submission, tmp_path / "data"), "meta.json", "link out of the folder")


def make_dataset_with(folder: Path, key: str, value: str) -> None:
    """Write a data set whose index says this of its first sweep."""
    folders.make_dataset(folder)
    path = folder / "dataset.json"
    content = json.loads(path.read_text())
    content["sweeps"][0][key] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "../../x"), ("file", "../other.h5"), ("file", "/etc/passwd"), ("subject", "a/b")],
)
def test_a_data_set_stays_in_its_folder(tmp_path: Path, key: str, value: str) -> None:
    make_dataset_with(tmp_path / "data", key, value)
    refused(lambda: open_dataset(tmp_path / "data"), "dataset.json", f"sweeps[0].{key}", value)


@pytest.mark.parametrize(
    ("key", "value"), [("subject", "é" * 120), ("file", "a" * 300), ("file", "a/" * 800 + "a")]
)
def test_names_longer_than_a_system_takes_are_refused(tmp_path: Path, key: str, value: str) -> None:
    """Asking whether such a file exists is an error of the system, not an answer."""
    make_dataset_with(tmp_path / "data", key, value)
    refused(lambda: open_dataset(tmp_path / "data"), "dataset.json", f"sweeps[0].{key}")


def test_names_in_a_record_lead_nowhere_else(tmp_path: Path) -> None:
    tusrec.write_tusrec(tmp_path / "tree", [make_sweep(0)])
    record = tmp_path / "tree" / "sweepbench.json"
    record.write_text(record.read_text().replace('"a sweep"', '"../../../out"'))
    refused(lambda: list(tusrec.read_splits(tmp_path / "tree")), "sweepbench.json", "name")
    with pytest.raises(UserError, match="a name that a file can have"):
        write_entry(tmp_path, "sweeps/a.h5", make_sweep(0), "test", "../x")


def test_faults_that_quote_line_ends_are_one_line_each(submission: Path, tmp_path: Path) -> None:
    np.savez(submission / "p0-a.npz", **{"a\nerror: \x1b[2J": np.zeros(2)})
    (submission / "stray\nfile").touch()
    (submission / "p0-a\n.h5").touch()
    faults = check_predictions(submission, tmp_path / "data", "test")
    assert len(faults) == 5 and all(fault.isprintable() for fault in faults), faults
    assert any("unknown key 'a error: \\x1b[2J'" in fault for fault in faults)


@pytest.mark.parametrize("text", ["[" + "[]," * 200 + "[]]", '{"a":' * 200 + "1" + "}" * 200])
def test_json_of_more_values_than_are_read_is_not_parsed(tmp_path, monkeypatch, text) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read_json(tmp_path / "a.json")
    monkeypatch.setattr("benchmark.stored.jsons.MOST_VALUES", 199)
    refused(lambda: read_json(tmp_path / "a.json"), "a.json: expected JSON, at most 199 values")


def test_json_longer_than_is_read_is_not_opened(tmp_path: Path, monkeypatch) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(1 << 40)  # takes no room on disk
    refused(lambda: read_json(tmp_path / "a.json"), "expected JSON, at most", f"got {1 << 40}")


def test_a_pipe_in_the_place_of_json_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meta.json")
    refused(lambda: read_json(tmp_path / "meta.json"), "expected a file, cannot be read")
    refused(lambda: read_json("/dev/zero"), "expected a file, cannot be read")


def test_memory_of_json_with_empty_lists_is_bounded() -> None:
    """Three bytes of text each; the most that one value takes, its place in the list included."""
    text = "[" + "[]," * 100_000 + "[]]"
    tracemalloc.start()
    assert len(parsed(text)) == 100_001
    assert tracemalloc.get_traced_memory()[1] < 100_001 * 72 + 2 * len(text)
    tracemalloc.stop()


def test_what_a_file_says_cannot_forge_lines_of_the_terminal(tmp_path: Path) -> None:
    error = UserError("a\nerror: \x1b[2Jb \ud800")
    assert str(error) == "a error: \\x1b[2Jb \\ud800"


def test_memory_of_a_hostile_file_is_measured(tmp_path: Path) -> None:
    """A fresh process reads a bomb; its peak is that of a process that reads a sound file."""
    bomb = tmp_path / "a.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first_from_frame.npy", bytes(400 << 20))
    code = (
        "import sys; from benchmark.hdf5 import read_prediction\n"
        "from benchmark.errors import UserError\n"
        "from benchmark.machine.memory import forget_peak_memory, peak_memory_mb\n"
        "forget_peak_memory(); before = peak_memory_mb()\n"
        "try: read_prediction(sys.argv[1])\n"
        "except UserError: print(peak_memory_mb() - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, bomb], check=True, capture_output=True, text=True
    )
    assert float(told.stdout) < 16
