"""Variations trained side by side: what is varied, tables, resuming, and what is refused."""

import csv
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchmark.commands.ablate import Ablate
from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.registry import make_tracker
from benchmark.studies.ablate import (
    BASE,
    ablate,
    listed,
    shipped_file,
    table_rows,
    varied,
    with_base,
)
from benchmark.studies.variations import Setting
from tests.benchmark.studies.rated import BUDGET, ME


def settings() -> list[Setting]:
    return with_base(ME, varied(ME, ["learning_rate=0.01,0.000001"]), {})


def run(bright: Dataset, root: Path, **more) -> list[Path]:
    return ablate(bright, settings(), budget=BUDGET, seeds=(0, 1), root=root, name="rated", **more)


def test_fields_are_varied_one_at_a_time_from_a_common_base() -> None:
    found = with_base("moglo", varied("moglo", ["window=2,5", "lstm=false"]), {"width": "4"})
    assert [(s.title, s.overrides) for s in found] == [
        (BASE, {"width": "4"}),
        ("window=2", {"width": "4", "window": "2"}),
        ("window=5", {"width": "4", "window": "5"}),
        ("lstm=false", {"width": "4", "lstm": "false"}),
    ]


@pytest.mark.parametrize("text", ["window", "=3", "window="])
def test_a_variation_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected field=value,value"):
        varied("moglo", [text])


@pytest.mark.parametrize("tracker", ["moglo", "moglo-long", "moglo-any"])
def test_shipped_variations_each_change_the_configuration(tracker: str) -> None:
    path = shipped_file(tracker)
    assert path is not None
    base, seen = make_tracker(tracker).config, set()
    for setting in listed(tracker, path):
        config = make_tracker(tracker, **setting.overrides).config
        changed = {
            item.name
            for item in fields(config)
            if getattr(config, item.name) != getattr(base, item.name)
        }
        assert changed, setting.title
        assert {type(getattr(config, key)) for key in changed} == {
            type(getattr(base, key)) for key in changed
        }
        seen |= changed
    claims = {
        "moglo": {"correlation", "gates", "score", "lstm", "head", "mmae", "correlation_loss",
                  "triplet", "window"},
        "moglo-long": {"tiles", "encoder", "gaps", "lstm", "spans", "error", "reverse",
                       "consistency", "average", "views", "bidirectional"},
        "moglo-any": {"map", "gaps", "context", "reader", "tiles", "machine", "reverse"},
    }  # fmt: skip
    assert claims[tracker] <= seen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[other]]\nset = {a = 1}", r"expected \[\[moglo\]\] entries, found other"),
        ("[[moglo]]\nlabel = 'x'", r"moglo\[0\]: expected keys 'label' and 'set'"),
        ("[[moglo]]\nset = {a = 1}\ncolour = 2", "expected keys"),
        ("[[moglo", "not TOML"),
    ],
    ids=str,
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        listed("moglo", path)
    with pytest.raises(UserError, match="no such file"):
        listed("moglo", tmp_path / "none.toml")


def test_tables_compare_with_the_base_and_are_made_again_from_what_was_trained(
    bright: Dataset, tmp_path: Path
) -> None:
    seen: list = []
    paths = run(bright, tmp_path, report=seen.append)
    assert [path.name for path in paths] == ["rated.json", "rated.csv", "rated.md"]
    assert [(row["label"], row["seed"]) for row in seen[:3]] == [
        (BASE, 0), ("learning_rate=0.01", 0), ("learning_rate=0.000001", 0),
    ]  # fmt: skip
    content = json.loads(paths[0].read_text())
    assert content["dataset"] == {"name": bright.name, "hash": bright.hash, "split": "val"}
    assert len(content["rows"]) == 6
    with paths[1].open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [s.title for s in settings()]
    errors = {s.title: [r["validation_error"] for r in seen if r["label"] == s.title]
              for s in settings()}  # fmt: skip
    for row in rows:
        assert float(row["validation_error"]) == pytest.approx(np.mean(errors[row["label"]]))
        ratio = np.mean(errors[row["label"]]) / np.mean(errors[BASE])
        assert float(row["against_base"]) == pytest.approx(ratio)
    weights = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("weights.safetensors")}
    assert len(weights) == 6
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in run(bright, tmp_path)] == before
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in weights.items())


def test_scores_are_those_of_the_validation_split_and_leave_the_test_split_alone(
    bright: Dataset, tmp_path: Path
) -> None:
    one = [Setting(ME, {}, BASE)]
    paths = ablate(
        bright, one, budget=BUDGET, seeds=(0,), root=tmp_path, name="rated", score_on=bright
    )
    content = json.loads(paths[0].read_text())
    assert content["scored_on"] == {"name": bright.name, "hash": bright.hash, "split": "val"}
    row = content["rows"][0]
    results = list(tmp_path.rglob("result.json"))
    assert len(results) == 1
    result = json.loads(results[0].read_text())
    assert result["dataset"]["split"] == "val"
    assert [sweep["name"] for sweep in result["sweeps"]] == ["s2"]
    # The error of training is the same metric over that of no motion; both sweeps are the same.
    assert row["metrics"]["gpe"] == pytest.approx(result["summary"]["gpe"]["mean"])
    assert not list((tmp_path / bright.name).rglob("predictions"))
    assert "gpe" in paths[2].read_text().splitlines()[0]


def test_a_diverged_base_leaves_no_ratio() -> None:
    rows = [
        {"label": label, "tracker": "t", "validation_error": error, "updates": 1, "parameters": 1,
         "seconds": 1.0, "metrics": {}}
        for label, error in ((BASE, None), ("other", 0.5))
    ]  # fmt: skip
    base, other = table_rows(rows, [Setting("t", {}, BASE), Setting("t", {"a": 1}, "other")])
    assert (base["against_base"], other["against_base"]) == (None, None)
    assert (base["diverged"], other["diverged"]) == (1, 0)


def test_the_command_asks_for_variations_where_none_come_with_the_tracker(
    bright: Dataset, tmp_path: Path, capsys
) -> None:
    with pytest.raises(UserError, match="comes with no variations"):
        Ablate(ME, bright.folder, runs=tmp_path).run()
    Ablate(ME, bright.folder, vary=("learning_rate=0.01",), budget=BUDGET, runs=tmp_path).run()
    shown = capsys.readouterr().out
    table = tmp_path / bright.name / "ablations" / f"{ME.replace(':', '-')}.md"
    assert table.read_text() in shown
    assert "| learning_rate=0.01 |" in shown
