"""The channel data of zea's files: when and how they were recorded, and B-mode formed from them."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from benchmark.errors import Report, UserError
from benchmark.frames import hdf5_faults, open_hdf5
from benchmark.interop.rf.acquisition import Acquisition, Transmits
from benchmark.interop.rf.forming import (
    Beamformer,
    FormedFrames,
    Forming,
    feedthrough,
    plane_below,
)
from benchmark.interop.rf.hdf5_values import ensure_filters, number, numbers
from benchmark.interop.rf.probe_pose import MM_PER_M, TIP_FROM_IMAGE
from benchmark.stored.hdf5 import WholeArrays, as_group, frames_of, group_of, refuse_bombs

SOUND_SPEED_M_S = 1540.0  # of files that do not tell it, as in zea
WAVEFORM_HZ = 250e6  # sampling rate of stored waveforms, as in zea (Verasonics)


def read_channels(
    path: Path, file: h5py.File, track: h5py.Group, forming: Forming, report: Report
) -> tuple[FormedFrames, np.ndarray]:
    """Return B-mode frames (N, H, W), formed when indexed, and mm_from_pixel (4, 4).

    Raises
    ------
    UserError : no images and no channel data, a key that is missing or does not fit, transmits
        steered out of the plane or coded, an array that is not flat.
    """
    if "data/raw_data" not in track:
        held = ", ".join(group_of(track, "data") if "data" in track else ()) or "nothing"
        raise UserError(f"{path}: expected data/image or data/raw_data, got {held}")
    raw = frames_of(track, "data/raw_data")
    if raw.ndim != 5 or 0 in raw.shape or raw.shape[4] not in (1, 2):
        raise UserError(
            f"{path}: {raw.name}: expected shape (frames, transmits, samples, elements, 1 or 2), "
            f"got {raw.shape}"
        )
    acquisition = read_acquisition(path, file, track)
    ensure_filters(raw, path)
    plane = plane_below(acquisition, raw.shape[2], forming, f"{path}: probe/probe_geometry")
    receivers = _receivers(path, track, raw)
    samples = _Samples(
        path, raw.name, receivers, len(acquisition.element_mm), forming.blank_samples
    )
    loud = feedthrough(samples(0))
    if loud:
        report(
            f"{path}: the first samples are louder than echoes, the pulse itself; "
            f"silence them by --blank-samples {forming.blank_samples + loud}"
        )
    frames = FormedFrames(
        raw.shape[0],
        samples,
        Beamformer(acquisition, plane, forming.f_number),
        forming.dynamic_range_db,
    )
    return frames, plane.mm_from_pixel


@dataclass(frozen=True)
class _Samples:
    """The channel data (E, T, S) of a frame, complex for IQ, read when called.

    receivers: see `_receivers`; blank: first samples that are silenced.
    """

    path: Path
    key: str
    receivers: np.ndarray | None
    elements: int
    blank: int

    def __call__(self, index: int) -> np.ndarray:
        with hdf5_faults(self.path), open_hdf5(self.path) as file:
            raw = ensure_filters(file[self.key], self.path)
            refuse_bombs(raw, index)
            frame = raw[index].astype(np.float32)  # (T, S, channels, 1 or 2)
        frame[:, : self.blank] = 0
        values = frame[..., 0] if frame.shape[-1] == 1 else frame[..., 0] + 1j * frame[..., 1]
        heard = values.transpose(2, 0, 1)
        if self.receivers is None:
            return np.ascontiguousarray(heard)
        full = np.zeros((self.elements, *heard.shape[1:]), heard.dtype)
        for transmit, elements in enumerate(self.receivers):
            full[elements, transmit] = heard[:, transmit]
        return full


def _receivers(path: Path, track: h5py.Group, raw: h5py.Dataset) -> np.ndarray | None:
    """Return which element (T, channels) each channel of each transmit is; None: its own number."""
    _, transmits, _, channels, _ = raw.shape
    elements = track["scan/t0_delays"].shape[1]
    if "scan/rx_aperture_indices" not in track:
        if channels != elements:
            raise UserError(
                f"{path}: {raw.name}: {channels} channels of {elements} elements; "
                "scan/rx_aperture_indices is missing"
            )
        return None
    indices = numbers(path, track, "scan/rx_aperture_indices", (transmits, channels)).astype(int)
    if indices.min() < 0 or indices.max() >= elements:
        raise UserError(
            f"{path}: scan/rx_aperture_indices: expected 0 to {elements - 1}, "
            f"got {indices.min()} to {indices.max()}"
        )
    return indices


def read_acquisition(path: Path, file: h5py.File, track: h5py.Group) -> Acquisition:
    """Return how a track's channel data were recorded.

    The pulse's peak is that of `waveforms_two_way`, or one period after the start, as in zea. A
    lens delays sound by thickness × (1 / its speed - 1 / the tissue's), as at right angles to it.

    Raises
    ------
    UserError : a key that is missing, of another shape, not finite or out of its range.
    """
    transmits = track["data/raw_data"].shape[1]
    is_iq = track["data/raw_data"].shape[4] == 2
    place = "probe/probe_geometry" if "probe/probe_geometry" in file else "scan/probe_geometry"
    element = numbers(path, file if place in file else track, place, (None, 3)) * MM_PER_M
    speed = SOUND_SPEED_M_S
    if "scan/sound_speed" in track:
        speed = number(path, track, "scan/sound_speed")
    start = numbers(path, track, "scan/initial_times", (transmits,))
    lens_s = 0.0
    if "probe/lens_thickness" in file and "probe/lens_sound_speed" in file:
        slowness = 1 / number(path, file, "probe/lens_sound_speed") - 1 / speed
        lens_s = number(path, file, "probe/lens_thickness") * slowness
    return Acquisition(
        element_mm=element @ TIP_FROM_IMAGE[:3, :3],
        sampling_hz=number(path, track, "scan/sampling_frequency"),
        carrier_hz=number(path, track, f"scan/{'demodulation' if is_iq else 'center'}_frequency"),
        sound_speed_m_s=speed,
        start_s=start - _peaks_s(path, track, transmits),
        is_iq=is_iq,
        lens_s=lens_s,
        transmits=_transmits(path, track, transmits, len(element)),
    )


def _transmits(path: Path, track: h5py.Group, transmits: int, elements: int) -> Transmits:
    fire = numbers(path, track, "scan/t0_delays", (transmits, elements))
    if "scan/tx_apodizations" in track:
        drive = numbers(path, track, "scan/tx_apodizations", (transmits, elements))
        if (drive < 0).any() or not drive.any(1).all():
            raise UserError(
                f"{path}: scan/tx_apodizations: expected waves of one sign (0 to 1), not coded ones"
            )
        fire = np.where(drive > 0, fire, np.nan)
    focus = numbers(path, track, "scan/focus_distances", (transmits,), finite=False)
    angle = numbers(path, track, "scan/polar_angles", (transmits,))
    if "scan/azimuth_angles" in track:
        azimuth = numbers(path, track, "scan/azimuth_angles", (transmits,))
        if np.abs(azimuth).max() > 1e-3:
            raise UserError(f"{path}: scan/azimuth_angles: expected 0, waves in the image plane")
    far = np.isfinite(focus) & (np.abs(focus) >= 1)
    if np.isnan(focus).any() or far.any():
        raise UserError(f"{path}: scan/focus_distances: expected metres, below 1 or infinite")
    origin: np.ndarray = np.zeros((transmits, 3))
    if "scan/transmit_origins" in track:
        origin = numbers(path, track, "scan/transmit_origins", (transmits, 3)) * MM_PER_M
    return Transmits(
        fire, np.where(focus == 0, np.inf, focus) * MM_PER_M, origin @ TIP_FROM_IMAGE[:3, :3], angle
    )


def _peaks_s(path: Path, track: h5py.Group, transmits: int) -> np.ndarray:
    """Return the time (T,) of the two-way pulse's peak after its start."""
    frequency = numbers(path, track, "scan/center_frequency", None)
    if "scan/waveforms_two_way" not in track:
        return np.broadcast_to(1 / frequency, (transmits,))
    from scipy.signal import hilbert

    waves = numbers(path, track, "scan/waveforms_two_way", (transmits, None))
    return np.abs(hilbert(waves, axis=1)).argmax(1) / WAVEFORM_HZ


def transmit_times(path: Path, file: h5py.File, track: h5py.Group) -> np.ndarray:
    """Return the times (N, T) s of a track's transmits after the file's first one.

    Transmits of several tracks follow one another as `track_schedule` says.

    Raises
    ------
    UserError : intervals that are missing or do not fit the data.
    """
    if "track_schedule" not in file or "tracks" not in file:
        spans = _intervals(path, track)
        starts = np.cumsum(spans.ravel()) - spans.ravel()
        return starts.reshape(spans.shape)
    schedule = WholeArrays(file)(file, "track_schedule")
    durations = np.zeros(len(schedule))
    for name, other in file["tracks"].items():
        events = schedule == int(name.rpartition("_")[2])
        spans = _intervals(path, as_group(other))
        if events.sum() != spans.size:
            raise UserError(
                f"{path}: track_schedule: {events.sum()} transmits of {name}, expected {spans.size}"
            )
        durations[events] = spans.ravel()
    starts = np.cumsum(durations) - durations
    own = schedule == int(track.name.rpartition("_")[2])
    return starts[own].reshape(_intervals(path, track).shape)


def _intervals(path: Path, track: h5py.Group) -> np.ndarray:
    """Return the seconds (N, T) from each transmit to the next; the last may be missing."""
    transmits = track["scan/t0_delays"].shape[0]
    spans = numbers(path, track, "scan/time_to_next_transmit", None)
    if spans.ndim == 1 and (spans.size + 1) % transmits == 0:
        spans = np.concatenate([spans, [0.0]]).reshape(-1, transmits)
    if spans.ndim != 2 or spans.shape[1] != transmits or (spans < 0).any():
        raise UserError(
            f"{path}: scan/time_to_next_transmit: expected seconds (frames, {transmits}), "
            f"got shape {spans.shape}"
        )
    return spans
