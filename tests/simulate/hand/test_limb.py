"""Long paths, 150 to 300 mm: every profile stays on the limb and keeps its length."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import fresnel

from benchmark import geometry
from benchmark.errors import UserError
from simulate.hand.limb import SPIRAL_WIDTH, loop_turns, spiral_turns
from simulate.hand.motion import poses, sample_motion
from simulate.hand.profiles import PROFILES
from simulate.hand.settings import MotionSettings
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

SECONDS, RATE_HZ = 30.0, 20.0
TIMES = (np.arange(round(SECONDS * RATE_HZ)) + 0.5) / RATE_HZ
LONG = MotionSettings(
    direction="both", path_length_mm=(150.0, 300.0), curve_deg=(30.0, 45.0), start_mm=0.0,
    wobble_across_mm_s=0.0, wobble_axial_mm_s=0.0, wobble_deg_s=0.0,
)  # fmt: skip
SWUNG = ("fan", "turn", "rock")  # the contact creeps on by a share of the length


def drawn(profile, seed, settings=LONG, orientation="perpendicular"):
    rng = np.random.default_rng(seed)
    return sample_motion(profile, rng, settings, orientation, SECONDS)


@pytest.fixture(scope="module")
def limb():
    return sample_tissue(np.random.default_rng(3), TissueSettings(arteries=0, veins=0))


@pytest.mark.parametrize("orientation", ["perpendicular", "parallel"])
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_long_path_stays_on_the_limb(profile, orientation, limb):
    for seed in range(6):
        motion = drawn(profile, seed, orientation=orientation)
        found = poses(profile, TIMES, motion, limb.skin_surface)
        assert geometry.se3_fault(found, 1e-12) is None
        across = found[:, 0, 3]
        # The gel moves the face along the normal, by a millimetre at most.
        assert np.abs(across).max() < LONG.half_width_mm * 1.01 + 1.0
        face = found[:, :3, 3] + LONG.gel_mm * limb.skin_surface(*motion.ground(
            _share(motion)))[1]  # fmt: skip
        assert np.abs(limb.depth_below_skin_mm(face)).max() < 1e-6
        x, z = motion.ground(np.linspace(0.0, 1.0, 4001))
        length = np.hypot(np.diff(x), np.diff(z)).sum()
        assert length == pytest.approx(motion.length_mm, rel=1e-4)
        assert motion.length_mm >= 150.0 * (LONG.creep if profile in SWUNG else 1.0)


def _share(motion):
    share = motion.pace.progress(TIMES)
    return 1.0 - share if motion.backwards else share


@pytest.mark.parametrize("half_width", [12.0, 25.0, 1000.0])
def test_loops_close_and_spirals_are_as_wide_as_fresnels_integral_says(half_width):
    settings = replace(LONG, half_width_mm=half_width)
    for seed in range(4):
        loop = drawn("loop", seed, settings)
        x, z = loop.ground(np.linspace(0.0, 1.0, 2001))
        turns = loop_turns(loop.length_mm, half_width)
        assert np.hypot(x[-1] - x[0], z[-1] - z[0]) < 1e-3
        assert np.ptp(x) == pytest.approx(loop.length_mm / (np.pi * turns), rel=1e-3)
        assert turns == 1 or loop.length_mm / (2 * np.pi * (turns - 1)) > half_width
        spiral = drawn("spiral", seed, settings)
        x, _ = spiral.ground(np.linspace(0.0, 1.0, 2001))
        turns = spiral_turns(spiral.length_mm, half_width)
        assert np.ptp(x) == pytest.approx(
            SPIRAL_WIDTH * spiral.length_mm / np.sqrt(turns), rel=2e-3
        )
    assert pytest.approx(0.5 * fresnel(np.sqrt(2.0))[0], rel=1e-3) == SPIRAL_WIDTH


def test_a_long_s_has_a_wave_every_150_mm_and_a_short_one_has_one():
    for seed in range(5):
        motion = drawn("s", seed)
        heading = motion.heading(np.linspace(0.0, 1.0, 4001)[1:-1])
        turns = np.count_nonzero(np.diff(np.sign(heading[heading != 0.0])))
        assert turns == 2 * round(motion.length_mm / 150.0) - 1
        assert drawn("s", seed, replace(LONG, path_length_mm=(20.0, 40.0))).waves == 1


def test_a_curve_that_fits_keeps_its_headings_and_lies_in_the_middle():
    settings = replace(LONG, path_length_mm=(30.0, 40.0))
    for profile in ("c", "s", "free"):
        wide = drawn(profile, 2, replace(settings, half_width_mm=1e4))
        motion = drawn(profile, 2, settings)
        assert motion == wide
        x, _ = motion.ground(np.linspace(0.0, 1.0, 2001))
        assert x.min() + x.max() == pytest.approx(0.0, abs=0.05) and np.ptp(x) > 1.0


@pytest.mark.parametrize("key", ["half_width_mm", "wave_mm"])
@pytest.mark.parametrize("value", [0.0, -3.0, np.inf])
def test_a_width_that_is_none_is_refused(key, value):
    with pytest.raises(UserError, match=f"motion.{key}"):
        MotionSettings(**{key: value})
