"""Protocols never change once published."""

import dataclasses

import pytest

from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.protocol import PROTOCOLS, find_protocol

#: A published hash stays. Other rules: another name.
PUBLISHED = {
    "sweepbench-v1": "45de02545beb2ef6401c6dbaddecaa7c5aa44eea36dc4d1bab8f724e68d903b6",
    "tusrec2024": "b5b147371cb2b2b9b07c1fabc3a3f396dfd9667c10fddbd2ffdf811f7698af50",
    "tusrec2025": "138d3859f841879e627eb8cb51f4b27b4c95e67ef263aa5aa5629d8a190ee828",
    "moglo2025": "4cd4e534a7703c1291368c6ab1e107b41057a271a499a1937a5c1806f5bc2097",
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


def test_sweepbench_v1_has_every_metric_and_drift_over_path_as_headline():
    protocol = find_protocol("sweepbench-v1")
    assert set(protocol.metrics) == set(METRICS)
    assert protocol.headline == "fdr_path_centre"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"metrics": ("gpe",)},
        {"headline": "gpe"},
        {"track": "image+imu"},
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
