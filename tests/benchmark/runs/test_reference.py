"""Reference rows: exact on a screw, one plane kept, a card for each."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.runs.reference import (
    constant_motion_oracle,
    reference_card,
    reference_names,
    reference_prediction,
    true_in_plane,
    true_out_of_plane,
)
from benchmark.sweep import Channel, Sweep


def sweep_of(steps: np.ndarray) -> Sweep:
    """A sweep that starts anywhere in the world; its image centre is at (1, 7, 0) mm."""
    start = geometry.exp(np.array([3.0, -2.0, 5.0, 0.4, -1.1, 0.3]))
    poses = start @ geometry.chain(steps)
    mm_from_pixel = np.diag([0.5, 0.25, 1.0, 1.0])
    mm_from_pixel[:2, 3] = [-2.0, 5.5]
    frames = np.zeros((len(poses), 13, 13), np.uint8)
    times = np.arange(len(poses)) / 20
    channel = Channel(frames, times, mm_from_pixel, world_from_image=poses)
    return Sweep("made", {"bmode": channel})


CENTRE = np.array([1.0, 7.0, 0.0])


def random_steps(count: int = 20) -> np.ndarray:
    rng = np.random.default_rng(3)
    return geometry.exp(rng.normal(size=(count, 6)) * [0.3, 0.1, 0.3, 0.01, 0.02, 0.01])


def test_constant_motion_is_exact_on_a_screw():
    twist = np.array([0.1, -0.05, 0.3, 0.01, -0.02, 0.005])
    sweep = sweep_of(np.tile(geometry.exp(twist), (30, 1, 1)))
    predicted = constant_motion_oracle(sweep)
    assert np.abs(predicted.first_from_frame - sweep.first_from_frame).max() < 1e-9


def test_constant_motion_has_the_mean_speed_and_nothing_of_its_change():
    steps = np.tile(np.eye(4), (10, 1, 1))
    steps[:, 2, 3] = np.linspace(0.1, 0.5, 10)
    predicted = constant_motion_oracle(sweep_of(steps))
    assert np.allclose(predicted.prev_from_frame[:, 2, 3], 0.3)
    assert np.allclose(predicted.first_from_frame[-1, 2, 3], 3.0)


def test_constant_motion_does_not_depend_on_the_image_origin():
    steps = random_steps()
    here = constant_motion_oracle(sweep_of(steps)).prev_from_frame
    there = constant_motion_oracle(sweep_of(geometry.about(CENTRE, steps))).prev_from_frame
    assert np.abs(geometry.about(CENTRE, here) - there).max() < 1e-9


def test_in_plane_keeps_the_plane_and_out_of_plane_the_rest():
    steps = random_steps()
    sweep = sweep_of(steps)
    true = geometry.degrees_of_freedom(geometry.about(CENTRE, steps))
    for row, kept in ((true_in_plane, [0, 1, 5]), (true_out_of_plane, [2, 3, 4])):
        steps_kept = geometry.about(CENTRE, row(sweep).prev_from_frame)
        motion = geometry.degrees_of_freedom(steps_kept)
        lost = [i for i in range(6) if i not in kept]
        assert np.abs(motion[:, kept] - true[:, kept]).max() < 1e-9
        assert np.abs(motion[:, lost]).max() < 1e-12


def test_in_plane_stays_in_the_first_image():
    corner = np.array([[5.0, 9.0, 0.0]])
    predicted = true_in_plane(sweep_of(random_steps())).first_from_frame
    assert np.abs(geometry.apply(predicted, corner)[..., 2]).max() < 1e-12


def test_purely_elevational_sweep_is_all_out_of_plane():
    steps = np.tile(np.eye(4), (8, 1, 1))
    steps[:, 2, 3] = 0.25
    sweep = sweep_of(steps)
    assert np.allclose(true_out_of_plane(sweep).first_from_frame, sweep.first_from_frame)
    assert np.allclose(true_in_plane(sweep).first_from_frame, np.eye(4))


@pytest.mark.parametrize("name", reference_names())
def test_every_row_answers_a_single_frame(name):
    sweep = sweep_of(np.zeros((0, 4, 4)))
    assert np.array_equal(reference_prediction(name, sweep).first_from_frame, np.eye(4)[None])


def test_unknown_row_suggests_the_nearest():
    with pytest.raises(UserError, match="did you mean 'constant-motion-oracle'"):
        reference_prediction("constant-motion-oracel", sweep_of(random_steps()))


def test_every_row_has_a_card():
    names = reference_names()
    assert len(names) > 1 and all(len(reference_card(name)) > 80 for name in names)
