"""The public check of the tracker contract, and an observation to check with."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Images, Observation, Prediction, prediction_fault
from benchmark.tracker import Tracker
from benchmark.tracks import BMODE, IMU, PHOTOACOUSTIC, track_of


def example_observation(
    frames: int = 12, height: int = 96, width: int = 96, reads: Collection[str] = (BMODE,)
) -> Observation:
    """Return a small observation of smoothed noise that drifts, for checks without a data set.

    reads: inputs it holds beside B-mode: "pa" (every second frame, linear), "imu" (100 Hz).
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(7)
    volume = gaussian_filter(rng.normal(size=(frames + 8, height, width + frames)), (2, 1, 1.5))
    moving = np.stack([volume[i + 4, :, i : i + width] for i in range(frames)])
    levels = np.clip(128 + 40 * moving / moving.std(), 0, 255).astype(np.uint8)
    mm_from_pixel = np.diag([0.2, 0.2, 1.0, 1.0])
    mm_from_pixel[0, 3] = -0.2 * (width - 1) / 2
    times = np.arange(frames) / 20.0
    probe = {"name": "example", "centre_frequency_hz": 5e6, "sound_speed_m_s": 1540.0}
    channels, imu = {BMODE: Images(levels, times, mm_from_pixel)}, None
    if PHOTOACOUSTIC in reads:
        glow = np.square(moving[::2] / moving.std()).astype(np.float32)
        wavelength = np.full(len(glow), 800.0)
        channels[PHOTOACOUSTIC] = Images(glow, times[::2], mm_from_pixel, wavelength)
    if IMU in reads:
        clock = np.arange(5 * frames) / 100.0
        force = rng.normal([0, -9.81, 0], 0.05, (len(clock), 3))
        turn = rng.normal(0, 0.01, (len(clock), 3))
        imu = {"timestamps": clock, "acceleration": force, "angular_rate": turn}
    return Observation(channels, probe, imu)


def check_tracker(tracker: Tracker, observation: Observation | None = None) -> None:
    """Refuse a tracker that breaks the contract.

    Checked: its `reads` are those of a track; shapes and SE(3) to 1e-5; first pose identity; input
    unchanged; the same output twice; a constant offset of the timestamps changes nothing; two
    frames are enough; and, if `causal`, the first poses do not change when later frames are
    removed.

    Raises
    ------
    UserError : one line with all faults found.
    """
    try:
        track_of(tracker.reads)
    except UserError as error:
        raise UserError(f"tracker '{tracker.name}': {error}") from error
    if observation is None:
        observation = example_observation(reads=tracker.reads)
    faults = list(_faults(tracker, observation))
    if faults:
        raise UserError(f"tracker '{getattr(tracker, 'name', tracker)}': " + "; ".join(faults))


def _faults(tracker: Tracker, observation: Observation) -> list[str]:
    count, before = len(observation), np.array(observation.bmode.frames)
    first = tracker.track(observation)
    if not isinstance(first, Prediction):
        return [f"track returned {type(first).__name__}, expected Prediction"]
    fault = prediction_fault(first.first_from_frame, first.prev_from_frame, first.sigma, count)
    if fault:
        return [fault]
    faults = []
    if not np.array_equal(before, np.asarray(observation.bmode.frames)):
        faults.append("track changed the frames that it was handed")
    if not _same(tracker.track(observation), first, 0.0):
        faults.append("the same observation gave another prediction the second time")
    if not _same(tracker.track(_cut(observation, count, offset=1000.0)), first, 1e-6):
        faults.append("a constant offset of the timestamps changed the prediction")
    for kept in (count // 2, 2):
        short = tracker.track(_cut(observation, kept)).first_from_frame
        if len(short) != kept:
            faults.append(f"{kept} frames gave {len(short)} poses")
        elif tracker.causal and np.abs(short - first.first_from_frame[:kept]).max() > 1e-5:
            faults.append(
                f"the first {kept} poses change when later frames go; a tracker that looks ahead "
                "says 'causal = False' in its class"
            )
            break
    return faults


def _same(one: Prediction, other: Prediction, tolerance: float) -> bool:
    return bool(np.abs(one.first_from_frame - other.first_from_frame).max() <= tolerance)


def _cut(observation: Observation, count: int, offset: float = 0.0) -> Observation:
    """Return the first `count` frames of an observation, `offset` s added to all timestamps."""
    end = observation.bmode.timestamps[count - 1]
    channels = {}
    for name, images in observation.channels.items():
        keep = int(np.searchsorted(images.timestamps, end, side="right"))
        wavelength = None if images.wavelength_nm is None else images.wavelength_nm[:keep]
        times = images.timestamps[:keep] + offset
        channels[name] = replace(
            images, frames=images.frames[:keep], timestamps=times, wavelength_nm=wavelength
        )
    imu = observation.imu
    if imu is not None:
        keep = int(np.searchsorted(imu["timestamps"], end, side="right"))
        imu = {name: values[:keep] for name, values in imu.items()}
        imu["timestamps"] = imu["timestamps"] + offset
    return Observation(channels, observation.probe, imu)
