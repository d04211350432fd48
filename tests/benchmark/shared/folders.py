"""A small data set on disk and a sound predictions folder for it."""

import json
from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, write_dataset, write_entry
from benchmark.hdf5 import write_prediction
from benchmark.sweep import Channel, Prediction, Sweep

FRAMES, SHAPE = 9, (12, 16)
NAMES = {"p0-a": "p0", "p0-b": "p0", "p1-a": "p1", "p2-a": "p2"}


def make_sweep(name: str, subject: str, frames: int = FRAMES) -> Sweep:
    """Return a sweep of noise with smooth poses that start anywhere in the world."""
    rng = np.random.default_rng(sum(map(ord, name)))
    steps = rng.normal(size=(frames - 1, 6)) * [0.1, 0.05, 0.1, 0.01, 0.01, 0.01]
    steps[:, 2] += 0.8
    start = geometry.exp(rng.normal(size=6))
    mm_from_pixel = np.diag([0.8, 0.9, 1.0, 1.0])
    channel = Channel(
        rng.integers(0, 255, (frames, *SHAPE)).astype(np.uint8),
        0.05 * np.arange(frames),
        mm_from_pixel,
        world_from_image=start @ geometry.chain(geometry.exp(steps)),
    )
    landmarks = np.array([[0.0, 3, 4], [frames - 1.0, 5, 6]])
    factors = {"subject": subject, "profile": "straight", "severity": 0.5}
    return Sweep(name, {"bmode": channel}, landmarks, {"name": "test"}, factors)


def make_dataset(folder: Path, name: str = "tiny-v2") -> Dataset:
    """Write and return a data set of four test sweeps of three subjects, and one to train on."""
    entries = []
    for sweep_name, subject in {**NAMES, "p9-a": "p9"}.items():
        sweep = make_sweep(sweep_name, subject)
        split = "train" if subject == "p9" else "test"
        entries.append(write_entry(folder, f"sweeps/{sweep_name}.h5", sweep, split, subject))
    return write_dataset(folder, name, entries, {"spec_hash": "x"})


def make_predictions(folder: Path, dataset: Dataset, error: float = 0.02) -> Path:
    """Write sound predictions, the truth with a bias of `error` mm per step, and their meta.json.

    One of them is an npz.
    """
    for index, entry in enumerate(dataset.split("test")):
        steps = np.array(dataset.load(entry).prev_from_frame)
        steps[:, 0, 3] += error
        prediction = Prediction.from_steps(steps, np.full(len(steps), 0.1))
        if index == 1:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / f"{entry.name}.npz", first_from_frame=prediction.first_from_frame)
        else:
            write_prediction(folder / f"{entry.name}.h5", prediction)
    write_meta(folder, dataset)
    return folder


def write_meta(folder: Path, dataset: Dataset, /, **changes) -> None:
    """Write meta.json with some keys changed; a key set to None is left out."""
    meta = {
        "format": "sweepbench-predictions-1",
        "tracker": "mine",
        "kind": "external",
        "seconds_per_frame": 0.01,
        "seed": 3,
        "trained_on": None,
        "dataset": {"name": dataset.name, "hash": dataset.hash, "split": "test"},
        **changes,
    }
    kept = {key: value for key, value in meta.items() if value is not None}
    (folder / "meta.json").write_text(json.dumps(kept), encoding="utf-8")
