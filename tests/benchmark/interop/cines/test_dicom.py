"""DICOM files that pydicom wrote: pixels, sizes, regions, times, and what is refused."""

import builtins
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.interop.cines.readers import read_cine
from tests.benchmark.interop.cines.inputs import moving_block, silence, write_dicom

pytest.importorskip("pydicom")
REGION = {
    "PhysicalDeltaX": 0.02,
    "PhysicalDeltaY": 0.01,
    "RegionLocationMinX0": 8,
    "RegionLocationMaxX1": 47,
    "RegionLocationMinY0": 4,
    "RegionLocationMaxY1": 35,
}


def test_grey_frames(tmp_path: Path) -> None:
    frames = moving_block()
    cine = read_cine(write_dicom(tmp_path / "a.dcm", frames, FrameTime=40), silence)
    assert cine.frames.dtype == np.uint8 and np.array_equal(cine.frames[:], frames)
    assert np.array_equal(cine.frames[2], frames[2])
    np.testing.assert_allclose(cine.timestamps, 0.04 * np.arange(6))
    assert cine.pixel_mm is None and cine.mask is None and cine.probe == {}


def test_a_name_without_suffix(tmp_path: Path) -> None:
    cine = read_cine(write_dicom(tmp_path / "IM_0001", moving_block()), silence)
    assert np.array_equal(cine.frames[:], moving_block())


def test_the_region_of_tissue_gives_pixel_size_and_mask(tmp_path: Path) -> None:
    region = {**REGION, "TransducerFrequency": 7500}
    path = write_dicom(
        tmp_path / "a.dcm", moving_block(), region=region, ManufacturerModelName="Scanner"
    )
    cine = read_cine(path, silence)
    np.testing.assert_allclose(cine.pixel_mm, [0.2, 0.1])
    expected = np.zeros((40, 56), bool)
    expected[4:36, 8:48] = True
    assert np.array_equal(cine.mask, expected)
    assert cine.probe == {"name": "Scanner", "centre_frequency_hz": 7.5e6}


@pytest.mark.parametrize(
    "other", [{"RegionDataType": 2}, {"RegionSpatialFormat": 3}, {"PhysicalUnitsXDirection": 4}]
)
def test_other_regions_are_none_of_tissue(tmp_path: Path, other: dict[str, int]) -> None:
    path = write_dicom(
        tmp_path / "a.dcm", moving_block(), region={**REGION, **other}, PixelSpacing=[0.3, 0.4]
    )
    cine = read_cine(path, silence)
    np.testing.assert_allclose(cine.pixel_mm, [0.4, 0.3])  # the tag has rows first
    assert cine.mask is None


def test_times(tmp_path: Path) -> None:
    frames = moving_block(4)
    vector = write_dicom(tmp_path / "v.dcm", frames, FrameTimeVector=[0, 40, 50, 60], FrameTime=10)
    np.testing.assert_allclose(read_cine(vector, silence).timestamps, [0, 0.04, 0.09, 0.15])
    rate = write_dicom(tmp_path / "r.dcm", frames, CineRate=25)
    np.testing.assert_allclose(read_cine(rate, silence).timestamps, np.arange(4) / 25)
    assert read_cine(write_dicom(tmp_path / "n.dcm", frames), silence).timestamps is None
    short = write_dicom(tmp_path / "s.dcm", frames, FrameTimeVector=[0, 40])
    with pytest.raises(UserError, match="FrameTimeVector: expected 4 values, one a frame, got 2"):
        read_cine(short, silence)


def test_colour_inverted_and_deep_pixels(tmp_path: Path) -> None:
    frames = moving_block(3)
    colour = np.stack([frames, frames // 2, frames // 4], -1)
    cine = read_cine(write_dicom(tmp_path / "c.dcm", colour, "RGB"), silence)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(cine.frames[:] - expected).max() <= 0.51
    inverted = read_cine(write_dicom(tmp_path / "i.dcm", 255 - frames, "MONOCHROME1"), silence)
    assert np.array_equal(inverted.frames[:], frames)
    deep = read_cine(
        write_dicom(tmp_path / "d.dcm", 16 * frames.astype(np.uint16), bits=12), silence
    )
    assert np.array_equal(deep.frames[:], 16 * frames.astype(np.uint16))


@pytest.mark.parametrize("kind", ["YBR_FULL", "jpeg"])
def test_colours_of_other_spaces(tmp_path: Path, kind: str) -> None:
    import pydicom
    from pydicom.pixels import convert_color_space

    frames = moving_block(3)
    colour = np.stack([frames, frames // 2, frames // 4], -1)
    if kind == "jpeg":
        data = pydicom.dcmread(write_dicom(tmp_path / "c.dcm", colour, "RGB", compress="jpeg"))
        data.PhotometricInterpretation = "YBR_FULL_422"
        data.save_as(tmp_path / "c.dcm")
    else:
        turned = np.stack([convert_color_space(frame, "RGB", kind) for frame in colour])
        write_dicom(tmp_path / "c.dcm", turned, kind)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    found = read_cine(tmp_path / "c.dcm", silence).frames[:]
    assert np.abs(found - expected).mean() < 1.5


def test_a_palette_becomes_its_colours_luma(tmp_path: Path) -> None:
    import pydicom
    from pydicom.tag import Tag

    frames = moving_block(3)
    data = pydicom.dcmread(write_dicom(tmp_path / "p.dcm", frames))
    data.PhotometricInterpretation = "PALETTE COLOR"
    levels = np.arange(256, dtype="<u2") * 257
    for number in (1, 2, 3):
        data.add_new(Tag(0x0028, 0x1100 + number), "US", [256, 0, 16])
        data.add_new(Tag(0x0028, 0x1200 + number), "OW", levels[::-1].tobytes())
    data.save_as(tmp_path / "p.dcm")
    assert np.array_equal(read_cine(tmp_path / "p.dcm", silence).frames[:], 255 - frames)


def test_fewer_frames_than_stated_are_told(tmp_path: Path) -> None:
    import pydicom

    for compress in (None, "rle"):
        path = write_dicom(tmp_path / "f.dcm", moving_block(), compress=compress)
        data = pydicom.dcmread(path)
        data.NumberOfFrames = 9
        data.save_as(path)
        with pytest.raises(UserError, match=r"f.dcm: .*(cannot be decoded|frame 6 of 9)"):
            read_cine(path, silence).frames[:]


def test_a_region_without_bounds_is_no_region(tmp_path: Path) -> None:
    region = {"PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.01}
    path = write_dicom(tmp_path / "a.dcm", moving_block(), region=region, PixelSpacing=[0.3, 0.4])
    cine = read_cine(path, silence)
    assert cine.mask is None and cine.pixel_mm.tolist() == [0.4, 0.3]


def test_compressed_pixels(tmp_path: Path) -> None:
    frames = moving_block()
    rle = read_cine(write_dicom(tmp_path / "r.dcm", frames, compress="rle"), silence)
    assert np.array_equal(rle.frames[:], frames)
    jpeg = read_cine(write_dicom(tmp_path / "j.dcm", frames, compress="jpeg"), silence)
    assert np.abs(np.asarray(jpeg.frames).astype(int) - frames).mean() < 2


def test_a_compression_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    import pydicom
    from pydicom.uid import MPEG4HP41

    data = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", moving_block(), compress="rle"))
    data.file_meta.TransferSyntaxUID = MPEG4HP41
    data.save_as(tmp_path / "b.dcm")
    with pytest.raises(UserError, match=r"b.dcm: compressed as MPEG-4 .*\(1.2.840.10008.1.2.4"):
        read_cine(tmp_path / "b.dcm", silence)


def test_files_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="NumberOfFrames: expected several frames, got 1"):
        read_cine(write_dicom(tmp_path / "one.dcm", moving_block(1)[0]), silence)
    (tmp_path / "no.dcm").write_bytes(b"no DICOM")
    with pytest.raises(UserError, match=r"no.dcm: truncated or not DICOM"):
        read_cine(tmp_path / "no.dcm", silence)
    whole = write_dicom(tmp_path / "whole.dcm", moving_block()).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:-3000])
    with pytest.raises(UserError, match=r"cut.dcm: its frames cannot be decoded"):
        read_cine(tmp_path / "cut.dcm", silence).frames[:]


def test_without_pydicom_one_line_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    path = write_dicom(tmp_path / "a.dcm", moving_block())
    whole = builtins.__import__

    def without(name, *arguments, **named):
        if name.split(".")[0] == "pydicom":
            raise ImportError(name)
        return whole(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'sweepbench\[dicom\]'"):
        read_cine(path, silence)
