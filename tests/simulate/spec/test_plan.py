"""The plan of sweeps over subjects, profiles and stress, and what a factor may change."""

import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.spec import load_spec
from simulate.spec.factors import FACTORS, SEVERITIES, at_level, changed
from simulate.spec.plan import plan_sweeps
from simulate.sweep.scene import draw_scene

STRESS = load_spec("stress-v2")
EVERY = replace(STRESS, stress=replace(STRESS.stress, factors=tuple(FACTORS)))
# What a factor leaves alone: the path, as places and not as times, and the tissue.
MOVES = {"tremor", "tremor-frequency", "tilt", "fan-angle", "jerk", "in-plane-share", "compression"}
TISSUE = {"coherence", "compression", "breathing", "pulsation"}


def darker(spec, severity):
    """A user's own factor."""
    return changed(spec, "bmode", gain_db=-float(severity))


def test_a_latin_square_has_each_profile_once_in_every_place():
    spec = load_spec("forearm-v2")
    plans = [plan for plan in plan_sweeps(spec) if plan.split == "train"]
    assert len(plans) == 120 and len({plan.name for plan in plans}) == 120
    for first in range(0, 30, 6):
        block = [p for p in plans if first <= int(p.subject[-3:]) < first + 6]
        for place in range(4):
            profiles = [p.profile for p in block if p.name.split("-")[2] == str(place)]
            assert sorted(profiles) == sorted(spec.motion.profiles)
    for subject in range(30):
        own = [p for p in plans if int(p.subject[-3:]) == subject]
        assert len({p.profile for p in own}) == 4
        assert Counter(p.orientation for p in own) == {"perpendicular": 2, "parallel": 2}
    pairs = Counter((p.profile, p.orientation) for p in plans)
    assert len(pairs) == 12 and set(pairs.values()) == {10}


def test_each_test_sweep_is_stressed_by_every_factor_at_every_severity():
    plans = plan_sweeps(STRESS)
    tests = [plan for plan in plans if plan.split == "test"]
    assert [plan.index for plan in plans] == list(range(len(plans)))
    assert len({plan.name for plan in plans}) == len(plans)
    assert len(tests) == STRESS.subjects.test * (1 + len(STRESS.stress.factors) * 5)
    assert all(plan.factor == "" for plan in plans if plan.split != "test")
    for subject in {plan.subject for plan in tests}:
        own = [plan for plan in tests if plan.subject == subject]
        assert len({plan.drawn_as for plan in own}) == 1 == len({p.profile for p in own})
        found = Counter((plan.factor, plan.severity) for plan in own)
        assert set(found.values()) == {1}
        assert set(found) == {("", 0)} | {(f, s) for f in STRESS.stress.factors for s in SEVERITIES}


@pytest.mark.parametrize("name", sorted(FACTORS))
def test_a_factor_gets_worse_step_by_step_and_changes_nothing_else(name):
    tables = STRESS.to_dict()
    specs = [at_level(STRESS, name, severity) for severity in SEVERITIES]
    assert at_level(STRESS, name, 0) is STRESS
    assert len({spec.hash for spec in (*specs, STRESS)}) == 6
    touched = [{k for k, v in spec.to_dict().items() if v != tables[k]} for spec in specs]
    assert len({frozenset(t) for t in touched}) == 1 and len(touched[0]) == 1
    levels = FACTORS[name].levels
    assert np.all(np.diff(levels) > 0) or np.all(np.diff(levels) < 0)


@pytest.mark.parametrize("name", sorted(FACTORS))
def test_a_stressed_sweep_has_the_same_tissue_and_the_same_path(name):
    plans = plan_sweeps(EVERY)
    base = next(plan for plan in plans if plan.split == "test")
    worst = next(p for p in plans if p.drawn_as == base.index and p.factor == name
                 and p.severity == 3)  # fmt: skip
    one, two = (
        draw_scene(EVERY, plan_sweeps(EVERY)[base.index]),
        draw_scene(EVERY, plan_sweeps(EVERY)[worst.index]),
    )
    assert one.tissue.key == two.tissue.key and one.seed("noise") == two.seed("noise")
    assert np.array_equal(one.tissue.vessels.points_mm, two.tissue.vessels.points_mm)
    ends = [s.pose_at(np.array([0.0, s.spec.acquisition.duration_s])) for s in (one, two)]
    if name not in MOVES and name not in ("speed", "frame-rate"):
        assert np.allclose(*ends, atol=1e-4)
    # The skin below is met at the same places along the limb, whatever the hand does there.
    share = np.linspace(0.0, 1.0, 50)
    assert np.allclose(one.motion.ground(share), two.motion.ground(share), atol=1e-12)
    assert (two.tissue_motion is not None) == (name in TISSUE - {"coherence"})


def test_speed_covers_the_same_path_in_fewer_frames():
    for severity, times in zip(SEVERITIES, FACTORS["speed"].levels, strict=True):
        spec = at_level(STRESS, "speed", severity)
        assert spec.acquisition.frames == round(STRESS.acquisition.frames / times)
        assert spec.acquisition.frame_rate_hz == STRESS.acquisition.frame_rate_hz
        slow = at_level(STRESS, "frame-rate", severity).acquisition
        assert slow.duration_s == pytest.approx(STRESS.acquisition.duration_s, rel=0.02)


def test_a_factor_of_ones_own_goes_by_its_address():
    address = f"{__name__}:darker"
    own = replace(STRESS, stress=replace(STRESS.stress, factors=(address,), severities=(2,)))
    plans = [plan for plan in plan_sweeps(own) if plan.factor]
    assert [plan.name.rsplit("-", 2)[1:] for plan in plans] == [
        ["darker", "2"]
    ] * STRESS.subjects.test
    assert at_level(own, address, 2).bmode.gain_db == -2.0
    for wrong, words in (("tremmor", "did you mean 'tremor'"), ("nowhere:x", "cannot be imported")):
        with pytest.raises(UserError, match=words):
            replace(STRESS.stress, factors=(wrong,))
    with pytest.raises(UserError, match=r"stress.severities: expected some of \[1, 2, 3, 4, 5\]"):
        replace(STRESS.stress, severities=(6,))


def test_factors_of_one_short_name_would_be_sweeps_of_one_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "elsewhere", SimpleNamespace(darker=darker, noise=darker))
    own, other = f"{__name__}:darker", "elsewhere:darker"
    for twice in ((own, other), ("noise", "elsewhere:noise"), ("speed", "noise", "speed")):
        with pytest.raises(UserError, match=r"stress.factors: expected each once, got '\w+' twice"):
            replace(STRESS.stress, factors=twice)
    assert replace(STRESS.stress, factors=("noise", other)).factors == ("noise", other)


def test_photoacoustic_sweeps_are_the_first_of_the_test_split_or_of_all():
    shown = [plan.name for plan in plan_sweeps(load_spec("small-v2")) if plan.showcase]
    assert shown == ["test-000-0-straight-perpendicular"]
    hetero = load_spec("pa-hetero-v2")
    assert all(plan.showcase for plan in plan_sweeps(hetero))
    assert hetero.photoacoustic.engine == "kwave"
