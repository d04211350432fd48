"""Data of one spec, made where arithmetic rounds differently, stand on one board."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmark.dataset import Dataset, open_dataset, sweep_fingerprint, write_dataset
from benchmark.errors import UserError
from benchmark.files import fingerprint_gap, read_json
from benchmark.interop.convert import convert
from benchmark.leaderboard import read_leaderboard
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.scoring.evaluate import evaluate
from simulate.spec import load_spec

#: A machine with another BLAS kernel and without the vector instructions of numpy.
OTHER_MACHINE = {
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "SSSE3 SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD "
    "AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
#: Two sweeps: one is tested, and photoacoustic frames are taken at the next rate.
SPEC = """extends = "tiny-v2"
name = "{name}"
[subjects]
train = 1
val = 1
test = 1
[acquisition]
frames = 8
[showcase]
sweeps = 0
"""


def run_on(variables: dict[str, str], *words: object) -> None:
    """Run a command line of a package in a process of its own, with environment variables."""
    command = [sys.executable, "-W", "ignore", "-m", *map(str, words)]
    done = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> tuple[Dataset, Dataset]:
    """Return one data set, made on two machines."""
    root = tmp_path_factory.mktemp("machines")
    spec = root / "spec.toml"
    spec.write_text(SPEC.format(name="two-machines"))
    for place, variables in (("here", {}), ("there", OTHER_MACHINE)):
        words = ("--out", root / place, "--workers", 1, "--no-preview")
        run_on(variables, "simulate", "generate", spec, *words)
    return open_dataset(root / "here"), open_dataset(root / "there")


def result_of(name: str, dataset: Dataset, root: Path) -> Path:
    """Track and score a data set with a tracker that needs no training; return the result."""
    run = make_run(name, dataset, root=root)
    if run.tracker is not None:
        run.tracker.save(run.folder)
        run.write_config(None)
    evaluate(predict(run), dataset, out=run.result)
    return run.result


def test_the_machines_differ_and_the_data_do_not(copies):
    here, there = copies
    spec = load_spec(here.folder.parent / "spec.toml")
    assert here.hash == there.hash == spec.hash  # what `simulate show` prints
    assert read_json(here.folder / "dataset.json")["hash"] == spec.hash
    for one, other in zip(here.entries, there.entries, strict=True):
        ours, theirs = (copy.load(entry) for copy, entry in ((here, one), (there, other)))
        for name, channel in ours.channels.items():
            poses = theirs.channels[name].world_from_image
            assert np.array_equal(channel.world_from_image, poses)  # to the last bit
        assert np.array_equal(ours.bmode.frames, theirs.bmode.frames)
        for part, values in one.fingerprint.items():
            assert fingerprint_gap(values, other.fingerprint[part]) < 1e-5


#: Prints a hash for each of several specs: poses, vessels, landmarks, inertial and pose sensors.
TRUTH = """
import sys
from dataclasses import replace
from hashlib import sha256
import numpy as np
from simulate.probe.inertial import exact_inertial
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.landmarks import visible_landmarks
from simulate.sweep.scene import draw_scene
for name in sys.argv[1:]:
    spec = load_spec(name)
    moving = replace(
        spec.tissue.motion, strain=(0.1, 0.15), breath_mm=(0.5, 1.0), pulse_mm=(0.2, 0.3)
    )
    hand = replace(spec.motion, jerks=2, jerk_mm=1.0, pauses=1, reversals=1, tremor_mm=0.05)
    acquisition = replace(spec.acquisition, frames=40)
    spec = replace(spec, tissue=replace(spec.tissue, motion=moving), motion=hand)
    spec = replace(spec, acquisition=acquisition)
    for plan in plan_sweeps(spec)[:4]:
        scene = draw_scene(spec, plan)
        tissue, poses = scene.tissue, scene.trajectory
        landmarks = visible_landmarks(
            tissue.landmarks_mm, poses, spec.probe.mm_from_pixel, (4096, 4096), scene.times,
            scene.tissue_motion.displacement,
        )
        felt = exact_inertial(scene.pose_at, scene.times)
        parts = (poses, tissue.vessels.points_mm, tissue.vessels.radius_mm, landmarks, *felt)
        print(name, *(sha256(np.ascontiguousarray(part)).hexdigest()[:12] for part in parts))
"""


def test_truth_is_equal_to_the_last_bit_where_blas_and_vector_instructions_differ():
    names = ("small-v2", "tusrec-like-v2", "carotid-v2")
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", TRUTH, *names],
            env=os.environ | variables, capture_output=True, text=True, check=True,
        ).stdout
        for variables in ({}, OTHER_MACHINE)
    ]  # fmt: skip
    assert said[0].count("\n") == 12 and said[0] == said[1]


def test_their_results_rank_on_one_board(copies, tmp_path):
    here, there = copies
    paths = [
        result_of("identity", here, tmp_path / "here"),
        result_of("in-plane-registration", there, tmp_path / "there"),
        result_of("true-out-of-plane", there, tmp_path / "there"),
    ]
    board = read_leaderboard(paths)
    assert {row.tracker for row in board.rows} == {
        "identity", "in-plane-registration", "true-out-of-plane",
    }  # fmt: skip
    again = result_of("identity", there, tmp_path / "there")
    one, other = (read_leaderboard([path]).rows[0].values for path in (paths[0], again))
    for metric, values in one.items():
        ours, theirs = np.array(values, float), np.array(other[metric], float)  # None is NaN
        assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True), metric


def test_a_recording_converted_on_either_machine_takes_the_same_predictions(copies, tmp_path):
    here, _ = copies
    convert(here.folder, tmp_path / "recorded")
    (folder,) = convert(tmp_path / "recorded", tmp_path / "ours")
    ours = open_dataset(folder.parent)
    run_on(OTHER_MACHINE, "benchmark", "convert", tmp_path / "recorded", tmp_path / "theirs")
    theirs = open_dataset(tmp_path / "theirs")
    run = make_run("identity", ours, root=tmp_path / "runs")
    run.tracker.save(run.folder)
    run.write_config(None)
    result = evaluate(predict(run), theirs)
    assert ours.hash == theirs.hash and len(result["sweeps"]) == 1 and not result["failed"]


@pytest.mark.parametrize(
    ("key", "index", "change"),
    [("frames", (3, 20, 20), 1), ("world_from_image", (5, 2, 3), 1e-3)],
)
def test_a_changed_pixel_or_pose_is_refused(copies, tmp_path, key, index, change):
    here, there = copies
    shutil.copytree(there.folder, tmp_path / "forged")
    (entry,) = there.split("test")
    with h5py.File(tmp_path / "forged" / entry.file, "r+") as file:
        array = file[f"channels/bmode/{key}"]
        array[index] = array[index] + array.dtype.type(change)
    forged = open_dataset(tmp_path / "forged")
    assert len(forged.verify()) == 1
    entries = [
        replace(found, fingerprint=sweep_fingerprint(forged.load(found)))
        for found in forged.entries
    ]
    forged = write_dataset(forged.folder, forged.name, entries, forged.identity)
    assert forged.hash == here.hash
    line = rf"sweep '{entry.name}': bmode/{key} differ by"
    paths = [
        result_of("identity", here, tmp_path / "here"),
        result_of("true-in-plane", forged, tmp_path / "forger"),
    ]
    with pytest.raises(UserError, match=line):
        read_leaderboard(paths)
    with pytest.raises(UserError, match=rf"fingerprints: predictions of other data .*{line}"):
        evaluate(paths[1].parent / "predictions", here)
