"""Tracking of frames that are not the tracker's training data: weights, pixel size, remarks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.registry import make_tracker, open_weights, shipped_weights, tracker_class
from benchmark.runs.answer import (
    LEAST_SHARED,
    Advance,
    advancing,
    answered,
    elevational_mm,
    lost,
    seen_by_tracker,
    without_signal,
)
from benchmark.runs.domain import (
    SMALLEST_STEP,
    Domain,
    domain_faults,
    find_domain,
    ranges,
    step_faults,
    unsure_frames,
)
from benchmark.runs.measures import shared_speckle
from benchmark.sweep import Images, Observation, Prediction
from benchmark.tracker import LearnedTracker, Tracker
from benchmark.tracks import BMODE


def open_tracker(
    name: str, folder: Path | None = None, report: Report = silent
) -> tuple[Tracker, Domain | None]:
    """Return a tracker ready to track, and the domain it was trained in, where that is known.

    folder: what `Tracker.save` or a run wrote. Without it, weights shipped with the tracker's
    package are taken: `<package>/weights/<name>/`.

    Raises
    ------
    UserError : an unknown tracker, weights that are missing or of another tracker.
    """
    folder = folder or shipped_weights(tracker_class(name))
    if folder is not None:
        return open_weights(folder, name), find_domain(folder)
    tracker = make_tracker(name)
    if isinstance(tracker, LearnedTracker):
        raise UserError(
            f"tracker '{name}' has no weights with it; give a trained run's folder by --run"
        )
    if type(tracker).fit is not Tracker.fit:
        report(f"tracker '{name}' is used as it is, not fitted to any data (no --run)")
    return tracker, None


def track(
    tracker: Tracker,
    domain: Domain | None,
    images: Images,
    probe: Mapping[str, Any],
    report: Report = silent,
    advance: Advance | None = None,
    *,
    find: bool = True,
) -> Prediction:
    """Return a tracker's poses for B-mode frames (N, H, W), image mm -> the first frame's.

    The tracker is shown tissue alone, at the pixel size and at most the extent of training; poses
    are in mm and hold for the frames as they were. Reported: the share of the image that is used,
    what lies outside the domain of training, frames without signal, frames that share no speckle
    (whose sigma is then large), and those at which the tracker itself states a large uncertainty.

    advance: the direction along z over the whole sweep, which two frames do not tell: the answer
    is mirrored where it goes the other way. None leaves it as it is and reports that it is assumed.
    find: leave pixels out that are black in every frame, or still while others change.

    Raises
    ------
    UserError : a tracker that reads more than B-mode frames.
    """
    if set(tracker.reads) - {BMODE}:
        raise UserError(
            f"tracker '{tracker.name}' reads {', '.join(tracker.reads)}; expected one that reads "
            f"{BMODE} alone, which is all that a recording is tracked by"
        )
    seen, regions = seen_by_tracker(Observation({BMODE: images}, probe), domain, find=find)
    if not regions.tissue.all():
        report(str(regions))
    if domain is None:
        report("it is not known what the tracker was trained on: no word on whether this is alike")
    else:
        report_outside(domain_faults(domain, seen.bmode, regions, probe), report)
    empty = without_signal(seen.bmode)
    prediction = answered(tracker, seen, empty)
    shared = shared_speckle(seen.bmode)
    if shared is not None and shared < LEAST_SHARED:
        prediction = lost(prediction, seen.bmode)
        report(
            f"consecutive frames share no speckle (correlation {shared:.2f}): how far apart they "
            "lie cannot be told, the path is a guess"
        )
    _report_answer(domain, seen.bmode, prediction, empty, report)
    prediction = advancing(prediction, seen.bmode, advance or "unknown")
    moves = elevational_mm(seen.bmode, prediction.prev_from_frame)
    if advance is None and abs(moves) > SMALLEST_STEP:
        told = "plus" if moves > 0 else "minus"
        report(
            f"the sweep is assumed to advance towards {told} z of the image, which two frames do "
            "not tell (--advance plus, minus or unknown says it)"
        )
    return prediction


def _report_answer(
    domain: Domain | None,
    images: Images,
    prediction: Prediction,
    empty: np.ndarray,
    report: Report,
) -> None:
    """Report what is doubtful in a tracker's answer; empty (N,) bool: frames without signal."""
    if domain is not None:
        for fault in step_faults(domain, images, prediction):
            report(fault)
    if empty.any():
        places = ranges(np.flatnonzero(empty))
        report(f"frames {places} show nothing: no motion is told from and to them")
    unsure = unsure_frames(images, prediction)
    if unsure:
        report(unsure)


def report_outside(faults: Iterable[object], report: Report, name: str = "the tracker") -> None:
    """Report each fault as lying outside of what `name` was trained on."""
    for fault in faults:
        report(f"outside what {name} was trained on: {fault}")
