"""Sequences of PLUS and Slicer: nothing is lost on the way, and other readers agree."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import LazyFrames
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.interop import streams
from benchmark.interop.igsio import read_igsio, read_sequence, write_igsio
from benchmark.interop.orientation import CODES, from_marked_far, to_marked_far
from benchmark.interop.parts.rigid import settled_poses, split_calibration
from benchmark.interop.sequence import Reading
from benchmark.sweep import Sweep
from tests.benchmark.shared.random_sweeps import make_sweep, sweeps

SUFFIXES = (".igs.mha", ".igs.mhd", ".seq.nrrd", ".nhdr")
THREE_DOMAINS = ("domain domain list", "domain domain domain list")
IMAGE = np.arange(6, dtype=np.uint8).reshape(2, 3)  # rows far from the probe, columns to the mark


def assert_same(read: Sweep, written: Sweep) -> None:
    assert read.name == written.name
    assert np.array_equal(read.bmode.frames[:], written.bmode.frames)
    assert read.bmode.frames.dtype == written.bmode.frames.dtype
    for key in ("timestamps", "mm_from_pixel", "world_from_image"):
        assert np.array_equal(getattr(read.bmode, key), getattr(written.bmode, key)), key
    assert np.array_equal(read.landmarks, written.landmarks)
    assert (read.probe, read.factors) == (written.probe, written.factors)


@settings(max_examples=25, deadline=None)
@given(sweeps(), st.sampled_from(SUFFIXES), st.sampled_from(CODES), st.booleans())
def test_round_trip_loses_nothing(tmp_path_factory, sweep, suffix, code, compress) -> None:
    path = tmp_path_factory.mktemp("igsio") / f"x{suffix}"
    write_igsio(path, sweep, orientation=code, compress=compress)
    assert_same(read_igsio(path), sweep)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_round_trip_of_other_types(tmp_path: Path, dtype: str, suffix: str) -> None:
    sweep = make_sweep(3, dtype=dtype)
    write_igsio(tmp_path / f"x{suffix}", sweep, compress=True)
    assert_same(read_igsio(tmp_path / f"x{suffix}"), sweep)


@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ("MF", [[0, 1, 2], [3, 4, 5]]),
        ("UF", [[2, 1, 0], [5, 4, 3]]),
        ("MN", [[3, 4, 5], [0, 1, 2]]),
        ("UN", [[5, 4, 3], [2, 1, 0]]),
        ("FM", [[0, 3], [1, 4], [2, 5]]),
        ("FU", [[2, 5], [1, 4], [0, 3]]),
        ("NM", [[3, 0], [4, 1], [5, 2]]),
        ("NU", [[5, 2], [4, 1], [3, 0]]),
    ],
)
def test_orientation_codes(code: str, stored: list[list[int]]) -> None:
    """Columns run along the first letter, rows along the second: M as here, U against it."""
    assert from_marked_far(code)(IMAGE).tolist() == stored
    assert to_marked_far(code)(np.array(stored)).tolist() == IMAGE.tolist()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compress", [False, True])
def test_simpleitk_reads_pixels_and_all_fields(tmp_path: Path, suffix: str, compress: bool) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sweep, path = make_sweep(1), tmp_path / f"x{suffix}"
    write_igsio(path, sweep, compress=compress, transform="ProbeToReference")
    image = sitk.ReadImage(str(path))
    pixels = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 2:  # ITK takes the list axis of this NRRD for that of components
        pixels = np.moveaxis(pixels, -1, 0)
    assert np.array_equal(pixels, sweep.bmode.frames)
    status = "ImageStatus" if "mh" in suffix else "Status"
    for index in range(len(sweep)):
        field = f"Seq_Frame{index:04d}_"
        pose = image.GetMetaData(f"{field}ProbeToReferenceTransform").split()
        expected = sweep.bmode.world_from_image[index].ravel()
        assert np.array_equal(np.array(pose, float), expected)
        calibration = image.GetMetaData(f"{field}ImageToProbeTransform").split()
        assert np.array_equal(np.array(calibration, float), sweep.bmode.mm_from_pixel.ravel())
        assert float(image.GetMetaData(f"{field}Timestamp")) == sweep.bmode.timestamps[index]
        assert image.GetMetaData(field + status) == "OK"
        assert image.GetMetaData(f"{field}ProbeToReferenceTransformStatus") == "OK"


def test_simpleitk_writes_what_we_read(tmp_path: Path) -> None:
    """A file that SimpleITK wrote: 16-bit pixels, another order of header lines."""
    sitk = pytest.importorskip("SimpleITK")
    frames = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4)
    image = sitk.GetImageFromArray(frames)
    for index in range(2):
        matrix = np.eye(4)
        matrix[2, 3] = index
        text = " ".join(map(str, matrix.ravel()))
        image.SetMetaData(f"Seq_Frame{index:04d}_ProbeToTrackerTransform", text)
        image.SetMetaData(f"Seq_Frame{index:04d}_Timestamp", str(0.1 * index))
    sitk.WriteImage(image, str(tmp_path / "x.mha"), True)
    (tmp_path / "c.txt").write_text("0.5 0 0 0  0 0.25 0 0  0 0 1 0  0 0 0 1")
    notes: list[str] = []
    reading = Reading(calibration=tmp_path / "c.txt")
    sweep = read_igsio(tmp_path / "x.mha", reading, notes.append)
    assert np.array_equal(sweep.bmode.frames[:], frames)
    assert sweep.bmode.world_from_image[:, 2, 3].tolist() == [0, 1]
    assert np.array_equal(sweep.bmode.mm_from_pixel, np.diag([0.5, 0.25, 1, 1]))
    assert any("orientation" in note for note in notes)


def test_frames_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed frames come out right in any order, and one forward pass unpacks each once."""
    sweep = make_sweep(2, frames=9)
    write_igsio(tmp_path / "x.mha", sweep, compress=True, orientation="UN")
    frames = read_sequence(tmp_path / "x.mha").frames
    for index in (7, 3, 8, 8, 0, -1):
        assert np.array_equal(frames[index], sweep.bmode.frames[index])
    assert np.array_equal(frames[2:7:2], sweep.bmode.frames[2:7:2])
    assert np.array_equal(frames[1, 2:4], sweep.bmode.frames[1, 2:4])
    assert np.array_equal(frames[1:3, 2:4, 1], sweep.bmode.frames[1:3, 2:4, 1])
    opened: list[Path] = []
    unpacker = streams._Unpacker
    monkeypatch.setattr(streams, "_Unpacker", lambda *a: opened.append(a[0]) or unpacker(*a))
    write_sweep(tmp_path / "x.h5", read_igsio(tmp_path / "x.mha"))
    assert np.array_equal(read_sweep(tmp_path / "x.h5").bmode.frames, sweep.bmode.frames)
    assert len(opened) == 1


@pytest.mark.parametrize("compress", [False, True])
def test_memory_does_not_grow_with_frames(tmp_path: Path, compress: bool) -> None:
    import tracemalloc

    shape = (150, 128, 160)
    sweep = make_sweep(0, 3)
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("frames", shape, "u1", chunks=(1, *shape[1:]))
    channel = replace(
        sweep.bmode,
        frames=LazyFrames(tmp_path / "big.h5", "frames"),
        timestamps=np.arange(150) / 20,
        world_from_image=np.repeat(np.eye(4)[None], 150, 0),
    )
    tracemalloc.start()
    write_igsio(tmp_path / "x.mha", replace(sweep, channels={"bmode": channel}), compress=compress)
    write_sweep(tmp_path / "x.h5", read_igsio(tmp_path / "x.mha"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < np.prod(shape) / 1.3  # all frames are 3.1 MB; headers and buffers take the rest


def test_transforms_are_chained(tmp_path: Path) -> None:
    """ProbeToReference is not in the file, but ProbeToTracker and ReferenceToTracker are."""
    sweep = make_sweep(4, frames=3)
    path = tmp_path / "x.mha"
    write_igsio(path, sweep)
    reference = geometry.exp(np.random.default_rng(0).normal(0, 2, (3, 6)))
    data = path.read_bytes()
    lines = b"".join(
        f"Seq_Frame{i:04d}_ReferenceToTrackerTransform = "
        f"{' '.join(map(repr, map(float, m.ravel())))}\n".encode()
        for i, m in enumerate(reference)
    )
    path.write_bytes(data.replace(b"ElementDataFile", lines + b"ElementDataFile"))
    read = read_igsio(path, Reading(transform="ProbeToReference"))
    expected = geometry.inverse(reference) @ sweep.bmode.world_from_image
    np.testing.assert_allclose(read.bmode.world_from_image, expected, atol=1e-12)
    through = read_igsio(path, Reading(transform="ImageToReference"))
    pixel = np.array([[3.0, 2.0, 0.0]])
    for frame in range(3):
        whole = expected[frame] @ sweep.bmode.mm_from_pixel
        mine = through.bmode.world_from_image[frame] @ through.bmode.mm_from_pixel
        np.testing.assert_allclose(
            geometry.apply(mine, pixel), geometry.apply(whole, pixel), atol=1e-12
        )


@given(st.integers(0, 2**32 - 1))
def test_calibration_is_split_without_loss(seed: int) -> None:
    """Rigid part times the rest gives every pixel's place back, skew and mirrored axes included."""
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = rng.normal(0, 0.1, (3, 3))
    matrix[:3, 3] = rng.normal(0, 50, 3)
    rigid, mm_from_pixel = split_calibration(matrix, "x")
    assert geometry.se3_fault(rigid, 1e-12) is None
    assert mm_from_pixel[0, 0] > 0 and mm_from_pixel[1, 1] > 0 and mm_from_pixel[1, 0] == 0
    pixels = np.hstack([rng.uniform(0, 800, (20, 2)), np.zeros((20, 1))])
    assert np.allclose(geometry.apply(mm_from_pixel, pixels)[:, 2], 0)
    np.testing.assert_allclose(
        geometry.apply(rigid @ mm_from_pixel, pixels), geometry.apply(matrix, pixels), atol=1e-10
    )


def test_rounded_rotations_become_rigid_and_others_are_refused() -> None:
    poses = geometry.exp(np.random.default_rng(5).normal(0, 1, (20, 6)))
    rounded = np.round(poses, 4)
    settled = settled_poses(rounded, "x")
    assert geometry.se3_fault(settled, 1e-5) is None
    assert np.abs(settled - poses).max() < 2e-4
    assert np.array_equal(settled_poses(poses, "x"), poses)
    poses[7, 0, 0] += 0.01
    with pytest.raises(UserError, match="frame 7 is not rigid"):
        settled_poses(poses, "x")


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    path = tmp_path / "edited.mha"
    write_igsio(path, make_sweep(6))
    data = path.read_bytes()
    for old, new in changes:
        assert old.encode() in data
        data = data.replace(old.encode(), new.encode())
    path.write_bytes(data)
    return path


def test_invalid_frames_are_reported_dropped_or_kept(tmp_path: Path) -> None:
    path = edited(
        tmp_path,
        ("1_ProbeToTrackerTransformStatus = OK", "1_ProbeToTrackerTransformStatus = INVALID"),
        ("Seq_Frame0003_ImageStatus = OK", "Seq_Frame0003_ImageStatus = INVALID"),
    )
    notes: list[str] = []
    sweep = read_igsio(path, Reading(), notes.append)
    assert np.array_equal(sweep.bmode.frames[:], make_sweep(6).bmode.frames[[0, 2]])
    assert "1 of 4 frames dropped, ProbeToTracker invalid: 1" in notes[1]
    assert "1 of 4 frames dropped, image invalid: 3" in notes[0]
    notes.clear()
    assert len(read_igsio(path, Reading(invalid="keep"), notes.append)) == 4
    assert "kept" in notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("DimSize = 7 5 4", "DimSize = 7 5 2 2"), THREE_DOMAINS], "a sequence of 2D frames"),
        ([("DimSize = 7 5 4", "DimSize = 7 5 3")], "yet fields of frame 3"),
        ([("DimSize = 7 5 4", "DimSize = 8 5 4")], "expected 160 bytes"),
        ([("DimSize = 7 5 4", "DimSize = 7 five 4")], "DimSize: expected whole numbers"),
        ([("Orientation = MF", "Orientation = AMF")], "expected an orientation of 2D frames"),
        ([("MET_UCHAR", "MET_LONG")], "element type 'MET_LONG'"),
        ([("Channels = 1", "Channels = 3")], "expected grey frames"),
        ([("Seq_Frame", "Nothing")], "without fields of frames"),
        ([("File = LOCAL", "File = LIST 2")], "expected LOCAL or one file"),
        ([("File = LOCAL", "File = gone.raw")], "gone.raw: no such file"),
        ([("ElementType", "Elementtype")], "ElementType is missing"),
        ([("ImageToProbe", "ImageToOther")], "no calibration ImageToProbe; give one by"),
        ([("ToTrackerTransform", "ToCameraTransform")], "unknown transform 'ProbeToTracker'"),
        ([("_Timestamp", "_Clock")], "give --frame-rate"),
    ],
)
def test_each_wrong_file_has_its_line(tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_igsio(edited(tmp_path, *changes))
    assert "\n" not in str(raised.value)


def test_a_pose_that_is_not_rigid(tmp_path: Path) -> None:
    sweep = make_sweep(6)
    sweep.bmode.world_from_image[2, :3, :3] *= 1.1
    write_igsio(tmp_path / "x.mha", sweep)
    with pytest.raises(UserError, match="ProbeToTracker: frame 2 is not rigid"):
        read_igsio(tmp_path / "x.mha")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compress", [False, True])
def test_truncated_files(tmp_path: Path, suffix: str, compress: bool) -> None:
    path = tmp_path / f"x{suffix}"
    write_igsio(path, make_sweep(6), compress=compress)
    data = max(tmp_path.glob("x*"), key=lambda p: p.suffix not in (".mhd", ".nhdr"))
    data.write_bytes(data.read_bytes()[:-9])
    with pytest.raises(UserError, match="truncated"):
        read_igsio(path).bmode.frames[:]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UserError, match=r"truncated|no such file"):
        read_igsio(path).bmode.frames[:]


def test_compressed_size_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "x.mha"
    write_igsio(path, make_sweep(6), compress=True)
    data = path.read_bytes()
    start = data.index(b"CompressedDataSize = ") + 21
    size = int(data[start : start + 20])
    path.write_bytes(data[:start] + f"{size + 5:<20d}".encode() + data[start + 20 :])
    with pytest.raises(
        UserError, match=f"expected {size + 5} compressed bytes of frames, got {size}"
    ):
        read_igsio(path)
    more = make_sweep(6, frames=5)
    write_igsio(path, more, compress=True)
    fewer = path.read_bytes().replace(b"DimSize = 7 5 5", b"DimSize = 7 4 5")
    path.write_bytes(fewer)
    with pytest.raises(UserError, match="hold more than 5 frames"):
        read_igsio(path).bmode.frames[:]


def test_damaged_compressed_data(tmp_path: Path) -> None:
    path = tmp_path / "x.seq.nrrd"
    write_igsio(path, make_sweep(6, rows=30, columns=30), compress=True)
    data = bytearray(path.read_bytes())
    data[-400:-300] = bytes(100)
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"damaged|truncated"):
        read_igsio(path).bmode.frames[:]
