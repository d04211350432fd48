"""Results as evaluation writes them, made of random numbers with known means; and a few figures."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

HASH, PROTOCOL_HASH = "a" * 64, "b" * 64
PROFILES, SEVERITIES, TISSUES = ("straight", "c", "s", "fan"), (0.5, 1.0, 1.5), ("layered", "plain")
#: name, class, drift rate (%), bias of the elevational step, seconds per frame, parameters
FIELD = (
    ("moglo", "learned", 9.0, 0.010, 0.021, 1_240_000),
    ("two-frame-cnn", "learned", 17.0, 0.030, 0.006, 610_000),
    ("speckle-decorrelation", "classical", 17.4, -0.025, 0.034, 0),
    ("training-mean", "classical", 33.0, 0.060, 0.00002, 0),
    ("identity", "classical", 92.0, -0.25, 0.00001, 0),
    ("constant-motion-oracle", "reference", 4.0, 0.0, 0.00003, 0),
)
PARTS = ("tx", "ty", "tz", "rx", "ry", "rz")


def path_of(rng: np.random.Generator, points: int = 60) -> np.ndarray:
    """Return a gently curved path (points, 3) in mm that begins at the origin."""
    t = np.linspace(0, 1, points)
    bend, length = rng.normal(size=2), 40 + 30 * rng.random()
    x = 4 * bend[0] * np.sin(2 * t + bend[1]) - 4 * bend[0] * np.sin(bend[1])
    return np.stack([x, 1.5 * t * bend[1], length * t], -1)


def sweep_result(index: int, rate: float, bias: float, seed: int) -> dict[str, Any]:
    """Return the entry of one sweep; the true path depends on the index only."""
    world, rng = np.random.default_rng(index), np.random.default_rng([index, seed, int(10 * rate)])
    true = path_of(world)
    path = np.concatenate([[0], np.linalg.norm(np.diff(true, axis=0), axis=1).cumsum()])
    severity = SEVERITIES[index % 3]
    final = rate * severity ** (0.5 if rate < 30 else 0.05) * rng.lognormal(0, 0.18)
    away = rng.normal(size=3)
    away /= np.linalg.norm(away)
    predicted = true + (final / 100 * path)[:, None] * away
    drift = np.linalg.norm(predicted - true, axis=1)
    metrics = {
        "fdr_path_centre": final,
        "adr_path_centre": 0.9 * final + rng.random(),
        "fdr_net_centre": 1.1 * final,
        "gpe": 0.3 * final * (1 + 0.1 * rng.random()),
        "lpe": 0.01 * final + 0.05,
        "rotation_geodesic": 0.1 * final,
        "motion_correlation": max(0.0, 0.97 - 0.012 * final),
        "mean_collapse": float(rate > 30),
    }
    for part in PARTS:
        metrics[f"bias_step_{part}"] = bias * (1.0 if part == "tz" else 0.3) * rng.normal(1, 0.2)
        metrics[f"noise_step_{part}"] = 0.004 * rate**0.7 * rng.normal(1, 0.1)
    return {
        "name": f"sweep-{index:03d}",
        "subject": f"p{index // 3:02d}",
        "frames": 60,
        "factors": {
            "profile": PROFILES[index % 4],
            "severity": severity,
            "tissue": TISSUES[index // 3 % 2],
            "subject": f"p{index // 3:02d}",
            "seed": index,
        },
        "metrics": metrics,
        "curve": {"path_mm": path.tolist(), "drift_mm": drift.tolist()},
        "trajectory": {"true": true.tolist(), "predicted": predicted.tolist()},
    }


def summary_of(sweeps: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean, sd and a normal-theory interval over subjects, enough for a display."""
    summary = {}
    for metric in sweeps[0]["metrics"]:
        values = np.array([sweep["metrics"][metric] for sweep in sweeps])
        mean, sd = values.mean(), values.std(ddof=1)
        half = 1.96 * sd / np.sqrt(len({sweep["subject"] for sweep in sweeps}))
        summary[metric] = {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}
    return summary


def result(
    tracker: str = "moglo",
    kind: str = "learned",
    rate: float = 9.0,
    bias: float = 0.01,
    seconds: float | None = 0.02,
    parameters: int = 0,
    seed: int = 0,
    sweeps: int = 24,
    lost: int = 0,
) -> dict[str, Any]:
    """Return one result.json of `sweeps` sweeps, of which the last `lost` failed."""
    found = [sweep_result(index, rate, bias, seed) for index in range(sweeps - lost)]
    failed = [
        {"sweep": f"sweep-{index:03d}", "reason": "poses: not finite from frame 12 on"}
        for index in range(sweeps - lost, sweeps)
    ]
    learned = kind == "learned"
    prints: dict[str, Any] = {f"sweep-{index:03d}": {} for index in range(sweeps)}
    return {
        "format": "sweepbench-result-2",
        "tracker": tracker,
        "kind": kind,
        "card": f"What {tracker} does, in a sentence.\n\nAnd a second paragraph of its card.",
        "config": {"width": 32, "window": 5} if learned else {},
        "config_hash": hashlib.sha256(tracker.encode()).hexdigest(),
        "weights_sha256": f"{seed:02d}" * 32 if learned else None,
        "seed": seed,
        "trained_on": {"name": "small-v2", "hash": HASH} if learned else None,
        "training": {"flops": 6e12, "updates": 1410, "seconds": 148.2} if learned else None,
        "dataset": {"name": "small-v2", "hash": HASH, "split": "test", "fingerprints": prints},
        "protocol": {"name": "sweepbench-v1", "hash": PROTOCOL_HASH},
        "seconds_per_frame": seconds,
        "peak_memory_mb": 412.5,
        "parameters": parameters,
        "environment": {"python": "3.11", "machine": "Linux x86_64"},
        "expected_sweeps": sweeps,
        "failed": failed,
        "sweeps": found,
        "summary": summary_of(found),
    }


def set_means(content: dict[str, Any]) -> None:
    """Put the means of a result's sweeps into its summary, of metrics that they have."""
    named = {key for sweep in content["sweeps"] for key in sweep["metrics"]}
    content["summary"] = {key: part for key, part in content["summary"].items() if key in named}
    for metric in dict.fromkeys(key for sweep in content["sweeps"] for key in sweep["metrics"]):
        found = [sweep["metrics"].get(metric) for sweep in content["sweeps"]]
        known = [value for value in found if value is not None]
        mean = float(np.mean(known)) if known else None
        content["summary"].setdefault(metric, {})["mean"] = mean


def with_fingerprints(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a result says of its data, with a fingerprint, empty if new, of each sweep."""
    known = content["dataset"].get("fingerprints", {})
    names = [row["name"] for row in content["sweeps"]]
    names += [row["sweep"] for row in content.get("failed") or ()]
    return content["dataset"] | {"fingerprints": {name: known.get(name, {}) for name in names}}


def write_results(folder: Path, results: list[dict[str, Any]]) -> list[Path]:
    """Write each result as `<folder>/<i>.json`; return the paths.

    Means of summaries and fingerprints follow the sweeps, which a test may have changed.
    """
    paths = []
    for index, content in enumerate(results):
        set_means(content)
        content = content | {"dataset": with_fingerprints(content)}
        paths.append(folder / f"{index}.json")
        paths[-1].write_text(json.dumps(content))
    return paths


def field(seeds: int = 1) -> list[dict[str, Any]]:
    """Return a whole field: learned trackers with several seeds, one with a failed sweep."""
    results = []
    for name, kind, *numbers in FIELD:
        runs = range(seeds if kind == "learned" else 1)
        results += [result(name, kind, *numbers, seed=seed) for seed in runs]
    results.append(result("flaky-net", "learned", 12.0, 0.02, 0.012, 800_000, lost=2))
    results.append(result("lazy-net", "learned", 34.0, 0.06, 0.009, 300_000))
    return results


def challenge_results(protocol: str) -> list[dict[str, Any]]:
    """Return results under a protocol of TUS-REC: the good one has the smaller errors."""
    results = []
    for tracker, rate in (("bad", 60.0), ("good", 9.0), ("middle", 30.0)):
        content = result(tracker, rate=rate)
        content["protocol"] = {"name": protocol, "hash": "c" * 64}
        for sweep in content["sweeps"]:
            gpe = sweep["metrics"]["gpe"]
            kept = {"gpe": gpe, "gle": gpe / 2, "lpe": gpe / 90, "lle": gpe / 100}
            more = {"tusrec2025_final": 1 - gpe / 30} if protocol == "tusrec2025" else {}
            sweep["metrics"] = kept | more
        content["summary"] = summary_of(content["sweeps"])
        results.append(content)
    return results


def write_figures(folder: Path) -> None:
    """Write two small figures, one for the front page and one for moglo's section."""
    from benchmark.figures import plot

    frames = np.random.default_rng(0).rayleigh(size=(6, 40, 40))
    plot.save(plot.montage(frames), folder / "frames", "B-mode frames", "One test sweep.", dpi=60)
    true = path_of(np.random.default_rng(3))
    figure = plot.trajectories(true, {"moglo": true * 1.03})
    plot.save(figure, folder / "paths", "A path", "Truth and moglo.", tracker="moglo", dpi=60)


#: factor: its levels at severity 1, 3, 5 (None: a user's own factor, which has no table of levels).
STRESS = {"speed": (1.25, 2.0, 3.0), "my-own": (None, None, None)}
STEPS = (1, 3, 5)


def stress_result(tracker: str, kind: str, errors: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """Return a result on a stress set of five subjects: errors[factor] at severity 0, 1, 3, 5.

    The final drift of subject s is the error plus s / 2, the local error a hundredth of it.
    """
    content = result(tracker, kind, sweeps=5 * (1 + len(STEPS) * len(STRESS)))
    conditions = [("none", 0, None)]
    for factor, levels in STRESS.items():
        conditions += [(factor, step, level) for step, level in zip(STEPS, levels, strict=True)]
    rows = iter(content["sweeps"])
    for subject in range(5):
        for factor, severity, level in conditions:
            row = next(rows)
            curve = errors.get(factor, next(iter(errors.values())))
            error = curve[(0, *STEPS).index(severity)] + subject / 2
            row["subject"] = row["factors"]["subject"] = f"test-{subject:03d}"
            row["name"] = f"{row['subject']}-{factor}-{severity}"
            row["factors"] |= {"factor": factor, "severity": severity, "level": level}
            row["metrics"] |= {"fdr_path_centre": error, "lpe": error / 100}
    content["summary"] = summary_of(content["sweeps"])
    return content


def stress_field() -> list[dict[str, Any]]:
    """Return results of one that breaks under speed at 3, one that never does, and a floor."""
    return [
        stress_result("breaks", "learned", {"speed": (5, 15, 25, 60), "my-own": (5, 5, 6, 7)}),
        stress_result("holds", "learned", {"speed": (8, 8, 9, 10), "my-own": (8, 9, 9, 9)}),
        stress_result("training-mean", "classical", {"speed": (20, 20, 20, 30)}),
    ]
