"""Test sweeps without answers: the public files hold no truth, and the answers score them."""

import dataclasses
import json
import re
import struct
from itertools import pairwise
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.files import write_json
from benchmark.hdf5 import write_prediction
from benchmark.scoring.evaluate import evaluate
from benchmark.sweep import Prediction, World
from simulate.dataset.generate import generate
from simulate.dataset.withheld import Withheld, read_entropy
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import make_sweep
from simulate.sweep.scene import draw_scene
from tests.benchmark.shared.full_sweep import full_sweep

ENTROPY = int("c0ffee" * 8, 16)
BASE = load_spec("tiny-v2")
SPEC = dataclasses.replace(
    BASE,
    acquisition=dataclasses.replace(BASE.acquisition, frames=6),
    subjects=dataclasses.replace(BASE.subjects, train=1),
    imu=dataclasses.replace(BASE.imu, rate_hz=50.0),
    pose_sensor=dataclasses.replace(BASE.pose_sensor, kind="optical"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("withheld")
    kept = Withheld(ENTROPY, str(root / "answers"))
    public = generate(SPEC, root / "public", workers=1, withheld=kept)
    assert public is not None
    return public, open_dataset(root / "answers")


def test_the_public_folder_gives_nothing_away(made):
    public, answers = made
    (entry,) = public.split("test")
    keys: list[str] = []
    with h5py.File(public.folder / entry.file) as file:
        file.visit(keys.append)
    assert not [k for k in keys if "world" in k or "measured" in k or "true" in k]
    assert not (public.folder / "truth" / "test-000.json").exists()
    assert (public.folder / "truth" / "train-000.json").exists()
    assert not set(entry.factors) & {"seed", "index", "path_mm", "net_mm"}
    for path in public.folder.rglob("*"):
        assert not path.is_file() or b"c0ffee" not in path.read_bytes()
    sweep, answer = public.load(entry), answers.load(answers.split("test")[0])
    assert np.array_equal(sweep.bmode.frames, answer.bmode.frames)
    assert {"timestamps", "acceleration", "angular_rate"} == set(sweep.imu)
    with pytest.raises(UserError, match="withheld"):
        _ = sweep.first_from_frame
    # Neither does the public seed: it draws other sweeps.
    again = make_sweep(SPEC, 2)
    assert again.name == sweep.name
    assert (again.bmode.frames != sweep.bmode.frames).mean() > 0.5
    assert not np.allclose(again.bmode.world_from_image, answer.bmode.world_from_image)


def truths(answers) -> dict[str, np.ndarray]:
    """Return the numbers of the answers, of the vessels and of the hand, by where they are from."""
    (entry,) = answers.entries
    sweep = answers.load(entry)
    found = {
        "poses": sweep.bmode.world_from_image[:, :3],
        "first_from_frame": sweep.first_from_frame[:, :3],
        "prev_from_frame": sweep.prev_from_frame[:, :3],
        "measured": sweep.bmode.measured["optical"][:, :3],
        "landmarks": sweep.landmarks[:, 1:],
        "factors": [entry.factors[key] for key in ("path_mm", "net_mm")],
        "fingerprint": [
            entry.fingerprint["bmode/world_from_image"],
            entry.fingerprint["landmarks"],
        ],
        "vessels": list(numbers_of(answers.truth(entry.subject))),
        "hand": list(numbers_of(draw_scene(SPEC, plan_sweeps(SPEC)[2], ENTROPY).motion)),
    }
    found |= {key: values for key, values in sweep.imu.items() if key.startswith("true_")}
    return {key: np.ravel(values).astype(float) for key, values in found.items()}


def numbers_of(value):
    """Yield all floating-point numbers of a record of dataclasses, lists and arrays."""
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, float):
        yield value
    elif isinstance(value, np.ndarray):
        yield from value.ravel().astype(float).tolist()
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers_of(item)


def is_telling(values: np.ndarray) -> np.ndarray:
    """Return which numbers are no round ones, which stand everywhere."""
    return (np.abs(values) > 1e-6) & (np.abs(1000 * values - np.round(1000 * values)) > 1e-6)


def shown_in(folder, values: np.ndarray) -> int:
    """Return how many of the telling numbers a folder's files show.

    As float64 of either byte order, as float32 with the next number behind it, or as decimals of
    nine digits.
    """
    telling = is_telling(values)
    alone = set(values[telling].tolist())
    pairs = [
        pair for pair, tell in zip(pairwise(values), pairwise(telling), strict=True) if all(tell)
    ]
    wanted = {f"{value:.8e}": value for value in alone}
    decimal = re.compile(rb"-?\d+\.\d+(?:e[-+]?\d+)?")
    found: set[float] = set()
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for order in "<>":
            found |= {value for value in alone if struct.pack(f"{order}d", value) in data}
            found |= {pair[0] for pair in pairs if struct.pack(f"{order}2f", *pair) in data}
        told = (f"{float(text):.8e}" for text in decimal.findall(data))
        found |= {wanted[text] for text in told if text in wanted}
    return len(found)


@pytest.mark.parametrize("form", ["<f8", ">f8", "<f4", ">f4", "text"])
def test_a_number_is_found_however_it_is_written(tmp_path, form):
    values = np.random.default_rng(0).normal(size=9)
    data = json.dumps(values.tolist()).encode() if form == "text" else values.astype(form).tobytes()
    (tmp_path / "a").write_bytes(b"abc" + data)
    assert shown_in(tmp_path, values) == len(values) - form.endswith("4")
    assert shown_in(tmp_path, values + 0.1) == 0


def test_no_file_of_the_public_folder_shows_a_number_of_the_answers(made):
    public, answers = made
    for name, values in truths(answers).items():
        count = len(set(values[is_telling(values)]))
        assert count > 1, name
        assert shown_in(public.folder, values) == 0, name
        if name not in ("hand", "first_from_frame", "prev_from_frame"):  # these are derived
            assert shown_in(answers.folder, values) == count, name


def test_the_public_folder_is_the_same_whatever_the_answers_are(tmp_path, monkeypatch):
    """Two sets with the same images at other poses, landmarks and factors differ in nothing."""
    folders = []
    for run in range(2):

        def composed(spec, plan, entropy, run=run):
            shown = full_sweep()
            moved = {
                name: dataclasses.replace(
                    channel,
                    world_from_image=channel.world_from_image[:: 1 - 2 * run],
                    measured={"optical": (1 + run) * channel.world_from_image},
                    line_world_from_image=np.full((len(channel.frames), 2 + run, 4, 4), 0.5 + run),
                    world=World(f"world {run}"),
                )
                for name, channel in shown.channels.items()
            }
            kept = {"subject": plan.subject, "profile": plan.profile}
            answer = {"path_mm": 1.5 + run, "seed": run, "vary.motion.speed": "x" * run}
            if plan.split != "test":
                return dataclasses.replace(shown, name=plan.name, factors=kept)
            return dataclasses.replace(
                shown,
                name=plan.name,
                channels=moved,
                landmarks=shown.landmarks[: 1 + run],
                factors=kept | answer,
                imu=shown.imu | {"true_acceleration": np.full((3 + run, 3), 0.5)},
            )

        monkeypatch.setattr("simulate.dataset.generate.compose_sweep", composed)
        monkeypatch.setattr("simulate.dataset.generate.subject_tissue", fake_tissue(run))
        place = tmp_path / str(run)
        kept = Withheld(ENTROPY, str(place / "answers"))
        assert generate(SPEC, place / "public", workers=1, withheld=kept) is not None
        folders.append(place / "public")
    one, other = (
        {path.relative_to(folder): path.is_file() and path.read_bytes()
         for path in sorted(folder.rglob("*"))} for folder in folders
    )  # fmt: skip
    assert list(one) == list(other) and [path for path in one if one[path] != other[path]] == []
    answers = [folder.parent / "answers" / "sweeps" for folder in folders]
    assert len({path.read_bytes() for folder in answers for path in folder.iterdir()}) == 2


def fake_tissue(run: int):
    """Return what stands for `subject_tissue`: other vessels of test subjects in each run."""

    def tissue(spec, subject_index, entropy):
        vessels = SimpleNamespace(to_json=lambda: {"vessels": [run if entropy else 0]})
        return SimpleNamespace(vessels=vessels)

    return tissue


def test_times_of_files_tell_nothing(made):
    public, _ = made
    paths = (public.folder, *public.folder.rglob("*"))
    assert len({path.stat().st_mtime_ns for path in paths}) == 1


def test_training_sweeps_are_those_of_the_public_seed(made):
    public, _ = made
    assert public.verify() == []
    stored = public.load(public.split("train")[0])
    again = make_sweep(SPEC, 0)
    assert np.array_equal(stored.bmode.frames, again.bmode.frames)
    assert np.array_equal(stored.bmode.measured["optical"], again.bmode.measured["optical"])


def test_answers_hold_the_entropy_and_can_be_drawn_again(made):
    _, answers = made
    identity = json.loads((answers.folder / "identity.json").read_text())
    assert int(identity["withheld"]["entropy"], 16) == ENTROPY
    answer = answers.load(answers.split("test")[0])
    again = make_sweep(SPEC, 2, ENTROPY)
    assert np.array_equal(answer.bmode.world_from_image, again.bmode.world_from_image)
    assert answers.truth("test-000") is not None and "path_mm" in answer.factors


def test_predictions_are_scored_with_the_answers_only(made, tmp_path):
    public, answers = made
    (entry,) = public.split("test")
    truth = answers.load(answers.split("test")[0]).first_from_frame
    write_prediction(tmp_path / f"{entry.name}.h5", Prediction(truth))
    meta = {"format": "sweepbench-predictions-1", "tracker": "mine", "kind": "external",
            "dataset": {"name": public.name, "hash": public.hash, "split": "test"}}  # fmt: skip
    write_json(tmp_path / "meta.json", meta)
    result = evaluate(tmp_path, public, answers=answers)
    assert result["summary"]["fdr_path_centre"]["mean"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(UserError, match="withheld"):
        evaluate(tmp_path, public)


def test_a_second_run_does_nothing_and_other_entropy_is_refused(made):
    public, answers = made
    before = {p: p.stat().st_mtime_ns for p in public.folder.parent.rglob("*")}
    place = str(answers.folder)
    assert generate(SPEC, public.folder, workers=1, withheld=Withheld(ENTROPY, place)) is not None
    assert {p: p.stat().st_mtime_ns for p in public.folder.parent.rglob("*")} == before
    withheld = r"with withheld answers \(entropy \w{12}\)"
    with pytest.raises(UserError, match=f"{withheld}, not {withheld};"):
        generate(SPEC, public.folder, workers=1, withheld=Withheld(ENTROPY + 1, place))
    with pytest.raises(UserError, match=r"with withheld answers \(.*\), not with public answers;"):
        generate(SPEC, public.folder, workers=1)
    inside = Withheld(ENTROPY, str(public.folder / "answers"))
    with pytest.raises(UserError, match="expected a folder outside"):
        generate(SPEC, public.folder, workers=1, withheld=inside)


@pytest.mark.parametrize(
    ("text", "words"),
    [("12", "at least 32"), ("not hex at all, but long enough", "digits only"), ("", "digits"),
     ("0" * 64, "at least 32"), (None, "no such entropy file")],
)  # fmt: skip
def test_weak_entropy_is_refused(tmp_path, text, words):
    path = tmp_path / "entropy"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_entropy(path)
    assert "token_hex" in str(caught.value)
    path.write_text("  " + "A1" * 32 + "\n")
    assert read_entropy(path) == int("a1" * 32, 16)
