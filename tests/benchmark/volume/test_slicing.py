"""Slices of volumes: linear fields exactly, frames again after reconstruction, the command."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.commands.recordings import Output, Reconstruct
from benchmark.commands.volumes import Slice
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.interop.sequence import Reading
from benchmark.interop.volumes import write_volume
from benchmark.sweep import Channel, Images, Sweep
from benchmark.volume.choices import Placing
from benchmark.volume.reconstruction import Volume, reconstruct
from benchmark.volume.slicing import Slices, slice_at

PIXELS = np.diag([0.25, 0.3, 1.0, 1.0])
SHAPE = (12, 16)
GRADIENT = np.array([3.0, -2.0, 5.0])  # of a linear field, per mm


def poses_near(place: np.ndarray, count: int = 6, turn: float = 0.4) -> np.ndarray:
    rng = np.random.default_rng(4)
    twists = np.concatenate([rng.normal(0, 0.4, (count, 3)), rng.normal(0, turn, (count, 3))], 1)
    poses = geometry.exp(twists)
    poses[:, :3, 3] += place
    return poses


def points_of(poses: np.ndarray) -> np.ndarray:
    """Return the places (N, H, W, 3) of all pixels by plain matrix products."""
    columns, rows = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
    pixels = np.stack([columns, rows, 0 * rows, 0 * rows + 1], -1).astype(float)
    return np.einsum("nij,hwj->nhwi", poses @ PIXELS, pixels)[..., :3]


def linear_volume() -> Volume:
    """Return a turned and skewly spaced grid on which a linear field is sampled."""
    rotation = geometry.rotation_from_vector(np.array([0.4, -0.2, 0.7]))
    matrix = geometry.compose(rotation * [0.4, 0.5, 0.7], np.array([-6.0, 2.0, 9.0]))
    index = np.moveaxis(np.indices((30, 26, 20)), 0, -1)
    values = (geometry.apply(matrix, index.reshape(-1, 3).astype(float)) @ GRADIENT).reshape(
        index.shape[:3]
    )
    return Volume(values.astype(np.float32), matrix, np.ones_like(values, np.float32))


def test_a_linear_field_is_sliced_exactly_and_is_zero_outside() -> None:
    volume = linear_volume()
    near_the_end = geometry.apply(volume.world_from_voxel, np.array([[14.5, 12.5, 18.0]]))[0]
    poses = poses_near(near_the_end)
    frames, points = slice_at(volume, poses, PIXELS, SHAPE), points_of(poses)
    index = geometry.apply(np.linalg.inv(volume.world_from_voxel), points)
    last = np.array(volume.values.shape) - 1
    inner = ((index >= 0) & (index <= last)).all(-1)
    outside = ((index < -0.5) | (index > last + 0.5)).any(-1)
    assert inner.sum() > 500 and outside.sum() > 20
    np.testing.assert_allclose(frames[inner], (points @ GRADIENT)[inner], rtol=1e-5, atol=1e-4)
    assert (frames[outside] == 0).all()
    lazy = Slices(volume, poses, PIXELS, SHAPE)
    assert np.array_equal(lazy[3], frames[3]) and lazy.reaches(3)
    far = poses.copy()
    far[:, :3, 3] += 90
    assert not Slices(volume, far, PIXELS, SHAPE).reaches(0)


def test_frames_of_whole_numbers_are_rounded_and_clipped() -> None:
    values = np.array([-3.0, 1.4, 1.6, 300.0], np.float32).reshape(4, 1, 1)
    volume = Volume(values, np.eye(4), np.ones_like(values))
    frames = Slices(volume, np.eye(4)[None], np.eye(4), (1, 4), np.uint8)[:]
    assert frames.dtype == np.uint8 and frames.tolist() == [[[0, 1, 2, 255]]]


def smooth(points: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(points, -1, 0)
    return 120 + 60 * np.sin(1.1 * x + 0.3 * z) * np.cos(0.9 * y - 0.2 * x)


def smooth_sweep(count: int = 40) -> Sweep:
    """Return a wobbling sweep of 40 frames, 0.1 mm apart, through a smooth field."""
    poses = poses_near(np.array([10.0, -4.0, 30.0]), count, turn=0.01)
    poses[:, :3, 3] = [10.0, -4.0, 30.0] + 0.1 * np.arange(count)[:, None] * [0, 0.1, 1]
    frames = np.rint(smooth(points_of(poses))).astype(np.uint8)
    channel = Channel(frames, np.arange(count) / 20, PIXELS, world_from_image=poses)
    return Sweep("smooth", {"bmode": channel}, factors={"subject": "1"})


def test_reconstruction_and_slicing_give_the_frames_back() -> None:
    """Within rounding and what a voxel of 0.25 mm blurs of waves of 5.7 mm and longer."""
    bmode = smooth_sweep().bmode
    volume = reconstruct(bmode, bmode.world_from_image, spacing_mm=0.25)
    frames = slice_at(volume, bmode.world_from_image, bmode.mm_from_pixel, SHAPE)
    error = np.abs(frames - bmode.frames)[3:-3, 1:-1, 1:-1]
    assert error.mean() < 1.5 and error.max() < 8
    shifted = bmode.world_from_image.copy()
    shifted[:, 0, 3] += 1.0
    wrong = slice_at(volume, shifted, bmode.mm_from_pixel, SHAPE)
    assert np.abs(wrong - bmode.frames)[3:-3, 1:-1, 1:-1].mean() > 15


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_the_command_slices_what_reconstruct_wrote(tmp_path: Path, suffix: str, capsys) -> None:
    sweep = smooth_sweep()
    write_sweep(tmp_path / "s.h5", sweep)
    path = tmp_path / f"v{suffix}"
    output = Output(path, pictures=False)
    Reconstruct(tmp_path / "s.h5", Reading(), Placing(spacing_mm=0.25, threads=1), output).run()
    Slice(path, tmp_path / "s.h5", Reading(), tmp_path / "out.h5").run()
    found = read_sweep(tmp_path / "out.h5")
    assert found.name == "smooth-slices" and found.factors == sweep.factors
    assert np.array_equal(found.bmode.world_from_image, sweep.bmode.world_from_image)
    assert found.bmode.frames.dtype == np.uint8
    error = np.abs(found.bmode.frames.astype(float) - sweep.bmode.frames)[3:-3, 1:-1, 1:-1]
    assert error.mean() < 1.5
    assert "frames that reach the volume: 40 of 40" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"world": "RAS"}, "none of 5 frames of .*s.h5 reaches it with --world RAS"),
        ({"channel": "pa"}, "no channel 'pa'"),
        ({"out": Path("x.png")}, "expected a name ending in one of .h5"),
        ({"volume": Path("nothing.nrrd")}, "nothing.nrrd: no such file"),
    ],
)
def test_wrong_requests_have_their_line(tmp_path: Path, changes: dict, message: str) -> None:
    write_sweep(tmp_path / "s.h5", smooth_sweep(5))
    values = np.ones((9, 9, 9), np.float32)
    volume = Volume(values, geometry.compose(np.eye(3), np.array([10.0, -4, 30])), values)
    write_volume(tmp_path / "v.nrrd", volume)
    command = Slice(tmp_path / "v.nrrd", tmp_path / "s.h5", Reading(), tmp_path / "out.h5")
    with pytest.raises(UserError, match=message):
        replace(command, **changes).run()
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("poses", [np.eye(4), np.full((2, 4, 4), np.nan)])
def test_wrong_poses_are_refused(poses: np.ndarray) -> None:
    with pytest.raises(UserError, match="world_from_image"):
        slice_at(linear_volume(), poses, PIXELS, SHAPE)


def test_images_of_other_pixels_can_be_sliced() -> None:
    """Only poses, pixel size and image size are needed: twice as fine, the same places."""
    volume = linear_volume()
    middle = geometry.apply(volume.world_from_voxel, np.array([[14.5, 12.5, 9.5]]))[0]
    images = Images(np.zeros((6, *SHAPE), np.uint8), np.arange(6.0), PIXELS)
    poses = poses_near(middle)
    coarse = slice_at(volume, poses, images.mm_from_pixel, SHAPE)
    fine = slice_at(volume, poses, PIXELS @ np.diag([0.5, 0.5, 1, 1]), (23, 31))
    np.testing.assert_allclose(fine[:, ::2, ::2], coarse, atol=1e-4)
