"""Several sweeps in one volume, the worlds that allow it, and PLUS's maximum of pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.commands.recordings import Output, Reconstruct
from benchmark.errors import UserError
from benchmark.hdf5 import write_sweep
from benchmark.interop.sequence import Reading
from benchmark.interop.volumes import read_volume
from benchmark.sweep import Channel, Images, Sweep, World
from benchmark.volume.choices import Placing, place
from benchmark.volume.reconstruction import Compounding, Method, reconstruct
from benchmark.volume.worlds import lying_apart, refuse_other_worlds

GRADIENT = np.array([4.0, 9.0, -6.0])  # per mm


def images_of(frames: np.ndarray, pixel_mm: tuple[float, float] = (0.2, 0.2)) -> Images:
    return Images(frames, np.arange(len(frames)) / 20, np.diag([*pixel_mm, 1.0, 1.0]))


def straight(count: int, start: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, 3] = start
    poses[:, 2, 3] += 0.2 * np.arange(count)
    return poses


def acquired(poses: np.ndarray, shape: tuple[int, int], pixel_mm: tuple[float, float]) -> Images:
    """Return frames of a linear field at poses."""
    columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    pixels = np.stack([columns * pixel_mm[0], rows * pixel_mm[1], 0 * rows, 0 * rows + 1], -1)
    points = np.einsum("nij,hwj->nhwi", poses, pixels)[..., :3]
    return images_of((100 + points @ GRADIENT).astype(np.float32), pixel_mm)


@pytest.mark.parametrize("compounding", ["mean", "max", "max-pixel", "latest"])
@pytest.mark.parametrize("method", ["nearest", "trilinear"])
def test_a_sweep_in_two_pieces_gives_the_same_bits(
    method: Method, compounding: Compounding
) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (14, 9, 11), dtype=np.uint8)
    poses = geometry.exp(np.array([3.0, -8, 5, 0.3, 0.1, -0.7])) @ straight(14)
    how = {"spacing_mm": 0.33, "method": method, "compounding": compounding, "threads": 2}
    whole = reconstruct(images_of(frames), poses, **how)
    pieces = [images_of(frames[:5]), images_of(frames[5:])]
    found = reconstruct(pieces, [poses[:5], poses[5:]], **how)
    assert np.array_equal(found.values, whole.values)
    assert np.array_equal(found.weight, whole.weight)
    assert np.array_equal(found.world_from_voxel, whole.world_from_voxel)


@pytest.mark.parametrize("method", ["trilinear", "backward"])
def test_sweeps_of_other_pixels_and_directions_meet(method: Method) -> None:
    """A linear field seen by two sweeps at a right angle, one with finer and more pixels."""
    one, two = straight(30), straight(25, (-1.0, 0, 0))
    turned = geometry.compose(
        geometry.rotation_from_vector(np.array([0, np.pi / 2, 0])), np.array([0, 0, 3.0])
    )
    two = turned @ two
    images = [acquired(one, (20, 24), (0.2, 0.2)), acquired(two, (30, 40), (0.15, 0.12))]
    found = reconstruct(images, [one, two], spacing_mm=0.2, method=method, fill_holes_mm=0)
    index = np.argwhere(found.weight > 0.5)
    places = geometry.apply(found.world_from_voxel, index.astype(float))
    expected = 100 + places @ GRADIENT
    difference = np.abs(found.values[tuple(index.T)] - expected)
    assert np.median(difference) < 0.3 and difference.max() < 2.5
    corners = np.concatenate([one[:, :3, 3], two[:, :3, 3]])
    low, high = found.origin_mm, found.origin_mm + 0.2 * (np.array(found.values.shape) - 1)
    assert (corners.min(0) >= low - 1e-6).all() and (corners.max(0) <= high + 1e-6).all()
    alone = reconstruct(images[0], one, spacing_mm=0.2, method=method, fill_holes_mm=0)
    assert found.known.sum() > 1.3 * alone.known.sum()


def brightest_pixel(frames: np.ndarray, voxel_from_pixel: np.ndarray, size: tuple) -> np.ndarray:
    """Return the rule of PLUS's MAXIMUM in plain Python: weights of at least 1/8, brighter wins."""
    values = np.zeros(size)
    for frame, matrix in zip(frames, voxel_from_pixel, strict=True):
        for row, column in np.ndindex(*frame.shape):
            place = matrix[:3] @ [column, row, 0, 1]
            for corner in np.ndindex(2, 2, 2):
                voxel = np.floor(place).astype(int) + corner
                weight = np.prod(1 - np.abs(place - voxel))
                if weight >= 0.125 and (voxel >= 0).all() and (voxel < size).all():
                    values[tuple(voxel)] = max(values[tuple(voxel)], frame[row, column])
    return values


def test_the_maximum_of_pixels_is_that_of_plus_and_above_the_maximum_of_means() -> None:
    rng = np.random.default_rng(2)
    frames = rng.gamma(1.5, 40, (6, 12, 14)).clip(0, 255).astype(np.uint8)
    poses = straight(6) @ geometry.exp(rng.normal(0, 0.03, (6, 6)))
    images = images_of(frames)
    region = [[0, 0, 0], [2.7, 2.3, 1.0]]
    how = {"spacing_mm": 0.31, "region": region, "fill_holes_mm": 0}
    found = reconstruct(images, poses, compounding="max-pixel", **how)
    voxel_from_pixel = np.linalg.inv(found.world_from_voxel) @ poses @ images.mm_from_pixel
    expected = brightest_pixel(frames, voxel_from_pixel, found.values.shape)
    np.testing.assert_array_equal(found.values, expected)
    means = reconstruct(images, poses, compounding="max", **how)
    assert (means.values - found.values)[found.known].mean() < -20


def sweep_of(start: tuple[float, float, float], **changes) -> Sweep:
    poses = straight(8, start)
    frames = np.full((8, 10, 12), 50, np.uint8)
    images = images_of(frames)
    world = changes.pop("world", World())
    channel = Channel(**vars(images), world_from_image=poses, world=world)
    return Sweep(changes.pop("name", "a"), {"bmode": channel}, factors=changes)


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ({"subject": "1"}, {"subject": "2"}, r"b: .* another subject \(2, there 1\)"),
        ({"spec_hash": "x", "subject": "1"}, {"spec_hash": "y", "subject": "1"}, "data set"),
        ({"world": World("Reference", "RAS")}, {"world": World("Tracker", "RAS")}, "Tracker"),
        ({"start": (0, 0, 0)}, {"start": (0, 0, 0)}, "the first frame of b, there the first"),
        ({"world": World("Reference")}, {"start": (0, 0, 0)}, "the first frame of b"),
    ],
)
def test_worlds_known_to_differ_are_refused(one: dict, two: dict, message: str) -> None:
    sweeps = {
        "a": sweep_of(**{"start": (1, 2, 3), **one}),
        "b": sweep_of(**{"start": (1, 2, 4), **two}),
    }
    with pytest.raises(UserError, match=message):
        refuse_other_worlds(sweeps)


def test_worlds_that_may_be_one_pass() -> None:
    reference = World("Reference", "RAS")
    refuse_other_worlds(
        {
            "a": sweep_of((1, 2, 3), world=reference, subject="1"),
            "b": sweep_of((0, 0, 0), world=reference),  # its pose may be the identity by chance
            "c": sweep_of((4, 2, 3), subject="1"),
        }
    )


def test_sweeps_that_touch_no_other_are_named() -> None:
    unit = np.tile(np.array([0.0, 1.0, 0.0, 1.0])[:, None], (2, 1, 3))  # 0 to 1 along each axis
    corners = dict.fromkeys("abc", unit)
    corners["b"] = corners["b"] + 1.0  # touches a's corner
    corners["c"] = corners["c"] + [0, 0, 3.0]
    assert lying_apart(corners) == ["c"]


def test_the_command_puts_two_sweeps_into_one_volume(tmp_path: Path, capsys) -> None:
    write_sweep(tmp_path / "a.h5", sweep_of((1, 2, 3)))
    write_sweep(tmp_path / "b.h5", sweep_of((2, 2, 4), name="b"))
    command = Reconstruct(
        tmp_path / "a.h5",
        Reading(),
        Placing(threads=1),
        Output(tmp_path / "v.nrrd"),
        more=(tmp_path / "b.h5",),
    )
    command.run()
    volume = read_volume(tmp_path / "v.nrrd")
    # x from 1 to 2 + 2.2, y from 2 to 3.8, z from 3 to 4 + 1.4 mm, voxels of 0.2 mm
    assert volume.values.shape == (17, 10, 13)
    np.testing.assert_allclose(volume.origin_mm, [1, 2, 3])
    printed = capsys.readouterr().out
    assert "sweeps: a, b" in printed
    assert "path, b.h5: 1.4 mm" in printed
    assert (tmp_path / "v-poses.png").is_file()
    with pytest.raises(UserError, match="--tracker and --poses"):
        replace(command, tracker="identity").run()
    with pytest.raises(UserError, match="expected different sweeps, got one twice"):
        replace(command, more=(tmp_path / "a.h5",)).run()
    ras = sweep_of((2, 2, 4), name="b", world=World("", "RAS"))
    write_sweep(tmp_path / "b.h5", ras)
    with pytest.raises(UserError, match=r"taken differently \(a.h5 LPS, b.h5 RAS\)"):
        command.run()


def test_sweeps_far_apart_that_make_a_large_empty_volume_are_refused() -> None:
    images = images_of(np.zeros((8, 40, 50), np.uint8))
    with pytest.raises(UserError, match=r"the sweeps lie far apart; the volume would be [\d,]+ t"):
        place([images, images], [straight(8), straight(8, (2000, 0, 0))], Placing(spacing_mm=0.1))


def test_as_many_poses_as_sweeps() -> None:
    images = images_of(np.zeros((8, 4, 4), np.uint8))
    with pytest.raises(UserError, match="got 2 sweeps and 1 arrays"):
        reconstruct([images, images], [straight(8)], spacing_mm=0.2)
