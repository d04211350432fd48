"""The pose of a probe in zea's files: `metadata/probe_pose`, sampled on a clock of its own.

zea's axes at the probe's tip are x lateral, y elevational, z axial, lengths in metres; image axes
here are x lateral, y axial, z = x × y, in mm. Rotations are taken as world from tip, so that
`rotation @ point + translation` is a point's place, as in the reconstruction script of OpenH-RF.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError
from benchmark.interop.rf.hdf5_values import number, numbers, text

MM_PER_M = 1000.0
TIP_FROM_IMAGE = np.array(
    [[1.0, 0, 0, 0], [0, 0, -1.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]]
)  # both in mm
WIDTHS = {"quaternion_xyzw": 4, "quaternion_wxyz": 4, "euler_xyz": 3}
LARGEST_M = 50.0  # of a place; beyond, mm were taken for metres


@dataclass(frozen=True)
class ProbePose:
    """The tip's poses world_from_tip (T, 4, 4), mm, at times_s (T,) after the first transmit."""

    times_s: np.ndarray
    world_from_tip: np.ndarray


def read_probe_pose(group: h5py.Group, path: Path) -> ProbePose:
    """Return the poses of a group `metadata/probe_pose`.

    `euler_xyz` holds three angles in radians about fixed axes x, then y, then z.

    Raises
    ------
    UserError : a key that is missing, of another shape or not finite, an unknown representation, a
        quaternion whose length is not 1, times that do not rise.
    """
    kind = text(group, "rotation_representation")
    if kind not in WIDTHS:
        raise UserError(
            f"{path}: {group.name}/rotation_representation: expected one of {', '.join(WIDTHS)}, "
            f"got '{kind}'"
        )
    place = numbers(path, group, "translation", (None, 3))
    turn = numbers(path, group, "rotation", (len(place), WIDTHS[kind]))
    if np.abs(place).max() > LARGEST_M:
        raise UserError(
            f"{path}: {group.name}/translation: expected metres, got up to {np.abs(place).max():g}"
        )
    rotation = _rotations(turn, kind, f"{path}: {group.name}/rotation")
    return ProbePose(_times(path, group, len(place)), geometry.compose(rotation, place * MM_PER_M))


def _rotations(values: np.ndarray, kind: str, key: str) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    if kind == "euler_xyz":
        return Rotation.from_euler("xyz", values).as_matrix()
    length = np.linalg.norm(values, axis=1)
    if (np.abs(length - 1) > 1e-2).any():
        bad = int(np.argmax(np.abs(length - 1)))
        raise UserError(f"{key}: pose {bad}: quaternion of length {length[bad]:.3g}, expected 1")
    xyzw = values if kind == "quaternion_xyzw" else np.roll(values, -1, axis=1)
    return Rotation.from_quat(xyzw).as_matrix()


def _times(path: Path, group: h5py.Group, count: int) -> np.ndarray:
    start = float(numbers(path, group, "start_time_offset", ()))
    if "timestamps" in group:
        times = numbers(path, group, "timestamps", (count,))
        if (np.diff(times) <= 0).any():
            raise UserError(f"{path}: {group.name}/timestamps: do not rise")
        return start + times
    return start + np.arange(count) / number(path, group, "sampling_frequency")


def poses_at_frames(
    pose: ProbePose, times_s: np.ndarray, path: Path, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    """Return which frames (M,) at `times_s` (N,) have poses, and their world_from_tip (M, 4, 4).

    Poses lie on the geodesics between samples. Frames more than half an interval between samples
    before the first or after the last are left out, with a note; a single sample holds for all.

    Raises
    ------
    UserError : no frame within the time of the poses; both ranges are named.
    """
    clock = pose.times_s
    if len(clock) == 1:
        return np.arange(len(times_s)), np.repeat(pose.world_from_tip, len(times_s), 0)
    margin = 0.5 * float(np.median(np.diff(clock)))
    within = (times_s >= clock[0] - margin) & (times_s <= clock[-1] + margin)
    ranges = (
        f"frames {times_s[0]:.3f} to {times_s[-1]:.3f} s, poses {clock[0]:.3f} to {clock[-1]:.3f} s"
    )
    if not within.any():
        raise UserError(f"{path}: no frame within the time of its poses ({ranges})")
    if not within.all():
        report(
            f"{path}: {(~within).sum()} of {len(within)} frames left out, no poses there ({ranges})"
        )
    kept = np.flatnonzero(within)
    return kept, geometry.interpolate(clock, pose.world_from_tip, times_s[kept])
