"""The faults of a result: keys, types, and whether its parts agree with each other."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from benchmark.schema.checks import (
    NAME,
    NUMBER,
    NUMBER_OR_NULL,
    OBJECT,
    POSITION,
    SCALAR,
    TEXT,
    WHOLE,
    Keys,
    ListOf,
    MapOf,
    Schema,
    faults,
    number_from,
    one_of,
    whole_from,
)
from benchmark.schema.plain import plain_fault

KINDS = ("learned", "classical", "reference", "external")
#: How far the mean of a summary may be from that of its sweeps, relative to the largest of them.
ROUNDING = 1e-6

NAMED = Keys({"name": NAME, "hash": TEXT}, wording="an object with name and hash")
FINGERPRINTS = MapOf(MapOf(ListOf(NUMBER)))
DATASET = Keys(
    {"name": NAME, "hash": TEXT, "fingerprints": FINGERPRINTS},
    {"split": TEXT, "generator": SCALAR},
    "an object with name, hash and fingerprints",
)
#: What curves of a stress test group sweeps by; other factors are free.
FACTORS = Keys({}, dict.fromkeys(("factor", "severity", "level"), SCALAR))
SWEEP = Keys(
    {"name": NAME, "subject": NAME, "metrics": MapOf(NUMBER_OR_NULL)},
    {
        "frames": whole_from(1),
        "factors": FACTORS,
        "curve": Keys({"path_mm": ListOf(NUMBER), "drift_mm": ListOf(NUMBER)}),
        "trajectory": Keys({}, {"true": ListOf(POSITION), "predicted": ListOf(POSITION)}),
    },
)


def about_tracker(tracks: Collection[str]) -> dict[str, Schema]:
    """Return the schema of what a submission's meta.json says of a tracker, and its result too."""
    return {
        "kind": one_of(KINDS),
        "track": one_of(tracks),
        "card": TEXT,
        "config": OBJECT,
        "config_hash": TEXT,
        "weights_sha256": TEXT,
        "code_sha256": TEXT,
        "seed": WHOLE,
        "trained_on": Keys({}, {"name": TEXT, "hash": TEXT}, "an object with name and hash"),
        "training": Keys({}, {"seconds": number_from(0)}),
        "seconds_per_frame": number_from(0),
        "peak_memory_mb": number_from(0),
        "parameters": whole_from(0),
        "environment": OBJECT,
        "outside_training": ListOf(TEXT, "a list of texts"),
    }


def result_schema(tracks: Collection[str]) -> Keys:
    """Return the schema of a result.json; tracks: names of what a tracker may read."""
    parts = dict.fromkeys(("mean", "sd", "low", "high"), NUMBER)
    return Keys(
        {
            "tracker": NAME,
            "dataset": DATASET,
            "protocol": NAMED,
            "expected_sweeps": whole_from(0),
            "sweeps": ListOf(SWEEP),
            "summary": MapOf(Keys({}, parts)),
        },
        {
            "failed": ListOf(Keys({"sweep": NAME, "reason": TEXT}, {"factors": FACTORS})),
            "answers": TEXT,
            **about_tracker(tracks),
        },
    )


def result_faults(result: Mapping[str, Any], tracks: Collection[str]) -> Iterator[str]:
    """Yield one line per fault of the content of a result.json, each beginning with its key.

    First that it is plain JSON, then types and missing keys, then whether its parts agree: sweeps
    that stand twice, the number of sweeps, the means of the summary, lengths of what is drawn.

    tracks: names of what a tracker may read.
    """
    fault = plain_fault(result)
    if fault:
        yield fault
        return
    wrong = list(faults(result, result_schema(tracks)))
    if wrong:
        yield from wrong
        return
    yield from _sweeps_that_do_not_count(result)
    for name in sweep_names(result):
        if name not in result["dataset"]["fingerprints"]:
            yield f"dataset.fingerprints: expected one of every sweep, '{name}' is missing"
    yield from _means_that_differ(result)
    for sweep in result["sweeps"]:
        for fault in _drawn_faults(sweep):
            yield f"sweep '{sweep['name']}': {fault}"


def sweep_names(result: Mapping[str, Any]) -> list[str]:
    """Return the names of all sweeps of a result: those with scores, then those that failed."""
    failed = result.get("failed") or ()
    return [row["name"] for row in result["sweeps"]] + [row["sweep"] for row in failed]


def _sweeps_that_do_not_count(result: Mapping[str, Any]) -> Iterator[str]:
    names = sweep_names(result)
    for name, count in Counter(names).items():
        if count > 1:
            yield f"sweeps: expected each once (there or in failed), got '{name}' {count} times"
    if result["expected_sweeps"] != len(names):
        yield (
            f"expected_sweeps: expected {len(names)}, the number of sweeps and failed together, "
            f"got {result['expected_sweeps']}"
        )


def _means_that_differ(result: Mapping[str, Any]) -> Iterator[str]:
    for metric, summary in result["summary"].items():
        scores = [sweep["metrics"].get(metric) for sweep in result["sweeps"]]
        known = [score for score in scores if score is not None]
        mean = sum(known) / len(known) if known else None
        told = summary.get("mean")
        if mean is None and told is None:
            continue
        if mean is None or told is None or abs(mean - told) > ROUNDING * max(map(abs, known)):
            yield f"summary.{metric}.mean: expected {mean}, the mean of the sweeps, got {told}"


def _drawn_faults(sweep: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the lengths of a sweep's curve and trajectory."""
    pairs = {"curve": ("path_mm", "drift_mm"), "trajectory": ("true", "predicted")}
    for key, (first, second) in pairs.items():
        drawn = sweep.get(key) or {}
        lengths = [len(drawn[part]) for part in (first, second) if drawn.get(part) is not None]
        if len(set(lengths)) > 1:
            yield f"{key}: expected {first} and {second} of one length, got {lengths}"
    path = (sweep.get("curve") or {}).get("path_mm", ())
    if any(after < before for before, after in pairwise(path)):
        yield "curve.path_mm: expected a path that never shrinks, got one that does"
