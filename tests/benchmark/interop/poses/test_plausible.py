"""Wrong poses and units are said, named and dropped; right ones raise no alarm."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import write_sweep
from benchmark.interop.poses.plausible import (
    jump_line,
    jumps_of,
    path_suspicions,
    pixel_suspicions,
)
from benchmark.interop.poses.trajectory import write_csv
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_tracked
from benchmark.sweep import Channel, Images, Sweep

WIRE = Path(__file__).parents[3] / "fixtures" / "plus" / "NwirePhantomFreehandCropped.igs.mha"
CALIBRATION = "0.1 0 0 4  0 0.1 0 -7  0 0 0.1 0  0 0 0 1"  # the recording's own is not known
COUNT = 60
IMAGES = Images(
    np.zeros((COUNT, 80, 60), np.uint8), np.arange(COUNT) / 20, np.diag([0.2, 0.25, 1, 1])
)


def hand(seed: int = 0) -> np.ndarray:
    """Return poses (N, 4, 4) of a trembling hand in a tracker's world, far from its origin."""
    rng = np.random.default_rng(seed)
    steps = geometry.exp(rng.normal(0, 1, (COUNT - 1, 6)) * [0.1, 0.1, 0.1, 2e-3, 2e-3, 2e-3])
    steps[:, 2, 3] += 0.4
    return geometry.exp(np.array([-300.0, 200, -1500, 1, 0.5, 0.2])) @ geometry.chain(steps)


def spoilt(kind: str) -> tuple[np.ndarray, list[int]]:
    """Return poses with some bad ones, and the frames of those."""
    poses = hand()
    bad = {
        "identity": [30], "run": list(range(20, 26)), "scattered": [2, 9, 17, 18, 33, 50],
        "first": [0], "last": [59], "far": [40], "turned": [25],
    }[kind]  # fmt: skip
    if kind == "far":
        poses[bad, 0, 3] += 5000
    elif kind == "turned":
        poses[bad] = poses[bad] @ geometry.exp(np.array([0, 0, 0, 0, 1.6, 0]))
    else:
        poses[bad] = np.eye(4)
    return poses, bad


@pytest.mark.parametrize("kind", ["identity", "run", "scattered", "first", "last", "far", "turned"])
def test_bad_poses_are_named_and_dropped(tmp_path: Path, kind: str) -> None:
    poses, bad = spoilt(kind)
    assert np.flatnonzero(jumps_of(IMAGES, poses).outliers).tolist() == bad
    sweep = Sweep("s", {"bmode": Channel(**vars(IMAGES), world_from_image=poses)})
    write_sweep(tmp_path / "s.h5", sweep)
    notes: list[str] = []
    assert len(open_tracked(tmp_path / "s.h5", report=notes.append).sweep) == COUNT
    assert len(notes) == 1 and "--drop-outliers leaves them out" in notes[0]
    kept = open_tracked(tmp_path / "s.h5", Reading(drop_outliers=True), notes.append).sweep
    assert f"bmode: {len(bad)} of 60 frames lie up to" in notes[1] and "left out" in notes[1]
    np.testing.assert_allclose(kept.bmode.world_from_image, np.delete(hand(), bad, 0))


def test_a_jump_between_two_pieces_drops_nothing() -> None:
    poses = hand()
    poses[35:, :3, 3] += 5000
    jumps = jumps_of(IMAGES, poses)
    assert not jumps.outliers.any() and jumps.breaks == ((34, 35),)
    line = jump_line(jumps, dropped=False)
    assert line == "the path jumps between frames 34 and 35: is it one sweep?"


def test_a_hand_that_stops_and_hurries_is_no_outlier() -> None:
    """A standstill, then the whole path within a third of a second."""
    t = np.clip((np.arange(COUNT) - 40) / 6, 0, 1)
    poses = np.repeat(np.eye(4)[None], COUNT, 0)
    poses[:, 2, 3] = 60 * t**2 * (3 - 2 * t)
    assert np.diff(poses[:, 2, 3]).max() > 10
    assert not jumps_of(IMAGES, poses).outliers.any()


def test_lost_frames_are_no_jump() -> None:
    kept = np.r_[0:20, 45:60]
    images = replace(IMAGES, frames=IMAGES.frames[kept], timestamps=IMAGES.timestamps[kept])
    jumps = jumps_of(images, hand()[kept])
    assert not jumps.outliers.any() and not jumps.breaks


def test_units() -> None:
    assert not list(pixel_suspicions(IMAGES)) and not list(path_suspicions(IMAGES, hand()))
    metres = hand()
    metres[:, :3, 3] /= 1000
    (line,) = path_suspicions(IMAGES, metres)
    assert "are the positions in metres?" in line
    thousandfold = hand()
    thousandfold[:, :3, 3] *= 1000
    (line,) = path_suspicions(IMAGES, thousandfold)
    assert "in mm but read as metres" in line
    (line,) = pixel_suspicions(replace(IMAGES, mm_from_pixel=np.eye(4)))
    assert line == "pixels of 1 x 1 mm: the size of a file that was given none; is it the true one?"
    (line,) = pixel_suspicions(replace(IMAGES, mm_from_pixel=np.diag([2e-4, 2e-4, 1, 1])))
    assert "is the calibration or spacing in mm?" in line
    still = np.repeat(np.eye(4)[None], COUNT, 0)  # e.g. the baseline that predicts no motion
    assert not list(path_suspicions(IMAGES, still))


def test_a_calibration_does_not_hide_positions_in_metres(tmp_path: Path) -> None:
    """The lever arm of the calibration moves the image although the probe's positions do not."""
    images = replace(IMAGES, frames=np.zeros((COUNT, 80, 60), np.uint8))
    write_sweep(
        tmp_path / "s.h5", Sweep("s", {"bmode": Channel(**vars(images), world_from_image=hand())})
    )
    probe = geometry.exp(np.arange(COUNT)[:, None] * np.array([0, 0, 4e-4, 0.01, 0, 0]))
    write_csv(tmp_path / "p.csv", images.timestamps, probe)
    np.savetxt(
        tmp_path / "c.txt", geometry.exp(np.array([0.0, 90, 0, 0, 0, 1])) @ images.mm_from_pixel
    )
    notes: list[str] = []
    reading = Reading(poses=tmp_path / "p.csv", poses_of="probe", calibration=tmp_path / "c.txt")
    open_tracked(tmp_path / "s.h5", reading, notes.append)
    assert any("are the positions in metres?" in note for note in notes)


def test_the_shipped_recording_raises_no_alarm(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(CALIBRATION)
    notes: list[str] = []
    reading = Reading(
        transform="ProbeToReference", calibration=tmp_path / "c.txt", image="CroppedImage"
    )
    open_tracked(WIRE, reading, notes.append)
    assert not [note for note in notes if "lie up to" in note or "?" in note], notes


def test_frames_without_a_plane_are_refused(tmp_path: Path) -> None:
    images = replace(IMAGES, frames=np.zeros((COUNT, 1, 1), np.uint8))
    write_sweep(
        tmp_path / "s.h5", Sweep("s", {"bmode": Channel(**vars(images), world_from_image=hand())})
    )
    with pytest.raises(UserError, match="frames of 1 x 1 pixels; expected images"):
        open_tracked(tmp_path / "s.h5")
