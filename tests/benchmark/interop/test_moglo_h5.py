"""MoGLo-Net's sample files: axes, units, angles, and the place of the image at its sensor."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.moglo_h5 import label_of_pose, pose_of_label, read_moglo

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 1, 256, 256)).astype(np.uint8)


def write(path: Path, y_abs: np.ndarray | None, y_rel: np.ndarray | None = None) -> Path:
    with h5py.File(path, "w") as file:
        file["img_B"] = FRAMES
        for key, values in (("y_abs", y_abs), ("y_rel", y_rel)):
            if values is not None:
                file[key] = values
    return path


def turn(axis: int, degrees: float) -> np.ndarray:
    """Return the elementary right-handed rotation about an axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


@given(st.lists(st.floats(-80, 80), min_size=6, max_size=6))
def test_labels_are_centimetres_and_intrinsic_yzx(values: list[float]) -> None:
    """R = R_y(a1) R_z(a2) R_x(a3), written out; and back."""
    label = np.array([values])
    pose = pose_of_label(label)
    expected = turn(1, values[3]) @ turn(2, values[4]) @ turn(0, values[5])
    np.testing.assert_allclose(pose[0, :3, :3], expected, atol=1e-12)
    np.testing.assert_allclose(pose[0, :3, 3], 10 * label[0, :3])
    np.testing.assert_allclose(label_of_pose(pose), label, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_places_agree_with_the_authors_arithmetic(tmp_path_factory, seed: int) -> None:
    """A pixel (row, column) lies at R (38/256 (row, column, 0) - (20, 0, 7)) + t, their axes."""
    labels = np.random.default_rng(seed).uniform(-40, 40, (4, 6))
    sweep = read_moglo(write(tmp_path_factory.mktemp("m") / "scan.h5", labels))
    assert np.array_equal(sweep.bmode.frames[:], FRAMES[:, 0])
    assert sweep.bmode.frames[1:3].shape == (2, 256, 256)
    for frame, label in enumerate(labels):
        rotation = turn(1, label[3]) @ turn(2, label[4]) @ turn(0, label[5])
        for row, column in ((0, 0), (255, 0), (3, 200)):
            sensor = 38 / 256 * np.array([row, column, 0.0]) - [20, 0, 7]
            axial, lateral, through = rotation @ sensor + 10 * label[:3]
            whole = sweep.bmode.world_from_image[frame] @ sweep.bmode.mm_from_pixel
            mine = geometry.apply(whole, np.array([[column, row, 0.0]]))[0]
            np.testing.assert_allclose(mine, [lateral, axial, -through], atol=1e-9)


def test_relative_labels_alone_and_disagreement(tmp_path: Path) -> None:
    steps = np.random.default_rng(1).normal(0, 0.1, (3, 6))
    poses = geometry.chain(pose_of_label(steps))
    absolute = label_of_pose(poses)
    one = read_moglo(write(tmp_path / "a.h5", absolute))
    other = read_moglo(write(tmp_path / "b.h5", None, steps))
    np.testing.assert_allclose(one.bmode.world_from_image, other.bmode.world_from_image, atol=1e-9)
    notes: list[str] = []
    read_moglo(write(tmp_path / "c.h5", absolute, steps), report=notes.append)
    assert notes == []
    read_moglo(write(tmp_path / "d.h5", absolute * 2, steps), report=notes.append)
    assert "y_abs is taken" in notes[0]


def test_wrong_files_have_their_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="y_abs and y_rel are missing"):
        read_moglo(write(tmp_path / "a.h5", None))
    with pytest.raises(UserError, match=r"y_abs: expected shape \(4, 6\), got \(3, 6\)"):
        read_moglo(write(tmp_path / "b.h5", np.zeros((3, 6))))
    with pytest.raises(UserError, match="holds NaN"):
        read_moglo(write(tmp_path / "c.h5", np.full((4, 6), np.nan)))
    path = write(tmp_path / "d.h5", np.zeros((4, 6)))
    path.write_bytes(path.read_bytes()[:999])
    with pytest.raises(UserError, match="truncated"):
        read_moglo(path)
