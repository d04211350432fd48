"""Uniform tissue, scatterers given one by one, a probe and its beam in closed form.

For tests of the B-mode engine. Nothing here uses the engine's own beam numbers: widths follow
from sigma = 0.376 wavelength f-number and the Gaussian beam, phases from the positions.
"""

import ctypes
import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from simulate.bmode import render as bmode
from simulate.bmode.render import render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.iq.drawing import BLOCK_SIDE, CELLS, packed
from simulate.iq.scatterers import ScattererStore
from simulate.probe.transducer import Probe
from tests.simulate.plain_tissue import PlainTissue

WAVELENGTH = 0.308
WAVENUMBER = 2.0 * np.pi / WAVELENGTH
SIGMA_Z = 1540e3 / (4.0 * np.pi * (0.6 * 5e6 / 2.3548))  # axial, mm
QUIET = BmodeSettings(noise_db=-200.0)
# A Gaussian beam, whose widths are written out below; `test_beam_widths.py` tests the other kind.
# Both f-numbers 2, so that the lateral width at the focus is 0.376 wavelength x 2.
WINDOW = Probe(
    transmit_f_number=2.0, start_depth_mm=16.0, depth_mm=24.0, height_px=64, width_px=256,
    diffraction=False,
)  # fmt: skip
FOCUS = dataclasses.replace(WINDOW, start_depth_mm=18.0, depth_mm=22.0, height_px=48)


@dataclass(frozen=True)
class Uniform(PlainTissue):
    """Tissue that scatters and attenuates alike everywhere."""

    key: int = 7
    attenuation_db_cm_mhz: float = 0.0


class Listed(ScattererStore):
    """Scatterers given one by one instead of drawn."""

    listed: tuple = (np.zeros((0, 3)), np.zeros(0))

    def _parts(self, blocks, shares):
        """Return those in the blocks, also in cells of which nothing is wanted."""
        return [self._part(block) for block in blocks]

    def _part(self, block):
        points, amplitudes = self.listed
        low = np.array(block) * self.block_mm
        local = points - low
        inside = np.all((local >= 0.0) & (local < self.block_mm), axis=1)
        cells = np.ravel_multi_index(
            tuple((local[inside] // self.cell_mm).astype(int).T), (BLOCK_SIDE,) * 3
        )
        order = np.flatnonzero(inside)[np.argsort(cells, kind="stable")]
        counts = np.bincount(cells, minlength=CELLS)
        return [packed(points, amplitudes, order, low, counts, False)] if len(order) else []


def entries_of(group, part):
    """Return a copy of the entries (4, M) of one part of some `Scatterers`."""
    count = int(group.starts[part, CELLS])
    place = ctypes.cast(int(group.places[part]), ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(place, (4, count)).copy()


def listed(monkeypatch, points, amplitudes):
    """Make every store of `render_iq` hold these scatterers (N, 3), (N,) and no others."""
    pair = (np.asarray(points, float), np.asarray(amplitudes, float))
    monkeypatch.setattr(bmode, "ScattererStore", type("Here", (Listed,), {"listed": pair}))


def pose(rotation_vector=(0.0, 0.0, 0.0), translation=(0.0, 0.0, 0.0), pivot=(0.0, 0.0, 0.0)):
    """Return a pose (4, 4): a rotation about a pivot of the image frame, then a translation."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(rotation_vector).as_matrix()
    matrix[:3, 3] = np.array(pivot) - matrix[:3, :3] @ np.array(pivot) + np.array(translation)
    return matrix


def sigma_transmit(depth, wavelength=WAVELENGTH):
    """Return the lateral width of the transmitted beam at `depth`, mm."""
    waist = np.sqrt(2.0) * 0.8859 / 2.35482 * wavelength * 2.0
    rayleigh = 2.0 * np.pi * waist**2 / wavelength
    return waist * np.sqrt(1.0 + ((depth - 20.0) / rayleigh) ** 2)


def sigma_lateral(depth, wavelength=WAVELENGTH):
    """Return the lateral width of transmission and reception together, mm."""
    receive = np.sqrt(2.0) * 0.8859 / 2.35482 * wavelength * 2.0
    return 1.0 / np.sqrt(sigma_transmit(depth, wavelength) ** -2 + receive**-2)


def sigma_elevation(depth, wavelength=WAVELENGTH):
    """Return the elevational width of both ways, mm."""
    waist = 0.8859 / 2.35482 * wavelength * 20.0 / 5.0
    rayleigh = 4.0 * np.pi * waist**2 / wavelength
    return waist * np.sqrt(1.0 + ((depth - 20.0) / rayleigh) ** 2)


def all_points(tissue, probe, matrix, reach=4.0):
    """Return all scatterers in reach of a frame: image-frame positions (N, 3), amplitudes (N,)."""
    density = 10.0 / np.min(
        2.35482**3
        * SIGMA_Z
        * sigma_lateral(probe.row_depths_mm)
        * sigma_elevation(probe.row_depths_mm)
    )
    store = ScattererStore(tissue, density)
    half = probe.width_mm / 2 + 2.0
    ends = [(-half, half), (probe.start_depth_mm - 1, probe.depth_mm + 1), (-reach, reach)]
    corners = np.array([(x, y, z, 1.0) for x in ends[0] for y in ends[1] for z in ends[2]])
    world = (corners @ matrix.T)[:, :3] / store.block_mm
    ranges = [
        range(int(np.floor(a)), int(np.floor(b)) + 1)
        for a, b in zip(world.min(0), world.max(0), strict=True)
    ]
    drawn = [store.points((i, j, k)) for i in ranges[0] for j in ranges[1] for k in ranges[2]]
    points = np.concatenate([p for p, _ in drawn]) - matrix[:3, 3]
    return points @ matrix[:3, :3], np.concatenate([a for _, a in drawn])


def correlation(a, b):
    """Return |complex correlation| of two fields."""
    return float(np.abs(np.vdot(a, b)) / np.sqrt(np.vdot(a, a).real * np.vdot(b, b).real))


def speckle(probe, settings, frames, step=5.0, key=7):
    """Return the IQ of frames `step` mm apart along the elevational axis in uniform tissue."""
    poses = np.stack([pose(translation=(0, 0, step * i)) for i in range(frames)])
    return render_iq(Uniform(key=key), probe, settings, poses)


def oblique(frames):
    """Return poses (frames, 4, 4) of a slowly turning probe."""
    return np.stack(
        [pose((0.2, 0.1, -0.1 + 0.01 * i), (0.1 * i, 0.0, 0.4 * i)) for i in range(frames)]
    )
