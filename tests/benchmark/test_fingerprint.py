"""Fingerprints: the same but for rounding is the same, and the least change of a value is seen."""

import numpy as np
import pytest

from benchmark.dataset import sweep_fingerprint, write_dataset, write_entry
from benchmark.files import PROJECTIONS, array_fingerprint, fingerprint_gap, is_fingerprint
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.sweep import Channel, Sweep
from benchmark.tracks import SAME, data_gap, parts_of
from tests.benchmark.shared.folders import make_sweep
from tests.benchmark.shared.sensed import sensed_sweep


def frames(seed: int = 0, shape: tuple[int, int, int] = (30, 40, 50)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_it_is_the_norm_and_sums_with_signs_that_never_change():
    one = np.zeros((3, 2, 2))
    one[1, 0, 1] = -2.5
    norm, *sums = array_fingerprint(one)
    assert norm == 2.5 and len(sums) == PROJECTIONS
    assert np.abs(sums).tolist() == [2.5] * PROJECTIONS
    # Fingerprints are published, so the signs are frozen.
    norm, *sums = array_fingerprint(np.arange(24.0).reshape(4, 6))
    assert norm == pytest.approx(np.sqrt(4324), rel=1e-15)
    assert sums == [-24, 6, 2, -48, 0, 0, -92, -118]


def test_a_level_in_a_pixel_changes_every_sum_by_one_level():
    before = frames()
    after = before.copy()
    after[17, 3, 4] ^= 1
    one, other = array_fingerprint(before), array_fingerprint(after)
    assert np.abs(np.subtract(one[1:], other[1:])).tolist() == [1.0] * PROJECTIONS
    assert fingerprint_gap(one, other) == pytest.approx(1 / max(one[0], other[0]))
    assert fingerprint_gap(one, other) > 100 * SAME
    assert fingerprint_gap(one, list(one)) == 0


def test_changes_that_cancel_in_a_sum_do_not_cancel_in_all():
    before, rng = frames().astype(float), np.random.default_rng(1)
    for _ in range(50):
        after = before.copy()
        for delta in (1, -1):  # the mean stays
            after[tuple(rng.integers(0, before.shape))] += delta
        swapped = before[[1, 0, *range(2, len(before))]]
        for changed in (after, swapped):
            gap = fingerprint_gap(array_fingerprint(before), array_fingerprint(changed))
            assert gap > 100 * SAME or np.array_equal(before, changed)


def test_rounding_is_nothing():
    values = np.random.default_rng(2).normal(size=(200, 4, 4)) * 100
    rounded = values * (1 + 1e-15)
    assert fingerprint_gap(array_fingerprint([values]), array_fingerprint([rounded])) < SAME / 100


def test_it_reads_frames_one_by_one_and_many_rows(tmp_path):
    sweep = make_sweep("a", "p")
    write_sweep(tmp_path / "a.h5", sweep)
    lazy = read_sweep(tmp_path / "a.h5", lazy=True)
    assert sweep_fingerprint(lazy) == sweep_fingerprint(sweep)
    long = np.ones((3000, 2))
    one, other = long.copy(), long.copy()
    one[5] += 1  # rows 5 and 5 + 1024 have signs of their own
    other[5 + 1024] += 1
    assert fingerprint_gap(array_fingerprint(one), array_fingerprint(other)) > SAME


@pytest.mark.parametrize("other", [[], [1.0], [np.nan] * (PROJECTIONS + 1)])
def test_what_is_no_fingerprint_is_far_from_any(other):
    assert fingerprint_gap(array_fingerprint(frames()), other) == np.inf
    assert fingerprint_gap([0.0] * 9, [0.0] * 9) == 0


def test_a_json_value_is_told_apart():
    good = {"bmode/frames": array_fingerprint(frames())}
    assert is_fingerprint(good) and is_fingerprint({})
    for bad in (None, [], {"a": None}, {"a": [1.0]}, {"a": ["x"] * 9}, {"a": [1.0] * 10}):
        assert not is_fingerprint(bad)


def changed(sweep: Sweep, channel: str, **fields) -> Sweep:
    """Return a sweep with other fields of one channel."""
    known = vars(sweep.channels[channel]) | fields
    channels = {**sweep.channels, channel: Channel(**known)}
    return Sweep(sweep.name, channels, sweep.landmarks, sweep.probe, sweep.factors, sweep.imu)


def test_a_track_sees_what_it_reads_and_what_is_scored():
    sweep = sensed_sweep("s", "p")
    ours = sweep_fingerprint(sweep)
    assert set(parts_of("image", ours)) >= {"bmode/frames", "bmode/world_from_image"}
    assert not any(part.startswith(("pa/", "imu/")) for part in parts_of("image", ours))
    assert any(part.startswith("imu/") for part in parts_of("image+imu", ours))
    assert not any("true_" in part for part in ours)

    poses = sweep.bmode.world_from_image.copy()
    poses[-1, 2, 3] += 1e-3
    moved = sweep_fingerprint(changed(sweep, "bmode", world_from_image=poses))
    grey = np.array(sweep.bmode.frames)
    grey[0, 0, 0] ^= 1
    seen = sweep_fingerprint(changed(sweep, "bmode", frames=grey))
    for theirs, part in ((moved, "bmode/world_from_image"), (seen, "bmode/frames")):
        for track in ("image", "image+imu"):
            line = data_gap(ours, theirs, parts_of(track, ours))
            assert line is not None and str(line).startswith(f"{part} differ by ")
    assert data_gap(ours, moved, ["bmode/frames"]) is None
    without = {part: values for part, values in moved.items() if part != "bmode/world_from_image"}
    assert data_gap(ours, without, parts_of("image", ours)) is None  # withheld poses


def test_a_field_of_view_counts_where_both_have_one():
    sweep = sensed_sweep("s", "p")
    mask = np.ones(sweep.bmode.frames.shape[1:], bool)
    mask[0] = False
    other = mask.copy()
    other[1, 0] = False
    ours, theirs = (sweep_fingerprint(changed(sweep, "bmode", mask=each)) for each in (mask, other))
    line = data_gap(ours, theirs, parts_of("image", ours))
    assert line is not None and str(line).startswith("bmode/mask differ by ")
    assert "bmode/mask" not in sweep_fingerprint(sweep)


def test_verify_says_whether_bytes_or_data_differ(tmp_path):
    sweep = make_sweep("a", "p")
    dataset = write_dataset(tmp_path, "x", [write_entry(tmp_path, "a.h5", sweep, "test", "p")], {})
    assert dataset.verify() == []
    poses = sweep.bmode.world_from_image.copy()
    poses[:, :3, 3] *= 1 + 2e-16
    write_sweep(tmp_path / "a.h5", changed(sweep, "bmode", world_from_image=poses))
    assert "the data are the same within rounding" in dataset.verify()[0]
    poses[3, 0, 3] += 1e-3
    write_sweep(tmp_path / "a.h5", changed(sweep, "bmode", world_from_image=poses))
    assert "bmode/world_from_image differ by" in dataset.verify()[0]
    (tmp_path / "a.h5").write_bytes(b"nothing")
    assert "not HDF5" in dataset.verify()[0]
