"""Whether the numbers of a result are ones that its protocol's metrics can have."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.metrics import METRICS
from benchmark.results import read_result, refuse_faults
from benchmark.scoring.protocol import PROTOCOLS

#: Largest value of a metric by its unit. Poses within a kilometre (`prediction_faults` refuses
#: others) and sums of their errors over a million frames stay below it; of angles three are added.
LARGEST = {"mm": 1e12, "%": 1e12, "deg": 1080.0, "deg/100 mm": 1e12, "": 1e30}
ROUNDING = 1e-9


def read_scores(path: Path) -> dict[str, Any]:
    """Return the content of a result.json: sound, and of numbers that can be.

    Raises
    ------
    UserError : as `read_result`, and a fault of its numbers (`score_faults`).
    """
    result = read_result(path)
    refuse_faults(path, score_faults(result))
    return result


def score_faults(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line per metric of a result that its protocol lacks or whose values cannot be.

    An error (a length, an angle, a share that is better when lower) is not negative; a number that
    is better when higher (a correlation, an overlap, a score) is at most 1; nothing is larger than
    what poses within a kilometre give. Metrics that this version does not know are let pass where
    it does not know the protocol either.
    """
    protocol = PROTOCOLS.get(result["protocol"]["name"])
    named = [key for sweep in result["sweeps"] for key in sweep["metrics"]]
    for metric in dict.fromkeys([*named, *result["summary"]]):
        if protocol is not None and metric not in protocol.metrics:
            yield f"metrics.{metric}: protocol '{protocol.name}' has no such metric"
            continue
        low, high = limits(metric)
        values = {sweep["name"]: sweep["metrics"].get(metric) for sweep in result["sweeps"]}
        wrong = {
            name: value
            for name, value in values.items()
            if value is not None and not low - ROUNDING <= value <= high + ROUNDING
        }
        if wrong:
            name, value = next(iter(wrong.items()))
            unit = METRICS[metric].unit if metric in METRICS else ""
            yield (
                f"metrics.{metric}: expected {low:g} to {high:g} {unit}".rstrip()
                + f", got {value:g} in sweep '{name}' ({len(wrong)} such sweeps)"
            )


def limits(metric: str) -> tuple[float, float]:
    """Return the least and the largest value that a metric can have, by its unit and better side.

    A number without unit that is better when lower is a likelihood, which may be negative.
    """
    found = METRICS.get(metric)
    if found is None:
        return -LARGEST[""], LARGEST[""]
    largest = LARGEST.get(found.unit, LARGEST[""])
    high = 1.0 if found.better == "higher" and not found.unit else largest
    low = 0.0 if found.better == "lower" and found.unit else -largest
    return low, high
