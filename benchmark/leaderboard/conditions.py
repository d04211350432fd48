"""The conditions of a stress test: which sweeps share a factor and a severity."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmark.errors import UserError
from benchmark.metrics import METRICS

FACTOR, SEVERITY, LEVEL, NONE = "factor", "severity", "level", "none"
#: The tracker that sees no image: one with larger errors has broken.
FLOOR = "training-mean"
#: The errors in the tables and curves of robustness, beside the headline of the protocol.
STRESS_METRICS = ("fdr_path_centre", "lpe")


def stress_metrics(headline: str, metrics: Collection[str]) -> list[str]:
    """Return the errors among `metrics` that robustness is told by, the headline first.

    A score, of which more is better, is none of them.
    """
    wanted = dict.fromkeys([headline, *STRESS_METRICS])
    return [name for name in wanted if name in metrics and METRICS[name].better == "lower"]


def conditions(sweeps: Sequence[Mapping[str, Any]]) -> dict[str, dict[float, list[int]]]:
    """Return indices of sweeps by factor and severity; severity 0 is shared by all factors.

    Raises
    ------
    UserError : no sweep names a factor that was made worse.
    """
    plain: list[int] = []
    found: dict[str, dict[float, list[int]]] = {}
    for index, sweep in enumerate(sweeps):
        factor, severity = _condition(sweep)
        if factor is None:
            continue
        if factor == NONE or severity == 0:
            plain.append(index)
        else:
            found.setdefault(factor, {}).setdefault(severity, []).append(index)
    if not found:
        raise UserError(
            "stress: no sweep names a 'factor' and its 'severity'; expected a data set with a "
            "[stress] table or held-out groups, e.g. stress-v2, varied-v2"
        )
    base = {0.0: plain} if plain else {}
    return {factor: base | dict(sorted(by.items())) for factor, by in found.items()}


def _condition(sweep: Mapping[str, Any]) -> tuple[str | None, float]:
    """Return factor and severity of a sweep; no factor where it does not name both."""
    factors = sweep.get("factors") or {}
    factor, severity = factors.get(FACTOR), factors.get(SEVERITY)
    if not isinstance(factor, str) or isinstance(severity, bool):
        return None, 0.0
    if not isinstance(severity, int | float):
        return None, 0.0
    return factor, float(severity)


def shared_level(sweeps: Sequence[Mapping[str, Any]], indices: Sequence[int]) -> float | None:
    """Return the level that all these sweeps share, None where they have none or several."""
    levels = {(sweeps[index].get("factors") or {}).get(LEVEL) for index in indices}
    level = levels.pop() if len(levels) == 1 else None
    return float(level) if isinstance(level, int | float) else None
