"""One recording, one trained tracker -> poses, with a word on how far to trust them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import Report, UserError, silent
from benchmark.files import read_json
from benchmark.registry import make_tracker, shipped_weights, stored_config, tracker_class
from benchmark.runs.domain import Domain, domain_faults, find_domain, step_faults, unsure_frames
from benchmark.runs.resampling import resampled
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
    found = tracker_class(name)
    folder = folder or shipped_weights(found)
    if folder is None:
        tracker = make_tracker(name)
        if isinstance(tracker, LearnedTracker):
            raise UserError(
                f"tracker '{name}' has no weights with it; give a trained run's folder by --run"
            )
        if found.fit is not Tracker.fit:
            report(f"tracker '{name}' is used as it is, not fitted to any data (no --run)")
        return tracker, None
    if not (folder / "tracker.json").is_file():
        raise UserError(f"{folder}: no tracker.json; expected the folder of a trained run")
    stored = read_json(folder / "tracker.json")
    if stored.get("tracker") != found.name:
        theirs = stored.get("tracker")
        raise UserError(f"{folder}: weights of tracker '{theirs}', expected '{found.name}'")
    tracker = make_tracker(name, **stored_config(stored.get("config", {}), found))
    tracker.load(folder)
    return tracker, find_domain(folder)


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
    where the tracker says itself that it is unsure.

    Raises
    ------
    UserError : a tracker that reads more than B-mode frames.
    """
    if set(tracker.reads) - {BMODE}:
        raise UserError(
            f"tracker '{tracker.name}' reads {', '.join(tracker.reads)}; expected one that reads "
            f"{BMODE} alone, which is all that a recording is tracked by"
        )
    seen = images
    if domain is None:
        report("it is not known what the tracker was trained on: no word on whether this is alike")
    else:
        seen = resampled(images, domain.pixel_mm, domain.shape)
        for fault in domain_faults(domain, seen):
            report(f"outside what the tracker was trained on: {fault}")
    prediction = tracker.track(Observation({BMODE: seen}, probe))
    if domain is not None:
        for fault in step_faults(domain, seen, prediction):
            report(fault)
    unsure = unsure_frames(seen, prediction)
    if unsure:
        report(unsure)
    return prediction
