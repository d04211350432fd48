"""Settings of trackers trained side by side: rows, resuming, tables."""

import json
from pathlib import Path

import pytest

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.machine.crew import Crew
from benchmark.studies.variations import Setting, run_settings, summarise
from benchmark.tables import markdown, write_tables
from benchmark.workers import side_by_side
from tests.benchmark.shared.slow_work import refuse_odd
from tests.benchmark.studies.rated import BUDGET, ME


def test_rows_tell_of_every_setting_and_seed(bright: Dataset, tmp_path: Path) -> None:
    settings = [Setting(ME, {"learning_rate": rate}) for rate in (0.05, 1e-6)]
    seen: list = []
    rows = run_settings(bright, settings, BUDGET, (0, 1), tmp_path / "runs", report=seen.append)
    assert [(row["overrides"]["learning_rate"], row["seed"]) for row in rows] == [
        (0.05, 0), (0.05, 1), (1e-6, 0), (1e-6, 1),
    ]  # fmt: skip
    assert [row["seed"] for row in seen] == [0, 0, 1, 1]
    assert rows[0]["validation_error"] < rows[2]["validation_error"]
    assert all(row["updates"] == 24 for row in rows)
    assert rows[0]["label"] == f"{ME} learning_rate=0.05"


def test_what_was_trained_is_not_trained_again(bright: Dataset, tmp_path: Path) -> None:
    settings = [Setting(ME)]
    first = run_settings(bright, settings, BUDGET, (0,), tmp_path / "runs")
    weights = Path(first[0]["run"]) / "weights.safetensors"
    stamp = weights.stat().st_mtime_ns
    assert run_settings(bright, settings, BUDGET, (0,), tmp_path / "runs") == first
    assert weights.stat().st_mtime_ns == stamp


def test_two_workers_train_what_one_does_in_the_same_order(bright: Dataset, tmp_path: Path) -> None:
    settings = [Setting(ME, {"learning_rate": rate}) for rate in (0.05, 0.01, 1e-6)]
    alone = run_settings(bright, settings, BUDGET, (0,), tmp_path / "alone")
    seen: list = []
    both = run_settings(
        bright, settings, BUDGET, (0,), tmp_path / "both", crew=Crew(workers=2), report=seen.append
    )
    assert [row["label"] for row in seen] == [row["label"] for row in alone]
    assert [row["validation_error"] for row in both] == pytest.approx(
        [row["validation_error"] for row in alone], rel=1e-3
    )
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("both/*/*/*.safetensors")}
    assert len(stamps) == 3
    assert run_settings(bright, settings, BUDGET, (0,), tmp_path / "both") == both
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


def test_what_a_worker_refuses_is_said_here(bright: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected 1 or more, got 0"):
        run_settings(bright, [Setting(ME)], BUDGET, (0,), tmp_path / "runs", crew=Crew(workers=0))
    with pytest.raises(UserError, match="not even"):
        list(side_by_side(refuse_odd, [0, 1], 2))


def test_what_cannot_be_trained_is_refused_before_anything_is(
    bright: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="'identity' is not trained"):
        run_settings(bright, [Setting(ME), Setting("identity")], BUDGET, (0,), tmp_path / "runs")
    with pytest.raises(UserError, match=r"field of tracker.*'colour'"):
        run_settings(bright, [Setting(ME, {"colour": 1})], BUDGET, (0,), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def row(label: str, error: float | None, seconds: float = 1.0) -> dict:
    return {"label": label, "tracker": "t", "validation_error": error, "updates": 3,
            "parameters": 7, "seconds": seconds}  # fmt: skip


def test_summary_is_mean_and_spread_over_seeds() -> None:
    rows = [row("a", 1.0, 2.0), row("b", None), row("a", 3.0, 4.0), row("b", 0.5)]
    one, two = summarise(rows)
    assert (one["label"], one["validation_error"], one["seeds"]) == ("a", 2.0, 2)
    assert one["spread"] == pytest.approx(2**0.5) and one["seconds"] == 3.0
    assert (two["validation_error"], two["spread"], two["diverged"]) == (0.5, None, 1)


def test_tables_hold_the_rows(tmp_path: Path) -> None:
    columns = {"label": "setting", "validation_error": "error"}
    rows = [row("a|b", 0.12345), row("c", None)]
    written = write_tables(tmp_path, "t", rows, rows, columns)
    assert [path.suffix for path in written] == [".json", ".csv", ".md"]
    assert json.loads(written[0].read_text()) == rows
    assert written[1].read_text() == "label,validation_error\na|b,0.12345\nc,\n"
    text = markdown(rows, columns)
    assert text == "| setting | error |\n| --- | --- |\n| a\\|b | 0.123 |\n| c |  |\n"
    assert written[2].read_text() == text
