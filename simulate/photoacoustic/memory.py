"""An estimate of the memory that a photoacoustic frame takes, from the sizes of its grid."""

import numpy as np
import scipy.fft

from simulate.photoacoustic import kwave, propagator, receiver
from simulate.photoacoustic.acoustics import AcousticGrid, friendly_layer
from simulate.photoacoustic.grid import plan_grid
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.transducer import Probe

# Bytes, as the peak of a process grew in 2D and 3D on grids of 0.3 to 7 million nodes: of the
# source, per node of one plane and in 3D per node; of a medium, per node while it is made and
# while it is kept; of k-Wave, per node of its grid with the absorbing layers; of the propagator,
# per node of its padded grid, in its two hungriest steps, and per bin of its cosine transform.
SOURCE_PLANE, SOURCE_NODE = 141, 21
MEDIUM_MADE, MEDIUM_KEPT = 104, 24
KWAVE_NODE = {2: 142, 3: 167}
KWAVE_MEDIUM_NODE = 52
PADDED_NODE, PADDED_NODE_LATER, TRANSFORM_BIN = 8.7, 6.0, 24
SINGLE = 4  # of a float32
FAT_M_S = 1450.0  # sound in the slowest tissue, on which the grid of a medium depends


def planned_grid(probe: Probe, settings: PhotoacousticSettings) -> AcousticGrid:
    """Return the grid of a frame; of a heterogeneous medium, one as fine as fat asks for."""
    if settings.medium == "homogeneous":
        return plan_grid(probe, settings)
    return plan_grid(probe, settings, slowest_m_s=min(FAT_M_S, probe.sound_speed_m_s))


def photoacoustic_bytes(probe: Probe, settings: PhotoacousticSettings, *, control: bool) -> float:
    """Return about how many bytes a frame takes at its peak, beside the process and its images.

    control : some frames are computed by k-Wave too.
    """
    grid = planned_grid(probe, settings)
    nodes, plane = float(np.prod(grid.shape)), float(np.prod(grid.shape[:2]))
    varied = settings.medium == "heterogeneous"
    sources = SINGLE * (settings.pulses_averaged + 1) * nodes
    source = SOURCE_PLANE * plane + (SOURCE_NODE * nodes if len(grid.shape) == 3 else 0.0)
    engines = {settings.engine} | ({"kwave"} if control else set())
    sound = max(
        _kwave_bytes(probe, grid, varied) if name == "kwave" else _propagator_bytes(probe, grid)
        for name in engines
    )
    kept = MEDIUM_KEPT * nodes if varied else 0.0
    return max(MEDIUM_MADE * nodes if varied else 0.0, kept + sources + max(source, sound))


def _kwave_bytes(probe: Probe, grid: AcousticGrid, varied: bool) -> float:
    dimensions = len(grid.shape)
    least = kwave.LAYER_NODES[dimensions]
    nodes = float(np.prod([n + 2 * friendly_layer(n, least) for n in grid.shape]))
    each = KWAVE_NODE[dimensions] + (KWAVE_MEDIUM_NODE if varied else 0)
    listening = 2 * _rows(probe, grid)  # nodes on either side of the image plane
    return each * nodes + 2 * SINGLE * listening * grid.shape[1] * grid.steps


def _propagator_bytes(probe: Probe, grid: AcousticGrid) -> float:
    step_mm = 1e3 * probe.sound_speed_m_s * grid.time_step_s
    reach = int(np.ceil((grid.steps - 1) * step_mm / grid.spacing_mm)) + 1
    axial, lateral, elevation = propagator.padded_shape(
        (*grid.shape, 1)[:3], reach, grid.sensor_row
    )
    nodes = float(axial) * lateral * elevation
    bins = scipy.fft.next_fast_len(2 * grid.steps, real=True) + 1
    transform = TRANSFORM_BIN * (lateral // 2 + 1) * bins * _rows(probe, grid)
    return max(PADDED_NODE * nodes, PADDED_NODE_LATER * nodes + transform)


def _rows(probe: Probe, grid: AcousticGrid) -> int:
    """Return how many rows over elevation the array hears: one in 2D."""
    if len(grid.shape) == 2:
        return 1
    return len(receiver.elevation_weights(probe, grid.axes_mm[2])[0])
