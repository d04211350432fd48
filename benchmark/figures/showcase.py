"""Figures of the leaderboard page that show sweeps: frames, trajectories, reconstructed volumes.

One sweep, with photoacoustic frames if there is one, is reconstructed by true and predicted poses.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, Entry
from benchmark.errors import UserError
from benchmark.figures import plot, volumes
from benchmark.figures.turning import turnable
from benchmark.files import write_json
from benchmark.leaderboard.page_figures import VOLUME
from benchmark.runs.predict import check_predicted, read_predicted
from benchmark.runs.run import Run, titles
from benchmark.sweep import Images, Prediction, Sweep, centre_path, poses_at
from benchmark.vessels.tree import VesselTree, branches, read_tree
from benchmark.volume.reconstruction import reconstruct

VOXELS_PER_SIDE = 160
PHOTOACOUSTIC_RANGE_DB = 18.0
LIGHT_LOSS_DB_PER_MM = 1.5


def draw_showcase(runs: Sequence[Run], split: str = "test") -> Iterator[Path]:
    """Draw the figures of the page into `runs/<data set>/figures` and yield their paths.

    Figures of a single tracker are drawn for the first seed of the first three configurations.

    Raises
    ------
    UserError : no run, or a run without predictions of this split.
    """
    if not runs:
        raise UserError("figures: expected at least one tracker")
    for run in runs:
        check_predicted(run, split)
    dataset = runs[0].dataset
    folder = runs[0].root / dataset.name / "figures"
    entries = dataset.split(split)
    entry = showcase_entry(dataset, entries)
    sweep = dataset.load(entry)
    named = dict(zip(titles(runs), runs, strict=True))
    predictions = {title: read_predicted(run, sweep.name) for title, run in named.items()}
    shown = list(_first_seeds(named).items())[:3]
    yield _frames(folder, dataset, entries)
    yield _trajectories(folder, sweep, predictions)
    for title, tracker in shown:
        yield _slices(folder, sweep, title, predictions[title], tracker)
    if "pa" in sweep.channels:
        yield _photoacoustic_frames(folder, sweep)
        truth = dataset.truth_file(entry.subject)
        tree = read_tree(truth) if truth.is_file() else None
        for title, tracker in shown:
            yield _vessels(folder, sweep, title, predictions[title], tracker, tree)


def _first_seeds(runs: Mapping[str, Run]) -> dict[str, str]:
    """Return tracker names by run title, of the first run of each tracker and configuration."""
    first: dict[tuple[str, str], str] = {}
    for title, run in runs.items():
        first.setdefault((run.name, run.config_hash), title)
    return {title: name for (name, _), title in first.items()}


def showcase_entry(dataset: Dataset, entries: Sequence[Entry]) -> Entry:
    """Return the sweep that is shown: the first with photoacoustic frames, else the first."""
    for entry in entries:
        if "pa" in dataset.load(entry, lazy=True).channels:
            return entry
    return entries[0]


def _frames(folder: Path, dataset: Dataset, entries: Sequence[Entry]) -> Path:
    subjects = {entry.subject: entry for entry in entries}
    chosen = list(subjects.values())[:6]
    channels = [dataset.load(entry).bmode for entry in chosen]
    frames = np.stack([channel.frames[len(channel.frames) // 2] for channel in channels])
    figure = plot.montage(frames, [entry.subject for entry in chosen], 6, channels[0].mm_from_pixel)
    caption = "The middle B-mode frame of one sweep of each of the first test subjects."
    return plot.save(figure, folder / "1-frames", "What the trackers see", caption)


def _trajectories(folder: Path, sweep: Sweep, predictions: Mapping[str, Prediction]) -> Path:
    true = centre_path(sweep.bmode, sweep.first_from_frame)
    paths = {
        name: centre_path(sweep.bmode, prediction.first_from_frame)
        for name, prediction in predictions.items()
    }
    figure = plot.trajectories(true, paths)
    caption = f"Path of the image centre in sweep {sweep.name}, true and predicted."
    return plot.save(figure, folder / "2-trajectories", "True and predicted trajectories", caption)


def _slices(folder: Path, sweep: Sweep, name: str, prediction: Prediction, tracker: str) -> Path:
    poses = {"true poses": sweep.first_from_frame, name: prediction.first_from_frame}
    placed, spacing, _ = _on_one_grid(sweep.bmode, poses)
    figure = volumes.slices(placed, spacing)
    caption = f"Sweep {sweep.name} compounded with its true poses and with those of {name}."
    path = folder / f"3-slices-{_safe(name)}"
    write_json(path.with_name(path.name + VOLUME), turnable(placed, spacing))
    return plot.save(figure, path, "Reconstructed B-mode volume", caption, tracker)


def _photoacoustic_frames(folder: Path, sweep: Sweep) -> Path:
    channel = sweep.channels["pa"]
    chosen = np.linspace(0, len(channel.frames) - 1, min(6, len(channel.frames))).astype(int)
    frames = np.sqrt(np.asarray(channel.frames)[chosen])
    labels = [f"{channel.timestamps[i]:.2f} s" for i in chosen]
    figure = plot.montage(frames, labels, 6, channel.mm_from_pixel)
    caption = "Photoacoustic frames of the same sweep (square root of the amplitude)."
    return plot.save(figure, folder / "4-photoacoustic-frames", "Photoacoustic frames", caption)


def _vessels(
    folder: Path,
    sweep: Sweep,
    name: str,
    prediction: Prediction,
    tracker: str,
    tree: VesselTree | None,
) -> Path:
    """Draw the PA volume by true and by predicted poses beside the true vessel tree."""
    bmode, channel = sweep.bmode, sweep.channels["pa"]
    poses = {
        "true poses": poses_at(channel, bmode, sweep.first_from_frame),
        name: poses_at(channel, bmode, prediction.first_from_frame),
    }
    placed, spacing, origin = _on_one_grid(channel, poses, gap_mm=2.5)
    gain = LIGHT_LOSS_DB_PER_MM * (origin[1] + spacing[1] * np.arange(VOXELS_PER_SIDE * 2))
    placed = {key: _logarithmic(volume, gain) for key, volume in placed.items()}
    first_from_world = geometry.inverse(bmode.world_from_image[0])
    vessels = list(_branches(tree, first_from_world)) if tree else []
    figure = volumes.projections(placed, spacing, vessels, origin)
    caption = (
        f"Photoacoustic frames of sweep {sweep.name} placed by true poses and by those of {name}, "
        f"seen from the skin over {PHOTOACOUSTIC_RANGE_DB:g} dB after {LIGHT_LOSS_DB_PER_MM:g} dB "
        "per mm of depth for the loss of light, beside the true vessel tree."
    )
    path = folder / f"5-vessels-{_safe(name)}"
    write_json(path.with_name(path.name + VOLUME), turnable(placed, spacing))
    return plot.save(figure, path, "Vessels in 3D without a tracking sensor", caption, tracker)


def _logarithmic(volume: np.ndarray, gain_db: np.ndarray) -> np.ndarray:
    """Return amplitudes (X, Y, Z) as 0 to 1 over the displayed range, with a gain over depth y."""
    decibels = 20 * np.log10(np.maximum(volume, 1e-12)) + gain_db[: volume.shape[1], None]
    strongest = np.nanpercentile(decibels, 99.9)
    return 1 + np.clip(decibels - strongest, -PHOTOACOUSTIC_RANGE_DB, 0) / PHOTOACOUSTIC_RANGE_DB


def _branches(
    tree: VesselTree, first_from_world: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each branch as points (P, 3) mm in the first frame and radii (P,) mm."""
    points = geometry.apply(first_from_world, tree.points_mm)
    for branch in branches(tree):
        yield points[branch], tree.radius_mm[branch]


def _on_one_grid(
    images: Images, poses: Mapping[str, np.ndarray], gap_mm: float | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return volumes (X, Y, Z; NaN: unseen) on one grid that holds all, its voxel and origin.

    poses: (N, 4, 4) of the frames, by name.
    """
    rows, columns = images.frames.shape[1:]
    corners = np.array(
        [[0, 0, 0], [columns - 1, 0, 0], [0, rows - 1, 0], [columns - 1, rows - 1, 0]]
    )
    reached = np.concatenate(
        [geometry.apply(p @ images.mm_from_pixel, corners.astype(float)) for p in poses.values()]
    ).reshape(-1, 3)
    region = np.stack([reached.min(0), reached.max(0)])
    spacing = float((region[1] - region[0]).max() / VOXELS_PER_SIDE)
    placed = {}
    for name, pose in poses.items():
        volume = reconstruct(images, pose, spacing_mm=spacing, region=region, fill_holes_mm=gap_mm)
        placed[name] = np.where(volume.known, volume.values, np.nan)
        origin, size = volume.origin_mm, volume.spacing_mm
    return placed, size, origin


def _safe(name: str) -> str:
    """Return a name with each character that is unfit for a file name replaced by "_"."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
