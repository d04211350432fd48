"""The commands for what is handed in: what they print, rank, refuse, and how they end."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import h5py
import pytest

from benchmark.__main__ import main
from benchmark.commands.results import Leaderboard, Score
from benchmark.commands.runs import Evaluate, Predict, Train
from benchmark.commands.selection import Choice, Selection
from benchmark.dataset import Dataset, write_dataset
from benchmark.errors import UserError
from benchmark.results import result_paths
from tests.benchmark.shared.folders import make_dataset, make_predictions
from tests.benchmark.shared.synthetic_results import challenge_results, result, write_results


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A data set of four test sweeps and nothing to train on."""
    whole = make_dataset(tmp_path_factory.mktemp("data") / "tiny-v2")
    return write_dataset(whole.folder, whole.name, whole.split("test"), {"spec_hash": "x"})


@pytest.fixture
def selection(data: Dataset, tmp_path: Path) -> Selection:
    names = ("identity", "true-in-plane", "constant-motion-oracle")
    return Selection(data.folder, names, runs=tmp_path / "runs")


def ranked(text: str) -> list[str]:
    """Return the labels of the rows of a printed board."""
    return re.findall(r"^(?:–|\d+(?:–\d+)?) +(\S+)", text, re.MULTILINE)


# ---- score ------------------------------------------------------------------------------------


def test_score_says_how_many_sweeps_what_headline_and_where(data, tmp_path, capsys):
    folder, out = make_predictions(tmp_path / "p", data), tmp_path / "mine.json"
    Score(folder, data.folder, out, protocol="tusrec2024").run()
    line = capsys.readouterr().out.strip()
    mean = json.loads(out.read_text())["summary"]["gpe"]["mean"]
    assert line == f"scored 4 of 4 sweeps; gpe {mean:.2f} mm; {out}"
    (folder / "p0-a.h5").unlink()
    (folder / "p1-a.h5").write_bytes(b"x")
    Score(folder, data.folder, out, protocol="tusrec2024").run()
    line = capsys.readouterr().out.strip()
    assert line.startswith("scored 2 of 4 sweeps; ")
    assert line.endswith(f"{out}; 2 failed, first 'p0-a': missing")


def test_score_ends_with_a_status_when_every_sweep_failed(data, tmp_path, monkeypatch, capsys):
    folder, out = make_predictions(tmp_path / "p", data), tmp_path / "mine.json"
    for path in folder.glob("p*"):
        path.unlink()
    monkeypatch.setattr(
        sys, "argv", ["benchmark", "score", str(folder), str(data.folder), "--out", str(out)]
    )
    assert main() == 2
    error = capsys.readouterr().err.strip()
    assert error == (
        f"error: {out}: expected 4 scored sweeps, got none; 4 failed, first 'p0-a': missing"
    )


def test_score_and_check_note_predictions_in_metres(data, tmp_path, monkeypatch, capsys):
    folder = make_predictions(tmp_path / "p", data)
    for path in folder.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            for key in ("first_from_frame", "prev_from_frame"):
                poses = file[key][()]
                poses[:, :3, 3] /= 1000
                file[key][...] = poses
    more = ["--out", str(tmp_path / "r.json"), "--protocol", "tusrec2024"]
    for words in (["check"], ["score", *more]):
        argv = ["benchmark", words[0], str(folder), str(data.folder), *words[1:]]
        monkeypatch.setattr(sys, "argv", argv)
        assert main() == 0
        assert "note: " in (err := capsys.readouterr().err) and "looks like metres" in err


# ---- leaderboard ------------------------------------------------------------------------------


def board_of(places: list[Path], tmp_path: Path, capsys: Any, **more: Any) -> list[str]:
    """Return the rows that the command prints for --results."""
    choice = more.pop("choice", Choice(runs=tmp_path / "runs"))
    Leaderboard(choice, tuple(places), **more).run()
    return ranked(capsys.readouterr().out)


def test_results_alone_are_ranked_without_a_data_set(tmp_path, capsys):
    paths = write_results(tmp_path, [result("one", sweeps=4), result("other", rate=60.0, sweeps=4)])
    assert board_of(paths, tmp_path, capsys) == ["one", "other"]
    assert (tmp_path / "runs" / "small-v2" / "leaderboard.html").is_file()
    assert board_of([tmp_path, *paths], tmp_path, capsys, out=tmp_path / "b") == ["one", "other"]
    assert (tmp_path / "b" / "leaderboard.csv").is_file()


def test_a_folder_gives_all_results_below_it_and_nothing_else(tmp_path, capsys):
    write_results(tmp_path, [result("kept", sweeps=4)])
    (tmp_path / "provenance.json").write_text('{"format": null}')
    (tmp_path / ".half.json").write_text("{")
    (tmp_path / "leaderboard.csv").write_text("x")
    deep = tmp_path / "runs" / "net-1-s0"
    deep.mkdir(parents=True)
    (deep / "result.json").write_text(json.dumps(result("net", sweeps=4)))
    (deep / "config.json").write_text("{}")
    assert sorted(board_of([tmp_path], tmp_path, capsys)) == ["kept", "net"]


def test_a_folder_without_results_or_with_half_a_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="expected a result, found none"):
        result_paths([tmp_path])
    (tmp_path / "half.json").write_text('{"format": "sweepbench-')
    with pytest.raises(UserError, match=r"half\.json: expected JSON"):
        result_paths([tmp_path])
    (tmp_path / "half.json").write_text('{"format": "sweepbench-result-0"}')
    with pytest.raises(UserError, match=r"half\.json: expected format 'sweepbench-result-"):
        Leaderboard(Choice(), (tmp_path,)).run()


def test_a_protocol_chooses_among_results(tmp_path, capsys):
    (tmp_path / "f").mkdir()
    others = [result("v1", sweeps=24), *challenge_results("tusrec2024")]
    paths = write_results(tmp_path / "f", others)
    with pytest.raises(UserError, match="different protocols"):
        board_of([tmp_path / "f"], tmp_path, capsys)
    assert board_of([tmp_path / "f"], tmp_path, capsys, protocol="sweepbench-v1") == ["v1"]
    found = board_of([tmp_path / "f"], tmp_path, capsys, protocol="tusrec2024")
    assert found == ["good", "middle", "bad"]
    with pytest.raises(UserError) as error:
        board_of([paths[0]], tmp_path, capsys, protocol="moglo2025")
    assert str(error.value) == (
        f"{paths[0]}: protocol: expected 'moglo2025', got 'sweepbench-v1'; run "
        "'sweepbench score PREDICTIONS DATA --protocol moglo2025'"
    )


def test_with_nothing_to_rank_the_command_says_what_is_missing(data, tmp_path):
    with pytest.raises(
        UserError, match=r"--trackers.* or --results, got neither; e\.g\. 'sweepbench"
    ):
        Leaderboard(Choice(data.folder)).run()
    with pytest.raises(UserError, match="leaderboard DATA --trackers"):
        Leaderboard(Choice()).run()
    with pytest.raises(UserError, match="expected a data set for --trackers"):
        Leaderboard(Choice(trackers=("identity",))).run()


def test_results_on_other_data_or_sweeps_than_those_named_are_refused(data, tmp_path):
    paths = write_results(tmp_path, [result(sweeps=4)])
    with pytest.raises(UserError, match="on 'tiny-v2' with hash x, got results on 'small-v2'"):
        Leaderboard(Choice(data.folder), tuple(paths), out=tmp_path / "b").run()
    content = result(sweeps=4)
    content["dataset"] |= {"name": "tiny-v2", "hash": data.hash}
    paths = write_results(tmp_path, [content])
    with pytest.raises(UserError, match=r"sweeps of 'tiny-v2', got 4 others, e\.g\. 'sweep-000'"):
        Leaderboard(Choice(data.folder), tuple(paths), out=tmp_path / "b").run()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["../up", "..", "a/b", "a\\b"])
def test_the_name_of_a_data_set_never_leads_out_of_the_folder_of_runs(tmp_path, name):
    content = result(sweeps=4)
    content["dataset"]["name"] = name
    paths = write_results(tmp_path, [content])
    with pytest.raises(UserError, match=r"dataset\.name: expected the name of a folder"):
        Leaderboard(Choice(runs=tmp_path / "runs"), tuple(paths)).run()


# ---- a data set with nothing to train on, and the order of the steps ---------------------------


def test_each_step_names_the_command_that_comes_before_it(data, selection):
    words = f"{data.folder} --trackers {' '.join(selection.trackers)} --runs {selection.runs}"
    with pytest.raises(UserError) as error:
        Leaderboard(selection).run()
    assert str(error.value).endswith(
        f"result.json: no such file; run 'sweepbench evaluate {words}' first"
    )
    with pytest.raises(UserError) as error:
        Leaderboard(selection, protocol="tusrec2024").run()
    assert f"evaluate {words} --protocol tusrec2024' first" in str(error.value)
    with pytest.raises(UserError) as error:
        Evaluate(selection).run()
    assert str(error.value).endswith(
        f"meta.json: no such file; run 'sweepbench predict {words}' first"
    )
    with pytest.raises(UserError) as error:
        Predict(selection).run()
    assert str(error.value).endswith(
        f"config.json: no such file; run 'sweepbench train {words}' first"
    )


def test_rows_that_need_no_training_need_no_training_data(selection, capsys):
    Train(selection).run()
    Predict(selection).run()
    Evaluate(selection, protocol="tusrec2024").run()
    capsys.readouterr()
    Leaderboard(selection).run()
    assert sorted(ranked(capsys.readouterr().out)) == sorted(selection.trackers)
    with pytest.raises(UserError, match="expected 'moglo2025', got 'tusrec2024'; run 'sweepbench"):
        Leaderboard(selection, protocol="moglo2025").run()


@pytest.mark.parametrize(("tracker", "split"), [("training-mean", "train"), ("moglo", "train")])
def test_a_row_that_learns_says_which_split_is_missing(data, tmp_path, tracker, split):
    with pytest.raises(UserError) as error:
        Train(Selection(data.folder, (tracker,), runs=tmp_path)).run()
    assert str(error.value) == (
        f"{data.folder}: tracker '{tracker}' learns: expected sweeps of split '{split}', got test "
        "only; teach it with --train-on"
    )


def test_a_network_needs_a_validation_split_too_and_hears_it_at_once(tmp_path):
    whole = make_dataset(tmp_path / "tiny-v2")
    with pytest.raises(UserError, match="expected sweeps of split 'val', got test, train only"):
        Train(Selection(whole.folder, ("moglo",), runs=tmp_path)).run()
