"""The columns that a reader sees first, by protocol."""

from benchmark.leaderboard.columns import main_columns, unit
from benchmark.scoring.protocol import find_protocol


def test_sweepbench_v1_shows_final_drift_first():
    protocol = find_protocol("sweepbench-v1")
    assert main_columns(protocol.headline, protocol.metrics) == [
        "fdr_path_centre", "adr_path_centre", "gpe", "lpe", "rotation_geodesic",
        "motion_correlation",
    ]  # fmt: skip


def test_sweepbench_v2_shows_segment_drift_then_final_drift():
    protocol = find_protocol("sweepbench-v2")
    assert main_columns(protocol.headline, protocol.metrics) == [
        "segment_drift", "fdr_path_centre", "adr_path_centre", "gpe", "lpe", "segment_rotation",
        "rotation_geodesic", "motion_correlation",
    ]  # fmt: skip
    assert unit("segment_rotation") == "°/100 mm" and unit("rotation_geodesic") == "°"
