"""The vessel table: vessels measured in volumes by each run's poses, against the true tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.files import write_json
from benchmark.geometry import unanchor
from benchmark.runs.predict import check_predicted, read_predicted
from benchmark.runs.run import Run, titles
from benchmark.sweep import Sweep, poses_at
from benchmark.tables import aligned, csv_text, write_text
from benchmark.vessels.comparison import clip, compare
from benchmark.vessels.tree import VesselTree, measure, read_tree
from benchmark.volume.choices import frame_distance
from benchmark.volume.grid import crop_window, image_corners
from benchmark.volume.reconstruction import Volume, reconstruct

if TYPE_CHECKING:
    from benchmark.vessels.segmentation import VesselSettings

TRUE_POSES = "true poses"
FORMAT = "sweepbench-vessels-1"
CSV_COLUMNS = (
    "vessel_dice",
    "vessel_centreline_mean_mm",
    "vessel_centreline_p95_mm",
    "vessel_centreline_hausdorff_mm",
    "vessel_length_error_percent",
    "vessel_diameter_error_mm",
    "vessel_branch_point_error",
    "length_mm",
    "diameter_mm",
    "tortuosity",
    "branch_points",
)


@dataclass(frozen=True)
class Measured:
    """The vessels of one sweep by one set of poses: tree, its measures, and its errors."""

    sweep: str
    poses: str
    tree: VesselTree
    measures: Mapping[str, float | None]


@dataclass(frozen=True)
class VesselTable:
    """All sweeps by all trackers; trees[sweep] is the true one, as far as it was seen."""

    rows: list[Measured] = field(default_factory=list)
    trees: dict[str, VesselTree] = field(default_factory=dict)


def vessel_table(
    runs: Sequence[Run],
    split: str = "test",
    *,
    channel: str = "pa",
    spacing_mm: float = 0.25,
    min_radius_mm: float = 0.25,
    settings: "VesselSettings | None" = None,
) -> VesselTable:
    """Return the table for all sweeps of a split that have the channel and a true tree.

    The truth is clipped to what the volume of the true poses has seen and to vessels of at least
    `min_radius_mm`; the first row of each sweep is that of its true poses: the errors without
    drift. settings: how vessels are found in the square root of the signal; None:
    `channel_settings`.

    Raises
    ------
    UserError : no run, no such sweep, a run without predictions of this split.
    """
    if not runs:
        raise UserError("vessels: expected at least one tracker")
    for run in runs:
        check_predicted(run, split)
    dataset, table = runs[0].dataset, VesselTable()
    for entry in dataset.split(split):
        sweep = dataset.load(entry, lazy=True)
        path = dataset.folder / "truth" / f"{entry.subject}.json"
        if channel not in sweep.channels or not path.is_file():
            continue
        _measure_sweep(
            table, sweep, read_tree(path), runs, channel, spacing_mm, min_radius_mm, settings
        )
    if not table.rows:
        raise UserError(f"{dataset.folder}: no sweep of '{split}' has '{channel}' and a true tree")
    return table


def _measure_sweep(
    table: VesselTable,
    sweep: Sweep,
    tree: VesselTree,
    runs: Sequence[Run],
    channel: str,
    spacing_mm: float,
    min_radius_mm: float,
    settings: "VesselSettings | None",
) -> None:
    from benchmark.vessels.centreline import extract

    true: VesselTree | None = None
    for name, poses in _pose_sets(sweep, runs):
        volume = _volume(sweep, poses, channel, spacing_mm)
        if true is None:
            true = clip(tree, volume, min_radius_mm=min_radius_mm)
            table.trees[sweep.name] = true
        root = replace(volume, values=np.sqrt(np.maximum(volume.values, 0)))
        found, mask = extract(root, settings or channel_settings())
        measures = {**asdict(measure(found)), **compare(found, mask, volume, true)}
        table.rows.append(Measured(sweep.name, name, found, measures))


def _pose_sets(sweep: Sweep, runs: Sequence[Run]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and poses (N, 4, 4) of the B-mode frames in the sweep's world."""
    world = sweep.bmode.world_from_image
    yield TRUE_POSES, world
    for run, title in zip(runs, titles(runs), strict=True):
        yield title, unanchor(world, read_predicted(run, sweep.name).first_from_frame)


def _volume(sweep: Sweep, poses: np.ndarray, channel: str, spacing_mm: float) -> Volume:
    """Return the volume of a channel, its frames placed by the poses of the B-mode frames."""
    images = sweep.channels[channel]
    placed = poses_at(images, sweep.bmode, poses)
    crop = crop_window(images.frames.shape, 0)
    gap = 1.5 * frame_distance(image_corners(images.mm_from_pixel, placed, crop))
    return reconstruct(
        images, placed, spacing_mm=spacing_mm, method="backward", fill_holes_mm=max(gap, spacing_mm)
    )


def channel_settings() -> "VesselSettings":
    """Return the settings for the square root of a photoacoustic or Doppler volume.

    The root lifts deep vessels, which little light reaches; the local background takes away the
    halos that a limited view leaves beside them. Chosen among settings that cut at half the height
    (where a blurred wall is) and find a total length within a fifth of the truth's: the best Dice
    by true poses on four sweeps as those of vessels-v2, of other subjects.
    """
    from benchmark.vessels.segmentation import VesselSettings

    return VesselSettings(
        smooth_mm=0.25,
        background_mm=2.5,
        neighbourhood_mm=4.0,
        noise_factor=3.0,
        faintest=0.02,
    )


def write_table(folder: Path, table: VesselTable, dataset: Dataset) -> list[Path]:
    """Write vessels.json (every tree and number) and vessels.csv (mean over sweeps per tracker)."""
    content = {
        "format": FORMAT,
        "dataset": dataset.named(),
        "settings": asdict(channel_settings()),
        "true": {name: _tree(tree) for name, tree in table.trees.items()},
        "true_measures": {name: asdict(measure(tree)) for name, tree in table.trees.items()},
        "rows": [
            {"sweep": r.sweep, "poses": r.poses, "measures": r.measures, "tree": _tree(r.tree)}
            for r in table.rows
        ],
    }
    write_json(folder / "vessels.json", content)
    return [folder / "vessels.json", write_means(folder, table)]


def write_means(folder: Path, table: VesselTable) -> Path:
    """Write vessels.csv: the mean over sweeps of every measure by poses, to four digits."""
    rows = [
        {"poses": name, "sweeps": sum(row.poses == name for row in table.rows), **means}
        for name, means in averages(table).items()
    ]
    columns = ("poses", "sweeps", *CSV_COLUMNS)
    write_text(folder / "vessels.csv", csv_text(rows, columns, float_format="%.4g"))
    return folder / "vessels.csv"


def averages(table: VesselTable) -> dict[str, dict[str, float | None]]:
    """Return the mean over sweeps of every measure by poses; None where no sweep has it."""
    means: dict[str, dict[str, float | None]] = {}
    for name in dict.fromkeys(row.poses for row in table.rows):
        rows = [row.measures for row in table.rows if row.poses == name]
        means[name] = {}
        for key in rows[0]:
            values = [value for row in rows if (value := row[key]) is not None]
            means[name][key] = float(np.mean(values)) if values else None
    return means


def _tree(tree: VesselTree) -> dict[str, Any]:
    return {
        "points_mm": np.round(tree.points_mm, 4).tolist(),
        "radius_mm": np.round(tree.radius_mm, 4).tolist(),
        "parent": tree.parent.tolist(),
    }


def text_table(table: VesselTable) -> str:
    """Return the averages as lines for the console."""
    columns = {
        "poses": "",
        "vessel_dice": "Dice",
        "vessel_centreline_mean_mm": "centreline mm",
        "vessel_centreline_p95_mm": "95 % mm",
        "vessel_centreline_hausdorff_mm": "Hausdorff mm",
        "vessel_length_error_percent": "length error %",
        "vessel_diameter_error_mm": "diameter error mm",
        "vessel_branch_point_error": "branch points off",
    }
    rows = [
        {"poses": name}
        | {key: "-" if mean is None else f"{mean:.3g}" for key, mean in means.items()}
        for name, means in averages(table).items()
    ]
    return "\n".join(aligned(rows, columns, left={"poses"}))
