"""What a user says of the poses of a recording: where they are, whose, in which unit and clock."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.interop.poses.lag import Lag
from benchmark.interop.poses.table import Whose
from benchmark.interop.poses.trajectory import Unit


@dataclass(frozen=True)
class PoseReading:
    """How the poses of a recording are read."""

    poses: Path | None = None
    """Take poses of this file instead: a table (.csv, .tum, .kitti, .txt), a prediction (.h5)."""
    poses_of: Whose | None = None
    """Whose poses the table holds; those of the probe need a calibration. By default the image's;
    to be said where --calibration is given."""
    poses_unit: Unit | None = None
    """Length unit of the table, where its columns do not name it; .tum and .kitti: m."""
    poses_euler: str | None = None
    """Order of a table's angles about the axes, such as zyx_intrinsic or xyz_extrinsic."""
    lag: Lag = None
    """Seconds by which the poses' times are later than those of the frames they belong to; start:
    frames and poses begin together; auto: found from the motion seen in the images."""
    drop_outliers: bool = False
    """Leave out frames whose poses lie apart from their neighbours'."""
