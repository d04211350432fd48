"""An estimate of the memory that making a data set takes, and a check against this machine's."""

import math
from dataclasses import dataclass

from benchmark.errors import UserError
from benchmark.machine.memory import available_bytes
from simulate.dataset.size import (
    DOPPLER_BYTES,
    IQ_BYTES,
    MOST_PROBES,
    doppler_frame_count,
    iq_bytes,
    iq_samples,
    probes_of,
    slab_of,
    sweep_specs,
    with_gaussian_beams,
)
from simulate.photoacoustic.memory import photoacoustic_bytes, planned_grid
from simulate.spec import Spec

# Bytes of a worker: libraries and kernels; blocks kept for later frames; per scatterer, with the
# padding of cells and of blocks and with the blocks that a slab only touches. The last two are
# doubled because an array is copied when it grows.
PROCESS_BYTES = 250e6
KEPT_BYTES = 2 * 256e6
PER_SCATTERER_BYTES = 2 * 16 * 1.3 * 1.6
GROUP_FRAMES = 16  # whose scatterers are held together


@dataclass(frozen=True)
class Memory:
    """The bytes of one process for one sweep: blocks of scatterers, channels, sound and light.

    channels : images, IQ and Doppler frames; photoacoustic : the computation of a frame, which
    comes when the blocks of the B-mode frames are still held.
    """

    scatterers: float
    channels: float
    photoacoustic: float

    @property
    def total(self) -> float:
        """All of it, with the libraries."""
        return PROCESS_BYTES + self.scatterers + self.channels + self.photoacoustic


def memory_bytes(spec: Spec) -> float:
    """Return an estimate of the memory that one process needs for the most demanding sweep."""
    return memory_of(spec).total


def memory_of(spec: Spec) -> Memory:
    """Return the memory of the most demanding sweep, as it is drawn and stressed."""
    return _memory(_most_demanding(spec))


def _most_demanding(spec: Spec) -> Spec:
    """Return the spec of the sweep that needs most memory.

    Of more than `MOST_PROBES` probes only those sweeps are compared with their own beams that need
    most with Gaussian beams, which take no time to compute.
    """
    specs = list(sweep_specs(spec))
    if len(probes_of(specs)) > MOST_PROBES:
        specs.sort(key=lambda one: _memory(with_gaussian_beams(one)).total, reverse=True)
        del specs[MOST_PROBES:]
    return max(specs, key=lambda one: _memory(one).total)


def _memory(spec: Spec) -> Memory:
    density, area, beam = slab_of(spec)
    step = spec.motion.path_length_mm[1] / spec.acquisition.frames
    held = density * area * (beam + GROUP_FRAMES * step) * PER_SCATTERER_BYTES
    light = 0.0
    if spec.showcase.sweeps:
        control = spec.showcase.control_frames > 0
        light = photoacoustic_bytes(spec.probe, spec.photoacoustic, control=control)
    return Memory(max(KEPT_BYTES, held), _channel_bytes(spec), light)


def _channel_bytes(spec: Spec) -> float:
    """Return the bytes of a sweep's images, IQ and Doppler frames."""
    image = spec.probe.width_px * spec.probe.height_px
    total = 2.0 * spec.acquisition.frames * image + iq_bytes(spec)
    if spec.showcase.sweeps and spec.showcase.doppler:
        from simulate.doppler.ensemble import MEMORY_BYTES

        ensemble = IQ_BYTES * spec.doppler.pulses * iq_samples(spec)
        total += max(MEMORY_BYTES, ensemble) + DOPPLER_BYTES * doppler_frame_count(spec) * image
    return total


def check_memory(spec: Spec, processes: int, available: float | None = None) -> None:
    """Refuse a spec whose frames need more memory than there is.

    available: bytes; by default `benchmark.machine.memory.available_bytes()`.

    Raises
    ------
    UserError : not enough memory; names the key to lower and an estimate of a value that fits.
    """
    free = available_bytes() if available is None else available
    demanding = _most_demanding(spec)
    found = _memory(demanding)
    if found.total * processes <= free:
        return
    if found.total <= free:
        raise UserError(
            f"workers: expected at most {int(free / found.total)}, as each needs about "
            f"{found.total / 1e9:.2g} GB of the {free / 1e9:.2g} GB there are, got {processes}"
        )
    raise UserError(_too_much(demanding, found, free))


def _too_much(spec: Spec, found: Memory, free: float) -> str:
    """Return which key asks for more than all memory there is, and a value of it that fits.

    spec : of the sweep that needs most.
    """
    there = f"for the {free / 1e9:.2g} GB of memory there are"
    need = f"{found.total / 1e9:.2g} GB in each process"
    light, least = found.photoacoustic, PROCESS_BYTES + KEPT_BYTES
    rest = found.total - light
    if light and (rest <= free or least + light > free):
        shape = planned_grid(spec.probe, spec.photoacoustic).shape
        nodes = math.prod(shape)
        most = nodes * max(0.0, free - (rest if rest <= free else least)) / light
        return (
            f"photoacoustic: expected a grid of at most about {most:.2g} nodes (dimensions, "
            f"cells_per_wavelength, grid_depth_mm, grid_width_mm), {there}, got "
            f"{' x '.join(map(str, shape))} = {nodes:.2g}, which needs {need}"
        )
    room = free - least - light
    if found.channels > room:
        most = spec.acquisition.frames * max(0.0, room) / found.channels
        return (
            f"acquisition.frames: expected at most {int(most)}, {there}, got "
            f"{spec.acquisition.frames}, which need {need}"
        )
    share = (room + KEPT_BYTES - found.channels) / found.scatterers
    return (
        f"bmode.scatterers_per_cell: expected at most {share * spec.bmode.scatterers_per_cell:.2g}"
        f", {there}, got {spec.bmode.scatterers_per_cell:g}, which needs {need}"
    )
