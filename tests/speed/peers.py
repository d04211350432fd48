"""One plane wave of a peer's simulator, on scatterers of one frame.

Run as `python -m tests.speed.peers pymust|zea FILE.npy`, points (M, 3) mm as lateral, depth,
elevation; prints nothing where the peer cannot be imported. Each peer has the array of
`tests.speed.bmode`: 128 elements of 0.3 mm, 5 MHz, sampled at 20 MHz.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ELEMENTS, PITCH_M, SPEED_M_S = 128, 0.3e-3, 1540.0


def pymust(points_m: NDArray) -> Callable[[], object]:
    """SIMUS: frequency by frequency, with the field of the elements in three dimensions."""
    import pymust as package

    param = package.utils.Param()
    param.fc, param.bandwidth, param.fs = 5e6, 60, 20e6
    param.Nelements, param.pitch, param.kerf, param.height = ELEMENTS, PITCH_M, 0.03e-3, 5e-3
    param.focus, param.radius = 20e-3, np.inf
    options = package.utils.Options()
    options.ParPool, options.WaitBar = False, False
    lateral, depth, elevation = points_m.T
    delays = np.zeros((1, ELEMENTS))
    return lambda: package.simus(
        lateral, elevation, depth, np.ones_like(lateral), delays, param, options
    )


def zea(points_m: NDArray) -> Callable[[], object]:
    """`simulate_rf_td`, zea's simulator in the time domain."""
    os.environ["KERAS_BACKEND"] = "torch"
    import torch
    from zea.simulator_time_domain import simulate_rf_td

    torch.set_num_threads(1)
    places = (np.arange(ELEMENTS) - 0.5 * (ELEMENTS - 1)) * PITCH_M
    lateral, depth, elevation = points_m.T

    def tensor(values: NDArray) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, np.float32))

    arrays = {
        "scatterer_positions": tensor(np.stack([lateral, elevation, depth], axis=1)),
        "scatterer_magnitudes": tensor(np.ones(len(points_m))),
        "probe_geometry": tensor(np.stack([places, 0.0 * places, 0.0 * places], axis=1)),
        "t0_delays": tensor(np.zeros((1, ELEMENTS))),
        "initial_times": tensor(np.zeros(1)),
        "tx_apodizations": tensor(np.ones((1, ELEMENTS))),
        "t_peak": tensor(np.full(1, 2e-7)),
    }
    return lambda: simulate_rf_td(
        **arrays, apply_lens_correction=False, lens_thickness=1e-3, lens_sound_speed=1000.0,
        sound_speed=SPEED_M_S, n_ax=1280, center_frequency=5e6, sampling_frequency=20e6,
        element_width=0.27e-3, attenuation_coef=0.5, element_height=5e-3,
    )  # fmt: skip


def main() -> None:
    name, file = sys.argv[1:3]
    points = 1e-3 * np.load(file)
    try:
        action = {"pymust": pymust, "zea": zea}[name](points)
    except ImportError:
        return
    action()  # whatever is compiled or allocated on first use
    seconds = []
    for _ in range(2):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    print(
        f"{name}: {min(seconds):.2f} processor seconds for one plane wave of {len(points)} "
        f"scatterers, {1e6 * min(seconds) / len(points):.0f} µs each"
    )


if __name__ == "__main__":
    main()
