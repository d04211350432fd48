"""Tissue that moves under the laser: each frame shows a vessel where it is at that instant."""

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.photoacoustic.displaced import DisplacedTissue
from simulate.photoacoustic.render import render_photoacoustic
from simulate.tissue.motion import TissueMotion
from simulate.vessels.tree import ARTERY, VesselTree
from tests.simulate.photoacoustic.tubes import PROBE, SETTINGS, Tubes, across, frame


def tree(radius=1.5):
    points = np.array([[0.0, 10.0, -30.0], [0.0, 10.0, 30.0]])
    return VesselTree(points, np.full(2, radius), np.array([-1, 0]), np.full(2, ARTERY))


MOVING = TissueMotion(
    strain=0.12, depth_mm=12.0, breath_mm=0.8, breath_phase=1.2, pulse_mm=0.3, arteries=tree()
)


@pytest.mark.parametrize("time", [0.0, 0.31, 0.8])
def test_the_place_at_rest_is_the_inverse_of_the_displacement(time):
    pose = np.eye(4)
    pose[:3, 3] = 0.4, -0.2, 1.0
    rest = np.random.default_rng(0).uniform((-9, 0.1, -2), (9, 20, 2), (4000, 3))
    now = rest + MOVING.displacement(rest, time, pose)
    found = DisplacedTissue(Tubes([]), MOVING.displacement, time, pose).at_rest(now)
    assert np.abs(now - rest).max() > 0.5
    np.testing.assert_allclose(found, rest, atol=2e-3)


def test_chromophores_move_and_the_skin_with_them():
    vessel = Tubes([across(0.0, 10.0, 0.5)])
    shifted = DisplacedTissue(vessel, lambda points, *_: np.full_like(points, 0.8), 0.0, np.eye(4))
    points = np.array([[0.0, 10.0, 0.0], [0.8, 10.8, 0.8]])
    assert shifted.chromophores(points).blood_fraction.tolist() == [0.0, 1.0]
    np.testing.assert_allclose(shifted.depth_below_skin_mm(points), points[:, 1] - 0.8, atol=1e-12)
    assert shifted.acoustics(np.array([[0.0, 6.5, 0.0]])).sound_speed_m_s == 1450.0


def test_frames_show_a_vessel_where_compression_has_brought_it():
    """What lay y below the face lies e D (1 - exp(-y / D)) nearer; D is the depth constant."""
    pressed = TissueMotion(strain=0.15, depth_mm=12.0)
    shares = [pressed.pressure(time) for time in (0.0, 0.4)]
    depths = []
    for time in (0.0, 0.4):
        image = render_photoacoustic(
            Tubes([across(0.0, 12.0, 0.15)]), PROBE, SETTINGS, pressed.sinking(time)[None],
            np.array([800]), seed=0, displacement=pressed.displacement, times_s=np.array([time]),
        )[0]  # fmt: skip
        row = np.unravel_index(image.argmax(), image.shape)[0]
        depths.append((PROBE.mm_from_pixel @ (0, row, 0, 1))[1])
    rise = 0.15 * np.array(shares) * 12.0 * (1.0 - np.exp(-1.0))
    assert max(rise) > 0.4
    np.testing.assert_allclose(depths, 12.0 - rise, atol=0.1)


def test_a_displacement_without_times_is_refused():
    with pytest.raises(UserError, match="times_s"):
        render_photoacoustic(
            Tubes([]), PROBE, SETTINGS, np.eye(4)[None], np.array([800]), seed=0,
            displacement=MOVING.displacement,
        )  # fmt: skip


def test_pulses_of_one_frame_see_the_tissue_of_their_own_instant():
    """A frame of two pulses is the mean of the frames that each pulse alone would give."""
    vessel = [across(0.0, 10.0, 0.4)]

    def jump(points, time, _pose):
        return np.where(points[:, 1:2] > 4.0, (0.0, 3.0 * time, 0.0), 0.0)  # the skin stays

    both = render_photoacoustic(
        Tubes(vessel), PROBE, SETTINGS, np.tile(np.eye(4), (1, 2, 1, 1)), np.array([800]), seed=0,
        displacement=jump, times_s=np.array([[0.0, 1.0]]),
    )[0]  # fmt: skip
    first, second = frame(vessel), frame([across(0.0, 13.0, 0.4)])
    column = both.shape[1] // 2
    for row in (100, 130):  # 10 and 13 mm deep
        near = slice(row - 6, row + 7)
        alone = max(first[near, column].max(), second[near, column].max())
        assert both[near, column].max() == pytest.approx(0.5 * alone, rel=0.1)
