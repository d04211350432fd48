"""Poses that jump: found among all motions of a hand, and volumes that stay within bounds."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.sweep import Images
from benchmark.volume.choices import Placing, frame_distance, place
from benchmark.volume.grid import image_corners
from benchmark.volume.jumps import find_jumps
from benchmark.volume.reconstruction import _chunks, reconstruct
from simulate.hand.motion import poses, sample_motion
from simulate.hand.profiles import PROFILES
from simulate.hand.settings import MotionSettings

COUNT, ROWS, COLUMNS, STEP = 12, 80, 60, 0.3
IMAGES = Images(
    np.full((COUNT, ROWS, COLUMNS), 90, np.uint8), np.arange(COUNT) / 20, np.diag([0.2, 0.2, 1, 1])
)
CROP = np.array([0, 150, 0, 150])
DISTURBED = {
    "calm": {},
    "tremor": {"tremor_mm": 0.15, "tremor_deg": 0.1},
    "pauses": {"pauses": 6},
    "reversals": {"reversals": 5},
    "jerks": {"jerks": 4, "jerk_mm": 2.0, "jerk_deg": 2.0},
}


def straight() -> np.ndarray:
    world_from_image = np.repeat(np.eye(4)[None], COUNT, 0)
    world_from_image[:, 2, 3] = STEP * np.arange(COUNT)
    return world_from_image


def flat(x, z):
    normal = np.zeros((*np.shape(x), 3))
    normal[..., 1] = 1.0
    return np.zeros(np.shape(x)), normal


def corners_of_hand(profile: str, seed: int, frames: int, rate: float, **settings):
    times = (np.arange(frames) + 0.5) / rate
    motion = MotionSettings(direction="both", **settings)
    rng = np.random.default_rng(seed)
    hand = sample_motion(profile, rng, motion, "perpendicular", frames / rate)
    world_from_image = poses(profile, times, hand, flat)
    return image_corners(np.diag([0.25, 0.2, 1, 1]), world_from_image, CROP), times


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("disturbed", DISTURBED)
def test_no_motion_of_a_hand_is_an_outlier(profile: str, disturbed: str) -> None:
    for frames, rate in ((108, 20.0), (30, 5.0)):
        for seed in range(3):
            corners, times = corners_of_hand(profile, seed, frames, rate, **DISTURBED[disturbed])
            jumps = find_jumps(corners, times)
            assert not jumps.outliers.any() and not jumps.breaks, (frames, seed, str(jumps))
            assert len(jumps.pieces) == 1 and str(jumps) == ""


@pytest.mark.parametrize("seed", range(5))
def test_scattered_bad_poses_are_found_in_a_disturbed_motion(seed: int) -> None:
    corners, times = corners_of_hand("s", seed, 108, 20.0, **DISTURBED["jerks"])
    bad = np.random.default_rng(seed).choice(108, 10, replace=False)
    corners[bad] = corners[bad] + np.array([40.0, -10, 5])
    assert np.flatnonzero(find_jumps(corners, times).outliers).tolist() == sorted(bad)


def test_distance_and_pieces_leave_jumps_out() -> None:
    far = straight()
    far[5, 0, 3] += 500
    far[8:, 1, 3] += 5000
    corners = image_corners(IMAGES.mm_from_pixel, far, np.array([0, ROWS, 0, COLUMNS]))
    jumps = find_jumps(corners, IMAGES.timestamps)
    assert [piece.tolist() for piece in jumps.pieces] == [[0, 1, 2, 3, 4, 6, 7], [8, 9, 10, 11]]
    assert frame_distance(corners, jumps) == pytest.approx(STEP)
    assert str(jumps) == (
        "1 of 12 frames lie up to 500 mm off the path of the others: 5; "
        "the path jumps between frames 7 and 8"
    )


@pytest.mark.parametrize("jump", ["one frame", "half"])
@pytest.mark.parametrize("direction", [[0, 0, 1], [1, 0, 0], [1, 1, 1]])
def test_five_metres_are_one_line(jump: str, direction: list[int]) -> None:
    far = straight()
    far[6 if jump == "one frame" else slice(6, None), :3, 3] += 5000 * np.array(direction)
    with pytest.raises(UserError, match=r"times as large as the tissue seen; .*--drop-outliers"):
        place(IMAGES, far, Placing(threads=1))
    volume = place(IMAGES, far, Placing(threads=1, spacing_mm=60.0))
    assert volume.values.size < 1e6 and volume.known.any()


def test_voxels_stay_those_of_the_path_beside_a_near_outlier() -> None:
    """One frame 30 mm aside: the box is larger, voxels and filled gaps are not."""
    aside = straight()
    aside[6, 0, 3] += 30
    volume = place(IMAGES, aside, Placing(threads=1))
    assert volume.spacing_mm == pytest.approx(0.2)
    empty = volume.world_from_voxel[:3, 3] + [20, 0, 0]  # between the path and the frame aside
    index = np.rint((empty - volume.origin_mm) / volume.spacing_mm).astype(int)
    assert not volume.known[index[0]].any()


def test_a_spacing_of_zero_is_refused() -> None:
    with pytest.raises(UserError, match="spacing_mm: expected positive, got 0"):
        place(IMAGES, straight(), Placing(spacing_mm=0.0, threads=1))


@pytest.mark.parametrize("method", ["nearest", "trilinear", "backward"])
@pytest.mark.parametrize("compounding", ["mean", "latest"])
def test_pieces_far_apart_are_each_what_they_are_alone(method, compounding) -> None:
    """A chunk of frames ends where the path jumps; both sides have the voxels they have alone."""
    frames = np.random.default_rng(0).integers(1, 255, (COUNT, 40, 30)).astype(np.uint8)
    images = Images(frames, IMAGES.timestamps, IMAGES.mm_from_pixel)
    far = straight()
    far[6:, 2, 3] += 1000
    how = {"spacing_mm": 0.2, "method": method, "compounding": compounding, "fill_holes_mm": STEP}
    whole = reconstruct(images, far, threads=1, **how)
    some = Images(frames[6:], IMAGES.timestamps[6:], IMAGES.mm_from_pixel)
    alone = reconstruct(
        some,
        far[6:],
        threads=1,
        region=([0, 0, 1001.8], [5.8, 7.8, 1003.4]),
        **how,
    )
    depth = alone.values.shape[2]
    np.testing.assert_allclose(whole.values[..., -depth:], alone.values, atol=1e-3)
    assert alone.known.mean() > 0.9 and not whole.known[..., 50:-50].any()


def test_chunks_end_at_jumps_only() -> None:
    low = np.array([[0, 0, 4 * k + (100_000 if k >= 6 else 0)] for k in range(12)])
    high = low + np.array([60, 80, 3])
    assert list(_chunks(low, high, 5)) == [slice(0, 5), slice(5, 6), slice(6, 11), slice(11, 12)]
    assert list(_chunks(low[:6], high[:6], 99)) == [slice(0, 6)]


def test_lines_along_each_axis_are_bridged_as_numpy_does() -> None:
    from benchmark.volume.holes import bridge, settle

    rng = np.random.default_rng(1)
    for axis in range(3):
        weights = (
            (rng.uniform(size=(4, 5, 30)) < 0.3).astype(np.float32).swapaxes(2, 2 - axis).copy()
        )
        values = (rng.uniform(1, 9, weights.shape) * weights).astype(np.float32)
        filled, shares = values.copy(), weights.copy()
        whole = np.zeros(3, int), np.array(weights.shape[::-1])
        bridge(filled, shares, 100, axis, *whole)
        settle(filled, shares, *whole)
        lines = zip(
            *(
                np.moveaxis(a, 2 - axis, -1).reshape(-1, 30)
                for a in (values, weights, filled, shares)
            ),
            strict=True,
        )
        for value, weight, found, share in lines:
            known = np.flatnonzero(weight)
            inside = np.arange(known[0], known[-1] + 1) if len(known) else known
            np.testing.assert_allclose(
                found[inside],
                np.interp(inside, known, value[known]) if len(known) else [],
                rtol=1e-5,
            )
            outside = np.setdiff1d(np.arange(30), inside)
            assert (found[outside] == 0).all() and (share[outside] == 0).all()


def test_a_turned_frame_is_an_outlier_though_its_centre_is_not() -> None:
    turned = straight()
    centre = geometry.image_centre(IMAGES.mm_from_pixel, (ROWS, COLUMNS))
    turned[4] = turned[4] @ geometry.about(-centre, geometry.exp(np.array([0, 0, 0, 0, 0, 3.0])))
    corners = image_corners(IMAGES.mm_from_pixel, turned, np.array([0, ROWS, 0, COLUMNS]))
    assert np.flatnonzero(find_jumps(corners).outliers).tolist() == [4]
