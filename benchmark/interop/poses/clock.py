"""Poses at the times of frames: interpolated where the table holds, invalid where it does not."""

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError, silent
from benchmark.interop.poses.table import PoseTable

EDGE = 0.01  # of a row's interval: rounding of the first and the last time
LONGEST_GAP = 5.0  # intervals of rows across which poses are interpolated
LEAST_GAP_S = 0.1  # and the time across which they are in any case
#: Frames per row of a table from which on its unit of time is doubted, and refused.
SPARSE, TOO_SPARSE = 5.0, 100.0


def poses_at_frames(
    table: PoseTable, frame_times: np.ndarray, report: Report = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Return poses (N, 4, 4), mm, of whatever the table's are of, and which are valid (N,).

    frame_times (N,) s of the table's clock. Timed poses are joined by geodesics
    (`geometry.interpolate`). Frames before the first row, after the last, at the very time of a row
    without a pose, or in a gap longer than five median intervals of rows and 0.1 s are invalid:
    NaN, counted in a report. A table without times has one row per frame.

    Raises
    ------
    UserError : clocks that do not overlap, with both ranges; rows so much farther apart than
        frames that their times are of another unit; a table without times whose number of rows is
        not that of frames.
    """
    frame_times = np.asarray(frame_times, float)
    held = np.isfinite(table.world_from_body).all((1, 2))
    if table.times is None:
        if len(table) != len(frame_times):
            raise UserError(
                f"{table.path}: {len(table)} poses for {len(frame_times)} frames; expected one "
                "per frame, or a column of times"
            )
        _tell(table, {"whose row holds no pose": ~held}, report)
        return table.world_from_body.copy(), held
    times, poses = table.times[held], table.world_from_body[held]
    _refuse_apart(table, times, frame_times)
    _doubt_unit(table, times, frame_times, report)
    faults = untold(times, frame_times)
    empty = np.isin(frame_times, table.times[~held])
    valid = ~np.any([empty, *faults.values()], 0)
    _tell(table, {"whose row holds no pose": empty, **faults}, report)
    if len(table) == len(frame_times) and not valid[[0, -1]].all():
        report(f"{table.path}: as many poses as frames; --lag start lets both begin together")
    placed = np.full((len(frame_times), 4, 4), np.nan)
    placed[valid] = geometry.interpolate(times, poses, frame_times[valid])
    return placed, valid


def untold(times: np.ndarray, frame_times: np.ndarray) -> dict[str, np.ndarray]:
    """Return in words why frames (N,) lie where the rows' times (M,) tell no pose."""
    intervals = np.diff(times)
    usual = float(np.median(intervals)) if len(intervals) else 0.0
    longest = max(LONGEST_GAP * usual, LEAST_GAP_S)
    edge = EDGE * usual
    outside = (frame_times < times[0] - edge) | (frame_times > times[-1] + edge)
    after = np.searchsorted(times, frame_times)
    padded = np.concatenate([[0.0], intervals, [0.0]])  # before, between and after the rows
    between = ~np.isin(frame_times, times) & (padded[after] > longest)
    return {
        f"outside its times ({_range(times)})": outside,
        f"in gaps longer than {longest:.3g} s": between,
    }


def _refuse_apart(table: PoseTable, times: np.ndarray, frame_times: np.ndarray) -> None:
    if len(times) and times[0] <= frame_times.max() and frame_times.min() <= times[-1]:
        return
    raise UserError(
        f"{table.path}: poses at {_range(times)}, frames at {_range(frame_times)}: their clocks do "
        "not overlap; give the difference by --lag SECONDS, or --lag start if both begin together"
    )


def _doubt_unit(
    table: PoseTable, times: np.ndarray, frame_times: np.ndarray, report: Report
) -> None:
    """Tell of rows much farther apart than frames, as of times in ms that are taken for s."""
    if len(times) < 2 or len(frame_times) < 2:
        return
    row, frame = (float(np.median(np.diff(np.sort(each)))) for each in (times, frame_times))
    told = (
        f"{table.path}: rows every {row:.3g} s, frames every {frame:.3g} s: are the times in ms? "
        "A column named time_ms says so"
    )
    if row > TOO_SPARSE * frame:
        raise UserError(told)
    if row > SPARSE * frame:
        report(told)


def _range(times: np.ndarray) -> str:
    return f"{times.min():.10g} to {times.max():.10g} s" if len(times) else "no time"


def _tell(table: PoseTable, reasons: dict[str, np.ndarray], report: Report) -> None:
    for reason, frames in reasons.items():
        if frames.any():
            report(f"{table.path}: {frames.sum()} of {len(frames)} frames {reason}: no pose")
