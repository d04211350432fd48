"""Generated data sets: the same bytes in any order, and runs resumed where they were stopped."""

import dataclasses
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep
from benchmark.machine.cluster import dask_executor
from benchmark.workers import core_count
from simulate.dataset import generate as module
from simulate.dataset.generate import generate
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import make_sweep
from simulate.sweep.scene import subject_tissue
from tests import command_line
from tests.local_cluster import local_cluster

SPEC = load_spec("tiny-v2")
ROOT = Path(__file__).parents[3]


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "tiny-v2"
    assert generate(SPEC, folder, workers=2) is not None
    return folder


def test_one_and_two_processes_give_the_same_bytes(made, tmp_path):
    generate(SPEC, tmp_path / "one", workers=1)
    one, two = contents(tmp_path / "one"), contents(made)
    assert one.keys() == two.keys() and len(one) >= 4 * 3 + 3
    assert [name for name in one if one[name] != two[name]] == []


def test_one_worker_is_this_process_itself(made, tmp_path, monkeypatch):
    """So that a script needs no main guard; the data set lacks one sweep."""
    folder = tmp_path / "d"
    shutil.copytree(made, folder)
    min((folder / "sweeps").iterdir()).unlink()
    monkeypatch.setattr(module, "process_pool", None)
    assert generate(SPEC, folder, workers=1) is not None
    min((folder / "sweeps").iterdir()).unlink()
    assert generate(SPEC, folder, workers=8) is not None  # no more than there are sweeps to make
    assert contents(folder) == contents(made)


@pytest.mark.parametrize("name", ["README.md", "croissant.json"])
def test_a_card_that_a_killed_run_did_not_write_is_written_by_the_next(made, tmp_path, name):
    folder = tmp_path / "d"
    shutil.copytree(made, folder)
    (folder / name).unlink()
    generate(SPEC, folder, workers=1)
    assert contents(folder) == contents(made)


def test_a_new_index_leaves_no_card_of_an_older_one(made, tmp_path, monkeypatch):
    folder = tmp_path / "d"
    shutil.copytree(made, folder)
    (folder / "dataset.json").unlink()
    monkeypatch.setattr(module, "dataset_card", None)  # ends where the card is made
    with pytest.raises(TypeError):
        generate(SPEC, folder, workers=1)
    assert not {"README.md", "croissant.json"} & set(contents(folder))
    monkeypatch.undo()
    generate(SPEC, folder, workers=1)
    assert contents(folder) == contents(made)


def test_any_executor_and_any_shards_give_the_same_bytes(made, tmp_path):
    folder = tmp_path / "d"
    with ThreadPoolExecutor(1) as executor:
        assert generate(SPEC, folder, shard=(3, 3), executor=executor) is None
        assert not (folder / "dataset.json").exists()
        assert generate(SPEC, folder, shard=(2, 3), executor=executor) is None
        assert generate(SPEC, folder, shard=(1, 3), executor=executor) is not None
    assert contents(folder) == contents(made)


def test_a_dask_cluster_gives_the_same_bytes(made, tmp_path):
    """A worker process of a local cluster, with three threads."""
    with local_cluster(1, threads=3) as (address, _), dask_executor(address) as executor:
        assert generate(SPEC, tmp_path / "d", executor=executor) is not None
    assert contents(tmp_path / "d") == contents(made)


def test_a_scheduler_that_is_not_there_is_one_line():
    with (
        pytest.raises(UserError, match=r"scheduler: expected a Dask scheduler at tcp://host:port"),
        dask_executor("tcp://127.0.0.1:1", timeout_s=2.0),
    ):
        pass


def test_a_second_run_does_nothing(made):
    before = {p: p.stat().st_mtime_ns for p in made.rglob("*")}
    assert generate(SPEC, made, workers=2) is not None
    assert {p: p.stat().st_mtime_ns for p in made.rglob("*")} == before


@pytest.mark.parametrize(
    "damage", ["no sweep", "half a sweep", "no record", "no truth", "no index"]
)
def test_what_is_missing_or_damaged_is_made_again(made, damage):
    before = contents(made)
    sweep = max((made / "sweeps").iterdir())  # the validation sweep
    if damage == "no sweep":
        sweep.unlink()
    elif damage == "half a sweep":
        sweep.write_bytes(sweep.read_bytes()[:1000])
    elif damage == "no record":
        (made / "records" / f"{sweep.stem}.json").unlink()
    elif damage == "no truth":
        (made / "truth" / "val-000.json").unlink()
    else:
        (made / "dataset.json").unlink()
    with ThreadPoolExecutor(1) as executor:
        generate(SPEC, made, executor=executor)
    assert contents(made) == before


def test_a_folder_of_another_spec_is_refused(made):
    other = dataclasses.replace(SPEC, seed=SPEC.seed + 1)
    before = contents(made)
    with pytest.raises(UserError, match="spec hash"):
        generate(other, made, workers=1)
    assert contents(made) == before


def test_part_of_a_data_set_from_other_versions_is_refused(made, tmp_path):
    (tmp_path / "identity.json").write_text(
        (made / "identity.json").read_text().replace('"numpy": "', '"numpy": "0.')
    )
    with pytest.raises(UserError, match="numpy"):
        generate(SPEC, tmp_path, workers=1)


def test_a_data_set_from_other_versions_opens_but_is_not_repaired(made, tmp_path):
    folder = tmp_path / "d"
    shutil.copytree(made, folder)
    (folder / "identity.json").write_text(
        (made / "identity.json").read_text().replace('"numpy": "', '"numpy": "0.')
    )
    before = contents(folder)
    assert generate(SPEC, folder, workers=1) is not None
    assert contents(folder) == before
    max((folder / "sweeps").iterdir()).unlink()
    before = contents(folder)
    with pytest.raises(UserError, match=r"made with .*'numpy': '0\..* delete the folder"):
        generate(SPEC, folder, workers=1)
    assert contents(folder) == before


def test_workers_are_counted_where_the_system_does_not_tell_a_process_its_cores(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert core_count() == os.cpu_count()


@pytest.mark.parametrize("arguments", [{"shard": (0, 2)}, {"shard": (3, 2)}, {"workers": 0}])
def test_impossible_runs_are_refused(tmp_path, arguments):
    with pytest.raises(UserError, match=f"{next(iter(arguments))}: expected"):
        generate(SPEC, tmp_path, **arguments)


def test_a_sweep_is_a_function_of_spec_and_index(made):
    dataset = open_dataset(made)
    assert len(dataset.entries) == 4
    for plan, entry in zip(plan_sweeps(SPEC), dataset.entries, strict=True):
        stored, again = dataset.load(entry), make_sweep(SPEC, plan.index)
        assert np.array_equal(stored.bmode.frames, again.bmode.frames)
        assert np.array_equal(stored.bmode.world_from_image, again.bmode.world_from_image)
        assert stored.factors == again.factors


def test_the_data_set_is_whole_and_says_what_it_is(made):
    dataset = open_dataset(made)
    assert dataset.verify() == []
    assert dataset.identity["spec"] == SPEC.to_dict()
    assert dataset.identity["spec_hash"] == SPEC.hash
    assert {"numpy", "numba"} <= set(dataset.identity["versions"])
    assert [len(dataset.split(name)) for name in ("train", "val", "test")] == [2, 1, 1]
    card = (made / "README.md").read_text()
    assert SPEC.hash in card and dataset.hash in card
    for name, text in contents(made).items():
        if name.endswith((".json", ".md")):
            assert os.uname().nodename.encode() not in text or len(os.uname().nodename) < 4
            assert str(made).encode() not in text


def test_photoacoustic_frames_have_their_own_times_and_poses_on_the_same_path(made):
    dataset = open_dataset(made)
    (entry,) = dataset.split("test")
    sweep = dataset.load(entry)
    light, bmode = sweep.channels["pa"], sweep.bmode
    assert len(light.frames) == 2 and light.frames.dtype == np.float32
    assert light.wavelength_nm.tolist() == [800.0, 800.0]
    assert light.frames.max() > 0
    # Between frames 50 ms apart the hand is nearly on the geodesic of its neighbours.
    expected = geometry.interpolate(bmode.timestamps, bmode.world_from_image, light.timestamps)
    off = geometry.degrees_of_freedom(geometry.inverse(expected) @ light.world_from_image)
    assert np.abs(off).max() < 0.01
    for entry in (*dataset.split("train"), *dataset.split("val")):
        assert set(dataset.load(entry).channels) == {"bmode"}


def test_truth_and_landmarks_are_those_of_the_subjects_tissue(made):
    dataset = open_dataset(made)
    assert len(dataset.entries) == 4
    marks = 0
    for plan, entry in zip(plan_sweeps(SPEC), dataset.entries, strict=True):
        tree = subject_tissue(SPEC, plan.subject_index).vessels
        assert np.allclose(dataset.truth(entry.subject)["points_mm"], tree.points_mm, atol=1e-6)
        sweep = dataset.load(entry)
        marks += len(sweep.landmarks)
        for frame, x, y in sweep.landmarks:
            image = sweep.bmode.mm_from_pixel @ [x, y, 0.0, 1.0]
            place = sweep.bmode.world_from_image[int(frame)] @ image
            assert np.linalg.norm(tree.points_mm - place[:3], axis=1).min() <= 0.3
    assert marks > 0


def test_lumens_are_darker_than_what_is_around_them():
    """The images show the tree that the truth names: poses, tissue and renderer fit together."""
    spec = load_spec("small-v2")
    short = dataclasses.replace(
        spec,
        acquisition=dataclasses.replace(spec.acquisition, frames=6, frame_rate_hz=6 / 5.4),
    )
    sweep = make_sweep(short, 1)
    tree = subject_tissue(short, 1).vessels
    thick = tree.points_mm[tree.radius_mm > 0.9]
    inside, around = [], []
    for frame, pose in zip(sweep.bmode.frames, sweep.bmode.world_from_image, strict=True):
        image = geometry.apply(geometry.inverse(pose), thick)
        near = image[np.abs(image[:, 2]) < 0.25]
        pixel = np.column_stack([near[:, :2], 0 * near[:, 0], 1 + 0 * near[:, 0]])
        pixel = np.rint(pixel @ np.linalg.inv(sweep.bmode.mm_from_pixel).T).astype(int)
        kept = ((pixel[:, :2] > 1) & (pixel[:, :2] < 94)).all(1)
        inside += [frame[y, x] for x, y in pixel[kept, :2]]
        around.append(np.median(frame[10:]))
    assert len(inside) >= 5
    assert np.median(inside) < np.median(around) - 50


def test_profiles_orientations_and_subjects_are_spread():
    spec = load_spec("small-v2")
    plans = plan_sweeps(spec)
    assert len({plan.name for plan in plans}) == len(plans) == 64
    for split, each in (("train", 5), ("test", 2)):
        profiles = [plan.profile for plan in plans if plan.split == split]
        assert sorted(profiles) == sorted([*spec.motion.profiles] * each)
    both = dataclasses.replace(spec.motion, orientations=("perpendicular", "parallel"))
    plans = plan_sweeps(dataclasses.replace(spec, motion=both))
    pairs = {(plan.profile, plan.orientation) for plan in plans if plan.split == "test"}
    assert len(pairs) == 16
    assert [plan.name for plan in plans if plan.showcase] == ["test-000-0-straight-perpendicular"]


def test_sweeps_of_a_subject_share_its_tissue_and_differ_in_motion():
    twice = dataclasses.replace(
        SPEC, subjects=dataclasses.replace(SPEC.subjects, sweeps=2, train=1)
    )
    first, second = plan_sweeps(twice)[:2]
    assert first.subject == second.subject and first.subject_index == second.subject_index
    one, two = make_sweep(twice, 0), make_sweep(twice, 1)
    assert not np.allclose(one.bmode.world_from_image, two.bmode.world_from_image)


def command(*arguments, cwd=ROOT):
    return command_line.command("simulate", *arguments, cwd=cwd)


def test_the_command_line_generates_and_reports(tmp_path):
    done = command("generate", "tiny-v2", "--out", str(tmp_path / "out"), "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "4 sweeps, 48 frames" in done.stdout
    page = (tmp_path / "out" / "preview.html").read_text()
    assert page.count("data:image/png;base64,") == 4 and "http" not in page
    assert "test-000-0-straight-perpendicular" in page
    assert len(read_sweep(next((tmp_path / "out" / "sweeps").iterdir()))) == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "tinny-v1"), "did you mean 'tiny-v2'"),
        (("show", "nowhere.toml"), "cannot be read"),
        (("generate", "tiny-v2", "--shard", "5"), "i/n"),
        (("generate", "tiny-v2", "--withhold-poses"), "entropy_file"),
        (("generate", "tiny-v2", "--answers", "x"), "only with --withhold-poses"),
        (("generate", "tiny-v2", "--withhold-poses", "--entropy-file", "none"), "token_hex"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_status_2(tmp_path, arguments, words):
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys, simulate.__main__ as m\n"
        "sys.argv = ['simulate', '--help']\n"
        "try: m.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'matplotlib', 'plotly', 'pandas', 'kwave', 'numba', "
        "'skimage', 'monai', 'scipy'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "LOADED []" in done.stdout
    assert all(name in done.stdout for name in ("list", "show", "generate"))


def test_list_and_show_name_what_there_is():
    assert {"tiny-v2", "small-v2"} <= set(command("list").stdout.split())
    shown = command("show", "small-v2").stdout
    assert load_spec("small-v2").hash in shown and "64 sweeps, 6912" in shown


POOL = """
import time
from benchmark.workers import process_pool
if __name__ == "__main__":
    with process_pool(2) as pool:
        tasks = [pool.submit(time.sleep, 300) for _ in range(4)]
        time.sleep(1)
        print(*pool._processes, flush=True)
        time.sleep(300)
"""


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's table of processes")
def test_workers_do_not_outlive_a_killed_run(tmp_path):
    import time

    script = tmp_path / "pool.py"
    script.write_text(POOL)
    started = subprocess.Popen(
        [sys.executable, str(script)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    workers = [int(word) for word in started.stdout.readline().split()]
    time.sleep(2)  # until they have begun
    assert len(workers) == 2 and all(map(alive, workers))
    started.kill()
    started.wait()
    deadline = time.monotonic() + 60
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def test_a_killed_run_goes_on_where_it_was(made, tmp_path):
    """Killed after its first record, started again: the same bytes as never interrupted."""
    import signal
    import time

    folder = tmp_path / "out"
    started = subprocess.Popen(
        [sys.executable, "-m", "simulate", "generate", "tiny-v2", "--out", str(folder),
         "--workers", "1"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs may inherit SIG_IGN
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while not list(folder.glob("records/*.json")) and time.monotonic() < deadline:
        time.sleep(0.005)
    started.send_signal(signal.SIGINT)
    _, complaint = started.communicate(timeout=60)
    assert "Traceback" not in complaint
    first = {p: p.stat().st_mtime_ns for p in folder.glob("records/*.json")}
    assert first, complaint
    done = command("generate", "tiny-v2", "--out", str(folder), "--workers", "1", "--no-preview")
    assert done.returncode == 0, done.stderr
    assert {p: p.stat().st_mtime_ns for p in first} == first
    found = contents(folder)
    assert {n: b for n, b in found.items() if ".part" not in n} == contents(made)
