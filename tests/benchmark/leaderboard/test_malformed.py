"""Malformed results: each kind has its line, and no change of a result ends in a traceback."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.leaderboard.board import read_leaderboard
from benchmark.leaderboard.page import embedded_json, page_data
from benchmark.leaderboard.tables import console_table, csv_text, markdown_text
from tests.benchmark.shared.synthetic_results import result, summary_of, write_results

HEADLINE = "fdr_path_centre"
SWEEP = ("sweeps", 0)


def small(tracker: str = "moglo") -> dict[str, Any]:
    """Return a result of four sweeps of two subjects."""
    return result(tracker, sweeps=4)


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    """Return a change that puts a value at a place of a JSON value."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


def without(*path: Any) -> Callable[[Any], None]:
    """Return a change that takes away what lies at a place."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return change


def forged(content: Any) -> None:
    content["summary"][HEADLINE]["mean"] = 0.1


def doubled(content: Any) -> None:
    content["sweeps"].append(content["sweeps"][0])
    content["expected_sweeps"] += 1


def scored_and_failed(content: Any) -> None:
    content["failed"] = [{"sweep": "sweep-000", "reason": "missing"}]
    content["expected_sweeps"] += 1


def renamed(content: Any) -> None:
    content["sweeps"][1]["name"] = "sweep-999"


def scored(metric: str, value: Any) -> Callable[[Any], None]:
    """Return a change of one score, with the summary that follows."""

    def change(content: Any) -> None:
        for sweep in content["sweeps"]:
            sweep["metrics"].setdefault(metric, 0.5)
        content["sweeps"][2]["metrics"][metric] = value
        content["summary"] = summary_of(content["sweeps"])

    return change


def nested(content: Any) -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    content["config"] = {"x": deep}


#: name: how to spoil a sound result, what the one line must say after the name of the file.
CONTENTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "other format": (put("format", value="x"), "expected format 'sweepbench-result-2', got 'x'"),
    "no format": (without("format"), "expected format 'sweepbench-result-2', got None"),
    **{
        f"no {key}": (without(key), f"key '{key}' is missing")
        for key in ("tracker", "dataset", "protocol", "expected_sweeps", "sweeps", "summary")
    },
    "tracker is a number": (put("tracker", value=3), "tracker: expected a name, got 3"),
    "tracker is empty": (put("tracker", value=" "), "tracker: expected a name, got ' '"),
    "dataset is a text": (
        put("dataset", value="small-v2"),
        "dataset: expected an object with name, hash and fingerprints, got 'small-v2'",
    ),
    "no hash": (without("dataset", "hash"), "key 'dataset.hash' is missing"),
    "protocol's name is null": (
        put("protocol", "name", value=None), "protocol.name: expected a name, got None",
    ),
    "kind": (
        put("kind", value="magic"),
        "kind: expected one of learned, classical, reference, external, got 'magic'",
    ),
    "track": (put("track", value=["image"]), "track: expected one of image, image+imu, bmode+pa"),
    "seed is a text": (put("seed", value="0"), "seed: expected a whole number, got '0'"),
    "seed is a flag": (put("seed", value=True), "seed: expected a whole number, got True"),
    "seed of many digits": (
        put("seed", value=10**30), "seed: expected a whole number of at most 64 bits, got",
    ),
    "expected_sweeps is a text": (
        put("expected_sweeps", value="4"),
        "expected_sweeps: expected a whole number of at least 0, got '4'",
    ),
    "expected_sweeps is not the count": (
        put("expected_sweeps", value=3),
        "expected_sweeps: expected 4, the number of sweeps and failed together, got 3",
    ),
    "sweeps is an object": (put("sweeps", value={}), "sweeps: expected a list, got {}"),
    "a sweep is a text": (put(*SWEEP, value="a"), "sweeps[0]: expected an object, got 'a'"),
    "a sweep without name": (without(*SWEEP, "name"), "key 'sweeps[0].name' is missing"),
    "a sweep without subject": (without(*SWEEP, "subject"), "key 'sweeps[0].subject' is missing"),
    "a subject that is a number": (
        put(*SWEEP, "subject", value=1), "sweeps[0].subject: expected a name, got 1",
    ),
    "a sweep without metrics": (without(*SWEEP, "metrics"), "key 'sweeps[0].metrics' is missing"),
    "metrics is a list": (
        put(*SWEEP, "metrics", value=[1]), "sweeps[0].metrics: expected an object, got [1]",
    ),
    "a metric is a text": (
        put(*SWEEP, "metrics", "gpe", value="3.1"),
        "sweeps[0].metrics.gpe: expected a number of at most 1e100 or null, got '3.1'",
    ),
    "a metric is a flag": (
        put(*SWEEP, "metrics", "gpe", value=True),
        "sweeps[0].metrics.gpe: expected a number of at most 1e100 or null, got True",
    ),
    "a metric is NaN": (
        put(*SWEEP, "metrics", "gpe", value=float("nan")),
        "sweeps[0].metrics.gpe: expected a finite number, got nan",
    ),
    "a metric is infinite": (
        put(*SWEEP, "metrics", "gpe", value=float("inf")),
        "sweeps[0].metrics.gpe: expected a finite number, got inf",
    ),
    "a metric is huge": (
        put(*SWEEP, "metrics", "gpe", value=1e300),
        "sweeps[0].metrics.gpe: expected a number of at most 1e100 or null, got 1e+300",
    ),
    "a length below zero": (
        scored("gpe", -2.5),
        "metrics.gpe: expected 0 to 1e+12 mm, got -2.5 in sweep 'sweep-002'",
    ),
    "a length beyond the moon": (
        scored("gpe", 1e15), "metrics.gpe: expected 0 to 1e+12 mm, got 1e+15 in sweep 'sweep-002'",
    ),
    "an angle below zero": (
        scored("rotation_geodesic", -1.0),
        "metrics.rotation_geodesic: expected 0 to 1080 deg, got -1",
    ),
    "a correlation above one": (
        scored("motion_correlation", 1.2),
        "metrics.motion_correlation: expected -1e+30 to 1, got 1.2 in sweep 'sweep-002'",
    ),
    "a metric that the protocol lacks": (
        scored("my_error", 0.1), "metrics.my_error: protocol 'sweepbench-v1' has no such metric",
    ),
    "frames": (
        put(*SWEEP, "frames", value=0),
        "sweeps[0].frames: expected a whole number of at least 1, got 0",
    ),
    "factors is a list": (
        put(*SWEEP, "factors", value=[]), "sweeps[0].factors: expected an object, got []",
    ),
    "a level that is a list": (
        put(*SWEEP, "factors", "level", value=[1]),
        "sweeps[0].factors.level: expected a number, a text or a flag, got [1]",
    ),
    "curve is a text": (
        put(*SWEEP, "curve", value="x"), "sweeps[0].curve: expected an object, got 'x'",
    ),
    "a curve without drift": (
        without(*SWEEP, "curve", "drift_mm"), "key 'sweeps[0].curve.drift_mm' is missing",
    ),
    "a curve of two lengths": (
        put(*SWEEP, "curve", "drift_mm", value=[0.0]),
        "sweep 'sweep-000': curve: expected path_mm and drift_mm of one length, got [60, 1]",
    ),
    "a curve that goes back": (
        put(*SWEEP, "curve", "path_mm", 5, value=-1.0),
        "sweep 'sweep-000': curve.path_mm: expected a path that never shrinks",
    ),
    "a trajectory in the plane": (
        put(*SWEEP, "trajectory", "true", 0, value=[0.0, 1.0]),
        "sweeps[0].trajectory.true[0]: expected a position of three numbers, got [0.0, 1.0]",
    ),
    "a sweep twice": (
        doubled, "sweeps: expected each once (there or in failed), got 'sweep-000' 2 times",
    ),
    "a sweep that is scored and failed": (
        scored_and_failed,
        "sweeps: expected each once (there or in failed), got 'sweep-000' 2 times",
    ),
    "failed is an object": (put("failed", value={}), "failed: expected a list, got {}"),
    "failed without a name": (
        put("failed", value=[{"reason": "x"}]), "key 'failed[0].sweep' is missing",
    ),
    "a forged summary": (forged, f"summary.{HEADLINE}.mean: expected "),
    "a summary that is a number": (
        put("summary", "gpe", value=1.0), "summary.gpe: expected an object, got 1.0",
    ),
    "a summary of what no sweep has": (
        put("summary", "lle", value={"mean": 0.1}), "summary.lle.mean: expected None",
    ),
    "training is a number": (put("training", value=60), "training: expected an object, got 60"),
    "training time": (
        put("training", "seconds", value="60"),
        "training.seconds: expected a number of at least 0, got '60'",
    ),
    "seconds per frame below zero": (
        put("seconds_per_frame", value=-1),
        "seconds_per_frame: expected a number of at least 0, got -1",
    ),
    "parameters is not whole": (
        put("parameters", value=1.5),
        "parameters: expected a whole number of at least 0, got 1.5",
    ),
    "trained_on is a text": (
        put("trained_on", value="small-v2"), "trained_on: expected an object with name and hash",
    ),
    "a hash that is a number": (
        put("weights_sha256", value=7), "weights_sha256: expected a text, got 7",
    ),
    "NaN in a configuration": (
        put("config", "width", value=float("nan")), "config.width: expected a finite number",
    ),
    "half a character": (
        put("card", value="\ud800"), "card: expected a text of whole characters, got '\\ud800'",
    ),
    "two hundred levels": (nested, "expected at most 32 levels of lists and objects"),
}  # fmt: skip

#: name: the bytes of the file, what the one line must say.
FILES = {
    "empty": (b"", "expected JSON, Expecting value"),
    "binary": (b"\x89HDF\r\n\x1a\n\xff\xfe", "expected JSON in UTF-8"),
    "half a file": (json.dumps(small()).encode()[:500], "expected JSON"),
    "a list": (b"[]", "expected a result (an object), got []"),
    "a text": (b'"result"', "expected a result (an object), got 'result'"),
    "ten thousand levels": (b"[" * 10_000, "nested too deeply"),
    "a number of many digits": (b'{"seed": ' + b"9" * 5000 + b"}", "expected JSON"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_malformed_content_has_its_line(tmp_path: Path, kind: str) -> None:
    change, line = CONTENTS[kind]
    content = small()
    change(content)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        read_leaderboard([path])
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert line in str(error.value)


@pytest.mark.parametrize("kind", FILES)
def test_each_file_that_is_no_result_has_its_line(tmp_path: Path, kind: str) -> None:
    data, line = FILES[kind]
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(UserError) as error:
        read_leaderboard([path])
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert line in str(error.value)


def test_a_folder_in_place_of_a_file_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_leaderboard([tmp_path])


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(small()).encode())
    assert [row.label for row in read_leaderboard([path]).rows] == ["moglo"]


def test_keys_that_are_not_known_are_no_fault(tmp_path: Path) -> None:
    content = small()
    content["dataset"]["generator"] = "2"
    content["sweeps"][0]["fingerprint"] = {"bmode": [1.0, 2.0]}
    content["mine"] = [1]
    assert len(read_leaderboard(write_results(tmp_path, [content])).rows) == 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (renamed, "sweeps: expected the 4 of .*0.json, got 1 others and 1 missing; 'sweep-999'"),
        (put("sweeps", 1, "subject", value="p7"),
         "sweep 'sweep-001': subject: expected 'p00' as in .*0.json, got 'p7'"),
        (put("sweeps", 1, "frames", value=61),
         "sweep 'sweep-001': frames: expected 60 as in .*0.json, got 61"),
    ],
)  # fmt: skip
def test_a_row_of_other_sweeps_is_refused_by_name(tmp_path, change, line):
    others = [small(), small("other"), small("third")]
    change(others[2])
    paths = write_results(tmp_path, others)
    with pytest.raises(UserError, match=line) as error:
        read_leaderboard(paths)
    assert str(error.value).startswith(str(paths[2]))


def test_the_odd_one_of_three_is_named_wherever_it_stands(tmp_path: Path) -> None:
    others = [small(), small("other"), small("third")]
    renamed(others[0])
    paths = write_results(tmp_path, others)
    with pytest.raises(UserError) as error:
        read_leaderboard(paths)
    assert str(error.value).startswith(str(paths[0]))


def test_seeds_of_one_row_say_the_same_of_their_tracker(tmp_path: Path) -> None:
    paths = write_results(tmp_path, [small(), small() | {"seed": 1, "track": "image+imu"}])
    with pytest.raises(UserError, match=r"track: expected None as in .*0\.json, another seed"):
        read_leaderboard(paths)


def test_a_board_on_which_every_sweep_failed_has_rows_without_numbers(tmp_path: Path) -> None:
    content = result(sweeps=4, lost=3)
    content["failed"].append({"sweep": content["sweeps"].pop()["name"], "reason": "missing"})
    content["summary"] = {}
    board = read_leaderboard(write_results(tmp_path, [content]))
    assert [(row.missing, row.rank) for row in board.rows] == [(4, None)]
    assert everything(board)


# ---- any change at all ------------------------------------------------------------------------

STRANGE = st.sampled_from(
    [None, True, 0, -1, 2**70, 1e300, float("nan"), "", "x", "\ud800", [], [None], {}, {"a": []}]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every node of a JSON value but the root."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in steps:
        yield (*path, step)
        if isinstance(item, dict | list):
            yield from places(item, (*path, step))


def everything(board: Any) -> str:
    """Return all that a board is shown as."""
    page = embedded_json(page_data(board))
    return csv_text(board) + markdown_text(board) + console_table(board) + page


def tiny() -> dict[str, Any]:
    """Return a result whose nodes are mostly of different kinds: short curves, few metrics."""
    content = result(sweeps=2)
    for sweep in content["sweeps"]:
        sweep["metrics"] = {key: sweep["metrics"][key] for key in (HEADLINE, "gpe")}
        sweep["curve"] = {key: values[:2] for key, values in sweep["curve"].items()}
        sweep["trajectory"] = {key: values[:2] for key, values in sweep["trajectory"].items()}
    content["summary"] = summary_of(content["sweeps"])
    content["failed"] = [{"sweep": "lost", "reason": "missing", "factors": {}}]
    return content | {"expected_sweeps": 3, "outside_training": ["a line"]}


SOUND = tiny()
PLACES = list(places(SOUND))


@given(st.sampled_from(PLACES), st.none() | STRANGE.map(lambda value: (value,)))
@settings(max_examples=60, deadline=None)
def test_any_node_replaced_or_removed_is_refused_in_a_line_or_ranked(
    tmp_path_factory, place, value
):
    content = copy.deepcopy(SOUND)
    (without(*place) if value is None else put(*place, value=value[0]))(content)
    path = tmp_path_factory.mktemp("changed") / "changed.json"
    path.write_text(json.dumps(content))
    try:
        board = read_leaderboard([path])
    except UserError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert everything(board).encode()
