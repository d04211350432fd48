"""SE(3) against SciPy and RoMa, and its group laws, for NumPy and torch alike."""

import numpy as np
import pytest
import roma
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation, Slerp

from benchmark import geometry

number = st.floats(-3, 3, allow_subnormal=False)
vectors = hnp.arrays(float, (3,), elements=number)
twists = hnp.arrays(float, (6,), elements=number)
#: Rotation vectors from nothing to just below a half turn, where digits get lost.
SIZES = [0.0, 1e-300, 1e-12, 1e-7, 1e-4, 0.1, 0.299999, 0.3, 0.300001, 1.0, 2.5, 3.14, np.pi - 1e-9]


def direction(seed):
    vector = np.random.default_rng(seed).normal(size=3)
    return vector / np.linalg.norm(vector)


def random_poses(seed, *shape):
    return geometry.exp(np.random.default_rng(seed).normal(size=(*shape, 6)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_rotations_equal_scipy_and_roma_at_every_angle(size, seed):
    vector = size * direction(seed)
    matrix = geometry.rotation_from_vector(vector)
    assert np.allclose(matrix, Rotation.from_rotvec(vector).as_matrix(), atol=1e-14)
    tensor = torch.from_numpy(vector)
    assert np.allclose(matrix, roma.rotvec_to_rotmat(tensor).numpy(), atol=1e-9)
    assert np.allclose(geometry.rotation_from_vector(tensor).numpy(), matrix, atol=1e-15)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_the_rotation_vector_comes_back_with_its_digits(size, seed):
    vector = size * direction(seed)
    matrix = Rotation.from_rotvec(vector).as_matrix()
    back = geometry.vector_from_rotation(matrix)
    assert np.allclose(back, vector, rtol=1e-7, atol=1e-15)
    assert np.allclose(geometry.vector_from_rotation(torch.from_numpy(matrix)), back, atol=1e-15)


@pytest.mark.parametrize("axis", [*np.eye(3), direction(0), -np.eye(3)[1]])
def test_a_half_turn_is_found_up_to_its_sense(axis):
    matrix = 2 * np.outer(axis, axis) - np.eye(3)
    back = geometry.vector_from_rotation(matrix)
    assert np.linalg.norm(back) == pytest.approx(np.pi, abs=1e-12)
    assert abs(back @ axis) == pytest.approx(np.pi, abs=1e-7)


@given(twists)
@settings(max_examples=150, deadline=None)
def test_the_exponential_is_that_of_the_matrix(twist):
    generator = np.zeros((4, 4))
    generator[:3, :3] = geometry.skew(twist[3:])
    generator[:3, 3] = twist[:3]
    assert np.allclose(geometry.exp(twist), scipy.linalg.expm(generator), atol=1e-12)


@given(twists)
@settings(max_examples=150, deadline=None)
def test_logarithm_undoes_the_exponential(twist):
    if np.linalg.norm(twist[3:]) > np.pi - 1e-3:
        twist[3:] *= (np.pi - 1e-3) / np.linalg.norm(twist[3:])
    assert np.allclose(geometry.log(geometry.exp(twist)), twist, atol=1e-9)


@pytest.mark.parametrize("size", SIZES[:-1])
def test_exponential_and_logarithm_are_smooth_through_the_series_limit(size):
    twist = np.concatenate([[1.0, -2.0, 0.5], size * direction(1)])
    assert np.allclose(geometry.log(geometry.exp(twist)), twist, atol=1e-10)


@given(twists, twists, vectors)
@settings(max_examples=100, deadline=None)
def test_group_laws(one, other, point):
    a, b = geometry.exp(one), geometry.exp(other)
    assert np.allclose(geometry.inverse(a), np.linalg.inv(a), atol=1e-12)
    assert np.allclose(a @ geometry.inverse(a), np.eye(4), atol=1e-12)
    assert geometry.se3_fault(a @ b) is None
    there = geometry.apply(a @ b, point[None])[0]
    assert np.allclose(there, (a @ b @ np.append(point, 1))[:3], atol=1e-12)
    assert np.allclose(there, geometry.apply(a, geometry.apply(b, point[None]))[0], atol=1e-11)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64, 100])
def test_a_chain_is_the_product_of_its_steps_and_gives_them_back(count):
    steps = random_poses(count, count)
    poses = [np.eye(4)]
    for step in steps:
        poses.append(poses[-1] @ step)
    found = geometry.chain(steps)
    assert found.shape == (count + 1, 4, 4) and np.allclose(found, poses, atol=1e-9)
    assert np.allclose(geometry.relative(found), steps, atol=1e-9)
    tensor = geometry.chain(torch.from_numpy(steps))
    assert isinstance(tensor, torch.Tensor) and np.allclose(tensor.numpy(), found, atol=1e-12)


def test_a_batch_of_chains_is_chained_one_by_one():
    steps = random_poses(3, 2, 5)
    assert np.allclose(geometry.chain(steps)[1], geometry.chain(steps[1]))


def test_anchoring_forgets_the_world_and_keeps_the_steps():
    poses = random_poses(4, 6)
    world = random_poses(5)
    anchored = geometry.anchor(poses)
    assert np.allclose(anchored[0], np.eye(4), atol=1e-12)
    assert np.allclose(geometry.anchor(world @ poses), anchored, atol=1e-12)
    assert np.allclose(geometry.relative(anchored), geometry.relative(poses), atol=1e-12)


@given(twists, vectors)
@settings(max_examples=60, deadline=None)
def test_about_moves_the_origin_only(twist, centre):
    pose = geometry.exp(twist)
    moved = geometry.about(centre, pose)
    shift = np.eye(4)
    shift[:3, 3] = centre
    assert np.allclose(moved, np.linalg.inv(shift) @ pose @ shift, atol=1e-12)
    assert np.allclose(geometry.about(-centre, moved), pose, atol=1e-12)


@given(twists)
@settings(max_examples=60, deadline=None)
def test_degrees_of_freedom_come_back(values):
    values[3:] *= 0.5
    pose = geometry.from_degrees_of_freedom(values)
    assert np.allclose(pose[:3, 3], values[:3])
    assert np.allclose(geometry.degrees_of_freedom(pose), values, atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_the_angle_equals_scipy(size):
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(size * direction(2)).as_matrix()
    assert geometry.rotation_angle(pose) == pytest.approx(size, rel=1e-7, abs=1e-15)


def test_interpolated_rotations_equal_scipy_and_points_move_on_screws():
    times, poses = np.array([0.0, 0.4, 1.0, 1.7]), random_poses(6, 4)
    query = np.array([0.0, 0.1, 0.4, 0.55, 1.0, 1.69, 1.7])
    found = geometry.interpolate(times, poses, query)
    slerp = Slerp(times, Rotation.from_matrix(poses[:, :3, :3]))
    assert np.allclose(found[:, :3, :3], slerp(query).as_matrix(), atol=1e-9)
    assert np.allclose(found[[0, 2, 4, 6]], poses, atol=1e-9)
    half = geometry.interpolate(times, poses, np.array([0.2]))[0]
    step = geometry.inverse(poses[0]) @ half
    assert np.allclose(poses[0] @ step @ step, poses[1], atol=1e-9)


def test_interpolation_does_not_depend_on_the_origin_of_either_frame():
    times, poses = np.arange(5.0), random_poses(7, 5)
    left, right = random_poses(8), random_poses(9)
    query = np.linspace(0, 4, 13)
    found = geometry.interpolate(times, left @ poses @ right, query)
    expected = left @ geometry.interpolate(times, poses, query) @ right
    assert np.allclose(found, expected, atol=1e-9)


def test_interpolation_goes_on_outside_and_holds_a_single_pose():
    step = geometry.exp(np.array([1.0, 0, 0, 0, 0, 0.1]))
    poses = geometry.chain(np.tile(step, (3, 1, 1)))
    found = geometry.interpolate(np.arange(4.0), poses, np.array([-1.0, 5.0]))
    assert np.allclose(found[0] @ step, poses[0], atol=1e-12)
    assert np.allclose(found[1], poses[3] @ step @ step, atol=1e-12)
    assert np.allclose(geometry.interpolate(np.zeros(1), poses[:1], np.arange(3.0)), poses[0])


@pytest.mark.parametrize("function", ["exp", "log"])
@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-3, 0.299, 0.301, 2.0])
def test_gradients_are_right_everywhere_and_finite_at_zero(function, size):
    vector = torch.from_numpy(np.concatenate([[0.3, -0.2, 1.0], size * direction(3)]))
    vector.requires_grad_()
    there = geometry.exp if function == "exp" else lambda t: geometry.log(geometry.exp(t))
    assert torch.autograd.gradcheck(there, (vector,), atol=1e-6)


def test_single_precision_stays_single():
    steps = torch.from_numpy(random_poses(10, 3)).float()
    for found in (geometry.chain(steps), geometry.inverse(steps), geometry.log(steps)):
        assert found.dtype == torch.float32
    assert geometry.exp(np.zeros(6, np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:, :3], "expected shape"),
        (lambda p: p[0, 0], "expected shape"),
        (lambda p: p * np.nan, "NaN"),
        (lambda p: p + np.inf, "NaN or infinite"),
        (lambda p: p * 1.001, "not orthonormal"),
        (lambda p: p @ np.diag([1, 1, -1, 1.0]), "reflection"),
        (lambda p: p + np.array([[0.0] * 4] * 3 + [[0, 0.1, 0, 0]]), "last row"),
    ],
)
def test_each_fault_of_a_pose_is_named(change, message):
    poses = random_poses(11, 4)
    assert geometry.se3_fault(poses) is None
    assert message in geometry.se3_fault(change(poses))
