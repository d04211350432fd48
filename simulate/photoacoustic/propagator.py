"""Exact photoacoustic propagation in a homogeneous medium, summed over plane-wave modes.

In a lossless homogeneous medium an initial pressure p0 at rest obeys p(k, t) = P0(k) cos(c |k| t)
(B. T. Cox & P. C. Beard, JASA 117 (2005) 3616, eq. 5). The pressure on the row of the array is

    S(kx, t) = sum over ky (and kz) of P0(k) exp(i ky y_sensor) W(kz) cos(c |k| t),

a sum of cosines of unevenly spaced frequencies at evenly spaced times: a non-uniform Fourier
transform. Each mode is spread over a few bins of an even frequency grid, one cosine transform
gives every time sample, and the spreading kernel is divided out (A. H. Barnett, J. Magland & L. af
Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479). There is no stability limit on the time step, and
the cost does not grow with modes times samples. The grid is padded by the distance that sound
travels, so that no periodic image of the source reaches the array.
"""

import numba
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmark.errors import UserError
from benchmark.machine.kernels import compiled

_KERNEL_WIDTH = 8
_KERNEL_BETA = 2.30 * _KERNEL_WIDTH  # Barnett et al. 2019, section 4.1, for twofold oversampling


def sensor_rows(
    initial_pressure: NDArray[np.floating],
    spacing_mm: float,
    sound_speed_m_s: float,
    time_step_s: float,
    steps: int,
    *,
    sensor_row: int = 0,
    elevation_weights: NDArray[np.floating] | None = None,
    padded: bool = True,
) -> NDArray[np.floating]:
    """Return the pressure at the lateral nodes of one axial row, at times 0, dt, 2 dt ...

    Parameters
    ----------
    initial_pressure : (axial, lateral) or (axial, lateral, elevation) Pa, float32 or float64 (its
        precision is that of the result), band-limited to the grid.
    sensor_row : axial index of the row.
    elevation_weights : (R, elevation), 3D only: R weighted sums over elevation are returned.
    padded : False leaves the grid periodic, only to show what that does.

    Returns
    -------
    (lateral, steps) in 2D, (R, lateral, steps) in 3D.
    """
    field, weights = _as_three_dimensional(initial_pressure, elevation_weights)
    step_mm = spacing_mm * 1e-3 / (sound_speed_m_s * time_step_s)  # cells per distance per sample
    reach = int(np.ceil((steps - 1) / step_mm)) + 1 if padded else 0
    size = padded_shape(field.shape, reach, sensor_row) if padded else field.shape
    spectrum = scipy.fft.rfftn(field, s=(size[0], size[2], size[1]), axes=(0, 2, 1))
    axial, lateral, elevation = _wave_numbers(size)
    spectrum *= np.exp(1j * axial * sensor_row)[:, None, None].astype(spectrum.dtype)
    modes = _fold_axial(spectrum)
    # einsum: unlike a BLAS it sums in the same order with any number of threads.
    waves = np.exp(1j * np.outer(np.arange(weights.shape[1]), elevation))
    transfer = np.einsum("rz,zk->rk", weights, waves)
    bins = scipy.fft.next_fast_len(2 * steps, real=True)
    grid = np.zeros((modes.shape[0], bins + 1, len(weights)), spectrum.dtype)
    _spread(
        modes, transfer.astype(spectrum.dtype), lateral, np.abs(axial[: modes.shape[1]]),
        np.abs(elevation), bins / (np.pi * step_mm), grid,
    )  # fmt: skip
    result = _to_time(grid, steps, size, field.shape[1]).astype(field.dtype, copy=False)
    return result[0] if initial_pressure.ndim == 2 else result


def _as_three_dimensional(
    initial_pressure: NDArray[np.floating], elevation_weights: NDArray[np.floating] | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    field = np.asarray(initial_pressure)
    if field.dtype not in (np.float32, np.float64):
        field = field.astype(np.float32)
    if field.ndim == 2:
        return field[:, :, None], np.ones((1, 1))
    if field.ndim != 3 or elevation_weights is None:
        raise UserError(
            "propagator: expected (axial, lateral), or (axial, lateral, elevation) with "
            f"elevation weights, got an array of shape {field.shape}"
        )
    weights = np.atleast_2d(elevation_weights)
    if weights.shape[1] != field.shape[2]:
        raise UserError(
            f"propagator: elevation weights of {weights.shape[1]} nodes for a grid of "
            f"{field.shape[2]} nodes"
        )
    return field, weights


def padded_shape(shape: tuple[int, ...], reach: int, sensor_row: int) -> tuple[int, int, int]:
    """Return periods (cells) that keep all periodic images farther from the sensor than `reach`."""
    axial = reach + max(shape[0] - 1 - sensor_row, sensor_row) + 1
    elevation = reach + shape[2] if shape[2] > 1 else 1
    return (
        scipy.fft.next_fast_len(axial),
        scipy.fft.next_fast_len(reach + shape[1], real=True),
        scipy.fft.next_fast_len(elevation),
    )


def _wave_numbers(
    size: tuple[int, ...],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Return axial, lateral (half) and elevational wave numbers in radians per cell."""
    turn = 2 * np.pi
    return (
        turn * np.fft.fftfreq(size[0]),
        turn * np.fft.rfftfreq(size[1]),
        turn * np.fft.fftfreq(size[2]),
    )


def _fold_axial(spectrum: NDArray) -> NDArray:
    """Return (lateral, axial half, elevation): modes of +-ky, which share one cosine, added."""
    count = len(spectrum)
    half = spectrum[: count // 2 + 1].copy()
    mirrored = (count - 1) // 2
    if mirrored:
        half[1 : mirrored + 1] += spectrum[: count - mirrored - 1 : -1]
    return np.ascontiguousarray(np.moveaxis(half, 1, 0))


@compiled(parallel=True, error_model="numpy", nogil=True)
def _spread(
    modes: NDArray, transfer: NDArray, lateral: NDArray, axial: NDArray, elevation: NDArray,
    scale: float, out: NDArray,
) -> None:  # fmt: skip
    """Spread each mode, whose frequency is scale |k| bins, over the bins around that frequency.

    Modes of +-kz are added first, for each row with its own `transfer` (R, elevation). The cosine
    is even about bin 0 and about the last bin, so taps beyond either end are mirrored.
    """
    last = out.shape[1] - 1
    rows, count = transfer.shape
    half_width = 0.5 * _KERNEL_WIDTH
    for i in numba.prange(modes.shape[0]):
        amplitude = np.zeros(rows, modes.dtype)
        for j in range(axial.shape[0]):
            for k in range(count // 2 + 1):
                mirror = (count - k) % count
                for row in range(rows):
                    amplitude[row] = modes[i, j, k] * transfer[row, k]
                    if mirror != k:
                        amplitude[row] += modes[i, j, mirror] * transfer[row, mirror]
                square = lateral[i] ** 2 + axial[j] ** 2 + elevation[k] ** 2
                position = np.sqrt(square) * scale
                start = int(np.ceil(position - half_width))
                for tap in range(start, start + _KERNEL_WIDTH):
                    offset = (tap - position) / half_width
                    inside = 1.0 - offset * offset
                    if inside <= 0.0:
                        continue
                    value = np.exp(_KERNEL_BETA * (np.sqrt(inside) - 1.0))
                    index = abs(tap) % (2 * last)
                    if index > last:
                        index = 2 * last - index
                    for row in range(rows):
                        out[i, index, row] += amplitude[row] * value


def _to_time(
    grid: NDArray, steps: int, size: tuple[int, ...], lateral_nodes: int
) -> NDArray[np.floating]:
    """Return (R, lateral, steps): cosine transform to time, kernel divided out, lateral inverse."""
    bins = grid.shape[1] - 1
    grid[:, 1:-1] *= 0.5  # DCT-I counts every inner bin twice
    spectrum = np.ascontiguousarray(np.moveaxis(grid, 2, 0))
    series = scipy.fft.dct(spectrum, type=1, axis=2, overwrite_x=True)[..., :steps]
    kernel = _kernel_transform(np.pi * np.arange(steps) / bins) * size[0] * size[2]
    return scipy.fft.irfft(
        series / kernel.astype(grid.real.dtype), n=size[1], axis=1, overwrite_x=True
    )[:, :lateral_nodes]


def _kernel_transform(angle: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the integral of the kernel times cos(angle u) over u in bins, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    kernel = weights * np.exp(_KERNEL_BETA * (np.sqrt(1 - nodes**2) - 1))
    half_width = 0.5 * _KERNEL_WIDTH
    waves = np.cos(np.outer(angle, half_width * nodes))
    return half_width * np.einsum("tn,n->t", waves, kernel)
