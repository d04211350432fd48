"""Folders of images and TIFF stacks, against the arrays that were written."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmark.errors import UserError
from benchmark.interop.cines.readers import read_cine
from tests.benchmark.interop.cines.inputs import moving_block, silence

EXIF_ORIENTATION, QUARTER_TURN = 0x0112, 6


def write_folder(folder: Path, frames: np.ndarray, pattern: str = "frame_{}.png") -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / pattern.format(index))
    return folder


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_images_are_frames_in_natural_order(tmp_path: Path, suffix: str) -> None:
    frames = moving_block(12)
    folder = write_folder(tmp_path / "f", frames, f"frame_{{}}.{suffix}")
    (folder / "poses.csv").write_text("t")
    (folder / f"._frame_3.{suffix}").write_bytes(b"of macOS")
    cine = read_cine(folder, silence)
    assert cine.frames.dtype == np.uint8 and np.array_equal(cine.frames[:], frames)
    assert cine.timestamps is None and cine.pixel_mm is None and cine.name == "f"


def test_jpeg_is_read_within_its_loss(tmp_path: Path) -> None:
    frames = moving_block(3)
    cine = read_cine(write_folder(tmp_path / "f", frames, "{}.jpg"), silence)
    assert np.abs(np.asarray(cine.frames).astype(int) - frames).mean() < 3


def test_colours_become_their_luma(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    clear = np.dstack([colours, np.zeros((1, 4), np.uint8)])
    expected = np.rint([[0.299 * 255, 0.587 * 255, 0.114 * 255, 90]])
    for name, pixels in (("rgb", colours), ("rgba", clear)):
        cine = read_cine(write_folder(tmp_path / name, pixels[None]), silence)
        assert np.array_equal(cine.frames[0], expected)
    (tmp_path / "p").mkdir()
    Image.fromarray(colours).quantize(4).save(tmp_path / "p" / "0.png")
    assert np.array_equal(read_cine(tmp_path / "p", silence).frames[0], expected)


def test_a_rotation_asked_for_by_exif_is_applied(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    picture = Image.fromarray(moving_block(1)[0])
    exif = picture.getexif()
    exif[EXIF_ORIENTATION] = QUARTER_TURN
    picture.save(tmp_path / "f" / "0.png", exif=exif)
    cine = read_cine(tmp_path / "f", silence)
    assert np.array_equal(cine.frames[0], np.rot90(moving_block(1)[0], -1))


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    frames = 256 * moving_block(3).astype(np.uint16) + 7
    folder = write_folder(tmp_path / "f", frames)
    assert np.array_equal(read_cine(folder, silence).frames[:], frames)
    tifffile.imwrite(tmp_path / "s.tif", frames, photometric="minisblack")
    assert np.array_equal(read_cine(tmp_path / "s.tif", silence).frames[:], frames)


def test_a_gap_in_the_numbers_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", moving_block(8))
    (folder / "frame_5.png").unlink()
    notes: list[str] = []
    assert len(read_cine(folder, notes.append).frames) == 7
    assert len(notes) == 1 and "missing in its file names, first after frame_4.png" in notes[0]


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_pages_of_a_tiff(tmp_path: Path, compression: str | None) -> None:
    frames = moving_block(12)
    tifffile.imwrite(tmp_path / "s.tif", frames, photometric="minisblack", compression=compression)
    cine = read_cine(tmp_path / "s.tif", silence)
    assert np.array_equal(cine.frames[:], frames) and np.array_equal(cine.frames[3], frames[3])
    assert cine.timestamps is None and cine.pixel_mm is None


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
def test_pages_compressed_as_pillow_does(tmp_path: Path, compression: str) -> None:
    frames = moving_block(4)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / "s.tif", save_all=True, append_images=rest, compression=compression)
    assert np.array_equal(read_cine(tmp_path / "s.tif", silence).frames[:], frames)


def test_the_calibration_of_imagej(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "s.tif",
        moving_block(5),
        imagej=True,
        resolution=(1 / 0.2, 1 / 0.1),
        metadata={"unit": "mm", "finterval": 0.05, "axes": "TYX"},
    )
    cine = read_cine(tmp_path / "s.tif", silence)
    np.testing.assert_allclose(cine.pixel_mm, [0.2, 0.1], rtol=1e-6)
    np.testing.assert_allclose(cine.timestamps, 0.05 * np.arange(5))


def test_resolution_of_paper_is_no_size(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "s.tif",
        moving_block(3),
        photometric="minisblack",
        resolution=(72, 72),
        resolutionunit="INCH",
    )
    assert read_cine(tmp_path / "s.tif", silence).pixel_mm is None


def test_folders_that_are_refused(tmp_path: Path) -> None:
    frames = moving_block(4)
    sizes = write_folder(tmp_path / "sizes", frames)
    Image.fromarray(frames[0][:-1]).save(sizes / "frame_2.png")
    with pytest.raises(UserError, match=r"frame_2.png: 56 x 39 pixels, expected the 56 x 40"):
        read_cine(sizes, silence)
    depths = write_folder(tmp_path / "depths", frames)
    Image.fromarray(frames[0].astype(np.uint16)).save(depths / "frame_1.png")
    with pytest.raises(UserError, match=r"frame_1.png: 56 x 40 pixels of 16 bits, expected that"):
        read_cine(depths, silence).frames[:]
    kinds = write_folder(tmp_path / "kinds", frames)
    Image.fromarray(frames[0]).save(kinds / "frame_1.jpg")
    with pytest.raises(UserError, match=r"frame_1\.\w+: expected images of one kind"):
        read_cine(kinds, silence)
    damaged = write_folder(tmp_path / "damaged", frames)
    (damaged / "frame_3.png").write_bytes((damaged / "frame_3.png").read_bytes()[:60])
    with pytest.raises(UserError, match=r"frame_3.png: cannot be read as an image"):
        read_cine(damaged, silence).frames[:]
    foreign = write_folder(tmp_path / "foreign", frames)
    (foreign / "frame_3.png").write_text("no image")
    with pytest.raises(UserError, match=r"frame_3.png: cannot be read as an image"):
        read_cine(foreign, silence)
    pages = write_folder(tmp_path / "pages", frames, "{}.tif")
    tifffile.imwrite(pages / "3.tif", frames, photometric="minisblack")
    with pytest.raises(UserError, match=r"3.tif: 4 images in a file, expected one"):
        read_cine(pages, silence)


def test_stacks_that_are_refused(tmp_path: Path) -> None:
    frames = moving_block(4)
    tifffile.imwrite(tmp_path / "one.tif", frames[0])
    with pytest.raises(UserError, match=r"one.tif: one image, expected a page for every frame"):
        read_cine(tmp_path / "one.tif", silence)
    (tmp_path / "no.tif").write_text("no TIFF")
    with pytest.raises(UserError, match=r"no.tif: cannot be read as an image"):
        read_cine(tmp_path / "no.tif", silence)
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as file:
        file.write(frames[0], photometric="minisblack")
        file.write(frames[0][:-1], photometric="minisblack")
    with pytest.raises(UserError, match=r"sizes.tif: page 1: 56 x 39 pixels of 8 bits, expected"):
        read_cine(tmp_path / "sizes.tif", silence).frames[:]


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("lost", [20, 200, 1000, 3000])
def test_a_stack_cut_short_is_refused(tmp_path: Path, compression: str | None, lost: int) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, 40, 56), dtype=np.uint8)
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", compression=compression)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(UserError, match=r"cut.tif(: page \d)?: cannot be read as an image"):
        read_cine(path, silence).frames[:]


def test_a_size_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", moving_block(3))
    wide = tmp_path / "f" / "frame_0.png"
    content = bytearray(wide.read_bytes())
    content[16:24] = (12_000).to_bytes(4, "big") * 2  # IHDR: width and height
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    wide.write_bytes(content)
    with pytest.raises(UserError, match=r"frame_0\.png: 12000 x 12000 pixels, more than"):
        read_cine(folder, silence)


def test_a_page_whose_size_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    first, second = moving_block(2)
    with tifffile.TiffWriter(path) as writer:
        writer.write(first)
        writer.write(second)
    with tifffile.TiffFile(path, mode="r+b") as stack:
        stack.pages[1].tags["ImageLength"].overwrite(2**22)
    with pytest.raises(UserError, match=r"stack.tif: page 1: \d+ x 4194304 pixels, more than"):
        np.asarray(read_cine(path, silence).frames)
