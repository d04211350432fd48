"""Held-out groups: each test sweep once more, other in what its group names and in that alone."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.dataset.size import size_of
from simulate.spec import load_spec
from simulate.spec.draw import draw_spec
from simulate.spec.plan import plan_sweeps, training_plan
from simulate.spec.record import spec_from_table
from simulate.sweep.compose import make_sweep
from simulate.sweep.scene import draw_scene

TINY = load_spec("tiny-v2")
FOCUS, TREMOR, KIND = "probe.elevation_focus_mm", "motion.tremor_mm", "tissue.kind"
LAWS = {
    FOCUS: [6.0, 10.0],
    TREMOR: [0.0, 0.02],
    "tissue.fat_mm": [2.0, 4.0],
    "held_out": {
        "new-probe": {FOCUS: [14.0, 20.0]},
        "new-tissue": {KIND: "uniform"},
        "new-hand": {
            "motion.profiles": {"choice": ["loop", "spiral"]},
            "motion.direction": "both",
            TREMOR: [0.1, 0.2],
        },
    },
}


def held_out(subjects=(2, 1, 4), sweeps=2, **changes):
    counts = dict(zip(("train", "val", "test"), subjects, strict=True))
    whole = {**TINY.to_dict(), "subjects": {**counts, "sweeps": sweeps}, "vary": LAWS | changes}
    return spec_from_table(_without_nulls(whole), "mine.toml")


def _without_nulls(value):
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def twins(spec):
    """Each test sweep's plan, with those of its twins by group."""
    plans = plan_sweeps(spec)
    for base in (plan for plan in plans if plan.split == "test" and not plan.held_out):
        own = [plan for plan in plans if plan.drawn_as == base.index and plan.held_out]
        yield base, {plan.held_out: plan for plan in own}


def test_each_test_sweep_has_a_twin_in_each_group():
    spec = held_out()
    plans = plan_sweeps(spec)
    assert [plan.index for plan in plans] == list(range(len(plans)))
    assert len({plan.name for plan in plans}) == len(plans) == 6 + 8 * 4
    assert all(not plan.held_out for plan in plans if plan.split != "test")
    for base, own in twins(spec):
        assert list(own) == ["new-hand", "new-probe", "new-tissue"]
        for group, plan in own.items():
            assert plan.name == f"{base.name}-{group}" and plan.subject == base.subject
            dealt = group == "new-hand"
            assert plan.profile in ("loop", "spiral") if dealt else plan.profile == base.profile
    assert {own["new-hand"].profile for _, own in twins(spec)} == {"loop", "spiral"}
    assert training_plan(spec, 4).index == len(plans)
    assert size_of(spec).sweeps == len(plans)


def test_a_twin_differs_in_what_its_group_names():
    spec = held_out()
    for base, own in twins(spec):
        home = draw_spec(spec, base)
        for group, changed in (
            ("new-probe", {FOCUS}), ("new-tissue", {KIND}), ("new-hand", {TREMOR}),
        ):  # fmt: skip
            twin = draw_spec(spec, own[group])
            both = home.values.keys() & twin.values.keys()
            assert {k for k in both if home.values[k] != twin.values[k]} == changed - {KIND}
            assert twin.values.keys() >= home.values.keys() | changed
        probe = draw_spec(spec, own["new-probe"]).spec
        assert 14 <= probe.probe.elevation_focus_mm <= 20
        assert replace(probe, probe=home.spec.probe) == home.spec
        tissue = draw_spec(spec, own["new-tissue"]).spec
        assert replace(tissue, tissue=home.spec.tissue) == home.spec
        assert tissue.tissue == replace(home.spec.tissue, kind="uniform")
        hand = draw_spec(spec, own["new-hand"]).spec
        assert replace(hand, motion=home.spec.motion) == home.spec
        assert hand.motion.profiles == (own["new-hand"].profile,)
        assert 0.1 <= hand.motion.tremor_mm <= 0.2


def test_a_twin_has_the_hand_and_the_noise_of_its_sweep():
    spec = held_out(sweeps=1)
    base, own = next(iter(twins(spec)))
    home, other = draw_scene(spec, base), draw_scene(spec, own["new-probe"])
    np.testing.assert_array_equal(home.trajectory, other.trajectory)
    assert home.seed("noise") == other.seed("noise")
    sweeps = [make_sweep(spec, plan.index) for plan in (base, own["new-probe"])]
    factors = [(s.factors["factor"], s.factors["severity"]) for s in sweeps]
    assert factors == [("none", 0), ("new-probe", 1)]
    assert sweeps[0].factors[f"vary.{FOCUS}"] < 14 <= sweeps[1].factors[f"vary.{FOCUS}"]


def test_a_group_that_cannot_be_is_drawn_again_over_the_same_home():
    """Only what the group names is drawn again; the subject stays."""
    probe = {"probe.pitch_mm": [0.05, 0.4]}  # the array may be narrower than the image
    spec = held_out(subjects=(1, 0, 20), sweeps=1, held_out={"new-probe": probe})
    refused = 0
    for base, own in twins(spec):
        home, twin = draw_spec(spec, base), draw_spec(spec, own["new-probe"])
        refused += sum(len(r) for who, r in twin.refused.items() if who.endswith("'new-probe'"))
        assert twin.spec.probe.pitch_mm != home.spec.probe.pitch_mm
        assert replace(twin.spec, probe=home.spec.probe) == home.spec
    assert refused > 0


def test_sweeps_of_a_subject_share_what_a_group_draws_per_subject():
    spec = held_out()
    drawn = {}
    for _, own in twins(spec):
        plan = own["new-probe"]
        drawn.setdefault(plan.subject, set()).add(draw_spec(spec, plan).values[FOCUS])
    assert all(len(found) == 1 for found in drawn.values())
    assert len(set.union(*drawn.values())) == 4


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"new": {"probe.nam": "x"}}, ["vary.held_out.new.probe.nam", "did you mean 'name'"]),
        ({"New Probe": {FOCUS: 9.0}}, ["vary.held_out.New Probe", "small letters"]),
        ({"none": {FOCUS: 9.0}}, ["vary.held_out.none", "small letters"]),
        ({"new": {"subjects.train": 3}}, ["vary.held_out.new.subjects.train", "cannot vary"]),
        ({"new": {"motion.profiles": [1, 2]}}, ["new.motion.profiles", "of texts"]),
        ({"new": {KIND: {"choice": ["uniform"], "per": "sweep"}}}, ["vary.held_out.new", "per"]),
        ({"new": 3}, ["vary.held_out.new", "expected a table"]),
        (3, ["vary.held_out", "expected a table"]),
    ],
)
def test_mistakes_are_named(groups, words):
    with pytest.raises(UserError) as error:
        held_out(held_out=groups)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


def test_a_profile_that_needs_the_other_direction_is_refused_when_drawn():
    spec = held_out(held_out={"new": {"motion.profiles": "loop"}})
    with pytest.raises(UserError, match=r"motion\.direction|motion\.profiles"):
        draw_spec(spec, plan_sweeps(spec)[-1])


def test_groups_are_part_of_the_identity():
    spec = held_out()
    assert spec.hash != held_out(held_out={}).hash
    assert spec_from_table(_without_nulls(spec.to_dict()), "again") == spec
