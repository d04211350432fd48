"""Recordings at the poses of a table: the same sweep as with the poses inside, and what is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import write_prediction, write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.igsio import write_igsio
from benchmark.interop.poses.calibration import read_tusrec_calibration, write_tusrec_calibration
from benchmark.interop.poses.rigid import split_calibration
from benchmark.interop.poses.trajectory import write_csv, write_tum
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_compared, open_tracked
from benchmark.sweep import Channel, Prediction, Sweep

COUNT = 20
TIMES = 3.0 + np.arange(COUNT) / 25
SCREW = np.array([0.0, 1, 15, 0.4, 0.1, 0.0])  # per second
START = geometry.exp(np.array([120.0, -40, 9, 0.5, 1.1, -0.3]))
PROBE_FROM_PIXEL = geometry.exp(np.array([10.0, -60, 4, 0.2, 1.0, 0.1])) @ np.diag([0.3, 0.2, 1, 1])
RIGID, MM_FROM_PIXEL = split_calibration(PROBE_FROM_PIXEL, "")


def world_from_image(times: np.ndarray) -> np.ndarray:
    return START @ geometry.exp((times - TIMES[0])[:, None] * SCREW)


def sweep() -> Sweep:
    frames = np.random.default_rng(0).integers(0, 256, (COUNT, 16, 12)).astype(np.uint8)
    channel = Channel(frames, TIMES, MM_FROM_PIXEL, world_from_image=world_from_image(TIMES))
    return Sweep("s", {"bmode": channel}, np.array([[0, 1.0, 1], [8, 2, 2], [19, 3, 3]]))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A recording with and one without poses, its calibration, and the sweep."""
    write_sweep(tmp_path / "s.h5", sweep())
    inside = sweep()
    probe = replace(
        inside.bmode,
        mm_from_pixel=PROBE_FROM_PIXEL,
        world_from_image=inside.bmode.world_from_image @ geometry.inverse(RIGID),
    )
    write_igsio(tmp_path / "s.mha", replace(inside, channels={"bmode": probe}))
    data = (tmp_path / "s.mha").read_bytes()
    (tmp_path / "bare.mha").write_bytes(
        data.replace(b"ImageToProbe", b"ImageToOther").replace(b"ProbeToTracker", b"ThingToNothing")
    )
    np.savetxt(tmp_path / "c.txt", PROBE_FROM_PIXEL, fmt="%.17g")
    return tmp_path


def fast_table(path: Path, of: str, first: float = TIMES[0], last: float = TIMES[-1]) -> None:
    """Write poses at 7 times the rate of frames, at times of their own."""
    times = np.linspace(first, last, 7 * COUNT)
    poses = world_from_image(times)
    write_csv(path, times, poses if of == "image" else poses @ geometry.inverse(RIGID))


@pytest.mark.parametrize("recording", ["s.h5", "s.mha", "bare.mha"])
@pytest.mark.parametrize("of", ["image", "probe"])
def test_poses_of_image_or_probe_give_the_sweep(files: Path, recording: str, of) -> None:
    """The constant screw lies on its own geodesics: interpolated poses are exact."""
    fast_table(files / "p.csv", of)
    reading = Reading(poses=files / "p.csv", poses_of=of, calibration=files / "c.txt")
    found = open_tracked(files / recording, reading).sweep
    np.testing.assert_allclose(found.bmode.world_from_image, world_from_image(TIMES), atol=1e-8)
    np.testing.assert_allclose(found.bmode.mm_from_pixel, MM_FROM_PIXEL, atol=1e-12)
    assert np.array_equal(found.bmode.frames[:], sweep().bmode.frames)


def test_a_reversed_tum_file_is_the_same_poses(files: Path) -> None:
    write_tum(files / "p.tum", TIMES, world_from_image(TIMES))
    lines = (files / "p.tum").read_text().splitlines()
    (files / "r.tum").write_text("\n".join(lines[::-1]))
    found = open_tracked(files / "s.h5", Reading(poses=files / "r.tum")).sweep
    np.testing.assert_allclose(found.bmode.world_from_image, world_from_image(TIMES), atol=1e-9)


def test_frames_outside_are_left_out_with_their_landmarks(files: Path) -> None:
    fast_table(files / "p.csv", "image", TIMES[3], TIMES[17])
    notes: list[str] = []
    found = open_tracked(files / "s.mha", Reading(poses=files / "p.csv"), notes.append)
    assert len(found.sweep) == 15 and found.sweep.bmode.timestamps[0] == TIMES[3]
    assert found.sweep.landmarks.tolist() == [[5, 2, 2]]
    assert np.array_equal(found.sweep.bmode.frames[5], sweep().bmode.frames[8])
    np.testing.assert_allclose(found.own["bmode"], world_from_image(TIMES[3:18]), atol=1e-9)
    assert any("5 of 20 frames outside its times" in note for note in notes)


def test_a_table_to_compare_with_keeps_all_frames(files: Path) -> None:
    fast_table(files / "p.csv", "probe", TIMES[3], TIMES[17])
    reading = Reading(
        poses=files / "p.csv", poses_of="probe", calibration=files / "c.txt", lag=0.04
    )
    own = open_compared(files / "bare.mha", reading).world_from_image
    assert own is not None and len(own) == COUNT
    known = np.isfinite(own).all((1, 2))
    assert np.flatnonzero(known).tolist() == list(range(2, 17))
    np.testing.assert_allclose(own[known], world_from_image(TIMES[known] + 0.04), atol=1e-8)


def test_outliers_of_poses_to_compare_with_are_numbered_by_all_frames(files: Path) -> None:
    poses = world_from_image(TIMES)
    poses[12] = np.eye(4)
    write_csv(files / "p.csv", TIMES[3:], poses[3:])
    notes: list[str] = []
    reading = Reading(poses=files / "p.csv", drop_outliers=True)
    own = open_compared(files / "s.h5", reading, notes.append).world_from_image
    assert own is not None
    assert np.flatnonzero(np.isnan(own).any((1, 2))).tolist() == [0, 1, 2, 12]
    assert any("off the path of the others: 12 (left out)" in note for note in notes)


def test_a_lag_moves_poses_along_the_path(files: Path) -> None:
    """With a lag, the pose of time t + lag belongs to the frame of time t."""
    times = np.linspace(TIMES[0] - 1, TIMES[-1] + 1, 300)
    write_csv(files / "p.csv", times + 1000.25, world_from_image(times))
    with pytest.raises(UserError, match=r"poses at 1002\.25 to .* frames at 3 to 3\.76 s"):
        open_tracked(files / "s.h5", Reading(poses=files / "p.csv"))
    found = open_tracked(files / "s.h5", Reading(poses=files / "p.csv", lag=1000.25)).sweep
    np.testing.assert_allclose(found.bmode.world_from_image, world_from_image(TIMES), atol=1e-6)
    found = open_tracked(files / "s.h5", Reading(poses=files / "p.csv", lag="start")).sweep
    np.testing.assert_allclose(found.bmode.world_from_image, world_from_image(TIMES - 1), atol=1e-6)


def test_a_lag_of_own_poses_leaves_out_frames_without_one(files: Path) -> None:
    found = open_tracked(files / "s.mha", Reading(lag=0.1)).sweep
    assert len(found) == 17
    np.testing.assert_allclose(
        found.bmode.world_from_image, world_from_image(found.bmode.timestamps + 0.1), atol=1e-9
    )


def test_predictions_begin_at_the_first_pose(files: Path) -> None:
    halved = geometry.exp(0.5 * (TIMES - TIMES[0])[:, None] * SCREW)
    write_prediction(files / "p.h5", Prediction(halved))
    found = open_tracked(files / "s.h5", Reading(poses=files / "p.h5"))
    np.testing.assert_allclose(found.sweep.bmode.world_from_image, START @ halved, atol=1e-9)
    bare = open_tracked(
        files / "bare.mha", Reading(poses=files / "p.h5", calibration=files / "c.txt")
    )
    np.testing.assert_allclose(bare.sweep.bmode.world_from_image, halved, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses_of": "probe"}, "need the calibration from image to probe; give it by --calibrat"),
        ({"calibration": "c.txt"}, "give --poses-of image or probe"),
        ({"poses_of": "probe", "calibration": "other.txt"}, r"pixels are 0\.5 x 0\.2 mm, those of"),
        ({"poses": "p.h5", "poses_of": "probe"}, "a prediction holds poses of the image"),
        ({"poses": "gone.csv"}, "gone.csv: no such file"),
    ],
)
def test_wrong_requests_have_their_line(files: Path, changes, message: str) -> None:
    fast_table(files / "p.csv", "image")
    write_prediction(files / "p.h5", Prediction(np.repeat(np.eye(4)[None], COUNT, 0)))
    np.savetxt(files / "other.txt", np.diag([0.5, 0.2, 1, 1]))
    given = {"poses": "p.csv", **changes}
    names = {k: files / v if k in ("poses", "calibration") else v for k, v in given.items()}
    with pytest.raises(UserError, match=message):
        open_tracked(files / "s.h5", Reading(**names))


def test_the_tool_of_tusrec_is_the_probe(files: Path) -> None:
    """The scan's file has `tforms`, tool to camera, and the calibration is a table of its own."""
    (subject,) = {path.parent for path in convert(files / "s.h5", files / "tusrec")}
    fast_table(files / "p.csv", "probe")
    table = files / "tusrec" / "calib_matrix.csv"
    scale, _ = read_tusrec_calibration(table)
    write_tusrec_calibration(table, scale, RIGID @ START)  # some other tool
    reading = Reading(
        poses=files / "p.csv", poses_of="probe", calibration=table, frame_rate=25, lag=TIMES[0]
    )
    with_tool = open_tracked(next(subject.glob("*.h5")), reading).sweep.bmode
    expected = world_from_image(TIMES) @ geometry.inverse(RIGID) @ RIGID @ START
    pixel = np.array([2.0, 3, 0, 1])
    np.testing.assert_allclose(
        with_tool.world_from_image @ with_tool.mm_from_pixel @ pixel,
        expected @ scale @ np.array([3.0, 4, 0, 1]),  # pixels there count from 1
        atol=1e-6,
    )


def test_csv_goes_both_ways(files: Path) -> None:
    convert(files / "s.h5", files / "p.csv")
    convert(files / "bare.mha", files / "back.h5", reading=Reading(
        poses=files / "p.csv", poses_of="probe", calibration=files / "c.txt"
    ))  # fmt: skip
    convert(files / "p.csv", files / "p.h5", sweep=files / "s.h5")
    convert(files / "p.h5", files / "again.csv", sweep=files / "s.h5")
    again = open_tracked(files / "s.h5", Reading(poses=files / "again.csv")).sweep
    first = geometry.anchor(world_from_image(TIMES))
    np.testing.assert_allclose(again.bmode.world_from_image, first, atol=1e-9)
    with pytest.raises(UserError, match="--poses: expected the frames of one sweep"):
        convert(files / "p.csv", files / "x.h5", reading=Reading(poses=files / "p.csv"))
    with pytest.raises(UserError, match="15 of 20 frames without a pose"):
        fast_table(files / "short.csv", "image", TIMES[0], TIMES[4])
        convert(files / "short.csv", files / "x.h5", sweep=files / "s.h5")


def test_a_row_far_off_is_found_although_a_frame_takes_a_hundredth_of_it(files: Path) -> None:
    times = np.sort(np.concatenate([TIMES + 2e-4, TIMES + 0.02]))
    poses = world_from_image(times)
    at = int(np.flatnonzero(times == TIMES[10] + 2e-4)[0])
    poses[at] = np.eye(4)
    write_csv(files / "p.csv", times, poses)
    notes: list[str] = []
    open_tracked(files / "s.h5", Reading(poses=files / "p.csv"), notes.append)
    assert any(f"1 of {len(times)} rows lie up to" in n and f": {at} (kept" in n for n in notes)
    asked = Reading(poses=files / "p.csv", drop_outliers=True)
    found = open_tracked(files / "s.h5", asked, notes.append).sweep.bmode
    assert len(found.frames) == COUNT
    np.testing.assert_allclose(found.world_from_image, world_from_image(TIMES), atol=1e-8)
    assert any("rows lie up to" in note and "(left out)" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("s.h5", r"s\.h5: holds a sweep; 'convert .*s\.h5 poses\.csv' takes its poses out"),
        ("c.png", r"c\.png: expected poses: a table \(.*\.csv.*\) or a prediction \(\.h5"),
        ("", r": a folder; expected a file of poses"),
    ],
)
def test_what_holds_no_poses_is_refused_with_what_does(files: Path, name: str, line: str) -> None:
    (files / "c.png").write_bytes(b"x")
    with pytest.raises(UserError, match=line):
        open_tracked(files / "s.mha", Reading(poses=files / name))
