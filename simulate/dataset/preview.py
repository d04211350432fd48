"""The preview of a data set: an HTML page of frames, trajectories, decorrelation, statistics."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.dataset import SPLITS, Dataset, Entry
from benchmark.files import atomic_path
from benchmark.geometry import degrees_of_freedom, path_length, relative
from benchmark.sweep import Sweep, centre_path
from simulate.dataset.pictures import figure

MOST_SWEEPS = 6  # whose frames are shown
MOST_STEPS = 40  # sweeps in the statistics of steps
VARIED = "vary."  # before the factors of what is drawn
MOST_LETTERS = 14  # of a value below its bar
LAGS = 12  # largest distance, in frames, of the decorrelation
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "img{max-width:100%;background:#fff}td,th{padding:0 .8rem;text-align:right}"
    "@media(prefers-color-scheme:dark){body{background:#16181b;color:#e6e6e6}}"
)


def write_preview(dataset: Dataset) -> Path:
    """Write `preview.html` into a data set's folder; return its path."""
    shown = _spread(dataset.entries, MOST_SWEEPS)
    counted = [e for e in _spread(dataset.entries, MOST_STEPS) if "path_mm" in e.factors]
    loaded = [dataset.load(entry, lazy=True) for entry in shown]
    sweeps = [dataset.load(entry, lazy=True) for entry in counted]
    open_sweeps = [s for s in loaded if not s.bmode.is_withheld]
    parts = [
        f"<h1>{html.escape(dataset.name)}</h1>", _counts(dataset),
        "<h2>Frames</h2><p>First, middle and last frame of some sweeps.</p>",
        _picture(_draw_frames, loaded),
    ]  # fmt: skip
    if sweeps:
        parts += [
            "<h2>Trajectories</h2><p>Middle of the probe's face from above, mm; bars show where"
            " its array points.</p>",
            _picture(_draw_paths, open_sweeps or sweeps[:MOST_SWEEPS]),
            "<h2>Decorrelation</h2><p>Correlation of gray levels of frames a number apart; mean"
            " and range over sweeps.</p>", _picture(_draw_decorrelation, open_sweeps or sweeps),
            "<h2>Statistics</h2><p>Steps between neighbouring frames, in the image frame.</p>",
            _picture(_draw_steps, sweeps),
        ]  # fmt: skip
    if any(_drawn(entry) for entry in dataset.entries):
        parts += [
            "<h2>What varies</h2><p>Values drawn per subject or sweep; number of sweeps.</p>",
            _picture(_draw_spread, dataset.entries),
        ]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(dataset.name)}</title><style>{STYLE}</style>{''.join(parts)}</html>\n"
    )
    path = dataset.folder / "preview.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _spread(entries: Sequence[Entry], most: int) -> list[Entry]:
    """Return at most `most` entries, evenly spread over the splits test, train, val in order."""
    order = [e for split in ("test", "train", "val") for e in entries if e.split == split]
    chosen = np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    return [order[n] for n in chosen]


def _counts(dataset: Dataset) -> str:
    rows = []
    for split in SPLITS:
        chosen = [entry for entry in dataset.entries if entry.split == split]
        subjects, frames = len({e.subject for e in chosen}), sum(e.frames for e in chosen)
        cells = "".join(f"<td>{value}</td>" for value in (subjects, len(chosen), frames))
        rows.append(f"<tr><th>{split}</th>{cells}</tr>")
    heads = "".join(f"<th>{word}</th>" for word in ("split", "subjects", "sweeps", "frames"))
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def _picture(draw: Callable[[Any], tuple[Any, str]], of: Sequence[Sweep] | Sequence[Entry]) -> str:
    """Return a drawing as an HTML image with its description as alternative text."""
    drawing, description = draw(of)
    buffer = io.BytesIO()
    drawing.savefig(buffer, dpi=90, format="png", metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(description)}" src="data:image/png;base64,{data}">'


def _draw_frames(sweeps: list[Sweep]) -> tuple[Any, str]:
    drawing, axes = figure(9.0, 3.0 * len(sweeps), nrows=len(sweeps), ncols=3, squeeze=False)
    for row, sweep in zip(axes, sweeps, strict=True):
        matrix, (height, width) = sweep.bmode.mm_from_pixel, sweep.bmode.frames.shape[1:]
        left, top = matrix[0, 3], matrix[1, 3]
        extent = (left, left + matrix[0, 0] * width, top + matrix[1, 1] * height, top)
        for axis, number in zip(row, (0, len(sweep) // 2, len(sweep) - 1), strict=True):
            axis.imshow(sweep.bmode.frames[number], cmap="gray", vmin=0, vmax=255, extent=extent)
            axis.set_title(f"{sweep.name}, frame {number}", fontsize=7)
            axis.tick_params(labelsize=7)
    return drawing, "Frames of " + ", ".join(sweep.name for sweep in sweeps)


def _draw_paths(sweeps: list[Sweep]) -> tuple[Any, str]:
    drawing, axis = figure(9.0, 4.5)
    for number, sweep in enumerate(sweeps):
        poses, half = sweep.bmode.world_from_image, 0.08 * sweep.bmode.frames.shape[2]
        axis.plot(poses[:, 2, 3], poses[:, 0, 3], f"C{number}", label=sweep.name)
        for n in np.linspace(0, len(poses) - 1, 7).astype(int):
            bar = poses[n, :3, 3] + np.outer((-half, half), poses[n, :3, 0])
            axis.plot(bar[:, 2], bar[:, 0], f"C{number}", linewidth=0.7)
    axis.set(xlabel="z, along the limb, mm", ylabel="x, across, mm")
    axis.set_aspect("equal", "datalim")
    axis.legend(fontsize=7)
    return drawing, "Paths of the probe from above"


def _draw_decorrelation(sweeps: list[Sweep]) -> tuple[Any, str]:
    lags = np.arange(min([LAGS + 1, *(len(sweep) for sweep in sweeps)]))
    curves = np.array([_correlations(sweep, len(lags)) for sweep in sweeps])
    drawing, axis = figure(6.0, 3.4)
    axis.fill_between(lags, curves.min(0), curves.max(0), alpha=0.25)
    axis.plot(lags, curves.mean(0))
    axis.set(xlabel="frames apart", ylabel="correlation", ylim=(-0.1, 1.05))
    return drawing, f"Mean correlation of neighbours {curves.mean(0)[1]:.2f}"


def _correlations(sweep: Sweep, lags: int) -> np.ndarray:
    """Return the mean correlation (lags,) of frames 0, 1, ... apart over some pairs of a sweep."""
    starts = np.unique(np.linspace(0, len(sweep) - lags, 8).astype(int))
    found = []
    for start in starts:
        frames = np.asarray(sweep.bmode.frames[start : start + lags], float)
        found.append(np.corrcoef(frames.reshape(lags, -1))[0])
    return np.mean(found, axis=0)


def _draw_steps(sweeps: list[Sweep]) -> tuple[Any, str]:
    steps = np.concatenate([degrees_of_freedom(relative(s.bmode.world_from_image)) for s in sweeps])
    steps[:, 3:] = np.rad2deg(steps[:, 3:])
    drawing, axes = figure(9.0, 4.5, nrows=2, ncols=3)
    names = ("lateral, mm", "axial, mm", "elevational, mm", "tilt, deg", "yaw, deg", "roll, deg")
    for axis, values, name in zip(axes.ravel(), steps.T, names, strict=True):
        axis.hist(values, bins=60)
        axis.set_title(f"{name}: {values.mean():.3f} ± {values.std():.3f}", fontsize=9)
        axis.set_yticks([])
    length = np.mean([path_length(centre_path(s.bmode, s.bmode.world_from_image)) for s in sweeps])
    return drawing, f"Steps between frames; mean path {length:.1f} mm"


def _drawn(entry: Entry) -> dict[str, Any]:
    """Return what was drawn for a sweep, by key; {} where that is withheld."""
    factors = entry.factors.items()
    return {key.removeprefix(VARIED): v for key, v in factors if key.startswith(VARIED)}


def _draw_spread(entries: Sequence[Entry]) -> tuple[Any, str]:
    """Draw the values of each key that varies, by split and held-out group."""
    parts = list(SPLITS) + sorted({_part(entry) for entry in entries} - set(SPLITS))
    keys = sorted({key for entry in entries for key in _drawn(entry)})
    rows = -(-len(keys) // 4)
    drawing, axes = figure(9.0, 1.8 * rows, nrows=rows, ncols=4, squeeze=False)
    for axis in axes.ravel()[len(keys) :]:
        axis.set_axis_off()
    for axis, key in zip(axes.ravel(), keys, strict=False):
        _draw_values(axis, [_values_of(key, entries, part) for part in parts])
        axis.set_title(key, fontsize=7)
        axis.tick_params(labelsize=6)
    axes[0, 0].legend(parts, fontsize=6)
    return drawing, "Values of " + ", ".join(keys)


def _part(entry: Entry) -> str:
    """Return the split of a sweep, or what was made other than in its twin."""
    changed = entry.factors.get("factor", "none")
    return entry.split if changed == "none" else str(changed)


def _values_of(key: str, entries: Sequence[Entry], part: str) -> list[Any]:
    drawn = [_drawn(entry) for entry in entries if _part(entry) == part]
    return [values[key] for values in drawn if key in values]


def _draw_values(axis: Any, values: list[list[Any]]) -> None:
    """Draw how often each value occurs in each split: numbers in bins, others as they are."""
    known = [value for own in values for value in own]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        axis.hist(values, bins=12, stacked=True)
        return
    names = sorted({str(value) for value in known})
    place, below = np.arange(len(names)), np.zeros(len(names))
    for own in values:
        counts = np.array([sum(str(value) == name for value in own) for name in names])
        axis.bar(place, counts, bottom=below)
        below = below + counts
    axis.set_xticks(place, [name[:MOST_LETTERS] for name in names])
