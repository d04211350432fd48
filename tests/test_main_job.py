"""The main job from end to end on `tiny-v2`, by the same commands as the Makefile's."""

import json
import re
from pathlib import Path

import pytest

from tests import command_line
from tests.command_line import Done

ROOT = Path(__file__).parents[1]
BUDGET = ["--budget", "0.06"]
TRACKERS = ["moglo", "two-frame-cnn", "speckle-decorrelation", "training-mean", "identity"]
ORACLE = "constant-motion-oracle"


def command(*words: str, cwd: Path, code: int = 0) -> Done:
    """Run a command in a folder of its own and return what it said."""
    done = command_line.command(*words, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which `tiny-v2` was generated."""
    folder = tmp_path_factory.mktemp("job")
    command("simulate", "generate", "tiny-v2", "--workers", "2", "--no-preview", cwd=folder)
    return folder


def test_main_job(home: Path) -> None:
    """Every step runs, leaves its file, and does nothing a second time."""
    chosen = ["data/tiny-v2", "--trackers", *TRACKERS, ORACLE, *BUDGET]
    for step in ("train", "predict", "evaluate", "figures", "leaderboard"):
        said = command("benchmark", step, *chosen, cwd=home).stdout
    for name in (*TRACKERS, ORACLE):
        assert name in said
    page = (home / "runs/tiny-v2/leaderboard.html").read_text()
    assert "vessel" in page and page.count("data:image/png;base64") >= 5
    results = sorted(home.glob("runs/tiny-v2/*/result.json"))
    assert len(results) == len(TRACKERS) + 1
    flops = set()
    for path in results:
        result = json.loads(path.read_text())
        assert not result["failed"] and len(result["sweeps"]) == result["expected_sweeps"]
        if result["kind"] == "learned":
            flops.add(result["training"]["flops"] // 1e9)
    assert max(flops) <= 1.6 * min(flops), "learned trackers must have had equal budgets"
    stamps = {path: path.stat().st_mtime_ns for path in home.glob("runs/tiny-v2/*/*.safetensors")}
    predicted = {p: p.stat().st_mtime_ns for p in home.glob("runs/tiny-v2/*/predictions/*")}
    assert stamps and predicted
    for step in ("train", "predict"):
        command("benchmark", step, *chosen, cwd=home)
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    assert predicted == {path: path.stat().st_mtime_ns for path in predicted}
    for folder in home.glob("runs/tiny-v2/*/predictions"):
        command("benchmark", "check", str(folder), "data/tiny-v2", cwd=home)


def test_a_tracker_from_outside_is_checked_trained_and_ranked(home: Path) -> None:
    """The examples of docs/add-a-tracker.md work as they stand there."""
    text = (ROOT / "docs/add-a-tracker.md").read_text()
    for block in re.findall(r"```python\n(# (\w+\.py)\n.*?)```", text, re.S):
        (home / block[1]).write_text(block[0])
    names = ["my_net:MyNet", "my_file:Still"]
    said = command("benchmark", "check-tracker", *names, cwd=home).stdout
    assert said.count("keeps the contract") == 2
    chosen = ["data/tiny-v2", "--trackers", *names, "--budget", "0.002"]
    for step in ("train", "predict", "evaluate", "leaderboard"):
        said = command("benchmark", step, *chosen, "--runs", "mine", cwd=home).stdout
    assert "my-net" in said and "still" in said


def test_a_submission_of_predictions_alone_is_checked_and_ranked(home: Path) -> None:
    """A folder of poses and a three-key meta.json, as another language would write it."""
    import numpy as np

    from benchmark import open_dataset

    data = open_dataset(home / "data/tiny-v2")
    folder = home / "submission"
    folder.mkdir()
    for sweep in data.sweeps("test"):
        np.savez(folder / f"{sweep.name}.npz", first_from_frame=sweep.first_from_frame)
    meta = {
        "format": "sweepbench-predictions-1",
        "tracker": "the-truth",
        "dataset": {"name": data.name, "hash": data.hash, "split": "test"},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    command("benchmark", "check", "submission", "data/tiny-v2", cwd=home)
    command("benchmark", "score", "submission", "data/tiny-v2", "--out", "r.json", cwd=home)
    summary = json.loads((home / "r.json").read_text())["summary"]
    assert summary["gpe"]["mean"] < 1e-9 and summary["gpe_score"]["mean"] == pytest.approx(1)


WRONG = [
    (["train", "data/nowhere", "--trackers", "moglo"], "nowhere"),
    (["train", "data/tiny-v2", "--trackers", "mogol"], "did you mean 'moglo'?"),
    (["train", "data/tiny-v2", "--trackers", "moglo", "--set", "widht=3"], "did you mean 'width'?"),
    (["train", "data/tiny-v2", "--trackers", "moglo", "--set", "width=x"], "expected int, got 'x'"),
    (["train", "data/tiny-v2", "--trackers", "moglo", "--budget", "0"], "budget above 0"),
    (["train", "data/tiny-v2", "--trackers", "nomodule:X"], "no module named 'nomodule'"),
    (["predict", "data/tiny-v2", "--trackers", "moglo", "--budget", "77"], "--budget 77.0' first"),
    (["predict", "data/tiny-v2", "--trackers", "identity", "--split", "tset"], "did you mean"),
    (["check", "nowhere", "data/tiny-v2"], "nowhere"),
    (["score", "nowhere", "data/tiny-v2"], "nowhere"),
    (["leaderboard", "data/tiny-v2", "--trackers", "identity", "--results", "no.json"], "no.json"),
]


@pytest.mark.parametrize(("words", "part"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_input_gets_one_line(home: Path, words: list[str], part: str) -> None:
    """A mistake is one line on standard error, no traceback, exit status 2."""
    said = command("benchmark", *words, cwd=home, code=2)
    lines = said.stderr.strip().splitlines()
    assert lines[-1].startswith("error: ") and part in lines[-1]
    assert "Traceback" not in said.stderr


def test_wrong_spec_gets_one_line(tmp_path: Path) -> None:
    """An unknown spec suggests the nearest; an unknown key names file, table and key."""
    said = command("simulate", "generate", "smal-v1", cwd=tmp_path, code=2).stderr
    assert said.count("\n") == 1 and "did you mean 'small-v2'?" in said
    spec = (ROOT / "simulate/specs/tiny-v2.toml").read_text() + "\n[probee]\nelements = 3\n"
    (tmp_path / "bad.toml").write_text(spec)
    said = command("simulate", "generate", "bad.toml", cwd=tmp_path, code=2).stderr
    assert said.count("\n") == 1 and "bad.toml" in said and "did you mean 'probe'?" in said
