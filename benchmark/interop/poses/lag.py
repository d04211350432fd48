"""The lag between the clocks of poses and frames."""

from typing import Literal

from benchmark.errors import Report
from benchmark.interop.poses.table import PoseTable
from benchmark.sweep import Images

Lag = float | Literal["start"] | None


def lag_s(images: Images, table: PoseTable, lag: Lag, report: Report) -> float:
    """Return the lag in seconds: the pose at time t + lag belongs to the frame of time t."""
    if lag is None or table.times is None:
        return 0.0
    if lag == "start":
        return float(table.times[0] - images.timestamps[0])
    return float(lag)
