"""Cines and masks on the way into the program: opened, tracked, converted, refused by one line."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.formats import kind_of, open_sweep
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import open_recording
from benchmark.runs.field_of_view import tissue_alone
from benchmark.runs.pixel_size import resampled
from benchmark.sweep import Channel, Images, Sweep
from simulate.probe.models import PROBES
from tests.benchmark.interop.cines.inputs import moving_block, write_dicom, write_video
from tests.benchmark.shared.random_sweeps import make_sweep


def write_folder(folder: Path, frames: np.ndarray) -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index}.png")
    return folder


def test_what_is_given_completes_a_folder(tmp_path: Path) -> None:
    frames = moving_block()
    folder = write_folder(tmp_path / "f", frames)
    assert kind_of(folder) == "cine"
    recording = open_recording(folder, Reading(pixel_mm=(0.2, 0.1), frame_rate=20))
    assert recording.sweep.name == "f" and not recording.own
    assert np.array_equal(recording.images.frames[:], frames)
    assert np.array_equal(recording.images.mm_from_pixel, np.diag([0.2, 0.1, 1, 1]))
    np.testing.assert_allclose(recording.images.timestamps, np.arange(6) / 20)
    with pytest.raises(UserError, match="does not tell the times of its frames; give --frame-rate"):
        open_recording(folder, Reading(pixel_mm=(0.2, 0.1)))
    with pytest.raises(UserError, match="does not tell the size of a pixel; give --pixel-mm or"):
        open_recording(folder, Reading(frame_rate=20))
    with pytest.raises(UserError, match="frames and the size of a pixel; give --frame"):
        open_recording(folder, Reading())
    for wrong in ((0.0, 0.1), (0.2, -1.0), (np.nan, 1.0)):
        with pytest.raises(UserError, match="--pixel-mm: expected a width and a height above 0"):
            open_recording(folder, Reading(frame_rate=20, pixel_mm=wrong))
    with pytest.raises(UserError, match="--frame-rate: expected above 0, got 0"):
        open_recording(folder, Reading(frame_rate=0, pixel_mm=(0.2, 0.1)))


def test_a_calibration_gives_the_size_of_a_pixel(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", moving_block())
    (tmp_path / "c.txt").write_text("0 0.3 0 7  0.2 0 0 8  0 0 0.1 9  0 0 0 1")
    images = open_recording(path, Reading(calibration=tmp_path / "c.txt")).images
    np.testing.assert_allclose(images.mm_from_pixel, np.diag([0.2, 0.3, 1, 1]), atol=1e-12)


def test_a_dicom_file_tells_all_by_itself(tmp_path: Path) -> None:
    region = {"PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.01}
    region |= {"RegionLocationMinX0": 8, "RegionLocationMaxX1": 47}
    region |= {"RegionLocationMinY0": 4, "RegionLocationMaxY1": 35}
    path = write_dicom(tmp_path / "a.dcm", moving_block(), region=region, FrameTime=50)
    images = open_recording(path).images
    assert images.mask is not None and images.mask.sum() == 40 * 32
    np.testing.assert_allclose(images.mm_from_pixel, np.diag([0.2, 0.1, 1, 1]))
    np.testing.assert_allclose(images.timestamps, 0.05 * np.arange(6))
    given = open_recording(path, Reading(pixel_mm=(0.5, 0.5), frame_rate=10, mask="whole")).images
    assert given.mask is None and given.mm_from_pixel[0, 0] == 0.5 and given.timestamps[1] == 0.1


def test_a_window_makes_deep_frames_grey(tmp_path: Path) -> None:
    deep = 16 * moving_block().astype(np.uint16)
    path = write_dicom(tmp_path / "a.dcm", deep, bits=12, FrameTime=50, PixelSpacing=[0.2, 0.2])
    with pytest.raises(UserError, match=r"16-bit frames \(values 960 to 3520\).*--window 960 3520"):
        open_recording(path)
    images = open_recording(path, Reading(window=(0, 16 * 255))).images
    assert np.array_equal(images.frames[:], moving_block())


def test_a_sequence_is_seen_through_a_window(tmp_path: Path) -> None:
    from benchmark.interop.igsio import write_igsio

    sweep = make_sweep(3, dtype="uint16")
    write_igsio(tmp_path / "x.mha", sweep)
    shown = open_sweep(tmp_path / "x.mha", Reading(window=(0, 510)))
    assert shown.bmode.frames.dtype == np.uint8
    assert np.array_equal(shown.bmode.frames[:], np.rint(sweep.bmode.frames / 2))


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_a_bare_stack_is_frames(tmp_path: Path, suffix: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    frames = moving_block()
    stack = sitk.GetImageFromArray(frames)
    stack.SetSpacing((0.2, 0.1, 1.0))
    sitk.WriteImage(stack, str(tmp_path / f"s{suffix}"), useCompression=suffix == ".nrrd")
    images = open_recording(tmp_path / f"s{suffix}", Reading(frame_rate=20)).images
    assert np.array_equal(images.frames[:], frames)
    np.testing.assert_allclose(images.mm_from_pixel, np.diag([0.2, 0.1, 1, 1]))
    with pytest.raises(UserError, match="give --frame-rate"):
        open_recording(tmp_path / f"s{suffix}")


def test_a_mask_goes_with_the_sweep_to_other_programs_and_back(tmp_path: Path) -> None:
    sweep = make_sweep(3)
    mask = np.ones((5, 7), bool)
    mask[1:3, 2] = mask[0] = False
    masked = replace(sweep, channels={"bmode": replace(sweep.bmode, mask=mask)})
    write_sweep(tmp_path / "a.h5", masked)
    for name in ("b.mha", "c.nrrd", "d.h5"):
        convert(tmp_path / "a.h5", tmp_path / name)
        convert(tmp_path / name, tmp_path / "back.h5")
        back = read_sweep(tmp_path / "back.h5")  # a sequence's world has axes of its own
        bmode = replace(back.bmode, world=masked.bmode.world)
        write_sweep(tmp_path / "same.h5", replace(back, channels={"bmode": bmode}))
        assert (tmp_path / "same.h5").read_bytes() == (tmp_path / "a.h5").read_bytes()
    convert(tmp_path / "a.h5", tmp_path / "whole.h5", reading=Reading(mask="whole"))
    assert read_sweep(tmp_path / "whole.h5").bmode.mask is None
    Image.fromarray(mask[::-1].astype(np.uint8)).save(tmp_path / "m.png")
    convert(tmp_path / "b.mha", tmp_path / "given.h5", reading=Reading(mask=tmp_path / "m.png"))
    assert np.array_equal(read_sweep(tmp_path / "given.h5").bmode.mask, mask[::-1])


def test_a_sweep_of_a_curvilinear_probe_has_its_sector_as_mask(tmp_path: Path) -> None:
    probe = replace(PROBES["curvilinear-6MHz"], width_px=64, height_px=48)
    frames = np.zeros((2, 48, 64), np.uint8)
    channel = Channel(
        frames,
        np.arange(2.0),
        probe.mm_from_pixel,
        world_from_image=np.repeat(np.eye(4)[None], 2, 0),
    )
    write_sweep(tmp_path / "s.h5", Sweep("s", {"bmode": channel}, probe=asdict(probe)))
    mask = open_sweep(tmp_path / "s.h5").bmode.mask
    assert mask is not None and not mask[0, 0] and not mask[-1, 0] and mask[24, 32]


def test_a_tracker_sees_the_box_of_the_mask_where_its_pixels_were() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 40, 50), dtype=np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[4:34, 10:30] = True
    mask[4:10, 10:14] = False
    images = Images(frames, np.arange(3.0), np.diag([0.2, 0.2, 1, 1]), mask=mask)
    same = tissue_alone(images, (0, 0))
    shown = mask[4:34, 10:30]
    assert np.array_equal(same.frames[:][:, shown], frames[:, 4:34, 10:30][:, shown])
    assert np.array_equal(same.mask, mask[4:34, 10:30])
    np.testing.assert_allclose(geometry.apply(same.mm_from_pixel, np.zeros((1, 3))), [[2, 0.8, 0]])
    coarse = resampled(same, (0.4, 0.4))
    assert coarse.frames.shape == (3, 15, 10) and coarse.mask.shape == (15, 10)
    assert not coarse.mask[1, 0] and coarse.mask[10, 5] and coarse.mask.mean() > 0.9


def write_poses(path: Path, shift_s: float = 0.0) -> Path:
    """Write a tracker's log at 50 Hz: 4 mm/s along z, in a table of named columns."""
    lines = ["time_s,x_mm,y_mm,z_mm,qw,qx,qy,qz"]
    lines += [f"{t + shift_s},1,2,{4 * t},1,0,0,0" for t in np.arange(-0.1, 1, 0.02)]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("kind", ["folder", "video", "dicom"])
def test_frames_and_a_table_of_poses_are_a_sweep(tmp_path: Path, kind: str) -> None:
    frames = moving_block()
    frames[:, :, :4] = frames[:, :, 48:] = 0
    reading = Reading(pixel_mm=(0.2, 0.1), frame_rate=20, poses=write_poses(tmp_path / "p.csv"))
    if kind == "folder":
        source = write_folder(tmp_path / "f", frames)
    elif kind == "video":
        source = write_video(tmp_path / "v.avi", frames)
    else:
        source = write_dicom(tmp_path / "IM_0001", frames)
    convert(source, tmp_path / "sweep.h5", reading=reading)
    bmode = read_sweep(tmp_path / "sweep.h5").bmode
    assert np.array_equal(bmode.frames, frames)
    np.testing.assert_allclose(bmode.timestamps, np.arange(6) / 20)
    np.testing.assert_allclose(bmode.mm_from_pixel, np.diag([0.2, 0.1, 1, 1]))
    places = np.stack([np.ones(6), np.full(6, 2.0), 0.2 * np.arange(6)], 1)
    np.testing.assert_allclose(bmode.world_from_image[:, :3, 3], places, atol=1e-9)
    assert bmode.mask.sum() == 40 * 44 and not bmode.mask[:, :4].any()


def test_options_that_have_no_use_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", moving_block())
    with pytest.raises(UserError, match="frames without poses; give them by --poses, or track"):
        convert(path, tmp_path / "x.h5", reading=Reading(pixel_mm=(0.2, 0.2)))
    write_sweep(tmp_path / "s.h5", make_sweep(3))
    for name in ("s.h5", "s.mha"):
        convert(tmp_path / "s.h5", tmp_path / "s.mha")
        with pytest.raises(UserError, match=r"--pixel-mm: the poses of .* hold for its own pixels"):
            convert(tmp_path / name, tmp_path / "x.h5", reading=Reading(pixel_mm=(0.2, 0.2)))
    with pytest.raises(UserError, match=r"--window: .* holds grey levels already, of a sweep"):
        convert(tmp_path / "s.h5", tmp_path / "x.h5", reading=Reading(window=(0, 9)))
