"""Straight vessels under a flat surface, a small probe, and photoacoustic frames of them."""

from dataclasses import dataclass

import numpy as np

from simulate.photoacoustic.render import render_photoacoustic
from simulate.photoacoustic.settings import Illumination, PhotoacousticSettings
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Acoustics, Chromophores

PROBE = Probe(
    name="small-2MHz", centre_frequency_hz=2e6, fractional_bandwidth=0.6, elements=64,
    pitch_mm=0.3, element_height_mm=6.0, elevation_focus_mm=14.0, width_mm=18.9, depth_mm=20.0,
    width_px=190, height_px=201,
)  # fmt: skip
CLEAR = Illumination(bulk_absorption_per_cm=0.0, background_absorption_per_cm=0.0)
SETTINGS = PhotoacousticSettings(illumination=CLEAR)


@dataclass
class Tubes:
    """Straight vessels (point, direction, radius) of blood under a flat surface y = 0."""

    tubes: list
    oxygenation: tuple = (0.9,) * 9

    def depth_below_skin_mm(self, points):
        return points[:, 1]

    def chromophores(self, points):
        blood, oxygenation = np.zeros(len(points)), np.zeros(len(points))
        for (start, direction, radius), share in zip(self.tubes, self.oxygenation, strict=False):
            along = np.asarray(direction, float) / np.linalg.norm(direction)
            offset = points - np.asarray(start, float)
            distance = np.linalg.norm(np.cross(offset, along), axis=1)
            blood[distance < radius] = 1
            oxygenation[distance < radius] = share
        return Chromophores(blood, oxygenation, np.zeros(len(points)))

    def acoustics(self, points):
        fat = points[:, 1] < 6.0
        return Acoustics(
            np.where(fat, 1450.0, 1580.0), np.where(fat, 920.0, 1060.0), np.full(len(fat), 0.5)
        )


def across(x, y, radius):
    """A vessel along the limb, seen in cross-section at (x, y)."""
    return ((x, y, 0), (0, 0, 1), radius)


def frame(tubes, settings=SETTINGS, probe=PROBE, pose=None, wavelength=800, seed=0, **tissue):
    poses = np.eye(4)[None] if pose is None else np.asarray(pose)
    return render_photoacoustic(
        Tubes(tubes, **tissue), probe, settings, poses, np.full(len(poses), wavelength), seed=seed
    )[0]
