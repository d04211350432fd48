"""Contact of face and skin: losses that come and go, and faces that hang off at their ends."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.contact import (
    LINES,
    Loss,
    hanging_mm,
    loss_db,
    sample_losses,
    touching,
)
from simulate.bmode.render import beam_for, render_iq
from simulate.bmode.settings import ContactSettings
from simulate.probe.models import PROBES
from tests.simulate.speckle import QUIET, WINDOW, Uniform, pose

CONVEX = PROBES["curvilinear-6MHz"]
LINEAR = dataclasses.replace(WINDOW, width_mm=30.0)


def plane(points):
    """Depth below a flat skin at y = 0."""
    return points[:, 1]


def limb(points):
    """Depth below a round limb of radius 40 mm along z, whose top is at y = 0, along y."""
    return points[:, 1] - 40.0 + np.sqrt(40.0**2 - np.minimum(np.abs(points[:, 0]), 39.9) ** 2)


def test_a_convex_face_hangs_off_a_flat_skin_as_its_arc_does():
    half = 0.5 * CONVEX.aperture_mm / CONVEX.radius_mm
    angle = np.linspace(-half, half, LINES)
    poses = np.stack([pose(), pose(translation=(3.0, -2.0, 5.0))])
    found = hanging_mm(CONVEX, poses, plane)
    expected = CONVEX.radius_mm * (1.0 - np.cos(angle)) / np.cos(angle)
    np.testing.assert_allclose(found[0], expected, atol=1e-9)
    np.testing.assert_allclose(found[1], expected + 2.0 / np.cos(angle), atol=1e-9)
    assert 8.0 < found[0, 0] < 10.0


def test_a_linear_face_hangs_off_a_round_limb_and_off_a_skin_it_is_tilted_to():
    across = np.linspace(-15.0, 15.0, LINES)
    found = hanging_mm(LINEAR, pose()[None], limb)[0]
    np.testing.assert_allclose(found, 40.0 - np.sqrt(40.0**2 - across**2), atol=1e-9)
    rolled = hanging_mm(LINEAR, pose((0.0, 0.0, 0.1))[None], plane)[0]
    np.testing.assert_allclose(rolled, -across * np.tan(0.1), atol=1e-9)
    pressed = hanging_mm(LINEAR, pose((0.0, 0.0, 0.1), (0.0, 3.0, 0.0))[None], limb)[0]
    start = np.stack([across * np.cos(0.1), across * np.sin(0.1) + 3.0, 0.0 * across], axis=1)
    along = np.array([-np.sin(0.1), np.cos(0.1), 0.0])
    assert np.abs(limb(start + pressed[:, None] * along)).max() < 2e-4


def test_lines_touch_as_far_as_the_skin_gives_way():
    hanging = hanging_mm(LINEAR, np.stack([pose(), pose(translation=(0, -1.0, 0))]), limb)
    contact = touching(hanging, 1.5)
    np.testing.assert_allclose(contact[0], contact[1], atol=1e-12)  # gel between changes nothing
    np.testing.assert_allclose(contact, contact[:, ::-1], atol=1e-9)
    across = np.linspace(-15.0, 15.0, LINES)
    reach = np.sqrt(40.0**2 - (40.0 - 1.5) ** 2)  # where the face hangs off by 1.5 mm
    half_way = np.interp(0.5, contact[0, LINES // 2 :][::-1], across[LINES // 2 :][::-1])
    assert half_way == pytest.approx(reach, abs=0.3)
    assert contact[0, 0] < 1e-12 and contact[0, LINES // 2] > 1.0 - 1e-12
    assert (touching(hanging, 50.0) == 1.0).all()
    assert np.abs(np.diff(contact[0])).max() < 0.15


def test_lines_without_contact_hear_noise_and_ringing_alone():
    settings = dataclasses.replace(QUIET, noise_db=-20.0, ring_down_db=0.0, ring_down_mm=20.0)
    contact = np.repeat([0.0, 1.0], 8)[None]
    found = render_iq(Uniform(), WINDOW, settings, pose()[None], seed=3, contact=contact)[0]
    whole = render_iq(Uniform(), WINDOW, settings, pose()[None], seed=3)[0]
    echoes = render_iq(Uniform(), WINDOW, QUIET, pose()[None])[0]
    lateral = beam_for(Uniform(), WINDOW, settings).grid.lateral
    off, on = lateral < -4.0, lateral > 4.0
    error = np.linalg.norm((whole - found - echoes)[:, off])
    assert error <= 1e-3 * np.linalg.norm(echoes[:, off])
    assert np.linalg.norm((found - whole)[:, on]) <= 1e-5 * np.linalg.norm(whole[:, on])


def test_lost_contact_weakens_its_lines_for_its_time():
    losses = (Loss(time_s=2.0, seconds=1.0, place=0.25, share=0.3),)
    times = np.arange(0.0, 4.0, 0.05)
    lost = loss_db(losses, 30.0, times, 200)
    assert lost[40, 50] == pytest.approx(30.0) and lost[0].max() == 0.0
    assert lost[40, 110:].max() == 0.0
    assert ((lost[:, 50] > 15.0).sum() * 0.05) == pytest.approx(1.0, abs=0.11)
    assert ((lost[40] > 15.0).mean()) == pytest.approx(0.3, abs=0.02)
    drawn = sample_losses(np.random.default_rng(0), ContactSettings(3), 6.0)
    assert len(drawn) == 3 and all(2.0 * n <= loss.time_s <= 2.0 * n + 2.0 for n, loss in
                                   enumerate(drawn))  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("losses", -1), ("share", 1.5), ("indent_mm", -0.5), ("indent_mm", float("inf"))],
)
def test_impossible_contact_is_refused(field, value):
    with pytest.raises(UserError, match=rf"contact\.{field}: expected .*, got"):
        ContactSettings(**{field: value})
