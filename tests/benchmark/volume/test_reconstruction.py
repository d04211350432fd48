"""Reconstruction against direct stacking, plain numpy sums, analytic tissue and known places."""

import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import LazyFrames
from benchmark.sweep import Images, poses_at
from benchmark.volume import reconstruction as volume_module
from benchmark.volume.reconstruction import reconstruct
from benchmark.volume.slicing import slice_at

METHODS = ("nearest", "trilinear", "backward")
COMPOUNDINGS = ("mean", "max", "latest")


def images_of(frames, pixel_mm=(0.1, 0.1), origin=(0.0, 0.0)):
    matrix = np.diag([*pixel_mm, 1.0, 1.0])
    matrix[:2, 3] = origin
    return Images(frames, np.arange(len(frames)) / 30, matrix)


def pixel_points(images, poses):
    """World places (N, H, W, 3) of all pixels, in plain numpy."""
    _, rows, columns = images.frames.shape
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([x, y, 0 * x, 0 * x + 1], -1).astype(float)
    return np.einsum("nij,hwj->nhwi", poses @ images.mm_from_pixel, pixels)[..., :3]


def acquire(field, poses, shape, pixel_mm, origin=(0.0, 0.0)):
    empty = images_of(np.broadcast_to(np.float32(0), (len(poses), *shape)), pixel_mm, origin)
    frames = field(pixel_points(empty, poses)).astype(np.float32)
    return images_of(frames, pixel_mm, origin)


def random_tissue(seed, waves=60, shortest_mm=1.0, longest_mm=8.0):
    """A smooth random field of known spectrum: cosines of random direction, length and phase."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(waves, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    vectors = 2 * np.pi * direction / rng.uniform(shortest_mm, longest_mm, (waves, 1))
    phase = rng.uniform(0, 2 * np.pi, waves)

    def field(points):
        flat = points.reshape(-1, 3)
        total = np.zeros(len(flat))
        for vector, shift in zip(vectors, phase, strict=True):
            total += np.cos(flat @ vector + shift)
        return (10 + total / np.sqrt(waves)).reshape(points.shape[:-1])

    return field


def wobbly_poses(count, seed, step_mm=0.3):
    rng = np.random.default_rng(seed)
    values = np.zeros((count, 6))
    values[:, 2] = step_mm * np.arange(count)
    values[:, :2] = rng.normal(0, 0.2, (count, 2))
    values[:, 3:] = rng.normal(0, 0.1, (count, 3))
    return geometry.from_degrees_of_freedom(values)


def correlation(one, other):
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


# Against direct stacking --------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_straight_sweep_is_its_own_stack(method, turned):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (40, 30, 50), dtype=np.uint8)
    poses = np.tile(np.eye(4), (40, 1, 1))
    poses[:, 2, 3] = 0.1 * np.arange(40)
    orientation = None
    if turned:
        placed = geometry.exp(np.array([5.0, -3.0, 8.0, 0.4, -0.9, 1.1]))
        poses, orientation = placed @ poses, placed[:3, :3]
    found = reconstruct(
        images_of(frames), poses, spacing_mm=0.1, method=method, orientation=orientation
    )
    stack = frames.transpose(2, 1, 0)
    assert found.values.shape == stack.shape
    assert correlation(found.values, stack) >= 0.99
    np.testing.assert_allclose(found.values, stack, atol=0.01)
    np.testing.assert_allclose(found.world_from_voxel[:3, 3], poses[0][:3, 3], atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_coarser_voxels_average_the_stack(method):
    """With 0.1 mm steps into 0.2 mm voxels: the blurred stack, sampled at the voxels."""
    field = random_tissue(2)
    poses = np.tile(np.eye(4), (60, 1, 1))
    poses[:, 2, 3] = 0.1 * np.arange(60)
    images = acquire(field, poses, (50, 60), (0.1, 0.1))
    found = reconstruct(images, poses, spacing_mm=0.2, method=method)
    stack = gaussian_filter(images.frames.transpose(2, 1, 0), 1.0)[::2, ::2, ::2]
    size = stack.shape
    assert correlation(found.values[: size[0], : size[1], : size[2]], stack) >= 0.99


# C and S sweeps of the same tissue ------------------------------------------------------------


def curved_sweep(shape, count=90, length=18.0):
    """A straight, C or S sweep along z whose image plane stays across its path."""
    z = np.linspace(0, length, count)
    lateral = {"straight": 0 * z, "c": 3 * np.sin(np.pi * z / length)}
    lateral["s"] = 2 * np.sin(2 * np.pi * z / length)
    x = lateral[shape]
    yaw = np.arctan(np.gradient(x, z))
    values = np.zeros((count, 6))
    values[:, 0], values[:, 2], values[:, 4] = x, z, yaw
    values[:, 3] = {"straight": 0.0, "c": 0.08, "s": -0.05}[shape]
    return geometry.from_degrees_of_freedom(values)


@pytest.fixture(scope="module")
def dense_tissue():
    field = random_tissue(3)
    region = [[-7, 1, 2], [7, 11, 16]]
    poses = curved_sweep("straight", 180)
    images = acquire(field, poses, (40, 72), (0.3, 0.3), (-10.65, 0.0))
    return field, region, reconstruct(images, poses, spacing_mm=0.3, region=region)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", ["c", "s"])
def test_curved_sweeps_show_the_same_tissue(dense_tissue, shape, method):
    field, region, dense = dense_tissue
    poses = curved_sweep(shape)
    images = acquire(field, poses, (40, 72), (0.3, 0.3), (-10.65, 0.0))
    found = reconstruct(images, poses, spacing_mm=0.3, region=region, method=method)
    both = found.known & dense.known
    assert both.mean() > 0.85
    one, other = (smoothed(volume, 1.0 / 0.3)[both] for volume in (found, dense))
    assert correlation(one, other) >= 0.98  # 0.9 is what must be; wrong by a sign it is below 0.5
    mirrored = geometry.inverse(poses) if shape == "c" else poses[::-1]
    wrong = reconstruct(images, mirrored, spacing_mm=0.3, region=region, method=method)
    both = wrong.known & dense.known
    one, other = (smoothed(volume, 1.0 / 0.3)[both] for volume in (wrong, dense))
    assert correlation(one, other) < 0.9


def smoothed(volume, sigma):
    share = gaussian_filter(volume.known.astype(float), sigma)
    return gaussian_filter(volume.values.astype(float), sigma) / np.maximum(share, 1e-9)


# Against plain numpy --------------------------------------------------------------------------


def oracle(images, poses, volume, method, compounding):
    """Pixel by pixel in order, with the same grid; values and weights (X, Y, Z) in float64."""
    from_world = np.linalg.inv(volume.world_from_voxel)
    values, weights = np.zeros(volume.values.shape), np.zeros(volume.values.shape)
    for frame, points in zip(images.frames, pixel_points(images, poses), strict=True):
        places = geometry.apply(from_world, points.reshape(-1, 3))
        sums, shares = np.zeros_like(values), np.zeros_like(values)
        corners = [np.zeros(3)] if method == "nearest" else np.argwhere(np.ones((2, 2, 2)))
        base = np.floor(places + (0.5 if method == "nearest" else 0)).astype(int)
        for corner in corners:
            at = base + np.asarray(corner, int)
            weight = np.ones(len(at))
            if method == "trilinear":
                weight = (1 - np.abs(places - at)).prod(1)
            inside = ((at >= 0) & (at < values.shape)).all(1)
            keys = tuple(at[inside].T)
            if method == "nearest" and compounding == "max":
                sums[:] = np.where(shares > 0, sums, -np.inf)
                np.maximum.at(sums, keys, frame.ravel()[inside].astype(float))
                sums[~np.isfinite(sums)] = 0
            elif method == "nearest" and compounding == "latest":
                sums[keys] = frame.ravel()[inside]
            else:
                np.add.at(sums, keys, weight[inside] * frame.ravel()[inside])
            np.add.at(shares, keys, weight[inside])
        hit = shares > (1e-6 if method == "trilinear" else 0)
        merge(values, weights, sums, shares, hit, method, compounding)
    if compounding == "mean":
        values = np.divide(values, weights, where=weights > 1e-6, out=np.zeros_like(values))
    return values, weights


def merge(values, weights, sums, shares, hit, method, compounding):
    if compounding == "mean":
        values += sums
    else:
        mine = sums[hit] if method == "nearest" else sums[hit] / shares[hit]
        old = np.where(weights[hit] > 0, values[hit], -np.inf)
        values[hit] = np.maximum(old, mine) if compounding == "max" else mine
    weights[hit] += shares[hit]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", ["nearest", "trilinear"])
@pytest.mark.parametrize("compounding", COMPOUNDINGS)
def test_forward_methods_agree_with_numpy(seed, method, compounding):
    rng = np.random.default_rng(seed)
    frames = rng.integers(1, 256, (6, 20, 24), dtype=np.uint8)
    images, poses = images_of(frames, (0.2, 0.15), (-2.0, 0.5)), wobbly_poses(6, seed)
    found = reconstruct(
        images,
        poses,
        spacing_mm=(0.3, 0.35, 0.4),
        method=method,
        compounding=compounding,
        region=[[-1.5, 0.2, -0.3], [2.0, 3.0, 1.6]],
        fill_holes_mm=0,
    )
    values, weights = oracle(images, poses, found, method, compounding)
    sure = (weights == 0) | (weights > 1e-3)  # float32 weights near zero decide little
    np.testing.assert_allclose(found.weight, weights, atol=1e-4)
    assert sure.mean() > 0.95
    np.testing.assert_allclose(found.values[sure], values[sure], atol=0.1)


def test_backward_is_exact_on_a_linear_field():
    """Bilinear in the frame and linear between parallel frames give a linear field back."""

    def field(points):
        return 3 + points @ np.array([0.7, -1.3, 2.1])

    placed = geometry.exp(np.array([1.0, 2.0, 3.0, 0.3, 0.2, -0.4]))
    steps = np.tile(np.eye(4), (12, 1, 1))
    steps[:, 2, 3] = 0.5 * np.arange(12)
    poses = placed @ steps
    images = acquire(field, poses, (30, 40), (0.2, 0.15))
    found = reconstruct(
        images, poses, spacing_mm=0.2, method="backward", orientation=placed[:3, :3]
    )
    places = geometry.apply(
        found.world_from_voxel, np.argwhere(found.known & (found.weight > 0)).astype(float)
    )
    inner = geometry.apply(geometry.inverse(placed), places)
    last = np.array([39 * 0.2, 29 * 0.15, 5.5])
    inside = ((inner > -1e-9) & (inner < last + 1e-9)).all(1)
    assert inside.sum() > 0.8 * found.values.size
    values = found.values[found.known & (found.weight > 0)]
    np.testing.assert_allclose(values[inside], field(places[inside]), atol=2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("compounding", COMPOUNDINGS)
def test_a_constant_stays_constant(method, compounding):
    images = images_of(np.full((8, 16, 16), 77, np.uint8), (0.2, 0.2))
    found = reconstruct(
        images, wobbly_poses(8, 4), spacing_mm=0.25, method=method, compounding=compounding
    )
    np.testing.assert_allclose(found.values[found.known], 77, rtol=1e-5)
    assert not found.values[~found.known].any()


# The same for any number of threads and any chunk ----------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("compounding", COMPOUNDINGS)
def test_threads_and_chunks_do_not_change_a_bit(monkeypatch, method, compounding):
    rng = np.random.default_rng(5)
    images = images_of(rng.normal(size=(12, 40, 50)).astype(np.float32), (0.1, 0.1))
    poses = wobbly_poses(12, 5)

    def run(threads):
        done = []
        found = reconstruct(
            images,
            poses,
            spacing_mm=0.13,
            method=method,
            compounding=compounding,
            threads=threads,
            progress=done.append,
        )
        assert sum(done) == 12
        return found.values.tobytes(), found.weight.tobytes()

    first = run(1)
    assert run(2) == first
    monkeypatch.setattr(volume_module, "CHUNK_BYTES", 1)
    monkeypatch.setattr(volume_module, "BLOCKS_PER_THREAD", 3)
    assert run(5) == first


# Places: spacing, orientation, calibration ------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_asymmetric_phantom_lies_where_it_is(method):
    """Three blobs of different strength, seen under a rocking probe with an offset calibration."""
    blobs = {50.0: (-2.0, 3.0, 1.5), 100.0: (1.5, 6.0, 3.0), 200.0: (0.5, 4.0, 6.0)}

    def field(points):
        return sum(
            height * np.exp(-((points - place) ** 2).sum(-1) / (2 * 0.35**2))
            for height, place in blobs.items()
        )

    values = np.zeros((80, 6))
    values[:, 2] = np.linspace(-1, 9, 80)
    values[:, 3] = 0.1 * np.sin(values[:, 2])
    values[:, 5] = 0.05
    poses = geometry.from_degrees_of_freedom(values)
    images = acquire(field, poses, (70, 60), (0.13, 0.12), (-3.8, 0.4))
    axes = geometry.rotation_from_vector(np.array([0.2, 0.3, -0.25]))
    found = reconstruct(images, poses, spacing_mm=(0.2, 0.25, 0.3), method=method, orientation=axes)
    np.testing.assert_allclose(found.spacing_mm, [0.2, 0.25, 0.3])
    np.testing.assert_allclose(found.direction, axes, atol=1e-12)
    index = np.argwhere(found.known)
    places = geometry.apply(found.world_from_voxel, index.astype(float))
    strength = found.values[tuple(index.T)].astype(float)
    for height, place in blobs.items():
        near = np.linalg.norm(places - place, axis=1) < 1.0
        centre = (strength[near, None] * places[near]).sum(0) / strength[near].sum()
        np.testing.assert_allclose(centre, place, atol=0.05)
        assert strength[near].max() == pytest.approx(height, rel=0.3)
        corner = geometry.compose(np.eye(3), np.array(place) - [3.0, 3.0, 0.0])
        picture = slice_at(found, corner[None], np.diag([0.2, 0.2, 1, 1]), (31, 31))[0]
        row, column = np.unravel_index(picture.argmax(), picture.shape)
        np.testing.assert_allclose([column, row], [15, 15], atol=1)


def test_a_border_crop_keeps_the_calibration():
    field = random_tissue(6)
    poses = wobbly_poses(10, 6)
    images = acquire(field, poses, (30, 40), (0.1, 0.1))
    framed = images.frames.copy()
    framed[:, :2], framed[:, -4:], framed[:, :, :3], framed[:, :, -5:] = 1e6, 1e6, 1e6, 1e6
    region = [[0.7, 0.6, 0.2], [3.2, 2.2, 2.0]]
    whole = reconstruct(images, poses, spacing_mm=0.2, region=region, method="nearest")
    cropped = reconstruct(
        Images(framed, images.timestamps, images.mm_from_pixel),
        poses,
        spacing_mm=0.2,
        region=region,
        method="nearest",
        border_px=(3, 5, 2, 4),
    )
    assert cropped.values.max() < 100
    inner = (cropped.weight == whole.weight) & (whole.weight > 0)
    assert inner.mean() > 0.3
    np.testing.assert_array_equal(cropped.values[inner], whole.values[inner])


# Holes ------------------------------------------------------------------------------------------


def test_holes_are_interpolated_between_frames_and_nothing_grows():
    poses = np.tile(np.eye(4), (5, 1, 1))
    poses[:, 2, 3] = [0.0, 0.4, 0.8, 1.2, 2.4]  # in voxels of 0.1: three gaps of 3, one of 11
    frames = np.stack([np.full((6, 7), value, np.float32) for value in (0, 4, 8, 12, 24)])
    found = reconstruct(
        images_of(frames), poses, spacing_mm=0.1, method="nearest", fill_holes_mm=0.3
    )
    np.testing.assert_allclose(found.values[3, 3, :13], np.arange(13), atol=1e-5)
    assert (found.weight[3, 3, [1, 2, 3, 5]] == -1).all() and (
        found.weight[3, 3, ::4][:4] == 1
    ).all()
    assert not found.known[:, :, 13:24].any()
    wider = reconstruct(
        images_of(frames), poses, spacing_mm=0.1, method="nearest", fill_holes_mm=1.1
    )
    np.testing.assert_allclose(wider.values[0, 0], np.arange(25), atol=1e-5)
    bare = reconstruct(images_of(frames), poses, spacing_mm=0.1, method="nearest", fill_holes_mm=0)
    assert bare.known.sum() == 5 * 42


def test_a_hole_with_two_pairs_of_sides_is_their_weighted_mean():
    values, weights = np.zeros((1, 5, 5), np.float32), np.zeros((1, 5, 5), np.float32)
    for y, x, value in ((2, 1, 10.0), (2, 3, 20.0), (0, 2, 1.0), (3, 2, 4.0)):
        values[0, y, x], weights[0, y, x] = value, 1
    from benchmark.volume.holes import bridge, settle

    whole = np.zeros(3, int), np.array([5, 5, 1])
    for axis in range(3):
        bridge(values, weights, 4, axis, *whole)
    settle(values, weights, *whole)
    along_x, along_y = 15.0, (1 * 1 + 4 * 2) / 3
    expected = (along_x / 2 + along_y / 3) / (1 / 2 + 1 / 3)
    assert values[0, 2, 2] == pytest.approx(expected)
    assert weights[0, 2, 2] == -1


# Channels, streaming, errors --------------------------------------------------------------------


def test_poses_of_another_channel_lie_between_its_neighbours():
    step = geometry.exp(np.array([0.1, -0.05, 0.4, 0.01, 0.02, -0.03]))
    poses = np.stack([np.linalg.matrix_power(step, n) for n in range(6)])
    tracked = Images(np.zeros((6, 2, 2)), np.arange(6) * 0.1, np.eye(4))
    other = Images(np.zeros((3, 2, 2)), np.array([0.05, 0.2, 0.475]), np.eye(4))
    found = poses_at(other, tracked, poses)
    log = geometry.log(step)
    np.testing.assert_allclose(
        found, geometry.exp(np.array([[0.5], [2.0], [4.75]]) * log), atol=1e-9
    )


def test_lazy_frames_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    rng = np.random.default_rng(7)
    frames = rng.integers(0, 256, (20, 16, 16), dtype=np.uint8)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["frames"] = frames
    read = []

    class Watched(LazyFrames):
        def __getitem__(self, index):
            part = super().__getitem__(index)
            read.append(len(part))
            return part

    monkeypatch.setattr(volume_module, "CHUNK_BYTES", 3 * 256)
    poses = wobbly_poses(20, 7)
    lazy = reconstruct(
        images_of(Watched(tmp_path / "f.h5", "frames"), (0.2, 0.2)), poses, spacing_mm=0.2
    )
    assert max(read) == 3 and sum(read) == 20
    held = reconstruct(images_of(frames, (0.2, 0.2)), poses, spacing_mm=0.2)
    np.testing.assert_array_equal(lazy.values, held.values)
    read.clear()  # frames that cannot reach the region stay in the file
    reconstruct(
        images_of(Watched(tmp_path / "f.h5", "frames"), (0.2, 0.2)),
        poses,
        spacing_mm=0.2,
        region=[[0, 0, 5.5], [3, 3, 6]],
    )
    assert sum(read) < 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_bytes": 1000}, "spacing_mm"),
        ({"spacing_mm": 0.0}, "spacing_mm"),
        ({"border_px": 8}, "leaves nothing"),
        ({"border_px": (1, 2)}, "border_px"),
        ({"region": [[90, 90, 90], [91, 91, 91]]}, "region"),
        ({"region": [[1, 1, 1], [0, 0, 0]]}, "region"),
        ({"method": "magic"}, "method"),
        ({"compounding": "sum"}, "compounding"),
        ({"world_from_image": np.tile(np.eye(4), (3, 1, 1))}, "world_from_image"),
        ({"world_from_image": np.full((4, 4, 4), np.nan)}, "world_from_image"),
    ],
)
def test_wrong_requests_say_what_is_wrong(change, message):
    options = {"world_from_image": wobbly_poses(4, 8), "spacing_mm": 0.2} | change
    with pytest.raises(UserError, match=message):
        reconstruct(images_of(np.zeros((4, 16, 16), np.uint8)), **options)
