"""The leaderboard as text: csv for machines, Markdown for a README, a table for the console."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.leaderboard.columns import digits, main_columns, short_title, unit
from benchmark.metrics import range_normalised_scores
from benchmark.scoring.protocol import PROTOCOLS
from benchmark.scoring.statistics import FEWEST_SUBJECTS, mean_of_known
from benchmark.tables import Markup, aligned, inert, markdown, number
from benchmark.tables import csv_text as csv_of

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Leaderboard
    from benchmark.leaderboard.row import Row


CONSOLE_WIDTH = 100
HOW_IT_IS_MEANT = (
    "Interval: 95 %, over subjects and, where a row has several, over training seeds. A range of "
    "ranks: the paired differences (95 %, Holm's correction over all pairs of the table) leave "
    "these open. One training: interval and rank are those of these weights; another training of "
    "the same method would score otherwise. Reference rows, rows with missing sweeps and rows of "
    f"fewer than {FEWEST_SUBJECTS} subjects take no rank."
)


def rank_text(rank: tuple[int, int] | None) -> str:
    """Return "2" or, where the paired differences leave several open, "2–4"; without one "–"."""
    if rank is None:
        return "–"
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def seeds_text(row: "Row") -> str:
    """Return the seeds of a row, "0, 1, 2"; an en dash where none is known."""
    return ", ".join(str(seed) for seed in row.seeds if seed is not None) or "–"


def csv_text(board: "Leaderboard") -> str:
    """Return one line per row: identity, ranks, costs, then mean, sd, low, high per metric."""
    return csv_of([_csv_line(board, row) for row in board.rows])


def _csv_line(board: "Leaderboard", row: "Row") -> dict[str, Any]:
    trained_on = row.first("trained_on") or {}
    low, high = row.rank or (None, None)
    line = {
        "rank_low": low,
        "rank_high": high,
        "tracker": row.label,
        "kind": row.kind,
        "track": row.track,
        "seed": " ".join(str(seed) for seed in row.seeds if seed is not None),
        "sweeps": row.scored,
        "expected_sweeps": row.expected,
        "subjects": row.subjects,
        "mean_collapsed": int(row.collapsed),
        "remarks": "; ".join(row.remarks),
        "seconds_per_frame": row.mean_of("seconds_per_frame"),
        "peak_memory_mb": row.mean_of("peak_memory_mb"),
        "parameters": row.first("parameters"),
        "training_seconds": row.training_seconds,
        "dataset": board.dataset.get("name"),
        "dataset_hash": board.dataset.get("hash"),
        "protocol": board.protocol.get("name"),
        "protocol_hash": board.protocol.get("hash"),
        "trained_on": trained_on.get("name"),
        "trained_on_hash": trained_on.get("hash"),
        "config_hash": row.first("config_hash"),
        "weights_sha256": " ".join(
            r["weights_sha256"] for r in row.results if r.get("weights_sha256")
        ),
        f"{board.headline}_seed_sd": row.seed_spread.get(board.headline),
    }
    scores = table_scores(board)
    if scores:
        line["tusrec2024_score_of_this_table_only"] = scores.get(row.label)
    for metric in board.metrics:
        summary = row.summary.get(metric) or {}
        line[metric] = summary.get("mean")
        line |= {f"{metric}_{part}": summary.get(part) for part in ("sd", "low", "high")}
    return line


def table_scores(board: "Leaderboard") -> dict[str, float]:
    """Return the score of TUS-REC2024 by row, where the protocol has it; empty otherwise.

    The score is normalised by the best and the worst row of this table, so it changes with them.
    Reference rows and rows with missing sweeps are left out, and so are errors that not all rows
    have on a sweep, such as those of landmarks where it has none.
    """
    protocol = PROTOCOLS.get(str(board.protocol.get("name")))
    rows = [row for row in board.rows if row.may_rank]
    if protocol is None or "range_normalised_scores" not in protocol.table_scores or len(rows) < 2:
        return {}
    parts: dict[str, list[float]] = {row.label: [] for row in rows}
    for metric in protocol.metrics:
        none = [None] * len(board.sweeps)
        errors = {row.label: np.array(row.values.get(metric, none), float) for row in rows}
        for label, scores in range_normalised_scores(errors).items():
            parts[label].extend(scores[np.isfinite(scores)].tolist())
    means = {label: mean_of_known(scores) for label, scores in parts.items()}
    return {label: mean for label, mean in means.items() if mean is not None}


def paired_csv_text(board: "Leaderboard") -> str:
    """Return one line per ordered pair: headline of the first minus the second, interval, p."""
    return csv_of(
        [
            {"first": first, "second": second, "metric": board.headline}
            | {part: summary.get(part) for part in ("mean", "low", "high", "p", "p_holm")}
            for first, others in board.paired.items()
            for second, summary in others.items()
        ],
        ("first", "second", "metric", "mean", "low", "high", "p", "p_holm"),
    )


def ranks_csv_text(board: "Leaderboard") -> str:
    """Return one line per ranked row and rank: how often the row takes it in the bootstrap."""
    return csv_of(
        [
            {"track": row.track, "tracker": row.label, "rank": rank, "frequency": share}
            for row in board.rows
            for rank, share in enumerate(board.rank_frequencies.get(row.label, ()), start=1)
        ],
        ("track", "tracker", "rank", "frequency"),
    )


def markdown_text(board: "Leaderboard") -> str:
    """Return a table that fits a README: rank, tracker, the main metrics, costs, sweeps.

    Where rows are of several tracks, each track has its own table, with the reference rows in it.
    """
    if len(board.tracks) < 2:
        tables = [_markdown_table(board, board.rows)]
    else:
        tables = [
            f"Track {track}\n\n"
            + _markdown_table(board, [row for row in board.rows if row.track in (track, None)])
            for track in board.tracks
        ]
    name, protocol = inert(str(board.dataset.get("name"))), inert(str(board.protocol.get("name")))
    note = (
        f"Data set {name} ({str(board.dataset.get('hash'))[:12]}), protocol {protocol} "
        f"({str(board.protocol.get('hash'))[:12]}): means over {len(board.sweeps)} sweeps of "
        f"{len(set(board.subjects))} subjects. {HOW_IT_IS_MEANT}"
    )
    return "\n".join([*tables, note]) + "\n"


def _markdown_table(board: "Leaderboard", rows: Sequence["Row"]) -> str:
    metrics = main_columns(board.headline, board.metrics)
    titles = {metric: _with_unit(metric) for metric in metrics}
    titles[metrics[0]] += " [95 %]"
    scores = table_scores(board)
    if scores:
        titles["score"] = "2024 score (of this table only)"
    columns = {"#": "#", "tracker": "tracker", "class": "class", **titles}
    columns |= {title: title for title in (*COSTS, "seeds", "sweeps")}
    lines = [
        {
            "#": rank_text(row.rank),
            "tracker": inert(row.label) + _flags(row),
            "class": row.kind,
            **{metric: _cell(row, metric) for metric in metrics},
            "score": number(scores.get(row.label), 3),
            **{title: cost(row) for title, cost in COSTS.items()},
            "seeds": _seeds_with_spread(row),
            "sweeps": f"{row.scored}/{row.expected}",
        }
        for row in rows
    ]
    return markdown(
        [{key: Markup(text) for key, text in line.items()} for line in lines],
        {key: Markup(title) for key, title in columns.items()},
        right={*titles, *COSTS, "sweeps"},
    )


def _with_unit(metric: str) -> str:
    return short_title(metric) + (f" ({unit(metric)})" if unit(metric) else "")


def _flags(row: "Row") -> str:
    flags = (["mean-collapsed"] if row.collapsed else []) + row.remarks
    return f" ({'; '.join(flags)})" if flags else ""


def _cell(row: "Row", metric: str) -> str:
    summary, places = row.summary.get(metric) or {}, digits(metric)
    text = number(summary.get("mean"), places)
    if metric == row.headline_id and summary.get("low") is not None:
        text += f" [{number(summary['low'], places)}, {number(summary['high'], places)}]"
    return text


def _milliseconds(row: "Row") -> str:
    seconds = row.mean_of("seconds_per_frame")
    return "–" if seconds is None else f"{1000 * seconds:.3g}"


def _parameters(row: "Row") -> str:
    count = row.first("parameters")
    return f"{count:,}" if count else "–"


#: The costs of a row as text, by the title of their column in Markdown.
COSTS: dict[str, Callable[["Row"], str]] = {
    "ms / frame": _milliseconds,
    "memory (MB)": lambda row: number(row.mean_of("peak_memory_mb"), 0),
    "parameters": _parameters,
    "training (s)": lambda row: number(row.training_seconds, 0),
}


def _seeds_with_spread(row: "Row") -> str:
    spread, places = row.seed_spread.get(row.headline_id), digits(row.headline_id)
    return seeds_text(row) + (f" (sd {number(spread, places)})" if spread is not None else "")


def console_table(board: "Leaderboard") -> str:
    """Return the ranking as aligned text, and what its intervals and ranks mean."""
    metrics = main_columns(board.headline, board.metrics)[:4]
    columns = {"#": "#", "tracker": "tracker", **{metric: _with_unit(metric) for metric in metrics}}
    columns |= {"speed": "ms/frame", "sweeps": "sweeps", "flags": ""}
    rows = [
        {
            "#": rank_text(row.rank),
            "tracker": row.label,
            **{metric: _cell(row, metric) for metric in metrics},
            "speed": _milliseconds(row),
            "sweeps": f"{row.scored}/{row.expected}",
            "flags": ", ".join(_console_flags(board, row)),
        }
        for row in board.rows
    ]
    lines = aligned(rows, columns, left={"#", "tracker", "flags"})
    lines.insert(1, "─" * max(len(line) for line in lines))
    return "\n".join([*lines, *wrap(HOW_IT_IS_MEANT, CONSOLE_WIDTH)])


def _console_flags(board: "Leaderboard", row: "Row") -> list[str]:
    flags = [row.kind] if row.kind == "reference" else []
    flags += [row.track] if row.track and len(board.tracks) > 1 else []
    return flags + row.remarks + (["mean-collapsed"] if row.collapsed else [])
