"""The one way of a sweep to a tracker: tissue alone, pixels of training, and no motion untold."""

from dataclasses import replace
from typing import Literal

import numpy as np

from benchmark import geometry
from benchmark.runs.domain import Domain, step_lengths
from benchmark.runs.field_of_view import Regions, all_tissue, find_regions, tissue_alone
from benchmark.runs.pixel_size import resampled
from benchmark.sweep import Images, Observation, Prediction, centre_path
from benchmark.tracker import Tracker
from benchmark.tracks import BMODE

LEAST_SPREAD = 2.0  # grey levels, standard deviation of a frame: below it there is no signal
UNTOLD_MM = 5.0  # sigma of a step of which nothing is told: a hand at 100 mm/s between frames
LEAST_SHARED = float(np.exp(-1))  # correlation of frames 1.4 lengths of their speckle apart
MIRROR = np.diag([1.0, 1.0, -1.0, 1.0])  # to the other side of the image plane

Advance = Literal["plus", "minus", "unknown"]


def seen_by_tracker(
    observation: Observation, domain: Domain | None, *, find: bool = True
) -> tuple[Observation, Regions]:
    """Return what a tracker is shown of an observation, and which pixels those are.

    Black and still pixels are taken off the mask (`find_regions`), the pixels outside it filled
    (`tissue_alone`), the frames cut around it to the extent of training and brought to its pixels.
    domain: of the tracker's training; None leaves extent and pixels as they are. find: whether to
    look for such pixels at all, beside the mask that the images have.
    """
    regions = find_regions(observation.bmode) if find else all_tissue(observation.bmode)
    least = None if domain is None else np.multiply(domain.shape[::-1], domain.pixel_mm).tolist()
    alone = tissue_alone(replace(observation.bmode, mask=regions.mask), least)
    return at_training_pixels(_with_bmode(observation, alone), domain), regions


def at_training_pixels(observation: Observation, domain: Domain | None) -> Observation:
    """Return an observation whose B-mode frames have the pixel size of training and no more extent.

    domain: of the tracker's training; None leaves the observation as it is, and so does one of
    frames of different pixel sizes among which this one is.
    """
    pixel_mm = observation.bmode.pixel_mm
    if domain is None or domain.has_pixels(pixel_mm):
        return observation
    return _with_bmode(observation, resampled(observation.bmode, domain.pixel_mm, domain.shape))


def _with_bmode(observation: Observation, images: Images) -> Observation:
    return replace(observation, channels={**observation.channels, BMODE: images})


def answered(tracker: Tracker, seen: Observation, empty: np.ndarray | None = None) -> Prediction:
    """Return a tracker's prediction of what it is shown; steps that nothing shows are no motion.

    Such steps lead from or to a frame without signal. They are the identity, and their sigma is
    `UNTOLD_MM` where the tracker states any; positions after them are as much less sure.

    empty (N,) bool: frames without signal; by default `without_signal` looks for them.
    """
    prediction = tracker.track(seen)
    empty = without_signal(seen.bmode) if empty is None else empty
    untold = empty[1:] | empty[:-1]
    if not untold.any():
        return prediction
    poses = geometry.relative(prediction.first_from_frame)
    steps = np.array(prediction.prev_from_frame)
    poses[untold] = steps[untold] = np.eye(4)
    sigma, position_sigma = prediction.sigma, prediction.position_sigma
    if sigma is not None:
        sigma = np.where(untold, UNTOLD_MM, sigma)
    if position_sigma is not None:
        so_far = np.concatenate([[0], np.cumsum(untold)])
        position_sigma = np.hypot(position_sigma, UNTOLD_MM * np.sqrt(so_far))
    return Prediction(geometry.chain(poses), steps, sigma, position_sigma)


def lost(prediction: Prediction, images: Images) -> Prediction:
    """Return a prediction that is as unsure of every step as the step is long, if it states sigma.

    For frames that share no speckle. The sigma of positions grows with the path, since what then
    misleads a tracker is alike in all steps.
    """
    if prediction.sigma is None:
        return prediction
    steps = step_lengths(images, prediction.prev_from_frame)
    path = np.concatenate([[0.0], np.cumsum(steps)])
    known = prediction.position_sigma
    positions = path if known is None else np.maximum(known, path)
    return replace(prediction, sigma=np.maximum(prediction.sigma, steps), position_sigma=positions)


def without_signal(images: Images) -> np.ndarray:
    """Return which frames (N,) bool are black or of one grey within the field of view."""
    return np.array([_is_flat(images.frames[n], images.mask) for n in range(len(images.frames))])


def _is_flat(frame: np.ndarray, mask: np.ndarray | None) -> bool:
    return bool((frame if mask is None else frame[mask]).std() < LEAST_SPREAD)


def mirrored(prediction: Prediction) -> Prediction:
    """Return the motion mirrored at the image plane, which two frames do not tell from the given.

    Elevational steps, tilts and yaws change sign; motion in the plane stays.
    """
    poses, steps = (
        MIRROR @ each @ MIRROR for each in (prediction.first_from_frame, prediction.prev_from_frame)
    )
    return replace(prediction, first_from_frame=poses, prev_from_frame=steps)


def advancing(prediction: Prediction, images: Images, advance: Advance) -> Prediction:
    """Return the prediction or its mirror image, whichever advances as said.

    advance: "plus" along +z of the image frame (x × y) over the whole sweep, "minus" against it,
    "unknown" as the tracker answered. The path is that of the image centre.
    """
    if advance == "unknown":
        return prediction
    along = elevational_mm(images, prediction.prev_from_frame)
    return prediction if (along >= 0) == (advance == "plus") else mirrored(prediction)


def elevational_mm(images: Images, prev_from_frame: np.ndarray) -> float:
    """Return the sum of the elevational steps of the image centre, of steps (N-1, 4, 4)."""
    return float((centre_path(images, prev_from_frame) - images.centre_mm)[:, 2].sum())
