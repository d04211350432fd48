"""The complex two-way field about a scan line, in the array's plane, summed over its apertures.

For the path r from a place x' of the face to a point, and a delay d(x') that brings sound of the
aperture's focus into phase, one way's field is (Lord Rayleigh, Theory of Sound, § 278, of a source
that is long in elevation)

    U = ∫ b(θ) exp(i k (r - d(x'))) / sqrt(λ r) dx',   b(θ) = sinc(p sin θ / λ)

with b the response of an element of width p, all of which has one delay. Transmission has one
focus; reception is focused on the line at every depth, and ends where depth / f-number or the array
ends. The phase is that of a path longer than the depth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.pulse import frequencies

NODES = 48  # of the sum over an aperture

Array = NDArray[Any]


class Apertures(NamedTuple):
    """The apertures of scan lines; mm.

    length, pitch : of the array and its elements; radius : of its face, 0 for a straight one.
    sent, focus : the transmit aperture away from the array's ends, and its focus.
    f_number : of reception.
    """

    length: float
    pitch: float
    radius: float
    sent: float
    focus: float
    f_number: float


def line_fields(
    apertures: Apertures,
    offset_mm: Array,
    depth_mm: Array,
    wavelength_mm: Array,
    bandwidth: Array,
    places_mm: Array,
) -> Array:
    """Return the two-way fields, complex (Z, D, X), of lines at places along the face.

    Reception is divided by the root of its aperture, depth / f-number within the array: the noise
    of as many elements.

    Parameters
    ----------
    offset_mm : (D, X) from the line, positive away from the first end of the array; an arc about
        the centre of a curved face.
    depth_mm, wavelength_mm, bandwidth : (D,); the latter the standard deviation of the spectrum
        over its centre.
    places_mm : (Z,) of the lines, from the first end of the array.
    """
    heard_mm = np.minimum(depth_mm / apertures.f_number, 2.0 * apertures.length)
    sent_mm = np.full(depth_mm.shape, apertures.sent)
    focus_mm = np.full(depth_mm.shape, apertures.focus)
    ways = [
        _Way(apertures, sent_mm, focus_mm, offset_mm, depth_mm, wavelength_mm, places_mm),
        _Way(apertures, heard_mm, depth_mm, offset_mm, depth_mm, wavelength_mm, places_mm),
    ]
    total: Any = 0.0
    for share, length in frequencies(wavelength_mm, bandwidth):
        sent, heard = (way.field(length) for way in ways)
        total = total + share * sent * heard
    full = np.minimum(heard_mm, apertures.length)
    return np.ascontiguousarray((total / np.sqrt(full)[:, None, None]).transpose(2, 0, 1))


def line_energies(
    apertures: Apertures, offset_mm: Array, depth_mm: Array, wavelengths_mm: Array, step_mm: Array
) -> Array:
    """Return ∫ |U_T U_R|² dx (F, D) about the middle line, over |U_T U_R|² on it, by frequency.

    offset_mm (D, X) from the line outwards, at steps (D,); depth_mm (D,); wavelengths_mm (F,), the
    middle one that of the pulse.
    """
    places = np.array([0.5 * apertures.length])
    heard_mm = np.minimum(depth_mm / apertures.f_number, apertures.length)
    sent_mm, focus_mm = (
        np.full(depth_mm.shape, each) for each in (apertures.sent, apertures.focus)
    )
    centre = np.full(depth_mm.shape, wavelengths_mm[len(wavelengths_mm) // 2])
    sent = _Way(apertures, sent_mm, focus_mm, offset_mm, depth_mm, centre, places)
    heard = _Way(apertures, heard_mm, depth_mm, offset_mm, depth_mm, centre, places)
    result = []
    for length in wavelengths_mm:
        own = np.full(depth_mm.shape, length)
        power = np.square(np.abs(sent.field(own) * heard.field(own)))[:, :, 0]
        result.append(power)
    return over_the_axis(np.array(result)) * step_mm


def over_the_axis(power: Array) -> Array:
    """Return the energies (F, D) of even profiles (F, D, X) over their power on the axis, X = 0.

    Of a frequency that hardly reaches the axis, a thirtieth of the loudest one's power there.
    """
    axis = power[:, :, 0]
    return (2.0 * power.sum(axis=2) - axis) / np.maximum(axis, axis.max(axis=0) / 30.0)


class _Way:
    """Paths and weights of one way; parameters as in `line_fields`."""

    def __init__(
        self,
        apertures: Apertures,
        aperture_mm: Array,
        focus_mm: Array,
        offset_mm: Array,
        depth_mm: Array,
        wavelength_mm: Array,
        places_mm: Array,
    ) -> None:
        node = (np.arange(NODES) + 0.5) / NODES - 0.5
        place = aperture_mm[:, None] * node
        delay, _ = _paths(apertures.radius, np.zeros((len(place), 1)), place, focus_mm[:, None])
        path, sine = _paths(
            apertures.radius, offset_mm[:, :, None], place[:, None], depth_mm[:, None, None]
        )
        away = (focus_mm - depth_mm)[:, None, None]
        self.path = path - delay[:, None] + away
        along = sine * (apertures.pitch / wavelength_mm)[:, None, None]
        step = aperture_mm / NODES
        weight = np.sinc(along) / np.sqrt(path)
        self.weight = step[:, None, None] * weight
        # The share (D, NODES, Z) of each node's part of the aperture that lies on the array.
        low = (place - 0.5 * step[:, None])[:, :, None] + places_mm
        high = np.minimum(low + step[:, None, None], apertures.length)
        inside = (high - np.maximum(low, 0.0)) / step[:, None, None]
        self.inside = np.clip(inside, 0.0, 1.0)

    def field(self, wavelength_mm: Array) -> Array:
        """Return U (D, X, Z) of one frequency, whose wavelengths are (D,)."""
        phase = self.path * (2.0 * np.pi / wavelength_mm)[:, None, None]
        real = np.matmul(np.cos(phase) * self.weight, self.inside)
        imaginary = np.matmul(np.sin(phase) * self.weight, self.inside)
        return (real + 1j * imaginary) / np.sqrt(wavelength_mm)[:, None, None]


def _paths(radius_mm: float, offset_mm: Array, place_mm: Array, depth_mm: Array) -> Any:
    """Return the paths from places on the face to points, and the sines of their angles there."""
    if not radius_mm:
        aside = offset_mm - place_mm
        path = np.hypot(aside, depth_mm)
        return path, aside / path
    deep = radius_mm + depth_mm
    angle = offset_mm / deep - place_mm / radius_mm
    path = np.sqrt(depth_mm**2 + 4.0 * radius_mm * deep * np.sin(0.5 * angle) ** 2)
    return path, deep * np.sin(angle) / path
