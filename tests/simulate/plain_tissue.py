"""The simplest tissue that the engines can render, for tests to change in one respect."""

import numpy as np


class PlainTissue:
    """An `Echoer` that echoes alike everywhere, without reflectors, and attenuates evenly.

    A subclass is a dataclass that adds `key` and `attenuation_db_cm_mhz`.
    """

    def backscatter(self, points_mm):
        return np.ones(len(points_mm))

    def reflectors(self, low_mm, high_mm, density_per_mm3):
        return np.zeros((0, 3)), np.zeros(0)

    def attenuation_db_per_mm(self, points_mm, frequency_hz):
        return np.zeros(len(points_mm))
