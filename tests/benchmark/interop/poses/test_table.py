"""Pose tables: columns in any order and unit, and one line per wrong table."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.poses.columns import ORDERS
from benchmark.interop.poses.table import PoseTable, read_pose_table
from benchmark.interop.poses.trajectory import write_csv, write_kitti, write_tum

TIMES = np.array([1.0, 1.1, 1.25, 1.3])
POSES = geometry.exp(np.random.default_rng(3).normal(0, 1, (4, 6)) * [90, 90, 90, 1, 1, 1])
XYZW = Rotation.from_matrix(POSES[:, :3, :3]).as_quat()


def written(path: Path, columns: dict[str, np.ndarray], mark: str = ",") -> Path:
    lines = [mark.join(columns)]
    lines += [mark.join(map(repr, map(float, row))) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def position(names: tuple[str, str, str], factor: float = 1.0) -> dict[str, np.ndarray]:
    return dict(zip(names, POSES[:, :3, 3].T * factor, strict=True))


def quaternion(names: tuple[str, ...] = ("qx", "qy", "qz", "qw")) -> dict[str, np.ndarray]:
    return dict(zip(names, XYZW.T, strict=True))


def matrix(first: int) -> dict[str, np.ndarray]:
    pairs = itertools.product(range(3), range(4))
    return {f"m{first + i}{first + j}": POSES[:, i, j] for i, j in pairs}


def rotation_entries(first: int) -> dict[str, np.ndarray]:
    pairs = itertools.product(range(3), range(3))
    return {f"R{first + i}{first + j}": POSES[:, i, j] for i, j in pairs}


LAYOUTS = {
    "plain": {"time": TIMES, **position(("x_mm", "y_mm", "z_mm")), **quaternion()},
    "any order": {
        "qw": XYZW[:, 3], "tz": POSES[:, 2, 3], "tx": POSES[:, 0, 3], "rms": TIMES,
        "qy": XYZW[:, 1], "timestamp": TIMES, "qx": XYZW[:, 0], "qz": XYZW[:, 2],
        "ty": POSES[:, 1, 3],
    },
    "ROS": {
        "Time": TIMES,
        **position(tuple(f"pose.position.{a}" for a in "xyz"), 1e-3),
        **quaternion(tuple(f"pose.orientation.{a}" for a in "xyzw")),
    },
    "metres, milliseconds": {
        "Timestamp [ms]": TIMES * 1e3,
        **position(("Tx (m)", "Ty (m)", "Tz (m)"), 1e-3),
        **quaternion(("Q_X", "Q_Y", "Q_Z", "Q_W")),
    },
    "matrix from 0": {"t": TIMES, **matrix(0)},
    "matrix from 1": {"t": TIMES, **matrix(1)},
    "rotation and position": {"t": TIMES, **rotation_entries(1), **position(("x", "y", "z"))},
}  # fmt: skip
OF_METRES = ("ROS",)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_in_any_order_and_unit(tmp_path: Path, name: str, mark: str) -> None:
    path = written(tmp_path / "poses.csv", LAYOUTS[name], mark)
    named = any("mm" in key or "(m)" in key for key in LAYOUTS[name])
    unit = None if named else "m" if name in OF_METRES else "mm"
    table = read_pose_table(path, unit=unit)
    np.testing.assert_allclose(table.times, TIMES, atol=1e-12)
    np.testing.assert_allclose(table.world_from_body, POSES, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("radians", [True, False])
def test_angles_by_a_named_order(tmp_path: Path, order: str, radians: bool) -> None:
    """The rotation is the product of SciPy's turns about single axes, written out."""
    angles = np.random.default_rng(0).uniform(-1.2, 1.2, (4, 3))
    values = angles if radians else np.degrees(angles)
    names = ("rx_rad", "ry_rad", "rz_rad") if radians else ("roll", "pitch", "yaw")
    columns = {**position(("x_mm", "y_mm", "z_mm")), **dict(zip(names, values.T, strict=True))}
    table = read_pose_table(written(tmp_path / "p.csv", columns), euler=order)
    assert table.times is None
    for row, pose in zip(angles, table.world_from_body, strict=True):
        axes, kind = order.split("_")
        turns = [
            Rotation.from_rotvec(np.eye(3)["xyz".index(a)] * row["xyz".index(a)]) for a in axes
        ]
        a, b, c = turns
        expected = a * b * c if kind == "intrinsic" else c * b * a
        np.testing.assert_allclose(pose[:3, :3], expected.as_matrix(), atol=1e-12)


def test_decimal_commas_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "time;x_mm;y_mm;z_mm;qx;qy;qz;qw\n0,5;1,25;-2;3;0;0;0;1\n"
    (tmp_path / "p.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    table = read_pose_table(tmp_path / "p.csv")
    assert table.times[0] == 0.5
    assert table.world_from_body[0, :3, 3].tolist() == [1.25, -2, 3]


def test_a_tum_file_with_a_byte_order_mark_is_a_set_of_timed_poses(tmp_path: Path) -> None:
    write_tum(tmp_path / "a.tum", TIMES, POSES)
    lines = (tmp_path / "a.tum").read_text().splitlines()
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines[:0:-1]).encode())
    table = read_pose_table(tmp_path / "b.txt")
    assert table.times.tolist() == TIMES.tolist()
    np.testing.assert_allclose(table.world_from_body, POSES, atol=1e-9)
    write_kitti(tmp_path / "a.kitti", POSES, "mm")
    table = read_pose_table(tmp_path / "a.kitti", unit="mm")
    assert table.times is None
    np.testing.assert_allclose(table.world_from_body, POSES, atol=1e-9)


@pytest.mark.parametrize("times", [TIMES, None])
def test_what_is_written_is_read(tmp_path: Path, times) -> None:
    write_csv(tmp_path / "p.csv", times, POSES)
    table = read_pose_table(tmp_path / "p.csv")
    assert (table.times is None) == (times is None)
    np.testing.assert_allclose(table.world_from_body, POSES, rtol=0, atol=1e-12)


def test_rows_without_a_pose_are_none(tmp_path: Path) -> None:
    text = "time,x_mm,y_mm,z_mm,qx,qy,qz,qw,status\n"
    text += "0,1,2,3,0,0,0,1,OK\n1,,,,,,,,OK\n2,nan,2,3,0,0,0,1,OK\n3,1,2,3,0,0,0,1,MISSING\n"
    (tmp_path / "p.csv").write_text(text)
    held = np.isfinite(read_pose_table(tmp_path / "p.csv").world_from_body).all((1, 2))
    assert held.tolist() == [True, False, False, False]


def test_frame_numbers_order_rows_without_times(tmp_path: Path) -> None:
    columns = {"frame": np.array([3, 1, 4, 2]), **matrix(0)}
    table = read_pose_table(written(tmp_path / "p.csv", columns), unit="mm")
    np.testing.assert_allclose(table.world_from_body, POSES[[1, 3, 0, 2]], atol=1e-9)


HEAD = "time,x_mm,y_mm,z_mm,qx,qy,qz,qw\n"
WRONG = {
    "no unit": ("t,x,y,z,qx,qy,qz,qw\n0,1,2,3,0,0,0,1\n", "the unit of x, y, z is not known"),
    "no rotation": ("t,x_mm,y_mm,z_mm\n0,1,2,3\n", "expected columns x, y, z with qx"),
    "half a quaternion": ("t,x_mm,y_mm,z_mm,qx,qy,qz\n0,1,2,3,0,0,0\n", "expected columns"),
    "no order": ("x_mm,y_mm,z_mm,rx,ry,rz\n1,2,3,0,0,0\n", "give --poses-euler"),
    "a word": (HEAD + "0,1,2,3,0,0,0,1\n1,1,two,3,0,0,0,1\n", "line 3: 'y': expected a number"),
    "a short row": (HEAD + "0,1,2,3\n", "line 2: 4 cells, none for 'qx'"),
    "no row": (HEAD, "holds no pose"),
    "nothing": ("", "holds no pose"),
    "no pose": (HEAD + "0,,,,,,,\n", "none of 1 rows holds a pose"),
    "no time": (HEAD + ",1,2,3,0,0,0,1\n", "line 2: a pose without a time"),
    "two units": ("x_mm,y_m,z_mm,qx,qy,qz,qw\n1,2,3,0,0,0,1\n", "have different units"),
    "twice": ("x_mm,tx_mm,y_mm,z_mm,qx,qy,qz,qw\n1,1,2,3,0,0,0,1\n", "both give 'x'"),
    "length 2": (HEAD + "0,1,2,3,0,0,0,2\n", "quaternion of length 2"),
    "at one time": (HEAD + "7,1,2,3,0,0,0,1\n7,1,2,4,0,0,0,1\n", "two different poses at time 7"),
    "a gap": ("frame,x_mm,y_mm,z_mm,qx,qy,qz,qw\n0,1,2,3,0,0,0,1\n2,1,2,3,0,0,0,1\n", "after 0"),
    "nine numbers": ("1 2 3 4 5 6 7 8 9\n", "8 numbers \\(TUM\\) or 12 \\(KITTI\\), got 9"),
    "bytes": (b"\xff\xfe\x00\x01", "expected a table of poses as text"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tables_have_their_line(tmp_path: Path, name: str) -> None:
    content, message = WRONG[name]
    (tmp_path / "p.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as caught:
        read_pose_table(tmp_path / "p.csv")
    assert str(caught.value).startswith(str(tmp_path / "p.csv")) and "\n" not in str(caught.value)


def test_wrong_choices_have_their_line(tmp_path: Path) -> None:
    columns = {**position(("x_mm", "y_mm", "z_mm")), "rx": TIMES, "ry": TIMES, "rz": TIMES}
    path = written(tmp_path / "p.csv", columns)
    with pytest.raises(
        UserError, match=r"--poses-euler: expected one of xyz_intrinsic, .*got 'zyx'"
    ):
        read_pose_table(path, euler="zyx")
    with pytest.raises(UserError, match="in mm by their names, in m by --poses-unit"):
        read_pose_table(path, euler="zyx_intrinsic", unit="m")
    with pytest.raises(UserError, match="no such file"):
        read_pose_table(tmp_path / "gone.csv")


def test_equal_poses_at_one_time_are_one(tmp_path: Path) -> None:
    text = HEAD + "7,1,2,3,0,0,0,1\n7,1,2,3,0,0,0,1\n7,,,,,,,\n8,1,2,3,0,0,0,1\n"
    (tmp_path / "p.csv").write_text(text)
    table = read_pose_table(tmp_path / "p.csv")
    assert isinstance(table, PoseTable) and table.times.tolist() == [7, 8]
    assert np.isfinite(table.world_from_body).all()
