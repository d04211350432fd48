"""The study: rates scanned on a fifth of the budget, seeds at the best, nothing done twice."""

import json
from pathlib import Path

import pytest

from benchmark.commands.study import Study
from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.registry import field_values
from benchmark.studies.rates import best_rate, learning_rates, run_study, study_row
from tests.benchmark.learning.brightness import FLOPS
from tests.benchmark.studies.rated import ME

UPDATES = 120


def test_rates_lie_around_the_default() -> None:
    assert learning_rates(ME, 3, {}) == [0.0167, 0.05, 0.15]
    assert learning_rates(ME, 1, {"learning_rate": 0.3}) == [0.3]
    assert learning_rates(ME, 5, {"learning_rate": 9.0}) == [1.0, 3.0, 9.0, 27.0, 81.0]


def test_what_cannot_be_studied_is_refused(bright: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--rates: expected an odd number, got 2"):
        learning_rates(ME, 2, {})
    with pytest.raises(UserError, match="no field 'learning_rate'"):
        learning_rates("identity", 3, {})
    with pytest.raises(UserError, match="--seeds: expected 1 or more, got 0"):
        run_study(bright, [ME], budget=1, rates=1, seeds=0, root=tmp_path, share=0.2)
    for share in (0.0, 1.5):
        with pytest.raises(UserError, match=f"--share: expected a number above 0.*, got {share:g}"):
            run_study(bright, [ME], budget=1, rates=1, seeds=1, root=tmp_path, share=share)
    with pytest.raises(UserError, match="--set: expected field=value, got 'width'"):
        field_values(("width",))


def test_study_scans_then_repeats_and_resumes(bright: Dataset, tmp_path: Path, capsys) -> None:
    study = Study(
        bright.folder, (ME,), budget=UPDATES * FLOPS / 1e12, seeds=2, runs=tmp_path / "runs"
    )
    study.run()
    folder = tmp_path / "runs" / bright.name / "study"
    content = json.loads((folder / "study.json").read_text())
    assert content["dataset"]["split"] == "val" and content["format"] == "sweepbench-study-1"
    found = content["studies"][0]
    assert [row["updates"] for row in found["scan"]] == [UPDATES // 5] * 3
    assert [(row["updates"], row["seed"]) for row in found["final"]] == [(UPDATES, 0), (UPDATES, 1)]
    errors = {r["overrides"]["learning_rate"]: r["validation_error"] for r in found["scan"]}
    assert found["learning_rate"] == min(errors, key=errors.get)
    assert {r["overrides"]["learning_rate"] for r in found["final"]} == {found["learning_rate"]}
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("weights.safetensors")}
    assert len(before) == 5
    capsys.readouterr()
    study.run()
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert (folder / "study.md").read_text() in capsys.readouterr().out


def test_a_scan_has_the_share_it_is_given_and_tables_are_kept(
    bright: Dataset, tmp_path: Path, capsys
) -> None:
    place = tmp_path / "kept"
    Study(
        bright.folder,
        (ME,),
        budget=UPDATES * FLOPS / 1e12,
        rates=1,
        seeds=1,
        share=0.5,
        name="half",
        keep=place,
        runs=tmp_path / "runs",
    ).run()
    assert {path.name for path in place.iterdir()} == {"half.json", "half.csv", "half.md"}
    content = json.loads((place / "half.json").read_text())
    assert content["studies"][0]["scan_share"] == 0.5 and "commit" in content["environment"]
    assert [row["updates"] for row in content["studies"][0]["scan"]] == [UPDATES // 2]
    assert str(place / "half.md") in capsys.readouterr().out


def row(rate: float, error: float | None) -> dict:
    return {"label": str(rate), "tracker": "t", "overrides": {"learning_rate": rate}, "seed": 0,
            "validation_error": error, "updates": 1, "parameters": 1, "seconds": 1.0}  # fmt: skip


def test_the_smallest_error_wins_and_an_edge_is_told() -> None:
    scan = [row(0.1, 0.3), row(0.3, 0.2), row(0.9, None)]
    assert best_rate("t", scan) == 0.3
    line = study_row({"tracker": "t", "learning_rate": 0.3, "scan": scan, "final": [row(0.3, 0.1)]})
    assert line["edge"] == "no"
    assert line["rates"] == "0.1: 0.300, 0.3: 0.200, 0.9: diverged"
    line = study_row({"tracker": "t", "learning_rate": 0.1, "scan": scan, "final": [row(0.1, 0.1)]})
    assert line["edge"] == "yes"
    with pytest.raises(UserError, match="every training of the scan diverged"):
        best_rate("t", [row(0.1, None)])
