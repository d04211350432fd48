"""The vessel table: exact frames of a known vessel, by true poses and by trackers that drift."""

import csv
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.commands.selection import Selection
from benchmark.commands.vessels import Vessels
from benchmark.dataset import write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.sweep import Channel, Sweep
from benchmark.vessels.table import (
    CSV_COLUMNS,
    TRUE_POSES,
    Measured,
    VesselTable,
    averages,
    text_table,
    vessel_table,
    write_means,
)
from benchmark.vessels.tree import VesselTree

PIXEL = 0.25
COUNT = 33  # frames, 0.5 mm apart: a vessel of 16 mm seen end to end


@dataclass(frozen=True)
class Case:
    dataset: Any
    runs: list[Any]


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    """A straight vessel of 1 mm radius that runs along z at (6, 5) mm, bright inside."""
    folder = tmp_path_factory.mktemp("vessels")
    x, y = np.meshgrid(PIXEL * np.arange(48), PIXEL * np.arange(40))
    inside = np.hypot(x - 6, y - 5) <= 1.0
    poses = np.repeat(np.eye(4)[None], COUNT, 0)
    poses[:, 2, 3] = 0.5 * np.arange(COUNT)
    times, mm = np.arange(COUNT) / 20, np.diag([PIXEL, PIXEL, 1, 1])
    pa = np.repeat((100 * inside + 1).astype(np.float32)[None], COUNT, 0)
    grey = np.full((COUNT, 40, 48), 90, np.uint8)
    channels = {
        "bmode": Channel(grey, times, mm, world_from_image=poses),
        "pa": Channel(pa, times, mm, np.full(COUNT, 800.0), world_from_image=poses),
    }
    entry = write_entry(folder / "set", "sweeps/a.h5", Sweep("a", channels), "test", "one")
    dataset = write_dataset(folder / "set", "set", [entry], {})
    line = np.linspace(-10, 30, 81)
    points = np.stack([np.full(81, 6.0), np.full(81, 5.0), line], 1)
    tree = {"points_mm": points.tolist(), "radius_mm": [1.0] * 81, "parent": list(range(-1, 80))}
    write_json(folder / "set/truth/one.json", tree)
    names = ("constant-motion-oracle", "identity")
    runs = [make_run(name, dataset, root=folder / "runs") for name in names]
    for run in runs:
        if run.tracker is not None:
            run.tracker.save(run.folder)
            run.write_config(None)
        predict(run)
    return Case(dataset, runs)


def test_true_poses_give_the_vessel_back(case: Case) -> None:
    table = vessel_table(case.runs)
    rows = {row.poses: row.measures for row in table.rows}
    assert list(rows) == [TRUE_POSES, "constant-motion-oracle", "identity"]
    true = rows[TRUE_POSES]
    assert table.trees["a"].length_mm == pytest.approx(16, abs=0.5)  # clipped to what was seen
    assert true["vessel_dice"] > 0.85
    assert true["vessel_centreline_mean_mm"] < 0.15
    assert true["length_mm"] == pytest.approx(16, abs=0.7)
    assert true["diameter_mm"] == pytest.approx(2, abs=0.35)
    assert true["branch_points"] == 0


def test_drift_costs_vessel(case: Case) -> None:
    """A steady sweep is the oracle's own case; a probe that stands still sees one slice."""
    means = averages(vessel_table(case.runs))
    oracle, still, true = (means[n] for n in ("constant-motion-oracle", "identity", TRUE_POSES))
    assert oracle["vessel_dice"] == pytest.approx(true["vessel_dice"], abs=1e-3)
    assert still["vessel_length_error_percent"] < -80
    assert still["vessel_dice"] < 0.2


def test_the_command_writes_table_and_figure(case: Case, capsys) -> None:
    names = tuple(run.name for run in case.runs)
    selection = Selection(case.dataset.folder, names, runs=case.runs[0].root)
    kept = case.runs[0].root / "kept"
    Vessels(selection, keep=kept).run()
    folder = case.runs[0].root / "set"
    assert (kept / "vessels.csv").read_text() == (folder / "vessels.csv").read_text()
    told = json.loads((kept / "provenance.json").read_text())
    assert told["dataset"]["hash"] == case.dataset.hash and told["environment"]["python"]
    assert [row["tracker"] for row in told["trackers"]] == list(names)
    with (folder / "vessels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["poses"] for row in rows] == [TRUE_POSES, *names]
    assert float(rows[0]["vessel_dice"]) > 0.85
    content = json.loads((folder / "vessels.json").read_text())
    assert content["format"] == "sweepbench-vessels-1"
    assert content["dataset"]["hash"] == case.dataset.hash
    assert len(content["rows"]) == 3 and content["true_measures"]["a"]["length_mm"] > 15
    figure = folder / "figures" / "6-vessel-trees"
    assert figure.with_suffix(".png").stat().st_size > 5000
    assert json.loads(figure.with_suffix(".json").read_text())["tracker"] is None
    printed = capsys.readouterr().out
    assert "true poses" in printed and "Hausdorff mm" in printed


def test_what_cannot_be_measured_is_said(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no sweep of 'test' has 'doppler'"):
        vessel_table(case.runs, channel="doppler")
    with pytest.raises(UserError, match="at least one tracker"):
        vessel_table([])
    other = make_run("true-in-plane", case.dataset, root=tmp_path)
    with pytest.raises(UserError, match="run 'sweepbench predict' first"):
        vessel_table([other])
    predict(other)
    meta = other.predictions / "meta.json"
    write_json(meta, {**read_json(meta), "dataset": {"name": "set", "hash": "x", "split": "val"}})
    with pytest.raises(UserError, match=r"meta.json: dataset.hash: predictions of other data: .*"):
        vessel_table([other])
    with pytest.raises(UserError, match=r"dataset.split: expected 'test', got 'val'"):
        vessel_table([other])


def test_seeds_and_weights_of_one_tracker_have_a_row_each(case: Case, tmp_path: Path) -> None:
    """Three runs that share a name are three rows of one sweep, not one of three."""
    identity = case.runs[1]
    runs = [replace(identity, seed=seed, root=tmp_path) for seed in (0, 1, 2)]
    for run in runs:
        shutil.copytree(identity.predictions, run.predictions)
    table = vessel_table([case.runs[0], *runs])
    labels = [run.label for run in runs]
    assert len({*labels}) == 3
    assert list(averages(table)) == [TRUE_POSES, "constant-motion-oracle", *labels]
    with write_means(tmp_path, table).open() as file:
        assert [row["sweeps"] for row in csv.DictReader(file)] == ["1"] * 5


def test_a_name_with_a_comma_is_one_cell_and_a_missing_mean_is_an_empty_one(tmp_path: Path) -> None:
    tree = VesselTree(np.zeros((0, 3)), np.zeros(0), np.zeros(0, int))
    measures: dict[str, float | None] = dict.fromkeys(CSV_COLUMNS, 0.123456)
    rows = [
        Measured("a", 'net, "two" frames', tree, {**measures, "vessel_dice": None}),
        Measured("a", "plain", tree, {**measures, "length_mm": 1234.5}),
    ]
    path = write_means(tmp_path, VesselTable(rows))
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(("poses", "sweeps", *CSV_COLUMNS))
    assert lines[1] == '"net, ""two"" frames",1,' + ",0.1235" * (len(CSV_COLUMNS) - 1)
    found = list(csv.DictReader(lines))
    assert found[0]["poses"] == 'net, "two" frames' and found[1]["length_mm"] == "1234"
    assert all(None not in row and None not in row.values() for row in found)
    printed = text_table(VesselTable(rows)).splitlines()
    assert printed[1].split()[3] == "-" and len({len(line) for line in printed}) == 1
