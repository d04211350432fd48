"""TUM and KITTI files: in metres, there and back, and read by SciPy's convention."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.poses.table import read_pose_table
from benchmark.interop.poses.trajectory import read_kitti, read_tum, write_kitti, write_tum


def poses(seed: int, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    twists = rng.normal(0, 1, (count, 6)) * [200, 200, 200, 2, 2, 2]
    return 1e9 + np.cumsum(rng.uniform(0.01, 1, count)), geometry.exp(twists)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["m", "mm"]))
def test_round_trips(tmp_path_factory, seed: int, unit) -> None:
    folder = tmp_path_factory.mktemp("trajectory")
    times, world_from_frame = poses(seed)
    write_tum(folder / "a.tum", times, world_from_frame, unit)
    read_times, read = read_tum(folder / "a.tum", unit)
    assert np.array_equal(read_times, times)
    np.testing.assert_allclose(read, world_from_frame, rtol=0, atol=1e-12)
    write_kitti(folder / "a.kitti", world_from_frame, unit)
    np.testing.assert_allclose(
        read_kitti(folder / "a.kitti", unit), world_from_frame, rtol=1e-15, atol=0
    )


def test_files_are_in_metres_with_the_scalar_last(tmp_path: Path) -> None:
    pose = geometry.exp(np.array([0.0, 0, 0, 0, 0, np.pi / 2]))
    pose[:3, 3] = (1000.0, -250.0, 3.0)
    write_tum(tmp_path / "a.tum", np.array([2.5]), pose[None])
    comment, line = (tmp_path / "a.tum").read_text().splitlines()
    assert comment.startswith("#") and "tx_m" in comment
    numbers = np.array(line.split(), float)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(numbers, [2.5, 1, -0.25, 0.003, 0, 0, half, half], atol=1e-15)
    assert np.allclose(Rotation.from_quat(numbers[4:]).as_matrix(), pose[:3, :3])
    write_kitti(tmp_path / "a.kitti", pose[None])
    numbers = np.array((tmp_path / "a.kitti").read_text().split(), float)
    np.testing.assert_allclose(numbers[[3, 7, 11]], [1, -0.25, 0.003], rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1 2 3 0 0 0\n", "line 1: expected 8 finite numbers, got 0 1 2 3 0 0 0"),
        ("# t\n0 1 2 3 0 0 0 1\n0 1 2 nan 0 0 0 1\n", "line 3: expected 8 finite"),
        ("0 1 2 3 0 0 0 2\n", "quaternion of length 2"),
        ("one two\n", "expected lines of 8 numbers"),
        ("\n# nothing\n", "holds no pose"),
    ],
)
def test_wrong_files_have_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.tum").write_text(text)
    with pytest.raises(UserError, match=message):
        read_tum(tmp_path / "a.tum")


def test_a_kitti_matrix_that_is_not_rigid(tmp_path: Path) -> None:
    (tmp_path / "a.kitti").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n2 0 0 0 0 1 0 0 0 0 1 0\n")
    with pytest.raises(UserError, match="frame 1 is not rigid"):
        read_kitti(tmp_path / "a.kitti")
    with pytest.raises(UserError, match="no such file"):
        read_kitti(tmp_path / "b.kitti")


def test_a_quaternion_of_zeros_is_no_pose(tmp_path: Path) -> None:
    """Trackers write it where they see nothing; it loses one row, not the table."""
    (tmp_path / "p.tum").write_text("0 1 2 3 0 0 0 1\n1 0 0 0 0 0 0 0\n2 1 2 4 0 0 0 1\n")
    table = read_pose_table(tmp_path / "p.tum", unit="mm")
    assert np.isfinite(table.world_from_body).all((1, 2)).tolist() == [True, False, True]
    (tmp_path / "p.csv").write_text(
        "t,x_mm,y_mm,z_mm,qx,qy,qz,qw\n0,1,2,3,0,0,0,1\n1,0,0,0,0,0,0,0\n"
    )
    table = read_pose_table(tmp_path / "p.csv")
    assert np.isfinite(table.world_from_body).all((1, 2)).tolist() == [True, False]
