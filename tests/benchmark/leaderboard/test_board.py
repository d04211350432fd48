"""The leaderboard: what it ranks, what it refuses to rank, and the same numbers in every form."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.leaderboard import build_leaderboard, console_table
from benchmark.leaderboard.board import Leaderboard, read_leaderboard
from benchmark.leaderboard.keep import TABLES, keep_results
from benchmark.leaderboard.page import page_data
from benchmark.leaderboard.tables import (
    csv_text,
    markdown_text,
    paired_csv_text,
    ranks_csv_text,
    table_scores,
)
from benchmark.scoring.evaluate import summary_of as evaluated
from benchmark.scoring.statistics import summarise
from tests.benchmark.shared.synthetic_results import (
    challenge_results,
    field,
    result,
    summary_of,
    write_results,
)

HEADLINE = "fdr_path_centre"


def board_of(tmp_path: Path, *results: dict[str, Any]) -> Leaderboard:
    return read_leaderboard(write_results(tmp_path, list(results)))


def even(tracker: str, score: float, kind: str = "learned", seed: int = 0) -> dict[str, Any]:
    """Return a result whose headline scatters by 0.5 about `score`, whatever the sweep."""
    content = result(tracker, kind, seed=seed)
    noise = np.random.default_rng([ord(tracker[0]), seed]).normal(0, 0.5, len(content["sweeps"]))
    for sweep, error in zip(content["sweeps"], noise, strict=True):
        sweep["metrics"][HEADLINE] = score + error
    return content


def test_lower_is_better_and_rows_that_no_pair_tells_apart_share_ranks(tmp_path: Path) -> None:
    """1.5 | 5, 5.1 | 8: ranks 1, 2-3, 2-3, 4."""
    board = board_of(tmp_path, even("d", 8), even("c", 5.1), even("a", 1.5), even("b", 5))
    assert {row.label: row.rank for row in board.rows} == {
        "a": (1, 1),
        "b": (2, 3),
        "c": (2, 3),
        "d": (4, 4),
    }
    means = [row.headline["mean"] for row in board.rows]
    assert means == sorted(means)


def test_a_reference_row_is_shown_where_it_stands_and_takes_no_rank(tmp_path: Path) -> None:
    board = board_of(tmp_path, even("a", 5), even("oracle", 2, "reference"))
    assert [(row.label, row.rank) for row in board.rows] == [("oracle", None), ("a", (1, 1))]


def test_missing_sweeps_are_counted_and_the_row_is_last_and_unranked(tmp_path: Path) -> None:
    board = board_of(tmp_path, result("lucky", rate=1.0, lost=5), result("whole", rate=50.0))
    assert [(row.label, row.rank) for row in board.rows] == [("whole", (1, 1)), ("lucky", None)]
    assert (board.rows[1].missing, board.rows[1].scored, board.rows[1].expected) == (5, 19, 24)
    assert len(board.sweeps) == 24


def test_a_score_that_only_one_row_lacks_is_missing_one_that_all_lack_is_not(
    tmp_path: Path,
) -> None:
    one, other = result("one"), result("other")
    one["sweeps"][0]["metrics"][HEADLINE] = other["sweeps"][0]["metrics"][HEADLINE] = None
    one["sweeps"][1]["metrics"][HEADLINE] = None
    missing = {row.label: row.missing for row in board_of(tmp_path, one, other).rows}
    assert missing == {"one": 1, "other": 0}


def test_summaries_are_of_the_sweeps_whatever_the_file_says_of_them(tmp_path: Path) -> None:
    """A result of one seed has the summary that evaluation writes, also where it was changed."""
    content = result()
    sweeps = content["sweeps"]
    expected = evaluated(sweeps, sweeps[0]["metrics"])
    content["summary"] = {HEADLINE: {"mean": 0.1, "sd": 0.1, "low": 0.1, "high": 0.1}}
    assert board_of(tmp_path, content).rows[0].summary == expected


def test_seeds_share_a_row_of_their_mean_with_the_spread_of_their_means(tmp_path: Path) -> None:
    runs = [result(seed=seed) for seed in (2, 0, 1)]
    board = board_of(tmp_path, *runs)
    (row,) = board.rows
    table = np.array([[s["metrics"][HEADLINE] for s in run["sweeps"]] for run in runs])
    assert row.seeds == [0, 1, 2]
    assert row.values[HEADLINE] == pytest.approx(table.mean(0).tolist(), rel=1e-12)
    assert row.seed_spread[HEADLINE] == pytest.approx(np.std(table.mean(1), ddof=1), rel=1e-12)
    expected = summarise(table, board.subjects)
    assert row.summary[HEADLINE] == pytest.approx(expected, rel=1e-9)


def test_a_sweep_that_one_seed_lacks_is_missing_for_the_row(tmp_path: Path) -> None:
    row = board_of(tmp_path, result(seed=0), result(seed=1, lost=3)).rows[0]
    assert (row.missing, row.rank) == (3, None)
    assert row.values[HEADLINE][-3:] == [None] * 3


def test_missing_counts_the_sweeps_that_any_seed_lacks(tmp_path: Path) -> None:
    """Three in one seed and one other in the next are four, not three."""
    one, other = result(seed=0, lost=3), result(seed=1)
    lost = other["sweeps"].pop(0)
    other["failed"] = [{"sweep": lost["name"], "reason": "missing"}]
    row = board_of(tmp_path, one, other).rows[0]
    assert (row.missing, row.scored) == (4, 20)


def test_two_configurations_of_a_tracker_are_two_rows_told_apart_by_hash(tmp_path: Path) -> None:
    other = result() | {"config_hash": "1234567890" + "0" * 54}
    labels = sorted(row.label for row in board_of(tmp_path, result(), other).rows)
    assert labels[0] == "moglo (12345678)" and labels[1].startswith("moglo (")


def test_only_what_looks_at_images_can_collapse(tmp_path: Path) -> None:
    board = board_of(tmp_path, *field())
    assert {row.label for row in board.rows if row.collapsed} == {"lazy-net"}


def test_paired_differences_are_means_of_differences_and_antisymmetric(tmp_path: Path) -> None:
    one, other = result("one", rate=10.0), result("other", rate=12.0)
    board = board_of(tmp_path, one, other)
    gaps = [
        a["metrics"][HEADLINE] - b["metrics"][HEADLINE]
        for a, b in zip(one["sweeps"], other["sweeps"], strict=True)
    ]
    there, back = board.paired["one"]["other"], board.paired["other"]["one"]
    assert there["mean"] == pytest.approx(np.mean(gaps), rel=1e-12)
    assert there["low"] < there["mean"] < there["high"]
    assert back["mean"] == pytest.approx(-there["mean"], rel=1e-12)
    assert back["low"] == -there["high"] and back["p"] == there["p"] < 1


@pytest.mark.parametrize(
    ("key", "part"),
    [("dataset", {"hash": "c" * 64}), ("dataset", {"split": "val"}), ("protocol", {"hash": "d"})],
)
def test_hashes_are_never_mixed_and_both_files_are_named(
    tmp_path: Path, key: str, part: dict[str, str]
) -> None:
    other = result("other")
    other[key] |= part
    paths = write_results(tmp_path, [result(), other])
    with pytest.raises(UserError, match=f"different {key}s") as error:
        build_leaderboard(paths, tmp_path / "out")
    assert str(paths[0]) in str(error.value) and str(paths[1]) in str(error.value)
    assert not (tmp_path / "out").exists()


def with_prints(found: dict[str, Any], track: str = "image", **parts: float) -> dict[str, Any]:
    """Return a result whose first sweep has fingerprints, each of one value, by part."""
    prints = {key.replace("_", "/"): [2.0, *[value] * 8] for key, value in parts.items()}
    told = found["dataset"]["fingerprints"] | {found["sweeps"][0]["name"]: prints}
    return found | {"track": track, "dataset": found["dataset"] | {"fingerprints": told}}


def test_copies_of_the_data_that_differ_by_rounding_stand_on_one_board(tmp_path: Path) -> None:
    results = [
        with_prints(result("one"), bmode_frames=1.0, pa_frames=1.0),
        with_prints(result("other"), bmode_frames=1 + 1e-12, pa_frames=7.0),
        with_prints(result("third"), "bmode+pa", bmode_frames=1.0, pa_frames=1 + 1e-7),
    ]
    board = read_leaderboard(write_results(tmp_path, results))
    assert len(board.rows) == 3 and "fingerprints" not in board.dataset


def test_rows_on_another_version_of_the_data_are_shown_when_asked_for_and_not_ranked(
    tmp_path: Path,
) -> None:
    older = even("b", 5)
    older["dataset"] |= {"hash": "c" * 64, "generator": "0"}
    again = even("a", 3)
    again["dataset"] |= {"hash": "c" * 64, "generator": "0"}
    home = [even("a", 5), even("z", 9)]
    paths = write_results(tmp_path, [*home, older, again])
    with pytest.raises(UserError, match=r"different datasets .*generator 0"):
        read_leaderboard(paths)
    board = build_leaderboard(paths, tmp_path / "out", other_versions=True)
    version = "generator 0 (cccccccc)"
    assert {row.label: row.rank for row in board.rows} == {
        f"a, {version}": None, "a": (1, 1), f"b, {version}": None, "z": (2, 2),
    }  # fmt: skip
    assert set(board.paired) == set(board.rank_frequencies) == {"a", "z"}
    assert all(version in row.remarks[0] for row in board.rows if row.rank is None)
    assert f"{version}: other data, not ranked" in (tmp_path / "out/leaderboard.md").read_text()
    older["dataset"]["name"] = "another-set"
    with pytest.raises(UserError, match=r"different datasets .*another-set"):
        read_leaderboard(write_results(tmp_path, [*home, older]), other_versions=True)


@pytest.mark.parametrize(
    ("track", "parts", "part"),
    [
        ("image", {"bmode_frames": 1.001, "pa_frames": 1.0}, "bmode/frames"),
        ("bmode+pa", {"bmode_frames": 1.0, "pa_frames": 1.1}, "pa/frames"),
    ],
)
def test_other_data_are_refused_with_sweep_channel_and_size(
    tmp_path: Path, track: str, parts: dict[str, float], part: str
) -> None:
    first = with_prints(result("one"), track, bmode_frames=1.0, pa_frames=1.0)
    paths = write_results(tmp_path, [first, with_prints(result("other"), track, **parts)])
    with pytest.raises(UserError) as error:
        read_leaderboard(paths)
    line = str(error.value)
    assert line.startswith(f"{paths[1]}: other data than {paths[0]}: sweep 'sweep-000'")
    assert f"{part} differ by" in line and "\n" not in line


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    paths = write_results(tmp_path, [result(), result()])
    with pytest.raises(UserError, match=r"seed 0.*0\.json.*1\.json"):
        read_leaderboard(paths)


def test_what_is_not_a_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least one"):
        read_leaderboard([])
    path = tmp_path / "x.json"
    with pytest.raises(UserError, match=r"x\.json: no such file"):
        read_leaderboard([path])
    path.write_text('{"format": "sweepbench-predictions-1"}')
    with pytest.raises(UserError, match=r"x\.json: expected format 'sweepbench-result-2'"):
        read_leaderboard([path])
    path.write_text(json.dumps({k: v for k, v in result().items() if k != "sweeps"}))
    with pytest.raises(UserError, match=r"x\.json: key 'sweeps' is missing"):
        read_leaderboard([path])


def test_csv_holds_every_number_in_full(tmp_path: Path) -> None:
    board = board_of(tmp_path, *field(seeds=2))
    lines = list(csv.DictReader(io.StringIO(csv_text(board))))
    assert [line["tracker"] for line in lines] == [row.label for row in board.rows]
    for line, row in zip(lines, board.rows, strict=True):
        for metric in board.metrics:
            assert float(line[metric]) == row.summary[metric]["mean"]
            assert float(line[f"{metric}_high"]) == row.summary[metric]["high"]
        assert line["rank_low"] == ("" if row.rank is None else str(row.rank[0]))
        assert line["dataset_hash"] == "a" * 64 and line["protocol_hash"] == "b" * 64
    assert {line["tracker"]: line["seed"] for line in lines}["moglo"] == "0 1"
    assert {line["tracker"]: line["seed"] for line in lines}["identity"] == ""


def test_the_tables_of_pairs_and_ranks_hold_every_number(tmp_path: Path) -> None:
    board = board_of(tmp_path, *field(seeds=2))
    pairs = list(csv.DictReader(io.StringIO(paired_csv_text(board))))
    assert len(pairs) == len(board.rows) * (len(board.rows) - 1)
    for line in pairs:
        found = board.paired[line["first"]][line["second"]]
        assert [float(line[key]) for key in ("mean", "low", "high", "p", "p_holm")] == [
            found[key] for key in ("mean", "low", "high", "p", "p_holm")
        ]
    lines = list(csv.DictReader(io.StringIO(ranks_csv_text(board))))
    shares = {(line["tracker"], int(line["rank"])): float(line["frequency"]) for line in lines}
    assert shares == {
        (label, rank): share
        for label, found in board.rank_frequencies.items()
        for rank, share in enumerate(found, start=1)
    }


def test_tables_say_what_the_interval_is_and_which_rows_are_of_one_training(tmp_path: Path) -> None:
    board = board_of(tmp_path, result("once"), result("twice"), result("twice", seed=1))
    text = markdown_text(board)
    assert "| once (one training) |" in text and "| twice |" in text
    assert "over subjects and, where a row has several, over training seeds" in text
    assert "Holm" in text and "fewer than 5 subjects take no rank" in text
    lines = list(csv.DictReader(io.StringIO(csv_text(board))))
    assert {line["tracker"]: line["remarks"] for line in lines} == {
        "once": "one training",
        "twice": "",
    }
    assert {line["subjects"] for line in lines} == {"8"}


def test_markdown_is_one_table_whatever_the_names(tmp_path: Path) -> None:
    text = markdown_text(board_of(tmp_path, result("a|b <i> `c`\nd"), result("plain")))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "a\\|b &lt;i&gt; \\`c\\` d" in text and "<i>" not in text


def test_what_a_training_cost_is_the_mean_of_its_seeds(tmp_path: Path) -> None:
    slow = {"training": {"seconds": 100.0}, "parameters": 12345, "peak_memory_mb": 400.4}
    results = [result("a", seed=0) | slow, result("a", seed=1) | {"training": {"seconds": 50.0}}]
    board = board_of(tmp_path, *results, result("b", kind="classical"))
    assert [row.training_seconds for row in board.rows if row.label == "a"] == [75.0]
    (line,) = [line for line in markdown_text(board).splitlines() if "| a |" in line]
    assert "| 12,345 | 75 |" in line
    lines = list(csv.DictReader(io.StringIO(csv_text(board))))
    assert {line["tracker"]: line["training_seconds"] for line in lines} == {"a": "75.0", "b": ""}


def test_console_table_is_aligned_and_prints_no_control_characters(tmp_path: Path) -> None:
    board = board_of(tmp_path, *field(seeds=2), result("x\x1b[31m", rate=60.0))
    lines = console_table(board).splitlines()
    assert "\x1b" not in "".join(lines)
    rows, notes = lines[2 : 2 + len(board.rows)], lines[2 + len(board.rows) :]
    column = lines[0].index("sweeps") + len("sweeps")
    assert all(line[column - 5 : column] in ("24/24", "22/24") for line in rows)
    assert any(line.endswith("one training, mean-collapsed") for line in rows)
    assert notes[0].startswith("Interval: 95 %, over subjects and") and max(map(len, notes)) <= 100


def test_an_external_result_needs_no_more_than_its_scores(tmp_path: Path) -> None:
    kept = ("format", "tracker", "dataset", "protocol", "expected_sweeps", "sweeps", "summary")
    external = {key: value for key, value in result("guest").items() if key in kept}
    external["sweeps"] = [
        {key: sweep[key] for key in ("name", "subject", "metrics")} for sweep in external["sweeps"]
    ]
    external["summary"] = summary_of(external["sweeps"])
    board = build_leaderboard(write_results(tmp_path, [external, result()]), tmp_path)
    guest = next(row for row in board.rows if row.label == "guest")
    assert (guest.kind, guest.seeds, guest.missing) == ("external", [None], 0)
    assert guest.rank is not None
    names = {"leaderboard.html", *TABLES}
    assert names <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("protocol", "headline"), [("tusrec2025", "tusrec2025_final"), ("tusrec2024", "gpe")]
)
def test_a_protocol_ranks_by_its_own_headline(tmp_path, protocol, headline):
    board = build_leaderboard(write_results(tmp_path, challenge_results(protocol)), tmp_path)
    assert board.headline == headline and board.metrics[0] == headline
    assert [(row.label, row.rank) for row in board.rows] == [
        ("good", (1, 1)), ("middle", (2, 2)), ("bad", (3, 3)),
    ]  # fmt: skip
    assert all(row.missing == 0 for row in board.rows)
    gap = board.paired["good"]["bad"]["mean"]
    assert gap > 0 if headline == "tusrec2025_final" else gap < 0
    assert page_data(board)["headline"] == headline
    assert page_data(board)["columns"] == list(
        dict.fromkeys([headline, "gpe", "lpe", "gle", "lle"])
    )


def test_the_score_of_2024_is_a_column_that_says_it_is_of_this_table(tmp_path):
    """Against the formula by hand; without the worst entrant the others' scores fall."""
    field = challenge_results("tusrec2024")
    board = read_leaderboard(write_results(tmp_path, field))
    scores = table_scores(board)
    errors = {c["tracker"]: [s["metrics"]["gpe"] for s in c["sweeps"]] for c in field}
    by_scan = list(zip(*errors.values(), strict=True))
    # The four errors are multiples of each other here, so their scores are one and the same.
    for tracker, values in errors.items():
        by_hand = [
            (max(all_of) - x) / (max(all_of) - min(all_of))
            for x, all_of in zip(values, by_scan, strict=True)
        ]
        assert scores[tracker] == pytest.approx(np.mean(by_hand))
    assert scores["good"] > 0.95 > scores["middle"] > 0.2
    assert "2024 score (of this table only)" in markdown_text(board)
    assert "tusrec2024_score_of_this_table_only" in csv_text(board)
    fewer = read_leaderboard(write_results(tmp_path, field[1:]))
    assert table_scores(fewer) == {"good": 1.0, "middle": 0.0}
    other = read_leaderboard(write_results(tmp_path, challenge_results("tusrec2025")))
    assert table_scores(other) == {} and "2024" not in markdown_text(other)


def without_landmarks(results: list[dict], sweeps: slice, drop: bool = False) -> list[dict]:
    """Return results whose landmark errors, and scores made of them, are null on some sweeps.

    drop: the landmark errors are not in the file at all.
    """
    for content in results:
        for sweep in content["sweeps"][sweeps]:
            for name in {"gle", "lle", "tusrec2025_final"} & set(sweep["metrics"]):
                sweep["metrics"][name] = None
            for name in ("gle", "lle") * drop:
                del sweep["metrics"][name]
        content["summary"] = {
            name: summarise(
                [sweep["metrics"].get(name) for sweep in content["sweeps"]],
                [sweep["subject"] for sweep in content["sweeps"]],
            )
            for name in content["sweeps"][-1]["metrics"]
        }
    return results


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("drop", [False, True])
def test_boards_of_the_challenge_without_landmarks(tmp_path, drop):
    """2024 ranks and scores by the pixel errors; 2025 has no score, shows the rows, ranks none."""
    full = challenge_results("tusrec2024")
    expected = table_scores(read_leaderboard(write_results(tmp_path, full)))
    field = without_landmarks(full, slice(None), drop)
    board = build_leaderboard(write_results(tmp_path, field), tmp_path)
    assert [(row.label, row.rank[0]) for row in board.rows] == [
        ("good", 1), ("middle", 2), ("bad", 3),
    ]  # fmt: skip
    # All four errors are multiples of one here, so two of them give the score of the four.
    assert table_scores(board) == pytest.approx(expected)
    field = without_landmarks(challenge_results("tusrec2025"), slice(None), drop)
    board = build_leaderboard(write_results(tmp_path, field), tmp_path)
    assert {row.label: (row.rank, row.missing) for row in board.rows} == {
        "good": (None, 0), "middle": (None, 0), "bad": (None, 0),
    }  # fmt: skip
    assert "| – | good" in markdown_text(board) and "good" in console_table(board)


@pytest.mark.filterwarnings("error")
def test_one_sweep_without_landmarks_is_left_out_of_their_scores(tmp_path):
    field = without_landmarks(challenge_results("tusrec2024"), slice(0, 1))
    board = build_leaderboard(write_results(tmp_path, field), tmp_path)
    errors = {row.label: row.values for row in board.rows}
    for label, score in table_scores(board).items():
        parts = []
        for metric in ("gpe", "lpe", "gle", "lle"):
            for scan in range(24):
                column = [errors[other][metric][scan] for other in errors]
                if None not in column:
                    own, span = errors[label][metric][scan], max(column) - min(column)
                    parts.append((max(column) - own) / span)
        assert len(parts) == 4 * 24 - 2 and score == pytest.approx(np.mean(parts))
    field = without_landmarks(challenge_results("tusrec2025"), slice(0, 1))
    board = build_leaderboard(write_results(tmp_path, field), tmp_path)
    assert [(row.label, row.missing) for row in board.rows] == [
        ("good", 0), ("middle", 0), ("bad", 0),
    ]  # fmt: skip
    assert board.rows[0].rank == (1, 1) and all(row.rank for row in board.rows)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("protocol", ["tusrec2024", "tusrec2025"])
def test_a_board_of_one_row_without_landmarks(tmp_path, protocol):
    field = without_landmarks(challenge_results(protocol)[:1], slice(None))
    board = build_leaderboard(write_results(tmp_path, field), tmp_path)
    assert [row.label for row in board.rows] == ["bad"] and table_scores(board) == {}
    assert "bad" in markdown_text(board)


# ---- what is kept of it -----------------------------------------------------------------------


def kept(results: list[Path], tmp_path: Path) -> set[str]:
    """Build the tables, keep them with results in `kept`, and return the names there."""
    build_leaderboard(results, tmp_path / "tables")
    keep_results(results, tmp_path / "tables", tmp_path / "kept")
    return {path.name for path in (tmp_path / "kept").iterdir()}


def test_keeping_replaces_results_and_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    (place / "more").mkdir(parents=True)
    foreign = {"README.md": "mine", "provenance.json": '{"format": null}', "notes.json": "no JSON"}
    for name, text in foreign.items():
        (place / name).write_text(text)
    (place / "old.json").write_text(json.dumps(result("old")))
    run = tmp_path / "moglo-1234-s0" / "result.json"
    run.parent.mkdir()
    run.write_text(json.dumps(result()))
    assert kept([run], tmp_path) == {*foreign, "more", "moglo-1234-s0.json", *TABLES}
    assert {name: (place / name).read_text() for name in foreign} == foreign
    assert (place / "moglo-1234-s0.json").read_bytes() == run.read_bytes()


def test_a_result_that_lies_in_the_kept_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    paths = write_results(tmp_path / "kept", [result("one"), result("other")])
    before = [path.read_bytes() for path in paths]
    assert kept(paths, tmp_path) == {"0.json", "1.json", *TABLES}
    assert [path.read_bytes() for path in paths] == before


def test_results_of_one_folder_are_kept_under_their_own_names(tmp_path: Path) -> None:
    names = kept(write_results(tmp_path, [result("one"), result("other")]), tmp_path)
    assert names == {"0.json", "1.json", *TABLES}


def test_results_that_would_bear_one_name_are_refused_and_nothing_is_touched(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    twins = [write_results(tmp_path / folder, [result(folder)])[0] for folder in ("a", "b")]
    with pytest.raises(UserError, match=r"0\.json: expected one result of this name, got .*a.*b"):
        kept(twins, tmp_path)
    assert not (tmp_path / "kept").exists()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "0.json").write_text("{}")
    with pytest.raises(UserError, match=r"0\.json: expected a result or nothing"):
        kept(twins[:1], tmp_path)
    assert [path.read_text() for path in (tmp_path / "kept").iterdir()] == ["{}"]
