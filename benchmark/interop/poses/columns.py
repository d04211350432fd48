"""Columns of a pose table that its first row names, in any order, made times and poses.

Times: `time`, `timestamp` or `t`, in seconds unless the name ends in _ms, _us or _ns. Positions:
`x`, `tx`, `px`, `pos_x`, `position_x`, `translation_x` and so on. Rotations, the first kind that
is complete: a matrix (`m00` ... `m23`, or counted from 1: `m11` ... `m34`, positions in its last
column; `r00` ... `r22` or `r11` ... `r33` beside positions), a quaternion (`qx`, `quat_x`,
`quaternion_x`, `orientation_x`), or angles about the axes (`rx`, `rot_x`, `euler_x`, `angle_x`, or
`roll`, `pitch`, `yaw` about x, y, z), in degrees unless the name ends in _rad. `valid` or `status`
say which rows hold a pose, `frame` numbers them; other columns are not read.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.poses.rigid import settled_poses
from benchmark.interop.poses.text import Row
from benchmark.interop.poses.trajectory import MM_PER, Unit, rotations_of_quaternions

ORDERS = tuple(
    f"{''.join(axes)}_{kind}"
    for kind in ("intrinsic", "extrinsic")
    for axes in itertools.permutations("xyz")
)
SECONDS_PER = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
UNITS = (*SECONDS_PER, *MM_PER, "cm", "deg", "rad")
FINE = ("ok", "true", "valid", "yes", "tracked", "visible")
ANGLES = {"roll": "rx", "pitch": "ry", "yaw": "rz"}
POSITION = ["x", "y", "z"]
STEMS = {  # how a column's name begins before its axis: its plain name
    "": "", "t": "", "p": "", "pos": "", "position": "", "trans": "", "translation": "",
    "q": "q", "quat": "q", "quaternion": "q", "orientation": "q",
    "r": "r", "rot": "r", "euler": "r", "angle": "r",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table: its plain name, its unit where the name gives one, its place."""

    name: str
    unit: str | None
    place: int


@dataclass(frozen=True)
class Columns:
    """The rows below a row of names; `where` names the file in messages."""

    found: dict[str, Column]
    rows: Sequence[Row]
    where: str

    def has(self, names: Iterable[str]) -> bool:
        """Return whether all these columns are there."""
        return all(name in self.found for name in names)

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Return the numbers (M, len(names)) of some columns, NaN for empty cells."""
        columns = [self.found[name] for name in names]
        return np.array([[self._number(row, column) for column in columns] for row in self.rows])

    def words(self, name: str) -> list[str]:
        """Return the cells of a column as they are."""
        return [self._cell(row, self.found[name]) for row in self.rows]

    def unit(self, names: Iterable[str]) -> str | None:
        """Return the unit in the names of some columns, None where they give none."""
        units = {self.found[name].unit for name in names}
        if len(units) > 1:
            raise UserError(f"{self.where}: columns {', '.join(names)} have different units")
        return units.pop()

    def _cell(self, row: Row, column: Column) -> str:
        if column.place >= len(row.cells):
            raise UserError(
                f"{self.where}: line {row.line}: {len(row.cells)} cells, none for '{column.name}'"
            )
        return row.cells[column.place]

    def _number(self, row: Row, column: Column) -> float:
        cell = self._cell(row, column)
        try:
            value = float(cell or "nan")
        except ValueError:
            value = np.inf
        if np.isinf(value):
            raise UserError(
                f"{self.where}: line {row.line}: '{column.name}': expected a number, got '{cell}'"
            )
        return value


def columns_of(header: Row, rows: Sequence[Row], where: str) -> Columns:
    """Return the columns that a row of names gives to the rows below it.

    Raises
    ------
    UserError : no row below it, two columns of one meaning.
    """
    found: dict[str, Column] = {}
    for place, text in enumerate(header.cells):
        name, unit = plain_name(text)
        if name in found:
            other = header.cells[found[name].place]
            raise UserError(f"{where}: columns '{other}' and '{text}' both give '{name}'")
        found[name] = Column(name, unit, place)
    if not rows:
        raise UserError(f"{where}: holds no pose")
    return Columns(found, rows, where)


def plain_name(text: str) -> tuple[str, str | None]:
    """Return the plain name of a column (`time`, `x`, `qx`, `rx`, `m03`, ...) and its unit."""
    words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word not in ("", "pose")]
    unit = words.pop() if len(words) > 1 and words[-1] in UNITS else None
    name = "_".join(words)
    if name in ("time", "timestamp", "t", "times", "timestamps"):
        return "time", unit
    if name in ANGLES:
        return ANGLES[name], unit
    found = re.fullmatch(r"([a-z]*?)_?([xyzw])", name)
    if found and found[1] in STEMS:
        return STEMS[found[1]] + found[2], unit
    return name, unit


def times_of(columns: Columns) -> np.ndarray | None:
    """Return the times (M,) s of the rows, None for a table without.

    Raises
    ------
    UserError : a row without a time, a unit that is none of time.
    """
    if not columns.has(["time"]):
        return None
    unit = columns.unit(["time"]) or "s"
    if unit not in SECONDS_PER:
        raise UserError(f"{columns.where}: 'time': expected s, ms, us or ns, got '{unit}'")
    times = columns.numbers(["time"])[:, 0]
    if np.isnan(times).any():
        line = columns.rows[int(np.argmax(np.isnan(times)))].line
        raise UserError(f"{columns.where}: line {line}: a pose without a time")
    return times * SECONDS_PER[unit]


def poses_of(columns: Columns, unit: Unit | None, euler: str | None) -> np.ndarray:
    """Return the poses (M, 4, 4), mm, of the rows; NaN in rows without one.

    unit: of positions, where their names have none; euler: one of `ORDERS`, needed for angles.

    Raises
    ------
    UserError : columns that are missing, no unit or order, a rotation that is none.
    """
    names = _names_of_pose(columns)
    values = columns.numbers(names)
    held = np.isfinite(values).all(1) & _stated_valid(columns)
    if not held.any():
        raise UserError(f"{columns.where}: none of {len(values)} rows holds a pose")
    poses = np.full((len(values), 4, 4), np.nan)
    known = values[held]
    if names[-3:] == POSITION:
        rotation, places = _rotation(known[:, :-3], columns, euler), known[:, -3:]
        lengths = POSITION
    else:
        top = known.reshape(-1, 3, 4)
        rotation, places, lengths = top[:, :, :3], top[:, :, 3], names[3::4]
    places = places * _mm_per(columns, lengths, unit)
    seen = np.isfinite(rotation).all((1, 2))
    settled = settled_poses(geometry.compose(rotation[seen], places[seen]), columns.where)
    poses[np.flatnonzero(held)[seen]] = settled
    return poses


def _names_of_pose(columns: Columns) -> list[str]:
    """Return the columns of the first way to write a pose that is complete, the rotation first."""
    rotations = [
        *([name.replace("m", "r") for name in _indexed(first, 3)] for first in (0, 1)),
        ["qx", "qy", "qz", "qw"],
        ["rx", "ry", "rz"],
    ]
    ways = [_indexed(0, 4), _indexed(1, 4), *([*rotation, *POSITION] for rotation in rotations)]
    for names in ways:
        if columns.has(names):
            return names
    raise UserError(
        f"{columns.where}: expected columns x, y, z with qx, qy, qz, qw or rx, ry, rz, or a "
        f"matrix m00 to m23, got {', '.join(columns.found)}"
    )


def _indexed(first: int, width: int) -> list[str]:
    """Return the names of the entries of three rows of a matrix, indices counted from `first`."""
    return [f"m{first + row}{first + column}" for row in range(3) for column in range(width)]


def _rotation(values: np.ndarray, columns: Columns, euler: str | None) -> np.ndarray:
    """Return rotations (M, 3, 3) of three angles, four numbers of a quaternion, or nine entries."""
    if values.shape[1] == 3:
        return _of_angles(values, columns, euler)
    if values.shape[1] == 4:
        return rotations_of_quaternions(values, columns.where)
    return values.reshape(-1, 3, 3)


def _stated_valid(columns: Columns) -> np.ndarray:
    """Return which rows (M,) the columns `valid` and `status` call valid; all without them."""
    held = np.ones(len(columns.rows), bool)
    for name in ("valid", "status"):
        if columns.has([name]):
            held &= [_is_fine(word) for word in columns.words(name)]
    return held


def _is_fine(word: str) -> bool:
    try:
        return float(word) > 0
    except ValueError:
        return word.lower() in FINE


def _mm_per(columns: Columns, names: Sequence[str], unit: Unit | None) -> float:
    stated = columns.unit(names)
    if stated and unit and stated != unit:
        raise UserError(
            f"{columns.where}: positions are in {stated} by their names, in {unit} by --poses-unit"
        )
    chosen = stated or unit
    if chosen is None:
        raise UserError(
            f"{columns.where}: the unit of {', '.join(names)} is not known; name them "
            f"{names[0]}_mm and so on, or give --poses-unit mm or m"
        )
    millimetres = {**MM_PER, "cm": 10.0}
    if chosen not in millimetres:
        raise UserError(f"{columns.where}: expected positions in mm, cm or m, got '{chosen}'")
    return millimetres[chosen]


def _of_angles(angles: np.ndarray, columns: Columns, euler: str | None) -> np.ndarray:
    """Return rotations (M, 3, 3) of angles (M, 3) about x, y, z, turned in the order's order."""
    from scipy.spatial.transform import Rotation

    if euler is None:
        raise UserError(
            f"{columns.where}: the order of its angles is not known; give --poses-euler, "
            f"one of {', '.join(ORDERS)}"
        )
    if euler not in ORDERS:
        raise UserError(f"--poses-euler: expected one of {', '.join(ORDERS)}, got '{euler}'")
    axes, kind = euler.split("_")
    unit = columns.unit(["rx", "ry", "rz"]) or "deg"
    if unit not in ("deg", "rad"):
        raise UserError(f"{columns.where}: expected angles in deg or rad, got '{unit}'")
    sequence = axes.upper() if kind == "intrinsic" else axes
    ordered = angles[:, ["xyz".index(axis) for axis in axes]]
    return Rotation.from_euler(sequence, ordered, degrees=unit == "deg").as_matrix()
