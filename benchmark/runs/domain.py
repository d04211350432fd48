"""The domain of training data in numbers, and the comparison of other images with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.dataset import Dataset, open_dataset
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.runs.field_of_view import Regions
from benchmark.runs.measures import AHEAD, MEASURES, PACE, measures
from benchmark.runs.pixel_size import SAME_PIXEL
from benchmark.speckle.quarters import elevational_lengths_mm
from benchmark.sweep import Images, Prediction, centre_path

DOMAIN_FILE = "domain.json"
MARGIN = 1.5  # of frame rates and steps: up to this factor beyond training they are not reported
MOST_LEFT_OUT = 0.3  # of the image, black or still
LEAST_EXTENT = 0.9  # of the side of a training image; a smaller image is reported
SMALLEST_STEP = 0.01  # mm; shorter steps are taken as no motion
MOST_SPREADS = 3.6  # of a measure of speckle; from the table of `tests/studies/conditions.py`
LEAST_SWEEPS = 4  # of a training split, for a line through the measures
MOST_UNEVEN = 0.1  # share of longer intervals; from the same table
LONGER = 1.5  # times the median: an interval in which a frame is missing
MAP_MARGIN = 1.1  # of elevational lengths: twice the error of the formulas
LEAST_SPREAD = 0.02  # relative, of measures over sweeps that are all alike


@dataclass(frozen=True)
class Domain:
    """Ranges over training sweeps.

    pixel_mm (2,), shape (rows, columns): of a frame; frame_rate: (low, high) Hz; step_mm: (1 %,
    99 %) of the steps of the image centre; measures: (offset, slope, spread) of each measure of
    `benchmark.runs.measures`, which is offset + slope times the pace of a sweep, all as logarithms,
    with a standard deviation `spread` over sweeps; empty where they are not known.

    Where frames differ, pixel_mm and shape are medians, pixel_span_mm is (across low, high, down
    low, high) and least_mm (width, height) that of the smallest; else both are empty.

    elevation_mm: (low, high) of the elevational speckle length in the middle of each quarter of the
    depth, one after another, by the probes' descriptions; empty where they do not tell it. uneven:
    largest share of a sweep's intervals between frames that are `LONGER` than usual.
    """

    pixel_mm: tuple[float, float]
    shape: tuple[int, int]
    frame_rate: tuple[float, float]
    step_mm: tuple[float, float]
    measures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    pixel_span_mm: tuple[float, ...] = ()
    least_mm: tuple[float, ...] = ()
    elevation_mm: tuple[float, ...] = ()
    uneven: float = 0.0

    def has_pixels(self, pixel_mm: np.ndarray) -> bool:
        """Whether frames of different pixels were trained on, and these (2,) are among them."""
        if not self.pixel_span_mm:
            return False
        low, high = np.reshape(self.pixel_span_mm, (2, 2)).T
        return bool(
            ((pixel_mm > low * (1 - SAME_PIXEL)) & (pixel_mm < high * (1 + SAME_PIXEL))).all()
        )


def measure_domain(dataset: Dataset, split: str = "train") -> Domain:
    """Return the domain of a split, from some frames of every sweep."""
    steps, rates, found = [], [], []
    pixel, shape, uneven, lengths = [], [], [], []
    for sweep in dataset.sweeps(split, lazy=True):
        images = sweep.bmode
        steps.append(step_lengths(images, sweep.prev_from_frame))
        rates.append(1 / np.median(np.diff(images.timestamps)))
        found.append(measures(images))
        uneven.append(uneven_share(images))
        lengths.append(elevational_lengths_mm(sweep.probe, images))
        pixel.append(images.pixel_mm)
        shape.append(images.frames.shape[1:])
    low, high = np.percentile(np.concatenate(steps), (1, 99))
    rows, columns = np.median(shape, axis=0).astype(int).tolist()
    across, down = np.median(pixel, axis=0).tolist()
    spans = _spans(np.array(pixel), np.array(shape))
    return Domain(
        pixel_mm=(across, down),
        shape=(rows, columns),
        frame_rate=(float(min(rates)), float(max(rates))),
        step_mm=(float(low), float(high)),
        measures=_lines([row for row in found if row]),
        pixel_span_mm=spans[0],
        least_mm=spans[1],
        elevation_mm=_ranges(lengths),
        uneven=max(uneven),
    )


def uneven_share(images: Images) -> float:
    """Return the share of intervals between frames that are `LONGER` than their median."""
    intervals = np.diff(images.timestamps)
    return float((intervals > LONGER * np.median(intervals)).mean()) if len(intervals) else 0.0


def _ranges(lengths: Sequence[np.ndarray | None]) -> tuple[float, ...]:
    """Return (low, high) of lengths (4,) of sweeps, one quarter after another; empty of none."""
    known = [each for each in lengths if each is not None]
    if not known:
        return ()
    return tuple(np.stack([np.min(known, 0), np.max(known, 0)], 1).ravel().tolist())


def _lines(found: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    """Return offset, slope and spread of each measure over sweeps; empty of too few sweeps."""
    if len(found) < LEAST_SWEEPS:
        return {}
    pace = np.array([row[PACE] for row in found])
    design = np.stack([np.ones_like(pace), pace], 1)
    lines = {}
    for key in MEASURES:
        values = np.array([row[key] for row in found])
        line = np.linalg.lstsq(design, values, rcond=1e-6)[0]
        spread = np.sqrt(np.square(values - design @ line).sum() / (len(found) - 2))
        lines[key] = (*line.tolist(), max(float(spread), LEAST_SPREAD))
    return lines


def _spans(pixel: np.ndarray, shape: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return `pixel_span_mm` and `least_mm` of sweeps' pixels (S, 2) mm and shapes (S, 2)."""
    if np.ptp(shape, axis=0).max() == 0 and (np.ptp(pixel, axis=0) < SAME_PIXEL * pixel[0]).all():
        return (), ()
    spans = np.stack([pixel.min(0), pixel.max(0)], 1)
    sides = (pixel * shape[:, ::-1]).min(0)
    return tuple(spans.ravel().tolist()), tuple(sides.tolist())


def find_domain(folder: Path) -> Domain | None:
    """Return the domain of trained weights, or None where it is not known.

    folder: of the weights. `domain.json` there is read; without it, the training data set that
    `config.json` names is measured, if it is at hand and unchanged, and the file is written.

    Raises
    ------
    UserError : a `domain.json` that lacks a key or has one too many.
    """
    path = folder / DOMAIN_FILE
    if path.is_file():
        try:
            return _domain_of(read_json(path))
        except (TypeError, AttributeError) as error:
            raise UserError(f"{path}: {error}") from error
    config = folder / "config.json"
    trained_on = read_json(config).get("trained_on") if config.is_file() else None
    if not trained_on:
        return None
    try:
        dataset = open_dataset(trained_on["name"])
    except UserError:
        return None
    if dataset.hash != trained_on["hash"]:
        return None
    domain = measure_domain(dataset)
    write_json(path, asdict(domain))
    return domain


def _domain_of(values: dict[str, Any]) -> Domain:
    """Return the domain that a `domain.json` holds."""
    spans = {key: tuple(span) for key, span in values.get("measures", {}).items()}
    others: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
        if key != "measures"
    }
    return Domain(**others, measures=spans)


@dataclass(frozen=True)
class DomainFault:
    """A measure of images that lies far outside the range of training; `str` says it in words.

    measure: its name and unit, or a whole statement where there is no number; found: its value;
    trained: (low, high) over the training data.
    """

    measure: str
    found: float | None = None
    trained: tuple[float, float] | None = None

    def __str__(self) -> str:
        found = "" if self.found is None else f" {self.found:.3g}"
        return f"{self.measure}{found}{_in_training(self.trained)}"


def _in_training(trained: tuple[float, float] | None) -> str:
    return "" if trained is None else f", in training {trained[0]:.3g} to {trained[1]:.3g}"


def domain_faults(
    domain: Domain,
    images: Images,
    regions: Regions | None = None,
    probe: Mapping[str, Any] | None = None,
) -> list[DomainFault]:
    """Return the measures of images that lie far outside the ranges of training.

    images: as the tracker sees them; regions: what was left out of the recording's own; probe: its
    description, where anything is known of it.
    """
    faults = [*_probe_faults(domain, images, probe or {})]
    if (share := uneven_share(images)) > max(MOST_UNEVEN, MARGIN * domain.uneven):
        most = (0.0, domain.uneven)
        faults.append(DomainFault("share of intervals in which frames are missing", share, most))
    rate = 1 / float(np.median(np.diff(images.timestamps))) if len(images.frames) > 1 else None
    if rate and not domain.frame_rate[0] / MARGIN <= rate <= domain.frame_rate[1] * MARGIN:
        faults.append(DomainFault("frame rate (Hz)", rate, domain.frame_rate))
    faults += _extent_faults(domain, images)
    if regions is not None and (left := 1 - regions.tissue.mean()) > MOST_LEFT_OUT:
        faults.append(DomainFault("share of the image that is black or still", left, (0.0, 0.0)))
    found = measures(images)
    if found:
        return faults + _speckle_faults(domain, found)
    few = len(images.frames) <= AHEAD
    words = f"a sweep of {AHEAD} frames or fewer" if few else "frames are black"
    return [*faults, DomainFault(words)]


def _speckle_faults(domain: Domain, found: Mapping[str, float]) -> list[DomainFault]:
    """Return the measures of speckle that are unlike those of training at the same pace."""
    faults = []
    for key, (offset, slope, spread) in domain.measures.items():
        expected, most = offset + slope * found[PACE], MOST_SPREADS * spread
        if abs(found[key] - expected) > most:
            low, value, high = np.exp([expected - most, found[key], expected + most]).tolist()
            faults.append(DomainFault(MEASURES[key], value, (low, high)))
    return faults


def _probe_faults(
    domain: Domain, images: Images, probe: Mapping[str, Any]
) -> Iterator[DomainFault]:
    """Yield the quarter of the depth in which a probe's speckle is most unlike that of training."""
    if not domain.elevation_mm or (lengths := elevational_lengths_mm(probe, images)) is None:
        return
    spans = np.reshape(domain.elevation_mm, (-1, 2))
    beyond = np.maximum(lengths / spans[:, 1], spans[:, 0] / lengths)
    worst = int(beyond.argmax())
    if beyond[worst] > MAP_MARGIN:
        low, high = spans[worst].tolist()
        where = f"elevational speckle length of the probe, quarter {worst + 1} of the depth (mm)"
        yield DomainFault(where, float(lengths[worst]), (low, high))


def _extent_faults(domain: Domain, images: Images) -> list[DomainFault]:
    """Return the sides of images that are shorter (mm) than those of training images."""
    faults = []
    sizes = images.pixel_mm
    for axis, name in enumerate(("image width (mm)", "image height (mm)")):
        extent = images.frames.shape[2 - axis] * sizes[axis]
        usual = domain.shape[1 - axis] * domain.pixel_mm[axis]
        trained = domain.least_mm[axis] if domain.least_mm else usual
        if extent < LEAST_EXTENT * trained:
            faults.append(DomainFault(name, extent, (trained, trained)))
    return faults


def summarised(faults: Sequence[Sequence[DomainFault]]) -> list[str]:
    """Return one line per measure: its range over sweeps and in how many of them it is a fault.

    faults: of each sweep.
    """
    groups: dict[str, list[DomainFault]] = {}
    for fault in (fault for sweep in faults for fault in sweep):
        groups.setdefault(fault.measure, []).append(fault)
    lines = []
    for measure, members in groups.items():
        found = [fault.found for fault in members if fault.found is not None]
        ends = f" {min(found):.3g} to {max(found):.3g}" if found else ""
        count = f"in {len(members)} of {len(faults)} sweeps"
        spans = [fault.trained for fault in members if fault.trained is not None]
        trained = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None
        lines.append(f"{measure}{ends} {count}{_in_training(trained)}")
    return lines


def step_faults(domain: Domain, images: Images, prediction: Prediction) -> list[str]:
    """Return a line if more than 5 % of the predicted steps are unlike those of training."""
    steps = step_lengths(images, prediction.prev_from_frame)
    if not len(steps):
        return []
    low, high = domain.step_mm
    beyond = (steps > MARGIN * high) | (steps < low / MARGIN - SMALLEST_STEP)
    if not beyond.mean() > 0.05:
        return []
    return [
        f"{100 * beyond.mean():.0f} % of predicted steps are outside those of training "
        f"({low:.3g} to {high:.3g} mm): {ranges(np.flatnonzero(beyond) + 1)}"
    ]


def step_lengths(images: Images, prev_from_frame: np.ndarray) -> np.ndarray:
    """Return the lengths (N-1,) mm of the image centre's steps, of steps (N-1, 4, 4)."""
    moved = centre_path(images, prev_from_frame) - images.centre_mm
    return np.linalg.norm(moved, axis=1)


def unsure_frames(images: Images, prediction: Prediction) -> str | None:
    """Return a line on the frames where the tracker's sigma exceeds its step, or None."""
    if prediction.sigma is None:
        return None
    steps = step_lengths(images, prediction.prev_from_frame)
    unsure = prediction.sigma > np.maximum(steps, SMALLEST_STEP)
    if not unsure.any():
        return None
    more = " or more" if prediction.position_sigma is None else ""
    return (
        f"the tracker is unsure of {unsure.sum()} of {len(unsure)} steps (its sigma exceeds the "
        f"step) at frames {ranges(np.flatnonzero(unsure) + 1)}; sigma of the end: "
        f"{prediction.end_sigma:.2g} mm{more}"
    )


def ranges(numbers: Sequence[int] | np.ndarray, most: int = 8) -> str:
    """Return whole numbers as text, neighbours joined: 3-7, 9."""
    numbers = np.asarray(numbers)
    cuts = [0, *(np.flatnonzero(np.diff(numbers) > 1) + 1), len(numbers)]
    groups = [numbers[a:b] for a, b in pairwise(cuts) if b > a]
    words = [str(g[0]) if len(g) == 1 else f"{g[0]}-{g[-1]}" for g in groups]
    return ", ".join(words[:most]) + (", ..." if len(words) > most else "")
