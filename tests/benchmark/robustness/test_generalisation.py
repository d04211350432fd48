"""Trackers on data that they were not trained on: runs, warnings and the table."""

import csv
import io
import json

import numpy as np
import pytest

from benchmark import geometry
from benchmark.commands.generalisation import Generalisation
from benchmark.commands.selection import Selection
from benchmark.dataset import write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.figures.generalisation import generalisation_figure
from benchmark.files import read_json, write_json
from benchmark.leaderboard.board import read_leaderboard
from benchmark.learning.training import train
from benchmark.registry import make_tracker
from benchmark.robustness.generalisation import generalisation_table
from benchmark.robustness.generalisation_tables import generalisation_csv, generalisation_markdown
from benchmark.runs.predict import predict
from benchmark.runs.run import learns, make_run, open_run
from benchmark.scoring.evaluate import evaluate
from benchmark.scoring.statistics import summarise
from benchmark.sweep import Channel, Observation, Prediction, Sweep
from benchmark.tracker import Tracker
from tests.benchmark.shared.synthetic_results import result, write_results

SEEN: list[tuple[int, ...]] = []


class Stride(Tracker):
    """Answers the mean elevational step of training, and notes the shape of the frames."""

    name = "stride"
    stride = 0.0

    def fit(self, sweeps):
        steps = [geometry.relative(s.bmode.world_from_image)[:, 2, 3] for s in sweeps]
        self.stride = float(np.concatenate(steps).mean())

    def arrays(self):
        return {"stride": np.array([self.stride])}

    def set_arrays(self, arrays):
        self.stride = float(arrays["stride"][0])

    def track(self, observation: Observation) -> Prediction:
        SEEN.append(observation.bmode.frames.shape[1:])
        steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
        steps[:, 2, 3] = self.stride
        return Prediction.from_steps(steps)


ME = "tests.benchmark.robustness.test_generalisation:Stride"


def make_set(folder, name, step, pixel=0.2, side=40, rate_hz=20.0):
    """A set of straight sweeps of noise: one to train on, one to validate, two to test."""
    entries = []
    for index, split in enumerate(("train", "val", "test", "test")):
        rng = np.random.default_rng([index, side])
        frames = np.clip(rng.normal(120, 20, (6, side, side)), 1, 255).astype(np.uint8)
        motion = np.zeros((5, 6))
        motion[:, 2] = step
        poses = geometry.chain(geometry.from_degrees_of_freedom(motion))
        grid = np.diag([pixel, pixel, 1.0, 1.0])
        channel = Channel(frames, np.arange(6) / rate_hz, grid, world_from_image=poses)
        factors = {"profile": ("straight", "c")[index % 2]}
        sweep = Sweep(str(index), {"bmode": channel}, factors=factors)
        entries.append(write_entry(folder, f"{index}.h5", sweep, split, f"p{index}"))
    return write_dataset(folder, name, entries, {})


@pytest.fixture
def sets(tmp_path):
    return (
        make_set(tmp_path / "here", "here", 0.3),
        make_set(tmp_path / "there", "there", 0.6, pixel=0.1, side=80, rate_hz=80.0),
    )


def test_a_run_trained_elsewhere_keeps_its_weights_there_and_is_scored_here(sets, tmp_path):
    here, there = sets
    home = make_run(ME, here, root=tmp_path / "runs")
    away = make_run(ME, there, root=tmp_path / "runs", trained_on=here)
    assert not home.is_away and away.is_away and learns(away.tracker)
    assert away.folder == home.folder and away.config_hash == home.config_hash
    assert away.place == tmp_path / "runs" / "there" / away.label != home.place
    assert not away.is_trained()
    train(away)
    assert home.is_trained() and home.read_config()["trained_on"]["name"] == "here"
    result = evaluate(predict(away), there, "sweepbench-v1", away.result)
    assert result["trained_on"] == {"name": "here", "hash": here.hash}
    assert result["dataset"]["name"] == "there"
    # A stride of 0.3 where the truth goes 0.6: half of the way is missing.
    assert result["summary"]["fdr_path_centre"]["mean"] == pytest.approx(50, abs=1e-6)


def test_frames_come_in_the_pixels_of_training_and_what_is_unlike_is_told(sets, tmp_path, capsys):
    here, there = sets
    run = make_run(ME, there, root=tmp_path / "runs", trained_on=here)
    train(run)
    SEEN.clear()
    folder = predict(run)
    assert set(SEEN) == {(40, 40)}  # 80 pixels of 0.1 mm are 40 of 0.2 mm
    told = read_json(folder / "meta.json")["outside_training"]
    (rate,) = [line for line in told if line.startswith("frame rate")]
    assert rate == "frame rate (Hz) 80 to 80 in 2 of 2 sweeps, in training 20 to 20"
    assert f"note: stride: outside what it was trained on: {rate}" in capsys.readouterr().err
    home = make_run(ME, here, root=tmp_path / "runs")
    assert "outside_training" not in read_json(predict(home) / "meta.json")


def test_what_learns_nothing_is_at_home_everywhere(sets, tmp_path):
    here, there = sets
    assert not learns(make_tracker("identity"))
    still = make_run("identity", there, trained_on=here, root=tmp_path)
    assert not still.is_away
    train(still)
    assert still.read_config()["trained_on"] is None
    assert not make_run("true-in-plane", there, trained_on=here, root=tmp_path).is_away


def test_weights_of_any_folder_are_tracked_as_they_are(sets, tmp_path):
    here, there = sets
    taught = make_run(ME, here, root=tmp_path / "runs")
    train(taught)
    run = open_run(taught.folder, there, tmp_path / "runs")
    assert run.is_trained() and run.is_away and run.folder == taught.folder
    assert run.label == taught.label and run.place.parent.name == "there"
    assert not open_run(taught.folder, here).is_away
    meta = read_json(predict(run) / "meta.json")
    assert meta["trained_on"]["hash"] == here.hash and meta["dataset"]["name"] == "there"
    # Shipped weights: no config.json, so it is not known what taught them.
    shipped = tmp_path / "shipped"
    make = Stride()
    make.stride = 0.6
    make.save(shipped)
    bare = open_run(shipped, there, tmp_path / "runs")
    assert bare.is_away and bare.read_config() == {}
    result = evaluate(predict(bare), there)
    assert result["summary"]["fdr_path_centre"]["mean"] == pytest.approx(0, abs=1e-6)
    assert result["trained_on"] is None
    (shipped / "weights.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights.safetensors: no such file"):
        open_run(shipped, there)


def test_weights_are_opened_by_their_class_only_where_the_name_is_unknown(sets, tmp_path):
    here, _ = sets
    Stride().save(tmp_path)
    stored = read_json(tmp_path / "tracker.json")
    assert stored["class"] == ME
    for address, words in (
        ("no_such_module:Stride", r"tracker\.json: class: .* no module named 'no_such_module'"),
        ("tests.benchmark.robustness.test_generalisation:Nobody", "no 'Nobody' in"),
        ("tests.benchmark.robustness.test_generalisation:np.eye", "expected a Tracker"),
        (None, "unknown tracker 'stride'"),
    ):
        write_json(tmp_path / "tracker.json", {**stored, "class": address})
        with pytest.raises(UserError, match=words):
            open_run(tmp_path, here)
    make_tracker("identity").save(tmp_path)
    for address in (None, "no_such_module:Identity"):
        content = {**read_json(tmp_path / "tracker.json"), "class": address}
        write_json(tmp_path / "tracker.json", content)
        assert open_run(tmp_path, here).name == "identity"


def test_the_selection_knows_train_on_and_weights(sets, tmp_path):
    here, there = sets
    place = {"runs": tmp_path / "runs"}
    (run,) = Selection(there.folder, (ME,), train_on=here.folder, **place).each()
    assert run.training_set.hash == here.hash and run.dataset.hash == there.hash
    identity = make_run("identity", here, root=tmp_path / "runs")
    train(identity)
    runs = Selection(there.folder, ("identity",), weights=(identity.folder,), **place).each()
    assert [run.name for run in runs] == ["identity", "identity"]
    with pytest.raises(UserError, match="expected --trackers or --weights, got neither"):
        Selection(there.folder, **place).each()


def test_rows_of_one_tracker_are_told_apart_by_what_taught_them(tmp_path):
    other = result("moglo", rate=20.0)
    other |= {"config_hash": "c" * 64, "trained_on": {"name": "forearm-v2", "hash": "f" * 64}}
    board = read_leaderboard(write_results(tmp_path, [result("moglo"), other]))
    assert [row.label for row in board.rows] == [
        "moglo (trained on small-v2)",
        "moglo (trained on forearm-v2)",
    ]


# ---- the table --------------------------------------------------------------------------------

HOME, AWAY = {"name": "small-v2", "hash": "a" * 64}, {"name": "forearm-v2", "hash": "f" * 64}


def on(content, tested, taught=None):
    """Return a result on one data set of a tracker that was trained on another."""
    content["dataset"] = {**tested, "split": "test"}
    content["trained_on"] = taught
    content["config_hash"] = (taught or tested)["hash"]
    return content


def crossed() -> list[dict]:
    """Results of a network on its own data (two seeds) and on others, and of an untrained one."""
    return [
        on(result("net", rate=9.0, seed=0), HOME, HOME),
        on(result("net", rate=9.0, seed=1), HOME, HOME),
        on(result("net", rate=40.0), AWAY, HOME),
        on(result("net", rate=12.0), AWAY, AWAY),
        on(result("identity", "classical", 92.0), HOME),
        on(result("identity", "classical", 92.0, lost=2), AWAY),
    ]


@pytest.fixture
def paths(tmp_path):
    return write_results(tmp_path, crossed())


def find(cells, **wanted):
    (found,) = [c for c in cells if all(getattr(c, k) == v for k, v in wanted.items())]
    return found


def test_each_cell_is_the_mean_over_sweeps_of_what_was_trained_on_and_tested_on(paths):
    cells = generalisation_table(paths)
    assert len(cells) == 2 * 5
    cell = find(cells, tracker="net", trained_on="small-v2", tested_on="forearm-v2", metric="lpe")
    sweeps = crossed()[2]["sweeps"]
    subjects = [sweep["subject"] for sweep in sweeps]
    assert cell.summary == summarise([s["metrics"]["lpe"] for s in sweeps], subjects)
    assert not cell.at_home and cell.seeds == 1 and cell.missing == 0
    home = find(
        cells, tracker="net", trained_on="small-v2", tested_on="small-v2", metric="fdr_path_centre"
    )
    pairs = zip(crossed()[0]["sweeps"], crossed()[1]["sweeps"], strict=True)
    both = [
        (a["metrics"]["fdr_path_centre"] + b["metrics"]["fdr_path_centre"]) / 2 for a, b in pairs
    ]
    assert home.seeds == 2 and home.at_home
    assert home.summary["mean"] == pytest.approx(np.mean(both))
    lost = find(cells, tracker="identity", tested_on="forearm-v2", metric="lpe")
    assert {cell.tracker for cell in cells} == {"net", "identity"}
    assert lost.trained_on == "nothing" and lost.sweeps == 22 and lost.missing == 2


def test_a_factor_splits_each_test_set(paths):
    cells = generalisation_table(paths, by="profile")
    fan = find(
        cells, tracker="net", trained_on="forearm-v2", tested_on="forearm-v2", part="fan",
        metric="fdr_path_centre",
    )  # fmt: skip
    sweeps = [s for s in crossed()[3]["sweeps"] if s["factors"]["profile"] == "fan"]
    assert fan.sweeps == len(sweeps) == 6
    assert fan.summary["mean"] == pytest.approx(
        np.mean([s["metrics"]["fdr_path_centre"] for s in sweeps])
    )
    with pytest.raises(UserError, match="no sweep has the factor 'colour'"):
        generalisation_table(paths, by="colour")


def test_a_sweep_that_failed_in_every_seed_is_missing_in_its_part(tmp_path):
    """Its factor is known from another tracker, or from the entry of the failure."""
    field = crossed()
    (lost,) = [s for s in field[2]["sweeps"] if s["name"] == "sweep-003"]
    field[2]["sweeps"].remove(lost)
    field[2]["failed"] = [{"sweep": "sweep-003", "reason": "missing"}]
    where = {"trained_on": HOME["name"], "tested_on": AWAY["name"], "metric": "lpe"}
    where["tracker"] = "net"
    alone = [field[2] | {"failed": [{**field[2]["failed"][0], "factors": lost["factors"]}]}]
    for results in (field, alone):
        cells = generalisation_table(write_results(tmp_path, results), by="profile")
        fan, straight = (find(cells, part=part, **where) for part in ("fan", "straight"))
        assert (fan.sweeps, fan.missing) == (5, 1) and (straight.sweeps, straight.missing) == (6, 0)
        assert find(cells, part="all", **where).missing == 1


def test_the_tables_and_the_picture_hold_every_cell(paths):
    cells = generalisation_table(paths)
    lines = list(csv.DictReader(io.StringIO(generalisation_csv(cells))))
    assert len(lines) == 10 and {row["unit"] for row in lines} == {"%", "mm"}
    text = generalisation_markdown(cells)
    assert "| tracker | trained on | forearm-v2 | small-v2 |" in text
    (row,) = [x for x in text.splitlines() if x.startswith("| net | forearm-v2 |")][:1]
    assert row.count("**") == 2 and row.endswith("| – |")
    assert "(2 missing)" in text
    figure = generalisation_figure(cells, "fdr_path_centre")
    (axes,) = figure.axes
    assert len(axes.patches) == 2  # the two cells at home
    assert [t.get_text() for t in axes.get_xticklabels()] == ["forearm-v2", "small-v2"]


def test_two_configurations_of_one_tracker_have_a_row_each(tmp_path):
    field = [*crossed(), {**on(result("net"), HOME, HOME), "config_hash": "e" * 64}]
    cells = generalisation_table(write_results(tmp_path, field))
    taught_here = {c.tracker for c in cells if c.trained_on == "small-v2"}
    assert taught_here == {"net (aaaaaaaa)", "net (eeeeeeee)"}
    assert {c.tracker for c in cells if c.trained_on == "forearm-v2"} == {"net"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 0}, "two results of the same run"),
        (
            {"dataset": {"name": "small-v2", "hash": "9" * 64}},
            "two data sets are called 'small-v2'",
        ),
        ({"trained_on": {"name": "small-v2", "hash": "9" * 64}}, "two data sets are called"),
        (
            {"dataset": {**HOME, "split": "val"}, "seed": 2},
            rf"two splits of data set '{HOME['name']}': .*0\.json has 'test', .*1\.json has 'val'",
        ),
        ({"protocol": {"name": "mine", "hash": "x"}}, "different protocols"),
        ({"format": "x"}, "expected format 'sweepbench-result-2'"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, change, words):
    field = crossed()
    field[1] |= change
    with pytest.raises(UserError, match=words):
        generalisation_table(write_results(tmp_path, field))


def test_the_command_writes_tables_and_pictures(paths, tmp_path, capsys):
    shifts = ("forearm-v2=small-v2",)
    Generalisation(tuple(paths), by="profile", shifts=shifts, out=tmp_path / "out").run()
    shown = capsys.readouterr().out
    assert "| net | small-v2 |" in shown and "| forearm-v2 / small-v2 | mean |" in shown
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "generalisation.csv",
        "generalisation.md",
        "generalisation-lpe.png",
        "shifts.csv",
    } <= names
    assert json.loads((tmp_path / "out" / "generalisation-lpe.json").read_text())["tracker"] is None
    sources = json.loads((tmp_path / "out" / "provenance.json").read_text())["results"]
    assert [each["tracker"] for each in sources] == [
        json.loads(path.read_text())["tracker"] for path in paths
    ]
    assert {each["dataset"]["hash"] for each in sources} == {HOME["hash"], AWAY["hash"]}
    with pytest.raises(UserError, match="at least one result"):
        Generalisation((), out=tmp_path).run()
