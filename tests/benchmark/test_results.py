"""Results read as one table: a row per tracker, seed and sweep."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmark import read_results
from benchmark.errors import UserError
from tests.benchmark.shared.synthetic_results import result, write_results


def test_every_sweep_of_every_seed_is_a_row_with_its_metrics_and_factors(tmp_path: Path) -> None:
    contents = [result("net, two frames", seed=0, sweeps=6), result("still", seed=1, sweeps=6)]
    contents[1]["sweeps"][2]["metrics"]["gpe"] = None
    frame = read_results(*write_results(tmp_path, contents))
    assert len(frame) == 12 and frame.failed.isna().all()
    for content in contents:
        rows = frame[frame.tracker == content["tracker"]]
        assert rows.seed.unique().tolist() == [content["seed"]]
        for (_, row), sweep in zip(rows.iterrows(), content["sweeps"], strict=True):
            assert (row.sweep, row.subject, row.frames) == (sweep["name"], sweep["subject"], 60)
            assert row.factor_profile == sweep["factors"]["profile"]
            assert row.factor_severity == sweep["factors"]["severity"]
            for metric, value in sweep["metrics"].items():
                assert pd.isna(row[metric]) if value is None else row[metric] == value
    assert (frame.dataset == "small-v2").all() and (frame.split == "test").all()
    assert str(frame.gpe.dtype) == str(frame.lpe.dtype) == "float64"
    assert str(frame.seed.dtype) == "int64" and str(frame.tracker.dtype) == "str"
    means = frame.groupby("tracker").lpe.mean()
    for content in contents:
        assert means[content["tracker"]] == pytest.approx(content["summary"]["lpe"]["mean"])


def test_a_failed_sweep_is_a_row_that_says_why(tmp_path: Path) -> None:
    content = result(sweeps=6, lost=2)
    content["failed"][0]["factors"] = {"profile": "fan"}
    frame = read_results(*write_results(tmp_path, [content]))
    lost = frame[frame.failed.notna()]
    assert len(frame) == 6 and lost.sweep.tolist() == ["sweep-004", "sweep-005"]
    assert lost.gpe.isna().all() and lost.failed.str.contains("not finite").all()
    assert lost.factor_profile.iloc[0] == "fan" and pd.isna(lost.factor_profile.iloc[1])
    assert str(frame.frames.dtype) == "Int64"


def test_a_metric_that_no_sweep_has_is_a_column_of_numbers(tmp_path: Path) -> None:
    content = result(sweeps=3)
    for sweep in content["sweeps"]:
        sweep["metrics"]["sigma_nll"] = None
    frame = read_results(*write_results(tmp_path, [content]))
    assert frame.sigma_nll.isna().all() and str(frame.sigma_nll.dtype) == "float64"


def test_folders_are_read_with_what_lies_in_runs_below(tmp_path: Path) -> None:
    write_results(tmp_path, [result("kept", sweeps=3)])
    (tmp_path / "provenance.json").write_text(json.dumps({"format": "x"}))
    run = tmp_path / "deep" / "net-1234-s0"
    run.mkdir(parents=True)
    (run / "result.json").write_text(json.dumps(result("net", sweeps=3)))
    (run / "config.json").write_text("{}")
    (tmp_path / "deep" / "copy.json").write_text(json.dumps(result("not read", sweeps=3)))
    assert set(read_results(tmp_path).tracker) == {"kept", "net"}
    assert set(read_results(str(run)).tracker) == {"net"}


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a result, found none"):
        read_results(tmp_path)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(
        UserError, match=r"x\.json: expected format 'sweepbench-result-2', got None"
    ):
        read_results(tmp_path / "x.json")
    with pytest.raises(UserError, match=r"y\.json: no such file"):
        read_results(tmp_path / "y.json")
