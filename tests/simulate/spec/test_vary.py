"""What varies: laws against SciPy, draws by name, the checks that refuse them, every mistake."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from benchmark.errors import UserError
from simulate.spec import load_spec
from simulate.spec.draw import MOST_DRAWS, draw_spec, reason_counts
from simulate.spec.laws import WORDS, Choice, Normal, Uniform, drawn, law_from_toml
from simulate.spec.plan import plan_sweeps, training_plan
from simulate.spec.record import spec_from_table
from simulate.spec.vary import Vary

TINY = load_spec("tiny-v2")
SHARES = (np.arange(2000) + 0.5) / 2000
FOCUS, TREMOR = "probe.elevation_focus_mm", "motion.tremor_mm"


def varying(subjects=(40, 4, 6), sweeps=2, **table):
    """The tiny spec with many subjects and a `vary` table, as a file gives it."""
    counts = dict(zip(("train", "val", "test"), subjects, strict=True))
    whole = {**TINY.to_dict(), "subjects": {**counts, "sweeps": sweeps}}
    return spec_from_table(_without_nulls({**whole, "vary": table}), "mine.toml")


def _without_nulls(value):
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def draws(spec, key):
    """The values of a key by sweep."""
    return {plan.name: draw_spec(spec, plan).values.get(key) for plan in plan_sweeps(spec)}


# ---- laws


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ([8, 40], scipy.stats.uniform(8, 32)),
        ({"low": 0.01, "high": 0.1, "log": True}, scipy.stats.loguniform(0.01, 0.1)),
        ({"mean": 20, "sd": 6, "low": 8, "high": 40}, scipy.stats.truncnorm(-2, 20 / 6, 20, 6)),
        ({"mean": 0, "sd": 1, "low": 2.5, "high": 9}, scipy.stats.truncnorm(2.5, 9)),
    ],
)
def test_laws_are_those_of_scipy(toml, expected):
    law = law_from_toml(toml, "key")
    values = [drawn(law, share, whole=False) for share in SHARES]
    np.testing.assert_allclose([law.at(s) for s in SHARES], expected.ppf(SHARES), rtol=1e-9)
    np.testing.assert_allclose(values, expected.ppf(SHARES), rtol=5.1e-6)  # six digits


def test_a_lognormal_law_is_normal_in_the_logarithm():
    law = law_from_toml({"median": 5.0, "log_sd": 0.5, "low": 2, "high": 20}, "key")
    ends = (np.log([2, 20]) - np.log(5)) / 0.5
    expected = np.exp(scipy.stats.truncnorm(*ends, np.log(5), 0.5).ppf(SHARES))
    np.testing.assert_allclose([law.at(share) for share in SHARES], expected, rtol=1e-6)


def test_every_whole_number_from_low_to_high_has_its_share():
    counts = np.unique([drawn(Uniform(3, 12), s, whole=True) for s in SHARES], return_counts=True)
    assert counts[0].tolist() == list(range(3, 13)) and set(counts[1]) == {200}
    wide = [drawn(Uniform(1, 100, log=True), share, whole=True) for share in SHARES]
    for number in (1, 2, 7, 100):
        own = np.log((number + 0.5) / (number - 0.5)) / np.log(100.5 / 0.5)
        assert wide.count(number) == pytest.approx(2000 * own, abs=1)
    assert {type(number) for number in wide} == {int}


def test_a_choice_takes_each_as_often_as_it_stands_there():
    values = [drawn(Choice(("a", "b", "a", 3)), share, whole=False) for share in SHARES]
    assert {v: values.count(v) for v in set(values)} == {"a": 1000, "b": 500, 3: 500}


def test_the_ends_of_a_law_are_never_passed():
    for law in (
        Uniform(1 / 3, 2 / 3),
        Normal(0.5, 9.0, 1 / 3, 2 / 3),
        Uniform(1e-9, 1e9, log=True),
    ):
        for share in (0.0, 1e-12, 0.5, 1 - 1e-16):
            assert law.low <= drawn(law, share, whole=False) <= law.high


# ---- draws


def test_subjects_keep_what_is_theirs_and_hands_differ_from_sweep_to_sweep():
    spec = varying(**{FOCUS: [6, 10], TREMOR: [0.0, 0.1], "motion.gel_mm": {
        "low": 0.5, "high": 2.0, "per": "subject"}})  # fmt: skip
    focus, tremor, gel = (draws(spec, key) for key in (FOCUS, TREMOR, "motion.gel_mm"))
    plans = plan_sweeps(spec)
    subjects = {
        plan.subject: [p.name for p in plans if p.subject == plan.subject] for plan in plans
    }
    assert all(len({found[name] for name in own}) == 1 for own in subjects.values()
               for found in (focus, gel))  # fmt: skip
    assert len(set(focus.values())) == len(set(gel.values())) == len(subjects) == 50
    assert len(set(tremor.values())) == len(plans) == 100
    for values, (low, high) in ((focus, (6, 10)), (tremor, (0.0, 0.1))):
        uniform = scipy.stats.uniform(low, high - low)
        assert scipy.stats.kstest(sorted(set(values.values())), uniform.cdf).pvalue > 1e-3


def test_another_key_leaves_the_draws_of_the_others_as_they_are():
    one = varying(**{FOCUS: [6, 10], TREMOR: [0.0, 0.1]})
    two = varying(**{FOCUS: [6, 10], TREMOR: [0.0, 0.1], "bmode.gain_db": [-3, 3],
                     "motion.gel_mm": [0.5, 2.0], "probe.height_px": [40, 60]})  # fmt: skip
    for key in (FOCUS, TREMOR):
        assert draws(one, key) == draws(two, key)
    three = varying(**{FOCUS: [6, 10], TREMOR: [0.0, 0.1], "test": {FOCUS: [20, 30]}})
    assert draws(one, TREMOR) == draws(three, TREMOR)
    twins = draws(three, FOCUS)
    for name, value in draws(one, FOCUS).items():
        twin = twins[name]
        if name.startswith("test"):  # at the same place of a range of its own
            assert (twin - 20) / 10 == pytest.approx((value - 6) / 4, abs=1e-5)
        else:
            assert twin == value


def test_draws_depend_on_the_seed_or_on_private_entropy_alone():
    spec = varying(**{FOCUS: [6, 10]})
    plan = plan_sweeps(spec)[-1]
    again = varying(**{FOCUS: [6, 10]}, subjects=(40, 4, 6))
    assert draw_spec(spec, plan).values == draw_spec(again, plan).values
    other = draw_spec(spec, plan, entropy=12345)
    assert other.values != draw_spec(spec, plan).values
    assert other.values == draw_spec(replace(spec, seed=12345), plan).values


def test_a_drawn_spec_holds_the_values_in_the_types_of_their_keys_and_varies_no_more():
    spec = varying(**{
        FOCUS: [6, 10], "probe.height_px": [40, 60], "tissue.limb_radius_mm": [40, 90],
        "tissue.motion.strain": [0.0, 0.1], "bmode.speckle_reduction_px": {"choice": [3, 5, 7]},
        "bmode.shadows": {"choice": [True, False]}, "photoacoustic.band_hz": {
            "choice": [[1e6, 4e6]]}, "doppler.flow.profile": {"choice": ["plug"]},
        "test": {"tissue.kind": "forearm"},
    })  # fmt: skip
    assert spec.tissue.kind == "layered"
    for plan in plan_sweeps(spec):
        draw = draw_spec(spec, plan)
        local, values = draw.spec, draw.values
        assert not local.vary and list(values) == sorted(values)
        assert json.loads(json.dumps(values)) == values
        assert all(isinstance(value, (str, int, float, bool)) for value in values.values())
        assert local.probe.elevation_focus_mm == values[FOCUS]
        assert type(local.probe.height_px) is int and local.probe.height_px % 1 == 0
        assert local.tissue.limb_radius_mm == (values["tissue.limb_radius_mm"],) * 2
        assert local.tissue.motion.strain == (values["tissue.motion.strain"],) * 2
        assert local.bmode.speckle_reduction_px in (3, 5, 7)
        assert local.photoacoustic.band_hz == (1e6, 4e6) and local.doppler.flow.profile == "plug"
        assert values["photoacoustic.band_hz"] == "[1000000, 4000000]"
        assert local.tissue.kind == ("forearm" if plan.split == "test" else "layered")
        assert replace(local, tissue=spec.tissue, probe=spec.probe, bmode=spec.bmode,
                       photoacoustic=spec.photoacoustic, doppler=spec.doppler,
                       vary=spec.vary) == spec  # fmt: skip


CARTS = {
    "machine": {"choice": ["cart", "portable"]},
    "named": {
        "cart": {"probe": {"elements": 96, "name": "cart"}, "bmode.dynamic_range_db": [60, 70]},
        "portable": {"probe.elements": 64, "bmode.dynamic_range_db": 50},
    },
}


def test_a_combination_sets_its_keys_together():
    spec = varying(**CARTS)
    seen = set()
    for plan in plan_sweeps(spec):
        draw = draw_spec(spec, plan)
        machine, elements = draw.values["machine"], draw.spec.probe.elements
        seen.add((machine, elements))
        if machine == "cart":
            assert draw.spec.probe.name == "cart" and 60 <= draw.spec.bmode.dynamic_range_db <= 70
            assert draw.values["bmode.dynamic_range_db"] == draw.spec.bmode.dynamic_range_db
        else:
            assert draw.spec.bmode.dynamic_range_db == 50 and len(draw.values) == 1
    assert seen == {("cart", 96), ("portable", 64)}
    table = varying(probe=CARTS["machine"], named=CARTS["named"])  # a label may be a table's name
    assert set(draws(table, "probe").values()) == {"cart", "portable"}
    hand = varying(hand={"choice": ["calm"]}, named={"calm": {"motion.tremor_mm": [0, 0.1]}})
    assert len(set(draws(hand, "motion.tremor_mm").values())) == 100  # of the hand: per sweep


def test_what_cannot_be_is_drawn_again_and_counted():
    """The face is 11.75 mm wide: of radii from 6 to 17.5 mm one half is too small."""
    spec = varying(**{"tissue.limb_radius_mm": [6.0, 17.5]})
    found = set(draws(spec, "tissue.limb_radius_mm").values())
    # Six digits hold 57 500 radii: two of 50 are the same one time in fifty.
    assert min(found) > 11.75 and len(found) >= 48
    assert scipy.stats.kstest(sorted(found), scipy.stats.uniform(11.75, 5.75).cdf).pvalue > 1e-3
    refused = {}
    for plan in plan_sweeps(spec):
        refused |= draw_spec(spec, plan).refused
    counts = reason_counts(reason for own in refused.values() for reason in own)
    assert set(counts) == {"probe.width_mm"} and 25 <= counts.total() <= 85  # geometric, mean 50


def test_what_can_hardly_ever_be_is_refused_with_the_key_and_the_reason():
    spec = varying(**{"tissue.limb_radius_mm": [1.0, 11.0], FOCUS: [6, 10]})
    with pytest.raises(UserError) as caught:
        draw_spec(spec, plan_sweeps(spec)[0])
    message = str(caught.value)
    assert f"none in {MOST_DRAWS} draws" in message and "subject 'train-000'" in message
    assert f"{MOST_DRAWS} times the reason was probe.width_mm: expected less than" in message
    assert "\n" not in message


def test_training_goes_on_with_subjects_of_no_split():
    spec = varying(subjects=(3, 2, 2), **{FOCUS: [6, 10]})
    spec = replace(spec, stress=replace(spec.stress, factors=("noise",), severities=(1, 5)))
    plans = plan_sweeps(spec)
    endless = [training_plan(spec, number) for number in range(30)]
    assert endless[:6] == [plan for plan in plans if plan.split == "train"]
    assert {plan.split for plan in endless} == {"train"}
    for key in ("name", "index", "drawn_as"):
        known = [getattr(plan, key) for plan in (*plans, *endless[6:]) if not plan.severity]
        assert len(set(known)) == len(known)
    subjects = {(plan.subject, plan.subject_index) for plan in (*plans, *endless)}
    assert len({index for _, index in subjects}) == len(subjects) == 7 + 12
    assert min(plan.index for plan in endless[6:]) == len(plans)
    assert len({draw_spec(spec, plan).values[FOCUS] for plan in endless}) == 15


def test_the_example_of_the_docs_can_be_drawn(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(extends.*?)```", page, re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    spec = load_spec(path)
    plans = plan_sweeps(spec)
    assert len(plans) == 700
    found = [(plan, draw_spec(spec, plan)) for plan in plans[::7]]
    refused = [reason for _, draw in found for own in draw.refused.values() for reason in own]
    assert len(refused) < 50
    for plan, draw in found:
        low, high = (40, 60) if plan.split == "test" else (8, 40)
        assert low <= draw.spec.probe.elevation_focus_mm <= high
        assert (draw.spec.probe.centre_frequency_hz <= 6e6) == (draw.values["array"] == "wide")
        assert draw.spec.probe.aperture_mm >= draw.spec.probe.width_mm
        assert draw.spec.bmode.speckle_reduction_px == {"median-3": 3}.get(draw.values["filter"], 5)


# ---- the table


def test_a_spec_that_does_not_vary_says_nothing_of_it_and_keeps_its_hash():
    assert "vary" not in TINY.to_dict() and not TINY.vary
    assert varying(subjects=(2, 1, 1), sweeps=1) == TINY
    plan = plan_sweeps(TINY)[0]
    assert draw_spec(TINY, plan).spec is TINY and draw_spec(TINY, plan).values == {}


def test_one_table_is_one_spec_however_it_is_written():
    quoted = varying(**{FOCUS: [6, 10], "bmode.gain_db": {"choice": [1.5]}})
    nested = varying(bmode={"gain_db": 1.5},
                     probe={"elevation_focus_mm": {"low": 6.0, "high": 10.0}})  # fmt: skip
    assert quoted == nested and quoted.hash == nested.hash != TINY.hash
    assert varying(**{FOCUS: [6, 11]}).hash != varying(**{FOCUS: [6, 10]}).hash
    whole = {**CARTS, "test": {FOCUS: [20, 30]}, TREMOR: {
        "median": 0.05, "log_sd": 1, "low": 0.01, "high": 0.2, "per": "subject"}}  # fmt: skip
    spec = varying(**whole)
    table = spec.to_dict()["vary"]
    assert json.loads(json.dumps(table)) == table
    assert Vary.from_table(table, "vary") == spec.vary
    assert spec_from_table(_without_nulls(spec.to_dict()), "again") == spec


def test_no_key_of_a_spec_is_a_word_of_a_law():
    def keys(table):
        for key, value in table.items():
            yield key
            yield from keys(value) if isinstance(value, dict) else ()

    assert not {*WORDS, "named", "train", "val", "test"} & set(keys({
        key: value for key, value in TINY.to_dict().items() if key != "subjects"}))  # fmt: skip


def test_an_extending_file_replaces_a_law_as_a_whole(tmp_path):
    base = tmp_path / "base.toml"
    base.write_text(
        'extends = "tiny-v2"\nname = "base"\n[vary]\n"probe.name" = {choice = ["a", "b"]}\n'
        '"motion.tremor_mm" = {low = 0.01, high = 0.1, log = true}\n'
    )
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "base.toml"\nname = "mine"\n[vary]\n'
        '"motion.tremor_mm" = {mean = 0.05, sd = 0.02, low = 0.0, high = 0.1}\n'
    )
    laws = {entry.key: entry.law for entry in load_spec(mine).vary.everywhere}
    assert laws == {"probe.name": Choice(("a", "b")), TREMOR: Normal(0.05, 0.02, 0, 0.1)}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"probe.elevation_focus": [8, 40]},
         ["vary.probe.elevation_focus", "did you mean 'elevation_focus_mm'"]),
        ({"prob.name": "x"}, ["vary.prob.name", "did you mean 'probe'"]),
        ({"test": {"probe.nam": "x"}}, ["vary.test.probe.nam", "did you mean 'name'"]),
        ({"tissue.motion": [0, 1]}, ["vary.tissue.motion", "expected a key of the table"]),
        ({"probe": [0, 1]}, ["vary.probe", "expected a key of the table probe"]),
        ({"subjects.train": [2, 8]}, ["vary.subjects.train", "cannot vary", "plan"]),
        ({"motion.profiles": {"choice": [["straight"]]}}, ["vary.motion.profiles", "cannot vary"]),
        ({"seed": [1, 2]}, ["vary.seed", "cannot vary"]),
        ({FOCUS: [8]}, [f"vary.{FOCUS}", "[low, high]", "[8]"]),
        ({FOCUS: [40, 8]}, [f"vary.{FOCUS}", "low below high", "40 and 8"]),
        ({FOCUS: [8, 8]}, [f"vary.{FOCUS}", "low below high", "8 and 8"]),
        ({FOCUS: ["8", 40]}, [f"vary.{FOCUS}.low", "a finite number", "'8'"]),
        ({FOCUS: {"low": 8}}, [f"vary.{FOCUS}", "{low, high, log}", "got the keys low"]),
        ({FOCUS: {"low": 8, "high": 9, "step": 1}}, [f"vary.{FOCUS}", "low, high, step"]),
        ({FOCUS: {"low": 0, "high": 9, "log": True}}, [f"vary.{FOCUS}.low", "more than 0"]),
        ({FOCUS: {"low": 1, "high": 9, "log": 3}}, [f"vary.{FOCUS}.log", "true or false", "3"]),
        ({FOCUS: {"low": 1, "high": float("inf")}}, [f"vary.{FOCUS}.high", "finite", "inf"]),
        ({FOCUS: {"mean": 1, "sd": 0, "low": 0, "high": 2}}, [f"vary.{FOCUS}.sd", "more than 0"]),
        ({FOCUS: {"mean": 1, "sd": 1, "low": 90, "high": 91}},
         [f"vary.{FOCUS}", "hold at least 0.1%", "90 to 91"]),
        ({FOCUS: {"median": -1, "log_sd": 1, "low": 1, "high": 2}}, [f"vary.{FOCUS}.median"]),
        ({FOCUS: {"choice": []}}, [f"vary.{FOCUS}.choice", "a list of values"]),
        ({FOCUS: {"choice": [{"a": 1}]}}, [f"vary.{FOCUS}.choice", "vary.named"]),
        ({FOCUS: {"choice": [8, "wide"]}}, [f"vary.{FOCUS}", "a number", "'wide'"]),
        ({FOCUS: {"low": 8, "high": 9, "per": "day"}}, [f"vary.{FOCUS}.per", "'sweep'", "'day'"]),
        ({"probe.height_px": [40.5, 60]}, ["vary.probe.height_px", "whole numbers", "40.5 to 60"]),
        ({"probe.geometry": [1, 2]}, ["vary.probe.geometry", "choice", "a text", "1 to 2"]),
        ({"bmode.shadows": [0, 1]}, ["vary.bmode.shadows", "choice", "true or false"]),
        ({"tissue.fat_mm": {"low": 2, "high": 5, "per": "sweep"}},
         ["vary.tissue.fat_mm.per", "'subject'", "same in all sweeps"]),
        ({FOCUS: [8, 9], "probe": {"elevation_focus_mm": 3}}, [f"vary.{FOCUS}", "once", "twice"]),
        ({**CARTS, "probe.elements": [64, 128]}, ["probe.elements", "machine", "train"]),
        ({**CARTS, "machine": {"choice": ["cart", "car"]}},
         ["vary.machine", "'car'", "did you mean 'cart'"]),
        ({"machine": {"choice": ["cart"]}}, ["vary.machine", "unknown key", "'machine'"]),
        ({"named": {"a": {"probe.nam": 1}}}, ["vary.named.a.probe.nam", "did you mean 'name'"]),
        ({"named": {"a": {TREMOR: {"low": 0, "high": 1, "per": "sweep"}}}},
         [f"vary.named.a.{TREMOR}", "'per'"]),
        ({"named": {"a": {"motion.profiles": {"choice": [["fan"]]}}}}, ["vary.named.a", "plan"]),
        ({**CARTS, "seed": {"choice": ["cart"]}}, ["vary.seed", "cannot vary"]),
        ({"named": [1]}, ["vary.named", "a table", "[1]"]),
        ({"test": 3}, ["vary.test", "a table", "3"]),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line_with_the_key(table, words):
    with pytest.raises(UserError) as caught:
        varying(**table)
    message = str(caught.value)
    assert message.startswith("mine.toml: vary") and "\n" not in message
    for word in words:
        assert word in message
