"""Protocols never change once published."""

import dataclasses

import pytest

from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.scoring.protocol import PROTOCOLS, find_protocol

#: A published hash stays. Other rules: another name.
PUBLISHED = {
    "sweepbench-v1": "68374dde4fcf9ef510a47897d8fe474e291253582d492c89546a3403781f9962",
    "sweepbench-v2": "d9a0935ea278351298c6e5b347aec69d30f4aea955a4c92cf15b9c050a82f5e5",
    "tusrec2024": "79c11649ffbb45e4a64bc07574b1c1aa2f4d06d018f5f93577e67570b8300e38",
    "tusrec2025": "ed260a6353f72640ec18db634aef9d25054b645f67df63e10af2bf60891d7a07",
    "moglo2025": "35eeb036549878e42b3687acc0e5cdf733d182cec6b1c8c80665153d4c5e1675",
}


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_a_protocol_is_the_published_one(name):
    assert find_protocol(name).hash == PUBLISHED[name]


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_a_protocol_names_metrics_that_exist_once_and_its_headline_among_them(name):
    protocol = PROTOCOLS[name]
    assert set(protocol.metrics) <= set(METRICS)
    assert len(set(protocol.metrics)) == len(protocol.metrics)
    assert protocol.headline in protocol.metrics
    assert dict(protocol.anchors) == {"ground truth": 1.0, "identity": 0.0}


def test_sweepbench_v2_has_every_metric_and_segment_drift_as_headline():
    protocol = find_protocol("sweepbench-v2")
    assert set(protocol.metrics) == set(METRICS)
    assert protocol.headline == protocol.metrics[0] == "segment_drift"
    assert protocol.tracks == find_protocol("sweepbench-v1").tracks


def test_sweepbench_v1_has_all_but_the_errors_over_segments_and_drift_over_path_as_headline():
    protocol = find_protocol("sweepbench-v1")
    added = {name for name in METRICS if name.startswith("segment_")}
    assert set(protocol.metrics) == set(METRICS) - added
    assert protocol.headline == "fdr_path_centre"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"metrics": ("gpe",)},
        {"headline": "gpe"},
        {"tracks": ("image+imu",)},
        {"anchors": {"ground truth": 1.0, "identity": 0.5}},
        {"incomplete": "ranked"},
        {"table_scores": ("x",)},
    ],
)
def test_any_other_rule_has_another_hash(change):
    protocol = find_protocol("sweepbench-v1")
    assert dataclasses.replace(protocol, **change).hash != protocol.hash
    assert dataclasses.replace(protocol).hash == protocol.hash


def test_a_protocol_is_frozen():
    protocol = find_protocol("tusrec2025")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.headline = "gpe"
    with pytest.raises(TypeError):
        protocol.anchors["identity"] = 1.0
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = protocol


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'sweepbench-v1'"):
        find_protocol("sweepbench-1")
