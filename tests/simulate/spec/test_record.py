"""Specs: what comes with the package loads, and every mistake is named by file, table and key."""

import dataclasses
import json
import math
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.dataset import size as size_module
from simulate.dataset.card import describe
from simulate.dataset.memory import KEPT_BYTES, PROCESS_BYTES, check_memory, memory_bytes, memory_of
from simulate.dataset.size import size_of
from simulate.iq.beam import sampled_beam
from simulate.probe.models import PROBES
from simulate.spec import record as spec_module
from simulate.spec.draw import draw_spec
from simulate.spec.plan import plan_sweeps
from simulate.spec.record import SPEC_FOLDER, load_spec, spec_from_table, spec_names
from simulate.spec.vary import Vary
from simulate.sweep.compose import make_sweep

TINY = (SPEC_FOLDER / "tiny-v2.toml").read_text()


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", spec_names())
def test_packaged_specs_load_under_their_own_name(name):
    spec = load_spec(name)
    assert spec.name == name and spec.description
    assert json.loads(json.dumps(spec.to_dict())) == spec.to_dict()
    assert spec_from_table(dropped_nulls(spec.to_dict()), "again") == spec


@pytest.mark.parametrize("endless", [math.inf, "inf"])
def test_only_a_key_that_is_infinite_by_default_may_be(endless):
    whole = dropped_nulls(load_spec("forearm-v2").to_dict())
    deep = {**whole, "tissue": {**whole["tissue"], "coherent_depth_mm": endless}}
    assert spec_from_table(deep, "deep").tissue.coherent_depth_mm == math.inf
    wrong = {**whole, "tissue": {**whole["tissue"], "coherent_length_mm": endless}}
    with pytest.raises(UserError, match=r"tissue\.coherent_length_mm: expected a"):
        spec_from_table(wrong, "wrong")


def dropped_nulls(value):
    """Return a spec's JSON without its null values: TOML leaves such keys out."""
    if not isinstance(value, dict):
        return value
    return {key: dropped_nulls(item) for key, item in value.items() if item is not None}


def test_a_path_gives_the_same_spec_as_its_name(tmp_path):
    assert load_spec(written(tmp_path, TINY)) == load_spec("tiny-v2")


def test_the_hash_sees_every_value_but_no_comment_or_order(tmp_path):
    spec = load_spec("tiny-v2")
    assert load_spec(written(tmp_path, TINY + "\n# more\n")).hash == spec.hash
    table = tomllib.loads(TINY)
    turned = {key: table[key] for key in reversed(table)}
    assert spec_from_table(turned, "turned").hash == spec.hash
    for key, value in (("noise_db", -41.0), ("gain_db", 1e-9)):
        bmode = dataclasses.replace(spec.bmode, **{key: value})
        assert dataclasses.replace(spec, bmode=bmode).hash != spec.hash
    # A default that is written out is the same spec.
    assert load_spec(written(tmp_path, TINY.replace("[bmode]", "[bmode]\ngain_db = 0"))) == spec


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("frames = 12", "frams = 12", ["acquisition.frams", "did you mean 'frames'"]),
        ("[bmode]", "[bmod]", ["bmod", "did you mean 'bmode'"]),
        ("frames = 12", 'frames = "12"', ["acquisition.frames", "an integer", "'12'"]),
        ("frames = 12", "frames = 12.5", ["acquisition.frames", "an integer", "12.5"]),
        ("frames = 12", "frames = true", ["acquisition.frames", "an integer", "True"]),
        ("frames = 12", "frames = 1", ["acquisition.frames", "at least 2", "1"]),
        ("frame_rate_hz = 20.0", "frame_rate_hz = nan", ["acquisition.frame_rate_hz", "finite"]),
        ("frame_rate_hz = 20.0", "frame_rate_hz = -1", ["acquisition.frame_rate_hz", "-1"]),
        ("train = 2", "train = -2", ["subjects.train", "-2"]),
        ("start_mm = 1.0", "start_mm = [1.0]", ["motion.start_mm", "a number", "[1.0]"]),
        ("path_length_mm = [2.5, 3.5]", "path_length_mm = [2.5]",
         ["motion.path_length_mm", "a list of 2", "[2.5]"]),
        ('profiles = ["straight"', 'profiles = [1, "straight"',
         ["motion.profiles[0]", "a text", "1"]),
        ('profiles = ["straight"', 'profiles = ["strate"', ["did you mean 'straight'"]),
        ("seed = 1", "", ["seed", "an integer", "nothing"]),
        ("seed = 1", "seed = -1", ["seed", "-1"]),
        ('name = "tiny-v2"', 'name = "../out"', ["name", "../out"]),
        ('engine = "propagator"', 'engine = "k-wave"', ["photoacoustic.engine", "'kwave'"]),
        ("width_mm = 11.75", "width_mm = 40.0", ["probe.width_mm", "aperture"]),
        ("height_px = 48", "height_px = 0", ["probe.height_px", "0"]),
        ("sweeps = 1", "sweeps = 2", ["showcase.sweeps", "at most 1", "2"]),
        ("vessel_extent_mm = [-10.0, 20.0]", "vessel_extent_mm = [-10.0, 2.0]",
         ["tissue.vessel_extent_mm", "4.5"]),
        ("frames = 2\n", "frames = 2\n[tissue.deep]\nx = 1\n", ["tissue.deep", "unknown key"]),
        ("scatterers_per_cell = 5.0", "scatterers_per_cell = 0.0", ["bmode.scatterers_per_cell"]),
        ("frames_per_second = 4.0", "frames_per_second = 4.0\nspacing_mm = 1.0",
         ["cells per wavelength"]),
        ("[bmode]", "[bmode", ["TOML"]),
        ("[bmode]", "[stress]\nfactors = ['tremmor']\n[bmode]", ["did you mean 'tremor'"]),
        ("[bmode]", "[pose_sensor]\nkind = 'optic'\n[bmode]", ["pose_sensor.kind", "'optical'"]),
        ("[bmode]", "[bmode]\nline_time_s = 1e-6", ["bmode.line_time_s", "1.66e-05", "1e-06"]),
        ("[bmode]", "[bmode]\nline_time_s = 1e-3", ["bmode.line_time_s", "0.000391", "0.001"]),
        ("frames = 2\n", "frames = 2\ndoppler = true\n[doppler]\nprf_hz = 1e5\n",
         ["doppler.prf_hz", "60392"]),
        ("frames = 2\n", "frames = 2\ndoppler = true\n[doppler]\nprf_hz = 10.0\n",
         ["doppler.prf_hz", "at least 60"]),
        ("[bmode]", "[probe.deep]\n[bmode]", ["probe.deep"]),
        ('name = "linear-5MHz-tiny"', 'radius_mm = -3.0', ["probe.radius_mm", "-3.0"]),
        ("centre_frequency_hz = 5e6", "centre_frequency_hz = 7.5",
         ["probe.centre_frequency_hz", "at least", "Hz", "7.5"]),
        ("vessel_extent_mm", "vessel_radius_mm = [-1.0, 1.0]\nvessel_extent_mm",
         ["tissue.vessel_radius_mm", "-1.0"]),
        ("vessel_extent_mm", "limb_radius_mm = [10.0, 20.0]\nvessel_extent_mm",
         ["probe.width_mm", "limb_radius_mm", "10", "11.75"]),
        ("vessel_extent_mm", "attenuation_db_cm_mhz = 20.0\nvessel_extent_mm",
         ["tissue.attenuation_db_cm_mhz", "more than half", "20", "12.75"]),
        ("train = 2", 'train = 2\ndesign = "latin"', ["subjects.design", "latin-square"]),
        ("[bmode]", "[stress]\nfactors = ['tremor', 'speed', 'tremor']\n[bmode]",
         ["stress.factors", "'tremor' twice"]),
        ("[bmode]", "[stress]\nfactors = ['.a:b']\n[bmode]", [".a:b", "cannot be imported"]),
        ("[bmode]", "[stress]\nseverities = [1, 2, 2]\n[bmode]",
         ["stress.severities", "each once", "2 twice"]),
        ('direction = "advance"', 'direction = "sideways"', ["motion.direction", "both"]),
        ("frames_per_second = 4.0", "frames_per_second = 4.0\ncfl = 5.0",
         ["cfl", "at most 2", "5"]),
        ('name = "tiny-v2"', 'extends = "tinny"\nname = "tiny-v2"', ["extends", "tiny-v2"]),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line_with_file_and_key(tmp_path, old, new, words):
    assert old in TINY
    path = written(tmp_path, TINY.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message
    for word in words:
        assert word in message


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match="did you mean 'small-v2'"):
        load_spec("smal-v1")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_spec(tmp_path / "none.toml")


def test_published_specs_are_frozen():
    """The hashes of published specs stay, whatever is added to the simulator."""
    assert {name: load_spec(name).hash[:16] for name in spec_names()} == {
        "carotid-v2": "09b5b376cb43ea0c",
        "forearm-v2": "7ac6163a302f0d46",
        "long-v2": "7190e7f4a2b0692d",
        "pa-hetero-v2": "dc57abe840ecc18f",
        "small-v2": "9a23da14384c45a3",
        "stress-v2": "919397cdf8f454de",
        "tiny-v2": "0df1bad366f7b2c0",
        "tusrec-like-v2": "76ddfe164fa04c7e",
        "varied-v2": "28bb0b522b150d8f",
        "vessels-v2": "5fb4e6624474b160",
    }


def test_what_comes_later_leaves_the_identity_of_older_specs_alone(monkeypatch):
    spec = load_spec("tiny-v2")
    paused = dataclasses.replace(spec, motion=dataclasses.replace(spec.motion, pauses=1))
    sensed = dataclasses.replace(spec, imu=dataclasses.replace(spec.imu, rate_hz=100.0))
    assert len({other.hash for other in (spec, paused, sensed)}) == 3
    monkeypatch.setattr(spec_module, "LATER", {"": ("imu",), "motion": ("pauses",)})
    old = spec.hash
    assert len({old, paused.hash, sensed.hash}) == 3
    told = spec.to_dict()
    assert "pauses" in told["motion"] and "pauses" not in spec.canonical("motion")
    assert "pauses" in paused.canonical("motion")


def test_a_spec_may_extend_another(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "tiny-v2"\nname = "mine"\n[motion]\nstart_mm = 0.5\n')
    base, found = load_spec("tiny-v2"), load_spec(mine)
    assert found.name == "mine" and found.motion.start_mm == 0.5
    assert found.motion.path_length_mm == base.motion.path_length_mm
    assert found.probe == base.probe and found.hash != base.hash
    (tmp_path / "again.toml").write_text('extends = "mine.toml"\nseed = 9\n')
    assert load_spec(tmp_path / "again.toml").motion == found.motion
    mine.write_text('extends = "again.toml"\n')
    with pytest.raises(UserError, match="leads back to itself"):
        load_spec(mine)


def test_other_values_need_a_name_of_their_own(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "tiny-v2"\nseed = 9\n')
    with pytest.raises(UserError, match="name: expected one of its own, got 'tiny-v2'"):
        load_spec(mine)
    mine.write_text('extends = "tiny-v2"\n')
    assert load_spec(mine) == load_spec("tiny-v2")


def test_scatterers_that_need_more_memory_than_there_is_are_refused():
    spec = load_spec("tiny-v2")
    check_memory(spec, 2, available=4e9)
    dense = dataclasses.replace(
        spec, bmode=dataclasses.replace(spec.bmode, scatterers_per_cell=1e5)
    )
    assert memory_bytes(dense) > 1e10 > 10 * memory_bytes(spec)
    with pytest.raises(
        UserError, match=r"bmode.scatterers_per_cell: expected at most .* got 100000"
    ):
        check_memory(dense, 1, available=4e9)
    with pytest.raises(UserError, match=r"workers: expected at most 4, .* got 16"):
        check_memory(spec, 16, available=4.5 * memory_bytes(spec))


def test_stored_iq_and_doppler_frames_count_in_size_and_memory():
    """Against the arrays that are made: 8 bytes a sample of IQ, 4 a pixel of each Doppler image."""
    spec = load_spec("tiny-v2")
    kept = dataclasses.replace(spec, bmode=dataclasses.replace(spec.bmode, store_iq=True))
    iq = make_sweep(kept, 0).channels["iq"].frames.nbytes
    assert size_of(kept).megabytes - size_of(spec).megabytes == pytest.approx(4 * iq / 1e6)
    assert memory_bytes(kept) - memory_bytes(spec) == pytest.approx(iq)
    showcase = dataclasses.replace(spec.showcase, doppler=True)
    flow = dataclasses.replace(spec, showcase=showcase)
    extra = size_of(flow).megabytes - size_of(spec).megabytes
    assert size_of(flow).doppler_frames == 2 and extra == pytest.approx(2 * 2 * 4 * 48 * 48 / 1e6)
    assert size_of(flow).seconds > size_of(spec).seconds
    assert memory_bytes(flow) > memory_bytes(spec) + 1e8
    assert "2 Doppler frames" in describe(flow) and "Doppler frames" not in describe(spec)


def test_a_spec_refuses_the_attenuation_that_the_beam_refuses():
    """Both find the same limit, so that no sweep fails after hours for want of an echo."""
    spec = load_spec("tiny-v2")
    sigma = spec.probe.sigma_frequency_hz
    limit = 0.5 * spec.probe.centre_frequency_hz / sigma**2  # nepers per Hz
    limit *= 20.0 / np.log(10.0) * 1e6 * 10.0 / (2.0 * spec.probe.depth_mm)
    below = dataclasses.replace(spec.tissue, attenuation_db_cm_mhz=0.999 * limit)
    assert dataclasses.replace(spec, tissue=below).tissue == below
    above = dataclasses.replace(spec.tissue, attenuation_db_cm_mhz=1.001 * limit)
    with pytest.raises(UserError, match=r"tissue.attenuation_db_cm_mhz: .* by more than half"):
        dataclasses.replace(spec, tissue=above)
    with pytest.raises(UserError, match=r"tissue.attenuation_db_cm_mhz: .* by more than half"):
        sampled_beam(spec.probe, above.attenuation_db_cm_mhz, 1.0)
    assert sampled_beam(spec.probe, below.attenuation_db_cm_mhz, 1.0).frequency_hz == 5e6


def test_sweeps_of_a_spec_that_varies_count_as_they_are_drawn(monkeypatch):
    spec = load_spec("tiny-v2")
    ranges = {"probe.height_px": [40, 60], "probe.elevation_focus_mm": [6, 12],
              "acquisition.frames": [6, 20], "bmode.scatterers_per_cell": [2, 9]}  # fmt: skip
    many = dataclasses.replace(
        spec,
        subjects=dataclasses.replace(spec.subjects, train=12),
        vary=Vary.from_table(ranges, "vary"),
    )
    specs = [draw_spec(many, plan).spec for plan in plan_sweeps(many)]
    found = size_of(many)
    assert found.sweeps == 14 and found.frames == sum(one.acquisition.frames for one in specs)
    shown = specs[-1].probe
    stored = sum(one.acquisition.frames * one.probe.height_px * 48 for one in specs)
    assert found.megabytes == pytest.approx(1e-6 * (stored + 2 * 4 * shown.height_px * 48))
    assert memory_bytes(many) == pytest.approx(max(memory_bytes(one) for one in specs))
    monkeypatch.setattr(size_module, "MOST_PROBES", 100)  # every beam computed
    assert found.seconds == pytest.approx(size_of(many).seconds, rel=0.05)
    told = describe(many)
    assert '[vary]\n"acquisition.frames" = [6, 20]\n' in told
    assert "drawn     14 subjects and sweeps, 0 of them again" in told
    with pytest.raises(UserError, match=r"workers: expected at most 2, .* got 3"):
        check_memory(many, 3, available=2.5 * memory_bytes(many))
    dense = Vary.from_table({"bmode.scatterers_per_cell": {"choice": [2.0, 1e5]}}, "vary")
    with pytest.raises(UserError, match=r"bmode.scatterers_per_cell: .* got 100000"):
        check_memory(dataclasses.replace(many, vary=dense), 1, available=4e9)


def test_iq_that_needs_more_memory_than_there_is_is_refused():
    spec = load_spec("small-v2")
    long = dataclasses.replace(
        spec, bmode=dataclasses.replace(spec.bmode, store_iq=True),
        acquisition=dataclasses.replace(spec.acquisition, frames=100_000),
    )  # fmt: skip
    with pytest.raises(UserError, match=r"acquisition.frames: expected at most \d+, .* got 100000"):
        check_memory(long, 1, available=4e9)
    fixed = PROCESS_BYTES + KEPT_BYTES + memory_of(long).photoacoustic
    most = round(100_000 * (4e9 - fixed) / (memory_bytes(long) - fixed))
    fits = dataclasses.replace(
        long, acquisition=dataclasses.replace(long.acquisition, frames=most - 1)
    )
    check_memory(fits, 1, available=4e9)


def test_the_tusrec_like_probe_is_the_preset_of_that_name():
    spec = load_spec("tusrec-like-v2")
    assert spec.probe == PROBES["curvilinear-6MHz"]
    assert spec.probe.width_mm == pytest.approx(146.8, abs=0.3)
    assert spec.motion.direction == "both"


def test_small_is_what_the_main_job_needs():
    spec = load_spec("small-v2")
    subjects = spec.subjects
    assert subjects.test >= 8 and subjects.train >= 12 and subjects.val >= 2
    total = (subjects.train + subjects.val + subjects.test) * subjects.sweeps
    assert 6500 <= total * spec.acquisition.frames <= 7500  # about a minute on two cores
    assert (spec.probe.width_px, spec.probe.height_px) == (96, 96)
    assert spec.probe.pixels_per_lateral_fwhm() >= 2.0
    assert spec.motion.direction == "advance"
    assert spec.showcase.sweeps == 1 and spec.showcase.frames <= 24
    assert spec.photoacoustic.engine == "kwave"
    focus = float(spec.probe.sigma_elevation_mm(np.array(spec.probe.elevation_focus_mm)))
    assert focus == pytest.approx(0.46, abs=0.01)


def test_specs_load_without_engines():
    """A spec is made of settings: reading every one of them loads no numba and no SciPy."""
    code = (
        "import sys\nfrom simulate.spec import load_spec, spec_names\n"
        "for name in spec_names(): load_spec(name)\n"
        "print(*[name for name in ('numba', 'scipy', 'kwave') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SPEC_FOLDER.parents[1], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
