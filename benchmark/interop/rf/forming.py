"""B-mode frames formed from channel data when they are indexed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.frames import StreamedFrames
from benchmark.interop.rf.acquisition import Acquisition, arrivals

REFERENCE_FRAMES = 5  # spread over a recording, by which the brightest grey level is set
BRIGHTEST = 99.9  # percentile of their envelopes that is white
FLATNESS_MM = 0.5  # by which elements of a flat array may be out of one line


@dataclass(frozen=True)
class Forming:
    """How B-mode is formed where a file holds channel data."""

    from_channels: bool = False
    """Form B-mode from the channel data even where the file holds images too."""
    f_number: float = 1.5
    """Depth of a pixel over the aperture that listens to it."""
    dynamic_range_db: float = 60.0
    """Range from black to white; also of images that are stored in dB."""
    formed_pixel_mm: float | None = None
    """Size of a formed pixel, by default half a wavelength."""
    formed_depth_mm: float | None = None
    """Depth of formed images, by default that of the last sample."""
    blank_samples: int = 0
    """First samples of each channel to silence, where the transmitted pulse is heard itself."""

    def __post_init__(self) -> None:
        for name in ("f_number", "dynamic_range_db", "formed_pixel_mm", "formed_depth_mm"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and np.isfinite(value)):
                flag = name.replace("_", "-")
                raise UserError(f"--{flag}: expected a number above 0, got {value}")
        if self.blank_samples < 0:
            raise UserError(f"--blank-samples: expected 0 or more, got {self.blank_samples}")


@dataclass(frozen=True)
class Plane:
    """The pixels of formed images: their columns lateral_mm (W,) and rows depth_mm (H,)."""

    lateral_mm: np.ndarray
    depth_mm: np.ndarray

    @property
    def mm_from_pixel(self) -> np.ndarray:
        """The matrix (4, 4) from (column, row, 0, 1) to image mm."""
        matrix = np.eye(4)
        matrix[0, 0] = self.lateral_mm[1] - self.lateral_mm[0]
        matrix[1, 1] = self.depth_mm[1] - self.depth_mm[0]
        matrix[:2, 3] = self.lateral_mm[0], self.depth_mm[0]
        return matrix


def plane_below(acquisition: Acquisition, samples: int, forming: Forming, what: str) -> Plane:
    """Return the plane below the elements, down to where the last of `samples` comes from.

    Raises
    ------
    UserError : elements that are not in a line, or a plane of fewer than 2 × 2 pixels.
    """
    places = acquisition.element_mm
    if np.ptp(places[:, 1]) > FLATNESS_MM or np.ptp(places[:, 2]) > FLATNESS_MM:
        raise UserError(f"{what}: expected the elements of a flat, one-row array along x")
    pixel = forming.formed_pixel_mm or acquisition.wavelength_mm / 2
    ways = 1 if acquisition.transmits is None else 2
    end_s = (
        acquisition.start_s.min() + samples / acquisition.sampling_hz - ways * acquisition.lens_s
    )
    depth = forming.formed_depth_mm or end_s * acquisition.mm_per_s / ways
    width = np.ptp(places[:, 0])
    columns, rows = int(width / pixel) + 1, int(depth / pixel + 1e-9) + 1
    if min(columns, rows) < 2:
        raise UserError(
            f"{what}: pixels of {pixel:.3g} mm in {width:.3g} x {depth:.3g} mm; expected 2 x 2"
        )
    middle = 0.5 * (places[:, 0].max() + places[:, 0].min())
    lateral = middle + pixel * (np.arange(columns) - 0.5 * (columns - 1))
    return Plane(lateral, pixel * np.arange(rows))


def feedthrough(samples: np.ndarray) -> int:
    """Return how many first samples (E, T, S) are far louder than echoes can be.

    That is the transmitted pulse in the receiver. It is told by the largest value of each sample
    over all channels: ten times that of 99 % of the samples.
    """
    loudest = np.abs(samples).max((0, 1))
    loud = loudest > 10 * np.percentile(loudest, 99)
    return int(np.argmin(loud)) if not loud.all() else 0


class Beamformer:
    """Forms images of one plane from channel data of one acquisition.

    What is the same for all frames (when each wave reaches each pixel) is computed once.
    """

    def __init__(self, acquisition: Acquisition, plane: Plane, f_number: float):
        self.acquisition, self.plane, self.f_number = acquisition, plane, f_number
        self._arrivals: tuple[np.ndarray, np.ndarray] | None = None

    def image(self, samples: np.ndarray) -> np.ndarray:
        """Return the complex image (H, W) of samples (E, T, S), real RF or complex IQ."""
        from benchmark.interop.rf.delay_and_sum import baseband, delay_and_sum

        acquisition, plane = self.acquisition, self.plane
        if self._arrivals is None:
            self._arrivals = arrivals(acquisition, plane.lateral_mm, plane.depth_mm)
        carrier = acquisition.carrier_hz
        signals, rate = baseband(samples, acquisition.sampling_hz, carrier, acquisition.is_iq)
        return delay_and_sum(
            signals,
            rate,
            carrier,
            acquisition.element_mm,
            acquisition.mm_per_s,
            plane.lateral_mm,
            plane.depth_mm,
            *self._arrivals,
            self.f_number,
            0.51 * acquisition.pitch_mm,  # the nearest element always counts
        )


class FormedFrames(StreamedFrames):
    """B-mode frames (N, H, W), uint8, formed from channel data when indexed.

    Parameters
    ----------
    count : the number of frames.
    samples : returns the channel data (E, T, S) of a frame.
    range_db : from black to white. White is the same for all frames: the 99.9th percentile of the
        envelopes of five frames spread over the recording, found when the first frame is formed.
    """

    def __init__(
        self,
        count: int,
        samples: Callable[[int], np.ndarray],
        beamformer: Beamformer,
        range_db: float,
    ):
        plane = beamformer.plane
        self.shape = (count, len(plane.depth_mm), len(plane.lateral_mm))
        self.dtype = np.dtype(np.uint8)
        self._samples, self._beamformer, self._range_db = samples, beamformer, range_db
        self._white: float | None = None

    def envelope(self, index: int) -> np.ndarray:
        """Return the envelope (H, W) of a frame before its grey levels, in the data's unit."""
        return np.abs(self._beamformer.image(self._samples(index)))

    def _frame(self, index: int) -> np.ndarray:
        if self._white is None:
            shown = np.unique(np.linspace(0, len(self) - 1, REFERENCE_FRAMES).round().astype(int))
            envelopes = [self.envelope(int(number)) for number in shown]
            self._white = float(np.percentile(envelopes, BRIGHTEST))
        return grey_of_envelope(self.envelope(index), self._white, self._range_db)


def grey_of_envelope(envelope: np.ndarray, white: float, range_db: float) -> np.ndarray:
    """Return grey levels, uint8: 255 from `white` on, 0 from `range_db` below it."""
    least = white * 10 ** (-range_db / 20)
    if least <= 0:
        return np.zeros(envelope.shape, np.uint8)
    return grey_of_decibels(20 * np.log10(np.maximum(envelope, least) / white), range_db)


def grey_of_decibels(decibels: Any, range_db: float) -> np.ndarray:
    """Return grey levels, uint8, of levels in dB: 255 at 0, 0 at -`range_db`, below and for NaN."""
    levels = np.nan_to_num(np.asarray(decibels), nan=-range_db, neginf=-range_db)
    return np.rint(255 * np.clip(1 + levels / range_db, 0, 1)).astype(np.uint8)
