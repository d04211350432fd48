"""Tracks: a tracker is handed what it reads and no more."""

import numpy as np
import pytest

from benchmark.checker import check_tracker, example_observation
from benchmark.errors import UserError
from benchmark.sweep import Observation, Prediction
from benchmark.tracker import Tracker
from benchmark.tracks import TRACKS, track_of
from tests.benchmark.shared.folders import make_sweep
from tests.benchmark.shared.sensed import Gyroscope, sensed_sweep


class Peeks(Tracker):
    """Reads what no track has."""

    name = "peeks"
    reads = ("bmode", "poses")

    def track(self, observation: Observation) -> Prediction:
        return Prediction(np.tile(np.eye(4), (len(observation), 1, 1)))


def test_what_is_read_decides_the_track():
    assert track_of(("bmode",)) == "image" and track_of(["imu", "bmode"]) == "image+imu"
    assert track_of({"pa", "bmode"}) == "bmode+pa"
    for wrong in ((), ("imu",), ("bmode", "poses"), ("bmode", "imu", "pa")):
        with pytest.raises(UserError, match=r"no track has .* \(tracks: image \(bmode\)"):
            track_of(wrong)


@pytest.mark.parametrize("track", TRACKS)
def test_an_observation_holds_what_the_track_allows_and_no_more(track):
    reads = TRACKS[track]
    seen = sensed_sweep("a", "b").observe(tuple(reads))
    assert set(seen.channels) == reads - {"imu"}
    assert (seen.imu is not None) == ("imu" in reads)
    if seen.imu:
        assert set(seen.imu) == {"timestamps", "acceleration", "angular_rate"}
    example = example_observation(6, reads=tuple(reads))
    assert set(example.channels) == set(seen.channels)
    assert set(example.imu or ()) == set(seen.imu or ())


def test_a_sweep_that_lacks_what_is_read_is_named():
    for reads in (("bmode", "imu"), ("bmode", "pa")):
        with pytest.raises(UserError, match=f"sweep 'x' has no '{reads[1]}', which the tracker"):
            make_sweep("x", "p").observe(reads)


def test_the_checker_gives_a_tracker_what_it_reads_and_refuses_what_no_track_has():
    check_tracker(Gyroscope())
    with pytest.raises(UserError, match="'peeks': reads: no track has bmode, poses"):
        check_tracker(Peeks())
