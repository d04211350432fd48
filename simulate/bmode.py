"""B-mode frames of a tissue seen by a probe along a sweep.

Scatterers near the plane are transformed by the exact pose of the frame, weighted by the
elevational beam at their depth and splatted with their exact carrier phase onto a baseband grid,
which depth-dependent axial and lateral filters turn into beamformed IQ (Gao et al. 2009, COLE,
with the convolution taken over a grid of samples). Then: electronic noise, envelope, band limit,
log compression. Attenuation lowers the amplitude and the centre frequency of the echo, and with
the frequency widens the beam.

What the model leaves out: side lobes, multiple scattering, refraction, loss of aperture at the
edges of the array, and attenuation that varies in space.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numba
import numpy as np
from numpy.typing import NDArray

from simulate.beam import Beam, sampled_beam, scatterer_density
from simulate.bmode_settings import NO_NOISE_DB, BmodeSettings
from simulate.envelope import band_limited_envelope, compress, polar_positions, scan_convert
from simulate.iq import Workspace, frame_iq, needed_blocks, workspace
from simulate.scatterers import Scatterers, ScattererStore, Tissue, mix
from simulate.transducer import Probe

GROUP_FRAMES = 16  # frames whose scatterers are gathered together

Poses = NDArray[np.float64]


def beam_for(tissue: Tissue, probe: Probe, settings: BmodeSettings) -> Beam:
    """The sampled beam behind `render_iq`: its `grid` gives depth and lateral position of IQ."""
    return sampled_beam(
        probe,
        tissue.attenuation_db_cm_mhz,
        scatterer_density(probe, settings.scatterers_per_cell),
        time_gain_compensation=settings.time_gain_compensation,
        noise_db=settings.noise_db,
        noise_depth_mm=settings.noise_depth_mm,
    )


def render_iq(
    tissue: Tissue,
    probe: Probe,
    settings: BmodeSettings,
    world_from_image: Poses,
    *,
    first_frame: int = 0,
    seed: int | None = None,
    threads: int | None = None,
) -> NDArray[np.complex64]:
    """Beamformed baseband IQ of each frame on the grid of `beam_for(...)`.

    The carrier removed is the local centre frequency at each depth. The reference tissue has rms 1.

    Parameters
    ----------
    tissue : backscatter, key of its scatterers, attenuation.
    world_from_image : (N, 4, 4) rigid poses, mm.
    first_frame : number of the first pose's frame in its sweep; only the noise depends on it.
    seed : of the electronic noise; None for no noise.
    threads : at most so many; by default as many as numba would use. Changes no bit.

    Returns
    -------
    (N, rows, columns) complex64.
    """
    beam = beam_for(tissue, probe, settings)
    shape = (len(beam.grid.depths_mm), len(beam.grid.lateral))
    result = np.empty((len(world_from_image), *shape), np.complex64)

    def keep(frame: int, iq: NDArray[np.float32]) -> None:
        result[frame] = iq.view(np.complex64)

    noise_seed = None if settings.noise_db <= NO_NOISE_DB else seed
    store = _store(tissue, probe, settings)
    for _ in _frames(store, beam, world_from_image, keep, noise_seed, first_frame, threads):
        pass
    return result


def render_bmode(
    tissue: Tissue,
    probe: Probe,
    settings: BmodeSettings,
    world_from_image: Poses,
    *,
    seed: int,
    first_frame: int = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """B-mode images of a sweep on the probe's image grid.

    A frame's bytes depend on its pose, its number, the seed and the tissue: not on the other
    frames, on how the work is divided, or on the number of threads.

    Parameters
    ----------
    tissue : backscatter, key of its scatterers, attenuation.
    world_from_image : (N, 4, 4) rigid poses, mm.
    seed : of the electronic noise.
    first_frame : number of the first pose's frame in its sweep; only the noise depends on it.
    threads : at most so many; by default as many as numba would use.
    progress : called with (frames done, frames in all) now and then.

    Returns
    -------
    (N, height_px, width_px) uint8.
    """
    beam = beam_for(tissue, probe, settings)
    images = np.empty((len(world_from_image), probe.height_px, probe.width_px), np.uint8)
    make_image = _image_maker(probe, settings, beam)

    def keep(frame: int, iq: NDArray[np.float32]) -> None:
        make_image(iq, images[frame])

    noise_seed = None if settings.noise_db <= NO_NOISE_DB else seed
    store = _store(tissue, probe, settings)
    for done in _frames(store, beam, world_from_image, keep, noise_seed, first_frame, threads):
        if progress is not None:
            progress(done, len(images))
    return images


def image_from_iq(
    iq: NDArray[np.complex64], probe: Probe, settings: BmodeSettings, beam: Beam
) -> NDArray[np.uint8]:
    """(..., rows, columns) IQ of `render_iq` to (..., height_px, width_px) gray levels."""
    make_image = _image_maker(probe, settings, beam)
    frames = np.ascontiguousarray(iq, np.complex64).reshape(-1, *iq.shape[-2:])
    images = np.empty((len(frames), probe.height_px, probe.width_px), np.uint8)
    for frame, image in zip(frames, images, strict=True):
        make_image(frame.view(np.float32), image)
    return images.reshape(*iq.shape[:-2], probe.height_px, probe.width_px)


def _image_maker(
    probe: Probe, settings: BmodeSettings, beam: Beam
) -> Callable[[NDArray[np.float32], NDArray[np.uint8]], None]:
    """A function (iq, image) -> None that writes the image of one frame's interleaved IQ."""
    grid = beam.grid
    rows, columns = grid.reduce_rows, grid.reduce_columns
    white_db = settings.white_db - settings.gain_db
    polar = probe.geometry == "curvilinear"
    if polar:
        where = polar_positions(probe, grid)
        shape = (len(grid.depths_mm) - 2 * rows + 2, len(grid.lateral) - 2 * columns + 2)
        stride = (1, 1)
    else:
        shape, stride = (probe.height_px, probe.width_px), (rows, columns)

    def make_image(iq: NDArray[np.float32], image: NDArray[np.uint8]) -> None:
        samples: NDArray[np.float32] = np.empty(shape, np.float32)
        amplitude = samples
        band_limited_envelope(iq, rows, columns, *stride, samples)
        if polar:
            amplitude = np.empty(image.shape, np.float32)
            scan_convert(samples, *where, amplitude)
        compress(amplitude, white_db, settings.dynamic_range_db, image)

    return make_image


def _store(tissue: Tissue, probe: Probe, settings: BmodeSettings) -> ScattererStore:
    return ScattererStore(tissue, scatterer_density(probe, settings.scatterers_per_cell))


def _frames(
    store: ScattererStore,
    beam: Beam,
    world_from_image: Poses,
    keep: Callable[[int, NDArray[np.float32]], None],
    seed: int | None,
    first_frame: int,
    threads: int | None,
) -> Iterator[int]:
    """Make the IQ of every frame and hand it to `keep`; yield how many frames are done."""
    poses = np.asarray(world_from_image, np.float64)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or not np.isfinite(poses).all():
        raise ValueError(f"world_from_image: expected finite (N, 4, 4), got shape {poses.shape}")
    image_from_world = np.linalg.inv(poses)
    shape = (len(beam.grid.depths_mm), 2 * len(beam.grid.lateral))
    radius = beam.grid.radius_mm or None
    local = threading.local()

    def one(frame: int, scatterers: Scatterers) -> None:
        if not hasattr(local, "work"):
            local.work, local.iq = workspace(beam.grid), np.empty(shape, np.float32)
        work: Workspace = local.work
        key = np.uint64(0) if seed is None else noise_key(seed, first_frame + frame)
        view = image_from_world[frame]
        frame_iq(scatterers, view, beam, radius, key, seed is not None, work, local.iq)
        keep(frame, local.iq)

    with ThreadPoolExecutor(threads or numba.get_num_threads()) as pool:
        for start in range(0, len(poses), GROUP_FRAMES):
            group = range(start, min(start + GROUP_FRAMES, len(poses)))
            found = [_blocks(poses[i], image_from_world[i], beam, store.block_mm) for i in group]
            scatterers = store.gather(np.unique(np.concatenate(found), axis=0))
            # Frames are shared out one by one: each has its own scratch and no common sum.
            for _ in pool.map(one, group, repeat(scatterers)):
                pass
            yield group.stop


def noise_key(seed: int, frame: int) -> np.uint64:
    """Key of the electronic noise of one frame."""
    mask = 0xFFFFFFFFFFFFFFFF
    return np.uint64(mix(np.uint64((int(mix(np.uint64(seed & mask))) + frame + 1) & mask)))


def _blocks(
    world_from_image: Poses, image_from_world: Poses, beam: Beam, block_mm: float
) -> NDArray[np.int64]:
    """(B, 3) indices of the blocks that a frame touches."""
    grid = beam.grid
    side, top = -grid.first_column, max(grid.first_row, 0.0)
    bottom = grid.first_row + grid.rows * grid.row_step
    if grid.radius_mm > 0.0:
        angle = min(side, 0.5 * math.pi)
        top = grid.radius_mm * (math.cos(angle) - 1.0)
        side = (grid.radius_mm + bottom) * math.sin(angle)
    out = float(beam.elevation_reach.max())
    corners = np.array(
        [(x, y, z, 1.0) for x in (-side, side) for y in (top, bottom) for z in (-out, out)]
    )
    world = (corners @ world_from_image.T)[:, :3] / block_mm
    low = np.floor(world.min(axis=0)).astype(np.int64)
    high = np.floor(world.max(axis=0)).astype(np.int64)
    found = np.empty((int(np.prod(high - low + 1)), 3), np.int64)
    return found[: needed_blocks(image_from_world, low, high, block_mm, beam, found)]
