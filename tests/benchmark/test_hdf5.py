"""Files of sweeps and predictions: nothing is lost, and one line for each broken file."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import LazyFrames
from benchmark.hdf5 import (
    _file_bytes,
    read_prediction,
    read_sweep,
    write_prediction,
    write_sweep,
)
from benchmark.sweep import Prediction, Sweep
from tests.benchmark.shared.full_sweep import full_sweep, with_measured
from tests.benchmark.shared.random_sweeps import make_sweep


def same(one: Sweep, other: Sweep) -> bool:
    """Say whether two sweeps hold the same numbers."""
    arrays = [
        (one.landmarks, other.landmarks),
        *((one.imu[key], other.imu[key]) for key in one.imu),
    ]
    for name, channel in one.channels.items():
        theirs = other.channels[name]
        keys = ("frames", "timestamps", "mm_from_pixel", "world_from_image")
        arrays += [(getattr(channel, key), getattr(theirs, key)) for key in keys]
        assert (channel.wavelength_nm is None) == (theirs.wavelength_nm is None)
        if channel.wavelength_nm is not None:
            arrays.append((channel.wavelength_nm, theirs.wavelength_nm))
    return all(
        np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b) for a, b in arrays
    ) and (one.name, one.probe, one.factors) == (other.name, other.probe, other.factors)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_sweep_comes_back_as_it_was(tmp_path, lazy):
    sweep = full_sweep()
    write_sweep(tmp_path / "s.h5", sweep)
    assert same(sweep, read_sweep(tmp_path / "s.h5", lazy=lazy))


def test_the_same_sweep_gives_the_same_bytes(tmp_path):
    write_sweep(tmp_path / "a.h5", full_sweep())
    write_sweep(tmp_path / "b.h5", full_sweep())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_bytes_do_not_depend_on_when_the_last_reference_goes(tmp_path, monkeypatch):
    """References held by other threads do not delay the place of chunks in the file."""
    bmode = full_sweep().channels["bmode"]
    two = replace(full_sweep(), channels={"bmode": bmode, "other": bmode})
    write_sweep(tmp_path / "a.h5", two)
    create, held = h5py.Group.create_dataset, []

    def create_and_hold(*arguments, **keywords):
        held.append(create(*arguments, **keywords))
        return held[-1]

    monkeypatch.setattr(h5py.Group, "create_dataset", create_and_hold)
    write_sweep(tmp_path / "b.h5", two)
    assert held
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_lazy_frames_read_only_what_is_asked_for(tmp_path):
    sweep = full_sweep()
    write_sweep(tmp_path / "s.h5", sweep)
    frames = read_sweep(tmp_path / "s.h5", lazy=True).bmode.frames
    assert isinstance(frames, LazyFrames) and frames.shape == (7, 5, 6) and len(frames) == 7
    assert np.array_equal(frames[2], sweep.bmode.frames[2])
    assert np.array_equal(frames[1:3], sweep.bmode.frames[1:3])
    assert np.array_equal(np.asarray(frames), sweep.bmode.frames)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["channels/bmode/frames"].chunks == (1, 5, 6)
        assert file["channels/bmode/frames"].compression is None


def spoil(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def put(key, value):
    def change(file):
        del file[key]
        file[key] = value

    return change


def nan_pose(file):
    file["channels/bmode/world_from_image"][2, 0, 3] = np.nan


def sheared(file):
    file["channels/bmode/world_from_image"][2, 0, 0] += 0.1


def take(key):
    def change(file):
        del file[key]

    return change


def other_format(file):
    file.attrs["format"] = "sweepbench-sweep-0"


def no_format(file):
    del file.attrs["format"]


def no_factors(file):
    del file.attrs["factors"]


B = "channels/bmode"
BROKEN = {
    "other format": (other_format, "expected format 'sweepbench-sweep-1', got"),
    "no format": (no_format, "expected format 'sweepbench-sweep-1', got None"),
    "no bmode": (take(B), "channels/bmode is missing"),
    "no frames": (take(f"{B}/frames"), "key is missing"),
    "no poses": (take(f"{B}/world_from_image"), "key is missing"),
    "no landmarks": (take("landmarks"), "key is missing"),
    "no factors": (no_factors, "key is missing"),
    "NaN pose": (nan_pose, "/channels/bmode/world_from_image: holds NaN"),
    "sheared pose": (sheared, "/channels/bmode/world_from_image: rotation is not orthonormal"),
    "too few poses": (
        put(f"{B}/world_from_image", np.tile(np.eye(4), (3, 1, 1))),
        "/channels/bmode/world_from_image: expected shape (7, 4, 4), got (3, 4, 4)",
    ),
    "flat frames": (put(f"{B}/frames", np.zeros((7, 5))), "/channels/bmode/frames: expected shape"),
    "no frame": (put(f"{B}/frames", np.zeros((0, 5, 6))), "/channels/bmode/frames: expected shape"),
    "too few times": (put(f"{B}/timestamps", np.arange(6.0)), "timestamps: expected 7 finite"),
    "NaN time": (put(f"{B}/timestamps", np.full(7, np.nan)), "timestamps: expected 7 finite"),
    "times fall": (put(f"{B}/timestamps", -np.arange(7.0)), "timestamps: do not rise"),
    "3 x 3 scale": (
        put(f"{B}/mm_from_pixel", np.eye(3)),
        "mm_from_pixel: expected a finite (4, 4)",
    ),
    "NaN scale": (
        put(f"{B}/mm_from_pixel", np.full((4, 4), np.nan)),
        "mm_from_pixel: expected a finite (4, 4)",
    ),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("kind", BROKEN)
def test_each_broken_sweep_has_one_line_with_file_and_key(tmp_path, kind, lazy):
    path = tmp_path / "s.h5"
    write_sweep(path, full_sweep())
    change, line = BROKEN[kind]
    spoil(path, change)
    with pytest.raises(UserError) as error:
        read_sweep(path, lazy=lazy)
    assert str(error.value).startswith(str(path)) and line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.98])
def test_a_truncated_file_has_one_line(tmp_path, share):
    path = tmp_path / "s.h5"
    write_sweep(path, full_sweep())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="truncated or not HDF5") as error:
        read_sweep(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_has_one_line(tmp_path):
    with pytest.raises(UserError, match=r"gone.h5: no such file"):
        read_sweep(tmp_path / "gone.h5")
    with pytest.raises(UserError, match=r"gone.h5: no such file"):
        read_prediction(tmp_path / "gone.h5")
    with pytest.raises(UserError, match=r"gone.npz"):
        read_prediction(tmp_path / "gone.npz")


def test_texts_of_fixed_length_are_read_as_other_programs_write_them(tmp_path):
    sweep = full_sweep()
    path = tmp_path / "s.h5"
    write_sweep(path, sweep)
    with h5py.File(path, "r+") as file:
        for key in ("format", "name", "probe", "factors"):
            file.attrs[key] = np.bytes_(file.attrs[key].ljust(500))
    found = read_sweep(path)
    assert (found.name, found.probe, found.factors) == (sweep.name, sweep.probe, sweep.factors)
    with h5py.File(path, "r+") as file:
        file.attrs["name"] = 7
    with pytest.raises(UserError, match="name: expected a text, got"):
        read_sweep(path)
    with h5py.File(path, "r+") as file:
        file.attrs["name"], file.attrs["factors"] = "x", "{"
    with pytest.raises(UserError, match="a key holds something of another kind"):
        read_sweep(path)


def random_prediction(seed, count=5, sigma=True):
    rng = np.random.default_rng(seed)
    steps = geometry.exp(0.1 * rng.normal(size=(count - 1, 6)))
    told = (rng.uniform(size=count - 1), rng.uniform(size=count)) if sigma else ()
    return Prediction.from_steps(steps, *told)


@given(st.integers(1, 30), st.integers(0, 1000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_prediction_comes_back_as_it_was(tmp_path_factory, count, seed, sigma):
    path = tmp_path_factory.mktemp("p") / "p.h5"
    prediction = random_prediction(seed, count, sigma)
    write_prediction(path, prediction)
    back = read_prediction(path)
    assert np.array_equal(back.first_from_frame, prediction.first_from_frame)
    assert np.array_equal(back.prev_from_frame, prediction.prev_from_frame)
    for key in ("sigma", "position_sigma"):
        assert (getattr(back, key) is None) == (not sigma)
        if sigma:
            assert np.array_equal(getattr(back, key), getattr(prediction, key))


def test_an_npz_needs_poses_only_and_steps_are_derived(tmp_path):
    prediction = random_prediction(0)
    np.savez(tmp_path / "p.npz", first_from_frame=prediction.first_from_frame)
    back = read_prediction(tmp_path / "p.npz")
    assert np.allclose(back.prev_from_frame, prediction.prev_from_frame, atol=1e-12)


WRONG = {
    "flat": ({"first_from_frame": np.eye(4)}, "expected shape (N, 4, 4), got (4, 4)"),
    "empty": ({"first_from_frame": np.zeros((0, 4, 4))}, "holds no pose"),
    "NaN": ({"first_from_frame": np.full((3, 4, 4), np.nan)}, "holds NaN"),
    "scaled": ({"first_from_frame": np.tile(np.diag([2, 2, 2, 1.0]), (3, 1, 1))}, "orthonormal"),
    "world": (
        {"first_from_frame": geometry.exp(np.ones((3, 6)))},
        "the first pose is not the identity",
    ),
    "steps": (
        {"first_from_frame": np.tile(np.eye(4), (3, 1, 1)), "prev_from_frame": np.eye(4)[None]},
        "prev_from_frame: expected shape (2, 4, 4), got (1, 4, 4)",
    ),
    "sigma": (
        {"first_from_frame": np.tile(np.eye(4), (3, 1, 1)), "sigma": np.ones(3)},
        "sigma: expected 2 finite values in mm",
    ),
    "position sigma": (
        {"first_from_frame": np.tile(np.eye(4), (3, 1, 1)), "position_sigma": np.ones(2)},
        "position_sigma: expected 3 finite values in mm, got shape (2,)",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_each_wrong_prediction_has_one_line(tmp_path, kind):
    arrays, line = WRONG[kind]
    with pytest.raises(UserError) as error:
        Prediction(**arrays)
    assert line in str(error.value)
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(UserError) as error:
        read_prediction(tmp_path / "p.npz")
    assert line in str(error.value) and str(tmp_path / "p.npz") in str(error.value)


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "pickled", "single array"])
def test_each_broken_npz_has_one_line(tmp_path, kind):
    path = tmp_path / "p.npz"
    np.savez(path, first_from_frame=np.tile(np.eye(4), (50, 1, 1)))
    if kind == "text":
        path.write_text("hello")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:700])
    elif kind == "pickled":
        np.savez(path, first_from_frame=np.array([{}], object))
    else:
        with path.open("wb") as file:
            np.save(file, np.eye(4))
    with pytest.raises(UserError, match="npz") as error:
        read_prediction(path)
    assert "\n" not in str(error.value)


def test_a_prediction_without_poses_or_of_another_format_has_one_line(tmp_path):
    write_prediction(tmp_path / "p.h5", random_prediction(0))
    spoil(tmp_path / "p.h5", take("first_from_frame"))
    with pytest.raises(UserError, match="first_from_frame is missing"):
        read_prediction(tmp_path / "p.h5")
    write_sweep(tmp_path / "s.h5", full_sweep())
    with pytest.raises(UserError, match="expected format 'sweepbench-prediction-1'"):
        read_prediction(tmp_path / "s.h5")


def test_measured_poses_stand_beside_the_true_ones(tmp_path):
    sweep = full_sweep()
    lagging = np.roll(sweep.bmode.world_from_image, 1, axis=0)
    write_sweep(tmp_path / "s.h5", with_measured(sweep, optical=lagging))
    found = read_sweep(tmp_path / "s.h5")
    assert same(sweep, found)
    assert np.array_equal(found.bmode.measured["optical"], lagging)
    assert not hasattr(found.observe().bmode, "measured")
    assert found.bmode.line_world_from_image is None
    lines = np.repeat(sweep.bmode.world_from_image[:, None], 3, axis=1)
    sheared = {"bmode": replace(sweep.bmode, line_world_from_image=lines)}
    write_sweep(tmp_path / "lines.h5", replace(sweep, channels=sheared))
    assert np.array_equal(read_sweep(tmp_path / "lines.h5").bmode.line_world_from_image, lines)
    write_sweep(tmp_path / "bad.h5", with_measured(sweep, optical=2 * lagging))
    with pytest.raises(UserError, match="channels/bmode/measured/optical: rotation"):
        read_sweep(tmp_path / "bad.h5")


@pytest.mark.parametrize("lazy", [False, True])
def test_withheld_poses_are_in_no_file_and_asking_for_them_says_so(tmp_path, lazy):
    sweep = with_measured(full_sweep(), optical=full_sweep().bmode.world_from_image)
    sweep = replace(sweep, imu={**sweep.imu, "true_acceleration": np.zeros((7, 3))})
    write_sweep(tmp_path / "s.h5", sweep.withhold({"subject": "p0"}))
    with h5py.File(tmp_path / "s.h5") as file:
        keys: list[str] = []
        file.visit(keys.append)
        assert file["landmarks"].shape == (0, 3)
    assert not [key for key in keys if "world" in key or "measured" in key or "true" in key]
    found = read_sweep(tmp_path / "s.h5", lazy=lazy)
    assert np.array_equal(found.bmode.frames, sweep.bmode.frames)
    assert np.array_equal(found.channels["pa"].wavelength_nm, [750.0, 850.0])
    assert found.factors == {"subject": "p0"}
    assert len(found.observe().bmode.frames) == 7
    for ask in ("first_from_frame", "prev_from_frame"):
        with pytest.raises(UserError, match="withheld"):
            getattr(found, ask)
    # Without the mark that says so, missing poses are damage.
    with h5py.File(tmp_path / "s.h5", "a") as file:
        del file["channels/bmode"].attrs["poses"]
    with pytest.raises(UserError, match="world_from_image"):
        read_sweep(tmp_path / "s.h5")


def test_a_field_of_view_is_kept_and_shown_to_trackers(tmp_path):
    sweep = make_sweep(3)
    mask = np.random.default_rng(3).random(sweep.bmode.frames.shape[1:]) > 0.5
    masked = replace(sweep, channels={"bmode": replace(sweep.bmode, mask=mask)})
    write_sweep(tmp_path / "m.h5", masked)
    back = read_sweep(tmp_path / "m.h5")
    assert back.bmode.mask.dtype == bool and np.array_equal(back.bmode.mask, mask)
    assert np.array_equal(back.observe().bmode.mask, mask)
    assert np.array_equal(back.withhold({}).bmode.mask, mask)
    for wrong, message in (
        (mask[:-1], r"channels/bmode/mask: expected shape \(5, 7\) of bool"),
        (mask.astype(np.uint8), "of bool, got .* of uint8"),
        (np.zeros_like(mask), "mask: expected tissue somewhere, got none"),
    ):
        bad = replace(sweep, channels={"bmode": replace(sweep.bmode, mask=wrong)})
        write_sweep(tmp_path / "b.h5", bad)
        with pytest.raises(UserError, match=message):
            read_sweep(tmp_path / "b.h5")


LOCKED = """
import fcntl, sys
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep
held = open(sys.argv[1])
fcntl.flock(held, fcntl.LOCK_EX)
try:
    print(read_sweep(sys.argv[1], lazy=True).bmode.frames[0].shape)
except UserError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks a file as POSIX does")
@pytest.mark.parametrize(
    ("asked", "answer"), [(None, "("), ("TRUE", "HDF5_USE_FILE_LOCKING=FALSE")]
)
def test_a_file_that_cannot_be_locked_is_read_or_says_so(tmp_path, asked, answer):
    """Held by another, as a network file system may refuse locks; the variable asks for them."""
    write_sweep(tmp_path / "s.h5", full_sweep())
    home = Path(__file__).parents[2]
    environment = {k: v for k, v in os.environ.items() if k != "HDF5_USE_FILE_LOCKING"}
    environment |= {"HDF5_USE_FILE_LOCKING": asked} if asked else {}
    done = subprocess.run(
        [sys.executable, "-c", LOCKED, str(tmp_path / "s.h5")], capture_output=True, text=True,
        cwd=home, env=environment, check=True,
    )  # fmt: skip
    assert answer in done.stdout and "truncated" not in done.stdout, done.stdout


def test_a_sweep_that_does_not_fit_is_refused_before_it_is_written(tmp_path, monkeypatch):
    """HDF5 cannot close a file that it could not write, and ends the process with a crash."""

    def full(_file, _start, needed):
        assert needed > full_sweep().bmode.nbytes
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(UserError, match=r"s.h5: cannot be written \(No space .* are needed\)"):
        write_sweep(tmp_path / "s.h5", full_sweep())
    assert list(tmp_path.iterdir()) == []


def test_the_space_that_is_asked_for_holds_the_file(tmp_path):
    sweep = full_sweep()
    write_sweep(tmp_path / "s.h5", sweep)
    assert (tmp_path / "s.h5").stat().st_size <= _file_bytes(sweep) <= 3e5
