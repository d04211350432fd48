"""Sequences that PLUS does not write: Slicer's own, trackers without images, other data places."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.convert import convert
from benchmark.interop.igsio import read_igsio, read_sequence, write_igsio
from benchmark.interop.poses.trajectory import read_tum
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import open_recording
from tests.benchmark.shared.random_sweeps import make_sweep

FRAMES = np.arange(3 * 2 * 5, dtype=np.uint16).reshape(3, 2, 5)  # frames, rows, columns
VOLUME_SEQUENCE = """NRRD0005
# Complete NRRD file format specification at:
type: unsigned short
dimension: 4
space: right-anterior-superior
sizes: {sizes}
space directions: {directions}
kinds: {kinds}
labels: {labels}
units: {units}
endian: little
encoding: {encoding}
space origin: (3,-4,5)
measurement frame: (1,0,0) (0,1,0) (0,0,1)
DataNodeClassName:=vtkMRMLScalarVolumeNode
axis {axis} index type:=numeric
axis {axis} index values:={values}

"""
AXES = "(0.2,0,0) (0,0,-0.1) (0,1,0)"


def volume_sequence(
    tmp_path: Path,
    axis: int,
    compress: bool = False,
    label: str = "time",
    unit: str = "s",
    values: str = "0.5 0.75 1.5",
) -> Path:
    """Write FRAMES as 3D Slicer does, the list axis first (until 5.6) or last."""
    first = axis == 0
    quoted = [f'"{label}"', '""', '""', '""'], [f'"{unit}"', '"mm"', '"mm"', '"mm"']
    labels, units = (" ".join(words if first else words[1:] + words[:1]) for words in quoted)
    data = (np.moveaxis(FRAMES, 0, -1) if first else FRAMES).astype("<u2").tobytes()
    header = VOLUME_SEQUENCE.format(
        sizes="3 5 2 1" if first else "5 2 1 3",
        directions=f"none {AXES}" if first else f"{AXES} none",
        kinds="list domain domain domain" if first else "domain domain domain list",
        labels=labels,
        units=units,
        encoding="gzip" if compress else "raw",
        axis=axis,
        values=values,
    )
    path = tmp_path / "x.seq.nrrd"
    path.write_bytes(header.encode() + (gzip.compress(data) if compress else data))
    return path


@pytest.mark.parametrize("axis", [0, 3])
@pytest.mark.parametrize("compress", [False, True])
def test_volume_sequences_of_slicer(tmp_path: Path, axis: int, compress: bool) -> None:
    """pynrrd reads the same values; times are the index values, spacing the axes' lengths."""
    nrrd = pytest.importorskip("nrrd")
    path = volume_sequence(tmp_path, axis, compress)
    values = nrrd.read(str(path))[0]
    sequence = read_sequence(path)
    for frame in (1, 0, 2):
        other = values[frame, :, :, 0] if axis == 0 else values[:, :, 0, frame]
        assert np.array_equal(sequence.frames[frame], other.T)
    assert np.array_equal(sequence.frames[:], FRAMES)
    assert sequence.timestamps.tolist() == [0.5, 0.75, 1.5]
    assert sequence.spacing.tolist() == [0.2, 0.1]


def test_volume_sequences_are_tracked_but_have_no_poses(tmp_path: Path) -> None:
    path = volume_sequence(tmp_path, 0, unit="ms")
    data = path.read_bytes().replace(b"unsigned short", b"unsigned char")
    path.write_bytes(data[:-60] + FRAMES.astype(np.uint8).transpose(1, 2, 0).tobytes())
    recording = open_recording(path)
    assert recording.world_from_image is None
    np.testing.assert_allclose(recording.images.timestamps, [5e-4, 7.5e-4, 1.5e-3])
    assert np.array_equal(recording.images.mm_from_pixel, np.diag([0.2, 0.1, 1, 1]))
    with pytest.raises(UserError, match="images without poses; track them or give their poses"):
        read_igsio(path)


def test_an_index_that_is_no_time(tmp_path: Path) -> None:
    assert np.isnan(read_sequence(volume_sequence(tmp_path, 3, label="frame")).timestamps).all()
    for wrong in ({"unit": "mm"}, {"values": "0 1"}, {"values": "0 1 two"}):
        with pytest.raises(UserError, match="axis 3 index values: "):
            read_sequence(volume_sequence(tmp_path, 3, **wrong))


def test_truncated_volume_sequences(tmp_path: Path) -> None:
    for compress in (False, True):
        path = volume_sequence(tmp_path, 0, compress)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(UserError, match="truncated"):
            read_sequence(path).frames[0]


def without_images(tmp_path: Path, frames: int = 4) -> Path:
    """Write what PLUS and Slicer write of a tracker alone: DimSize = 0 0 N and no data."""
    path = tmp_path / "tracker.mha"
    write_igsio(path, make_sweep(8, frames), transform="StylusToTracker")
    header = path.read_bytes().split(b"ElementDataFile")[0]
    header = header.replace(b"DimSize = 7 5", b"DimSize = 0 0").replace(
        b"ImageStatus = OK", b"ImageStatus = INVALID"
    )
    path.write_bytes(header + b"ElementDataFile = LOCAL\n")
    return path


def test_a_tracker_alone_becomes_a_trajectory(tmp_path: Path) -> None:
    """The poses are those of the transform itself, through chains and without a calibration."""
    path, sweep = without_images(tmp_path), make_sweep(8)
    convert(path, tmp_path / "x.tum", reading=Reading(transform="StylusToTracker"))
    times, poses = read_tum(tmp_path / "x.tum")
    assert np.array_equal(times, sweep.bmode.timestamps)
    np.testing.assert_allclose(poses, sweep.bmode.world_from_image, atol=1e-9)
    convert(path, tmp_path / "y.tum", reading=Reading(transform="TrackerToStylus"))
    back = geometry.inverse(sweep.bmode.world_from_image)
    np.testing.assert_allclose(read_tum(tmp_path / "y.tum")[1], back, atol=1e-9)


def test_a_tracker_alone_is_no_sweep(tmp_path: Path) -> None:
    path = without_images(tmp_path)
    for use in (read_igsio, open_recording, lambda path: convert(path, tmp_path / "x.h5")):
        with pytest.raises(UserError, match=r"4 poses and no images; convert it to \.tum"):
            use(path)


def test_places_of_data(tmp_path: Path) -> None:
    """HeaderSize skips bytes of the data file, -1 takes its last ones; SimpleITK does so too."""
    sitk = pytest.importorskip("SimpleITK")
    sweep, path = make_sweep(3), tmp_path / "x.mhd"
    write_igsio(path, sweep)
    raw, header = path.with_suffix(".raw"), path.read_bytes()
    pixels = raw.read_bytes()
    raw.write_bytes(b"a header of 25 bytes ... " + pixels)
    for size in (b"25", b"-1"):
        line = b"HeaderSize = " + size + b"\n"
        path.write_bytes(header.replace(b"ElementDataFile", line + b"ElementDataFile"))
        assert np.array_equal(read_igsio(path).bmode.frames[:], sweep.bmode.frames)
        image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert np.array_equal(image, sweep.bmode.frames)
    raw.write_bytes(pixels[3:])
    with pytest.raises(UserError, match="truncated: expected 140 bytes"):
        read_igsio(path)


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_newline_after_the_data(tmp_path: Path, suffix, compress: bool, newline: bytes) -> None:
    sweep, path = make_sweep(3), tmp_path / f"x{suffix}"
    write_igsio(path, sweep, compress=compress)
    data = max(tmp_path.glob("x*"), key=lambda p: p.suffix not in (".mhd", ".nhdr"))
    data.write_bytes(data.read_bytes() + newline)
    assert np.array_equal(read_igsio(path).bmode.frames[:], sweep.bmode.frames)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Channels = 1", "Channels =", r"expected grey frames .*, got ''"),
        ("Channels = 1", "Channels = one", "got 'one'"),
        ("File = LOCAL", "File =", "ElementDataFile: expected LOCAL or one file, got ''"),
        ("Offset = ", "HeaderSize = -2\nOffset = ", "HeaderSize: expected -1, 0 or more, got '-2'"),
        ("Offset = ", "HeaderSize = 1 2\nOffset = ", "HeaderSize: expected -1, 0 or more"),
        ("= domain domain list", "= domain list domain", "along the first or last axis"),
    ],
)
def test_each_wrong_header_has_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "x.mha"
    write_igsio(path, make_sweep(6))
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(UserError, match=message) as raised:
        read_igsio(path)
    assert "\n" not in str(raised.value)


def test_data_before_an_unknown_compressed_end(tmp_path: Path) -> None:
    path = tmp_path / "x.mha"
    write_igsio(path, make_sweep(6), compress=True)
    path.write_bytes(path.read_bytes().replace(b"Offset = ", b"HeaderSize = -1\nOffset = "))
    with pytest.raises(UserError, match="HeaderSize: expected 0 or more where data are compressed"):
        read_igsio(path)
