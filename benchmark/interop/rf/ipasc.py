"""Photoacoustic channel data in the HDF5 format of IPASC, written, read and formed to images.

The format is that of the International Photoacoustic Standardisation Consortium, version 2 (J.
Gröhl et al., Photoacoustics 26 (2022) 100339), with the names that its package PACFISH gives to the
fields. Positions are in metres on axes x1 lateral, x2 elevational, x3 depth.
"""

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.files import atomic_path
from benchmark.frames import open_hdf5, reading_hdf5
from benchmark.interop.rf.acquisition import Acquisition
from benchmark.interop.rf.forming import Beamformer, Forming, plane_below
from benchmark.interop.rf.hdf5_values import number, numbers, text
from benchmark.interop.rf.probe_pose import MM_PER_M, TIP_FROM_IMAGE
from benchmark.stored.hdf5 import WholeArrays, group_of
from benchmark.sweep import Images

SIGNALS = "binary_time_series_data"
DETECTORS = "meta_data_device/detectors"
SOUND_SPEED_M_S = 1540.0  # of files that do not tell it
NM_PER_M = 1e9


@dataclass(frozen=True)
class PhotoacousticData:
    """What the elements of an array heard after laser pulses.

    signals (E, S, W, N): elements, samples (the first at the pulse), wavelengths, measurements;
    element_mm (E, 3), image mm: x lateral, y axial, z elevational; wavelength_nm (W,); times_s
    (N,): of the measurements, or None; sound_speed_m_s: or None; device: a name that identifies
    the array.
    """

    signals: np.ndarray
    sampling_hz: float
    element_mm: np.ndarray
    wavelength_nm: np.ndarray
    times_s: np.ndarray | None = None
    sound_speed_m_s: float | None = None
    device: str = "unknown"

    def __post_init__(self) -> None:
        elements, _, wavelengths, measurements = _four(np.shape(self.signals))
        fits = (
            np.shape(self.element_mm) == (elements, 3)
            and np.shape(self.wavelength_nm) == (wavelengths,)
            and (self.times_s is None or np.shape(self.times_s) == (measurements,))
        )
        if not fits:
            raise UserError(
                f"photoacoustic data: signals {np.shape(self.signals)} need {elements} element "
                f"places, {wavelengths} wavelengths and {measurements} times"
            )


def _four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    if len(shape) != 4 or 0 in shape:
        raise UserError(
            f"signals: expected shape (elements, samples, wavelengths, measurements), got {shape}"
        )
    return shape


def is_ipasc(file: h5py.File) -> bool:
    """Return whether an opened HDF5 file is of IPASC's format."""
    return SIGNALS in file and "meta_data_device" in file


def write_ipasc(path: Path | str, data: PhotoacousticData) -> None:
    """Write photoacoustic channel data as a file of IPASC's format, whole or not at all."""
    signals = np.asarray(data.signals)
    digest = hashlib.sha256(np.ascontiguousarray(signals).tobytes()).hexdigest()
    acquired: dict[str, Any] = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, digest)),
        "encoding": "raw",
        "compression": "none",
        "data_type": str(signals.dtype),
        "dimensionality": "time",
        "sizes": np.array(signals.shape),
        "photoacoustic_imaging_device_reference": data.device,
        "ad_sampling_rate": float(data.sampling_hz),
        "acquisition_wavelengths": np.asarray(data.wavelength_nm, float) / NM_PER_M,
    }
    if data.times_s is not None:
        acquired["measurement_timestamps"] = np.asarray(data.times_s, float)
    if data.sound_speed_m_s is not None:
        acquired["speed_of_sound"] = float(data.sound_speed_m_s)
    places = np.asarray(data.element_mm, float) @ TIP_FROM_IMAGE[:3, :3].T / MM_PER_M
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        file[SIGNALS] = signals
        for key, value in acquired.items():
            file[f"meta_data/{key}"] = value
        general = file.create_group("meta_data_device/general")
        general["unique_identifier"] = data.device
        general["field_of_view"] = _field_of_view(data, places)
        general["num_detectors"], general["num_illuminators"] = len(places), 0
        file.create_group("meta_data_device/illuminators")
        for index, place in enumerate(places):
            detector = file.create_group(f"{DETECTORS}/{index:010d}")
            detector["detector_position"] = place
            detector["detector_orientation"] = np.array([0.0, 0.0, 1.0])


def _field_of_view(data: PhotoacousticData, places: np.ndarray) -> np.ndarray:
    """Return [x1 first, last, x2 first, last, x3 first, last], m, that the samples reach."""
    speed = data.sound_speed_m_s or SOUND_SPEED_M_S
    depth = np.shape(data.signals)[1] / data.sampling_hz * speed
    lateral, across = places[:, 0], float(np.mean(places[:, 1]))
    return np.array([lateral.min(), lateral.max(), across, across, 0.0, depth])


def read_ipasc(path: Path | str) -> PhotoacousticData:
    """Return the photoacoustic channel data of a file of IPASC's format.

    Arrays along x2 instead of x1 are turned to lie along the image's x; x3 is depth.

    Raises
    ------
    UserError : no such file, another format, a key that is missing or does not fit.
    """
    path = Path(path)
    try:
        with reading_hdf5(path) as file:
            if not is_ipasc(file):
                raise UserError(f"{path}: expected {SIGNALS} and meta_data_device (IPASC)")
            signals = WholeArrays(file)(file, SIGNALS)
            wavelength = np.atleast_1d(
                numbers(path, file, "meta_data/acquisition_wavelengths", None)
            ).ravel()
            times = None
            if "meta_data/measurement_timestamps" in file:
                times = numbers(path, file, "meta_data/measurement_timestamps", None).ravel()
            speed = None
            if "meta_data/speed_of_sound" in file:
                speed = number(path, file, "meta_data/speed_of_sound")
            return PhotoacousticData(
                _in_four(signals, len(wavelength)),
                number(path, file, "meta_data/ad_sampling_rate"),
                _element_places(path, group_of(file, DETECTORS)),
                wavelength * NM_PER_M,
                times,
                speed,
                text(file, "meta_data_device/general/unique_identifier"),
            )
    except UserError as error:
        known = str(error).startswith(str(path))
        raise error if known else UserError(f"{path}: {error}") from error


def _in_four(signals: np.ndarray, wavelengths: int) -> np.ndarray:
    """Return signals (E, S, W, N) of files that leave out axes of length one."""
    if signals.ndim == 2:
        return signals[:, :, None, None]
    if signals.ndim == 3:
        return signals[..., None] if signals.shape[2] == wavelengths else signals[:, :, None]
    return signals


def _element_places(path: Path, detectors: h5py.Group) -> np.ndarray:
    """Return the elements' places (E, 3), image mm."""
    names = sorted(detectors, key=lambda name: (len(name), name))
    places = np.array([numbers(path, detectors[n], "detector_position", (3,)) for n in names])
    if len(places) and np.ptp(places[:, 1]) > np.ptp(places[:, 0]):
        places = places[:, [1, 0, 2]] * [1, -1, 1]
    return places.reshape(-1, 3) @ TIP_FROM_IMAGE[:3, :3] * MM_PER_M


def reconstruct(
    data: PhotoacousticData,
    forming: Forming | None = None,
    *,
    centre_hz: float | None = None,
    sound_speed_m_s: float | None = None,
) -> Images:
    """Return photoacoustic images of channel data by delay-and-sum of sound that travels one way.

    Parameters
    ----------
    centre_hz : centre of the array's band; by default the mean frequency of the signals' power.
    sound_speed_m_s : in place of the data's own; 1540 where neither is given.

    Returns
    -------
    frames (N W, H, X) float32, linear envelopes in the unit of the signals, the wavelengths of a
    measurement one after another; timestamps of the measurements, or their numbers, each
    wavelength's a little later so that they rise.

    Raises
    ------
    UserError : elements that are not in a line, pixels that do not fit.
    """
    forming = forming or Forming()
    _, samples, wavelengths, measurements = _four(np.shape(data.signals))
    acquisition = Acquisition(
        np.asarray(data.element_mm, float),
        data.sampling_hz,
        centre_hz or _mean_frequency(data),
        sound_speed_m_s or data.sound_speed_m_s or SOUND_SPEED_M_S,
        np.zeros(1),
    )
    plane = plane_below(acquisition, samples, forming, "photoacoustic data: element_mm")
    beamformer = Beamformer(acquisition, plane, forming.f_number)
    signals = np.moveaxis(np.asarray(data.signals, np.float32), 2, 3)
    signals = signals.reshape(*signals.shape[:2], -1)
    frames = [
        np.abs(beamformer.image(signals[:, None, :, index]))
        for index in range(wavelengths * measurements)
    ]
    times = np.arange(measurements) if data.times_s is None else np.asarray(data.times_s, float)
    span = float(np.diff(times).min()) if measurements > 1 else 1.0
    within = span / wavelengths * np.arange(wavelengths)
    return Images(
        np.array(frames),
        (times[:, None] + within).ravel(),
        plane.mm_from_pixel,
        np.tile(np.asarray(data.wavelength_nm, float), measurements),
    )


def _mean_frequency(data: PhotoacousticData) -> float:
    """Return the mean frequency, Hz, of the power of the first measurement's signals."""
    power = np.abs(np.fft.rfft(np.asarray(data.signals)[:, :, 0, 0], axis=1)) ** 2
    frequency = np.fft.rfftfreq(np.shape(data.signals)[1], 1 / data.sampling_hz)
    total = power[:, 1:].sum()
    if not total > 0:
        raise UserError("photoacoustic data: the signals are silent; give centre_hz")
    return float((power[:, 1:] * frequency[1:]).sum() / total)
