"""A drawn scene holds all that is random: rendering it again gives the same bytes."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep import scene as scenes
from simulate.sweep.compose import compose_sweep, render_sweep
from simulate.sweep.scene import STREAMS, draw_scene, sweep_stream
from tests.simulate.derivatives import derivatives

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
GRAVITY = np.array([0.0, 9.80665, 0.0])


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


def test_a_further_stream_and_another_order_change_no_bytes(monkeypatch):
    plan = plan_sweeps(FULL)[0]
    expected = contents(compose_sweep(FULL, plan))
    monkeypatch.setattr(scenes, "STREAMS", ("further", *reversed(STREAMS)))
    assert contents(compose_sweep(FULL, plan)) == expected
    assert sweep_stream(1, plan, "further").random() not in {
        sweep_stream(1, plan, name).random() for name in STREAMS
    }


def test_a_stream_that_is_not_listed_is_none():
    with pytest.raises(KeyError, match="nois"):
        sweep_stream(1, plan_sweeps(TINY)[0], "nois")


def pressing():
    """Return a scene in which the probe sinks by a millimetre or so, as the pressure changes."""
    motion = replace(TINY.tissue.motion, strain=(0.15, 0.15), strain_change_hz=(0.5, 2.0))
    spec = replace(FULL, tissue=replace(TINY.tissue, motion=motion))
    return draw_scene(spec, plan_sweeps(spec)[SHOWCASE])


def test_the_true_probe_sinks_along_its_own_axis_by_the_formula():
    scene = pressing()
    times = np.linspace(0.0, scene.spec.acquisition.duration_s, 40)
    away = geometry.inverse(scene.unpressed_pose_at(times)) @ scene.pose_at(times)
    motion = scene.tissue_motion
    expected = motion.strain * motion.depth_mm * motion.pressure(times)
    assert np.allclose(away[:, :3, :3], np.eye(3), atol=1e-12)
    assert np.allclose(away[:, :3, 3], np.outer(expected, [0.0, 1.0, 0.0]), atol=1e-12)
    assert np.ptp(expected) > 0.2


def test_every_channel_and_sensor_has_the_sunk_pose():
    scene = pressing()
    sweep = render_sweep(scene.spec, scene)
    for channel in sweep.channels.values():
        assert np.array_equal(channel.world_from_image, scene.pose_at(channel.timestamps))
    times = sweep.imu["timestamps"]
    for number in (10, 30):  # the acceleration is that of the sunk face
        sunk, unsunk = (
            1e-3 * derivatives(pose_at, times[number], 2)[:3, 3]
            for pose_at in (scene.pose_at, scene.unpressed_pose_at)
        )
        rotation = scene.pose_at(times[number : number + 1])[0, :3, :3]
        felt = rotation @ sweep.imu["true_acceleration"][number] + GRAVITY
        assert felt == pytest.approx(sunk, abs=1e-4) and np.abs(sunk - unsunk).max() > 1e-3
