"""Derivatives of a motion by interpolation, which share nothing with the inertial sensor's."""

import numpy as np
from scipy.interpolate import BarycentricInterpolator


def derivatives(pose_at, time, order, width=0.04, count=21):
    """Return a derivative of the poses (4, 4) from a Chebyshev interpolant around a time."""
    angle = (2 * np.arange(count) + 1) * np.pi / (2 * count)
    nodes = time + 0.5 * width * np.cos(angle)
    values = pose_at(nodes).reshape(count, 16)
    return BarycentricInterpolator(nodes, values).derivative(time, order).reshape(4, 4)
