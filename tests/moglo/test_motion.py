"""MoGLo's axes and angles against SciPy and against simple motions."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from benchmark import geometry
from moglo import motion

# Rows: MoGLo's axial, lateral and elevational axis in our image frame.
MOGLO_FROM_IMAGE = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])


def random_steps(count=50, angle=0.6, seed=0):
    rng = np.random.default_rng(seed)
    return geometry.exp(np.concatenate([rng.normal(size=(count, 3)), rng.normal(
        size=(count, 3)) * angle], -1))  # fmt: skip


def test_angles_are_scipys_intrinsic_yzx():
    rotations = Rotation.random(200, random_state=1)
    found = motion.euler_yzx_intrinsic(rotations.as_matrix())
    np.testing.assert_allclose(found, rotations.as_euler("YZX"), atol=1e-9)


def test_rotation_of_angles_is_scipys_intrinsic_yzx_and_not_its_extrinsic():
    angles = np.random.default_rng(2).uniform(-1.5, 1.5, (100, 3))
    found = motion.rotation_from_euler_yzx_intrinsic(angles)
    np.testing.assert_allclose(found, Rotation.from_euler("YZX", angles).as_matrix(), atol=1e-12)
    assert np.abs(found - Rotation.from_euler("yzx", angles).as_matrix()).max() > 0.1


def test_axes_are_right_handed_and_those_of_the_named_matrix():
    assert np.linalg.det(MOGLO_FROM_IMAGE) == pytest.approx(1)
    steps = random_steps()
    six = motion.six_from_step(steps, np.zeros(3))
    np.testing.assert_allclose(six[:, :3], steps[:, :3, 3] @ MOGLO_FROM_IMAGE.T, atol=1e-12)
    rotations = MOGLO_FROM_IMAGE @ steps[:, :3, :3] @ MOGLO_FROM_IMAGE.T
    degrees = Rotation.from_matrix(rotations).as_euler("YZX", degrees=True)
    np.testing.assert_allclose(six[:, 3:], degrees, atol=1e-9)


@pytest.mark.parametrize(
    ("twist", "expected"),
    [
        ([0.3, 0, 0, 0, 0, 0], [0, 0.3, 0, 0, 0, 0]),  # lateral
        ([0, 0.3, 0, 0, 0, 0], [0.3, 0, 0, 0, 0, 0]),  # deeper
        ([0, 0, 0.3, 0, 0, 0], [0, 0, -0.3, 0, 0, 0]),  # elevational
        ([0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0]),  # about the lateral axis, MoGLo's y
        ([0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]),  # about the axial axis, MoGLo's x
        ([0, 0, 0, 0, 0, 1], [0, 0, 0, 0, -1, 0]),  # in the image plane, MoGLo's z
    ],
)
def test_single_motions_fall_on_single_numbers(twist, expected):
    twist = np.array(twist, float)
    twist[3:] = np.deg2rad(twist[3:])
    six = motion.six_from_step(geometry.exp(twist), np.zeros(3))
    np.testing.assert_allclose(six, expected, atol=1e-12)


def test_a_rotation_about_the_image_centre_has_no_translation():
    mm_from_pixel = np.diag([0.2, 0.1, 1.0, 1.0])
    mm_from_pixel[:2, 3] = -9.5, 4.0
    centre = geometry.image_centre(mm_from_pixel, (101, 96))
    np.testing.assert_allclose(centre, [0.0, 9.0, 0.0])
    turned = geometry.about(-centre, geometry.exp(np.array([0, 0, 0, 0.02, 0.05, -0.03])))
    six = motion.six_from_step(turned, centre)
    np.testing.assert_allclose(six[:3], 0, atol=1e-12)
    assert np.abs(turned[:3, 3]).max() > 0.1


def test_steps_come_back_and_their_chain_is_the_absolute_pose():
    poses = np.concatenate([np.eye(4)[None], geometry.exp(
        np.random.default_rng(3).normal(size=(30, 6)))])  # fmt: skip
    centre = np.array([0.4, 17.0, 0.0])
    six = motion.six_from_step(geometry.relative(poses), centre)
    steps = motion.step_from_six(six, centre)
    np.testing.assert_allclose(geometry.chain(steps), poses, atol=1e-9)


def test_torch_gives_the_same_numbers_and_gradients():
    steps, centre = random_steps(4), np.array([0.4, 17.0, 0.0])
    six = motion.six_from_step(steps, centre)
    found = motion.six_from_step(torch.from_numpy(steps), torch.from_numpy(centre))
    np.testing.assert_allclose(found.numpy(), six, atol=1e-12)
    values = torch.from_numpy(six).requires_grad_()
    origin = torch.from_numpy(centre)
    assert torch.autograd.gradcheck(lambda v: motion.step_from_six(v, origin), values)
    there_and_back = lambda v: motion.six_from_step(motion.step_from_six(v, origin), origin)  # noqa: E731
    jacobian = torch.autograd.functional.jacobian(lambda v: there_and_back(v).sum(0), values)
    expected = torch.eye(6, dtype=torch.double)[:, None].expand(6, 4, 6)
    torch.testing.assert_close(jacobian, expected, atol=1e-9, rtol=0)


def test_gradient_at_rest_is_finite():
    six = torch.zeros(2, 6, requires_grad=True)
    step = motion.step_from_six(six, torch.tensor([0.0, 20.0, 0.0]))
    motion.six_from_step(step, torch.zeros(3)).sum().backward()
    assert torch.isfinite(six.grad).all()


def test_label_scale_is_the_98th_percentile_with_a_floor():
    six = np.zeros((101, 6))
    six[:, 0] = -np.arange(101)
    np.testing.assert_allclose(motion.label_scale(six), [98, *[1e-3] * 5])
