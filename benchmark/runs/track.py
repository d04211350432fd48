"""Tracking of frames that are not the tracker's training data: weights, pixel size, remarks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import Report, UserError, silent
from benchmark.registry import make_tracker, open_weights, shipped_weights, tracker_class
from benchmark.runs.domain import Domain, domain_faults, find_domain, step_faults, unsure_frames
from benchmark.runs.pixel_size import resampled
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
) -> Prediction:
    """Return a tracker's poses for B-mode frames (N, H, W), image mm -> the first frame's.

    Frames are brought to the pixel size and at most the extent of training; poses are in mm and
    hold for the frames as they were. Reported: what lies outside the domain of training, and
    the frames at which the tracker itself states a large uncertainty.

    Raises
    ------
    UserError : a tracker that reads more than B-mode frames.
    """
    if set(tracker.reads) - {BMODE}:
        raise UserError(
            f"tracker '{tracker.name}' reads {', '.join(tracker.reads)}; expected one that reads "
            f"{BMODE} alone, which is all that a recording is tracked by"
        )
    seen = at_training_pixels(Observation({BMODE: images}, probe), domain)
    if domain is None:
        report("it is not known what the tracker was trained on: no word on whether this is alike")
    else:
        report_outside(domain_faults(domain, seen.bmode), report)
    prediction = tracker.track(seen)
    if domain is not None:
        for fault in step_faults(domain, seen.bmode, prediction):
            report(fault)
    unsure = unsure_frames(seen.bmode, prediction)
    if unsure:
        report(unsure)
    return prediction


def at_training_pixels(observation: Observation, domain: Domain | None) -> Observation:
    """Return an observation whose B-mode frames have the pixel size of training and no more extent.

    domain: of the tracker's training; None leaves the observation as it is, and so does one of
    frames of different pixel sizes among which this one is.
    """
    pixel_mm = observation.bmode.pixel_mm
    if domain is None or domain.has_pixels(pixel_mm):
        return observation
    frames = resampled(observation.bmode, domain.pixel_mm, domain.shape)
    return Observation({**observation.channels, BMODE: frames}, observation.probe, observation.imu)


def report_outside(faults: Iterable[object], report: Report, name: str = "the tracker") -> None:
    """Report each fault as lying outside of what `name` was trained on."""
    for fault in faults:
        report(f"outside what {name} was trained on: {fault}")
