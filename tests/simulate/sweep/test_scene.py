"""A drawn scene holds all that is random: rendering it again gives the same bytes."""

from dataclasses import replace

import numpy as np
import pytest

from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import compose_sweep, render_sweep
from simulate.sweep.scene import STREAMS, draw_scene, sweep_stream

TINY = load_spec("tiny-v2")
# Every channel, and something drawn from every stream.
FULL = replace(
    TINY,
    acquisition=replace(TINY.acquisition, frame_jitter_s=0.005, gain_change_db=2.0),
    tissue=replace(TINY.tissue, motion=replace(TINY.tissue.motion, pulse_mm=(0.2, 0.3))),
    photoacoustic=replace(TINY.photoacoustic, noise_pa=5.0),
    showcase=replace(TINY.showcase, doppler=True),
    contact=replace(TINY.contact, losses=1),
    pose_sensor=replace(TINY.pose_sensor, kind="optical"),
    imu=replace(TINY.imu, rate_hz=100.0),
)
SHOWCASE = 3
# The order of the streams in data of GENERATOR_VERSION 1.
ORDER = (
    "hand", "clock", "noise", "laser", "pose_sensor", "imu", "contact", "gain", "tissue_motion",
    "doppler",
)  # fmt: skip


def contents(sweep):
    """Every array of a sweep by name, as bytes."""
    found = {f"imu/{key}": value for key, value in sweep.imu.items()}
    found["landmarks"] = sweep.landmarks
    for name, channel in sweep.channels.items():
        found[f"{name}/frames"] = channel.frames
        found[f"{name}/timestamps"] = channel.timestamps
        found[f"{name}/poses"] = channel.world_from_image
        found |= {f"{name}/{kind}": poses for kind, poses in channel.measured.items()}
    return {key: np.ascontiguousarray(value).tobytes() for key, value in found.items()}


def test_a_scene_rendered_twice_and_a_plan_composed_again_give_the_same_bytes():
    plan = plan_sweeps(FULL)[SHOWCASE]
    assert plan.showcase
    scene = draw_scene(FULL, plan)
    first = render_sweep(FULL, scene)
    assert set(first.channels) == {"bmode", "pa", "doppler", "doppler-velocity"}
    assert all(np.any(channel.frames) for channel in first.channels.values())
    expected = contents(first)
    for again in (render_sweep(FULL, scene), compose_sweep(FULL, plan)):
        found = contents(again)
        assert found.keys() == expected.keys()
        assert [key for key in found if found[key] != expected[key]] == []
        assert again.factors == first.factors


@pytest.mark.parametrize("name", STREAMS)
def test_asking_one_stream_leaves_the_others_alone(name):
    """Each stream starts from its beginning, whatever has been drawn from it or another."""
    scene = draw_scene(FULL, plan_sweeps(FULL)[SHOWCASE])
    before = {other: scene.seed(other) for other in STREAMS}
    scene.stream(name).random(1000)
    assert {other: scene.seed(other) for other in STREAMS} == before
    assert len(set(before.values())) == len(STREAMS)


def test_named_streams_are_the_spawned_children_of_a_sweep_in_order():
    """The order is part of the bytes of every sweep."""
    assert STREAMS == ORDER
    for plan in plan_sweeps(load_spec("stress-v2"))[:4]:
        children = np.random.SeedSequence(7, spawn_key=(plan.drawn_as,)).spawn(10)
        for name, child in zip(ORDER, children, strict=True):
            expected = np.random.default_rng(child).integers(2**63, size=5)
            np.testing.assert_array_equal(
                sweep_stream(7, plan, name).integers(2**63, size=5), expected
            )
