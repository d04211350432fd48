"""The lag of poses to images, on slices of a speckled block at poses known at any time."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.poses.lag import estimate_lag, lag_s, shifts_mm
from benchmark.interop.poses.table import PoseTable
from benchmark.interop.poses.trajectory import write_csv
from benchmark.interop.sequence import Reading
from benchmark.sweep import Channel, Images, Sweep

COUNT, RATE, PIXEL, SIDE = 60, 20.0, 0.25, 40
TIMES = np.arange(COUNT) / RATE
WORLD = geometry.exp(np.array([100.0, 20, -30, 1, 0.2, 0.3]))
MM_FROM_PIXEL = np.diag([PIXEL, PIXEL, 1.0, 1.0])


class Hand:
    """A probe that advances across its plane and wanders within it, at any time."""

    def __init__(self, seed: int, wander_mm: float, advance_mm_s: float = 3.0):
        rng = np.random.default_rng(seed)
        self.hertz, self.phase = rng.uniform(0.4, 2, (2, 10)), rng.uniform(0, 7, (2, 10))
        self.wander_mm, self.advance_mm_s = wander_mm, advance_mm_s

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return poses (N, 4, 4) of the image in its own block."""
        twists = np.zeros((len(times), 6))
        waves = np.sin(2 * np.pi * times[:, None, None] * self.hertz + self.phase)
        twists[:, :2] = self.wander_mm * waves.sum(-1) / np.sqrt(5)
        twists[:, 2], twists[:, 5] = self.advance_mm_s * times, 0.01 * waves[:, 0, 0]
        return geometry.exp(twists)


def scanned(hand: Hand, seed: int) -> Images:
    """Return slices (N, H, W) of a block of speckle at the hand's poses, with noise."""
    rng = np.random.default_rng(seed)
    block = gaussian_filter(rng.normal(size=(64, 80, 80)), 1.2, mode="wrap")
    row, column = np.mgrid[:SIDE, :SIDE] * PIXEL
    points = np.stack([column, row, np.zeros_like(row)], -1).reshape(-1, 3)
    places = geometry.apply(hand.at(TIMES), points).reshape(-1, 3).T[::-1] / PIXEL
    tissue = map_coordinates(block / block.std(), places, order=1, mode="grid-wrap")
    frames = tissue.reshape(COUNT, SIDE, SIDE) + rng.normal(0, 0.2, (COUNT, SIDE, SIDE))
    return Images(np.clip(110 + 40 * frames, 0, 255).astype(np.uint8), TIMES, MM_FROM_PIXEL)


def logged(hand: Hand, lag: float, rate: float, noise_mm: float = 0.0) -> PoseTable:
    """Return the hand's poses as a tracker with a late clock and noise logs them."""
    times = np.arange(-1.2, COUNT / RATE + 1.2, 1 / rate)
    poses = hand.at(times)
    poses[:, :3, 3] += noise_mm * np.random.default_rng(1).normal(size=(len(times), 3))
    return PoseTable(Path("p.csv"), WORLD @ poses, times + lag)


def test_shifts_are_the_motion_within_the_plane() -> None:
    """Up to the window over the images, which draws shifts towards zero by a few per cent."""
    hand = Hand(0, 1.0, advance_mm_s=0.0)
    seen = shifts_mm(scanned(hand, 0), slice(None))
    steps = geometry.about(
        np.array([SIDE - 1, SIDE - 1, 0]) * PIXEL / 2, geometry.relative(hand.at(TIMES))
    )
    moved = steps[:, :2, 3]
    slope = (seen * moved).sum() / (moved**2).sum()
    assert 0.92 < slope < 1.01
    assert np.sqrt(np.mean((seen - slope * moved) ** 2)) < 0.06 * PIXEL


@pytest.mark.parametrize(
    ("lag", "rate", "noise_mm"),
    [(0.0, 20.0, 0.0), (0.083, 20.0, 0.0), (-0.271, 33.0, 0.0), (0.113, 90.0, 0.05)],
)
def test_a_lag_is_found_to_a_tenth_of_a_frame(lag: float, rate: float, noise_mm: float) -> None:
    for seed in (1, 2):
        hand = Hand(seed, 1.0)
        found = estimate_lag(scanned(hand, seed), logged(hand, lag, rate, noise_mm))
        assert found.doubt is None
        assert abs(found.lag_s - lag) < 0.1 / RATE
        assert abs(found.lag_s - lag) < 3 * found.sigma_s < 0.5 / RATE


@pytest.mark.parametrize("wander_mm", [0.0, 0.01])
def test_it_is_silent_without_motion_in_the_plane(wander_mm: float) -> None:
    hand = Hand(3, wander_mm)
    images, table = scanned(hand, 3), logged(hand, 0.1, 20.0)
    assert estimate_lag(images, table).doubt
    notes: list[str] = []
    assert lag_s(images, table, "auto", notes.append) == 0.0
    assert len(notes) == 1 and "the lag to the images cannot be told" in notes[0]


def test_poses_of_another_sweep_tell_no_lag() -> None:
    images, table = scanned(Hand(1, 1.0), 1), logged(Hand(2, 1.0), 0.0, 20.0)
    found = estimate_lag(images, table)
    assert found.doubt and found.correlation < 0.7


def test_a_periodic_motion_leaves_several_lags() -> None:
    hand = Hand(1, 1.0)
    hand.hertz[:] = 4.0
    found = estimate_lag(scanned(hand, 1), logged(hand, 0.0, 90.0))
    assert found.doubt == "several lags fit about as well"


def test_a_constant_velocity_tells_no_lag() -> None:
    hand = Hand(1, 0.0)
    table = logged(hand, 0.0, 20.0)
    table.world_from_body[:, :3, 3] += WORLD[:3, 0] * np.asarray(table.times)[:, None]
    assert estimate_lag(scanned(hand, 1), table).doubt


def test_convert_corrects_the_lag_and_says_it(tmp_path: Path) -> None:
    hand = Hand(1, 1.0)
    images, table = scanned(hand, 1), logged(hand, 0.083, 90.0)
    own = Channel(**vars(images), world_from_image=WORLD @ hand.at(TIMES))
    write_sweep(tmp_path / "s.h5", Sweep("s", {"bmode": own}))
    notes: list[str] = []
    reading = Reading(poses=tmp_path / "p.csv", lag="auto")
    late = np.asarray(table.times) > 0  # the log begins after the images, on a clock of its own
    for more in (0.0, 500.0):
        write_csv(tmp_path / "p.csv", table.times[late] + more, table.world_from_body[late])
        convert(tmp_path / "s.h5", tmp_path / "out.h5", reading=reading, report=notes.append)
        found = read_sweep(tmp_path / "out.h5").bmode
        assert f"poses are later than the images by {more + 0.08:.2f}" in notes[-1]
        truth = WORLD @ hand.at(found.timestamps)
        np.testing.assert_allclose(found.world_from_image, truth, atol=0.05)
    with pytest.raises(UserError, match="--lag: expected seconds, auto or start, got nan"):
        lag_s(images, table, float("nan"), notes.append)
