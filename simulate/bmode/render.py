"""B-mode frames of a tissue seen by a probe along a sweep.

Scatterers near the plane are transformed by the exact pose of the frame, weighted by the
elevational beam at their depth, and splatted with their exact carrier phase onto a baseband grid.
Depth-dependent axial and lateral filters turn the grid into beamformed IQ (Gao et al. 2009, COLE,
with the convolution taken over a grid of samples). Electronic noise, envelope, band limit and log
compression follow. Attenuation lowers the amplitude and the centre frequency of the echo; the lower
frequency widens the beam.

Options: poses that change along the lines of a frame, tissue that moves, side lobes, shadows,
fewer scatterers where the beam is wide, gain that changes, speckle reduction.

The model neglects multiple scattering, refraction, the loss of aperture at the edges of the array,
and elevational side lobes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.bmode.compression import compress
from simulate.bmode.despeckle import despeckle
from simulate.bmode.envelope import band_limited_envelope
from simulate.bmode.scan_conversion import polar_positions, scan_convert
from simulate.bmode.settings import BmodeSettings
from simulate.iq.beam import ELEVATION_CUT, Beam, sampled_beam, scatterer_density
from simulate.iq.frames import FrameSource, make_frames
from simulate.iq.scatterers import ScattererStore
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Displacement, Echoer

Poses = NDArray[np.float64]


def beam_for(
    tissue: Echoer,
    probe: Probe,
    settings: BmodeSettings,
    cut_sigmas: float = ELEVATION_CUT,
) -> Beam:
    """Return the beam of `render_iq`; its `grid` has the depths and lateral positions of the IQ."""
    return sampled_beam(
        probe,
        tissue.attenuation_db_cm_mhz,
        scatterer_density(probe, settings.scatterers_per_cell),
        time_gain_compensation=settings.time_gain_compensation,
        noise_db=settings.noise_level_db,
        noise_depth_mm=settings.noise_depth_mm,
        side_lobes=settings.side_lobes,
        cut_sigmas=cut_sigmas,
    )


def render_iq(
    tissue: Echoer,
    probe: Probe,
    settings: BmodeSettings,
    world_from_image: Poses,
    *,
    timestamps: ArrayLike | None = None,
    displacement: Displacement | None = None,
    first_frame: int = 0,
    seed: int | None = None,
    threads: int | None = None,
    cut_sigmas: float = ELEVATION_CUT,
    shadow_frames: int = 1,
) -> NDArray[np.complex64]:
    """Return beamformed baseband IQ of each frame on the grid of `beam_for(...)`.

    The carrier removed is the local centre frequency at each depth. The reference tissue has rms 1.

    Parameters
    ----------
    tissue : echoes and attenuation at points at rest.
    world_from_image : (N, 4, 4) rigid poses, mm, or (N, lines, 4, 4) where they change along the
        lines, which lie evenly from the first image column to the last.
    timestamps : (N,) s at mid-frame, at which tissue is displaced; without them it is at rest.
    displacement : (points (M, 3) world mm at rest, time s, world_from_image (4, 4)) -> (M, 3) mm by
        which the tissue has moved; None for tissue at rest.
    first_frame : number of the first pose's frame in its sweep; only the noise depends on it.
    seed : of the electronic noise; None for no noise.
    threads : largest number; by default as many as numba would use. Changes no bit.
    cut_sigmas : elevational sigmas from the plane at which scatterers are cut off.
    shadow_frames : number of consecutive frames that share the shadow of their middle one.

    Returns
    -------
    (N, rows, columns) complex64.
    """
    beam = beam_for(tissue, probe, settings, cut_sigmas)
    shape = (len(beam.grid.depths_mm), len(beam.grid.lateral))
    result = np.empty((len(world_from_image), *shape), np.complex64)

    def keep(frame: int, iq: NDArray[np.float32]) -> None:
        result[frame] = iq.view(np.complex64)

    source = frame_source(
        tissue, probe, settings, beam, world_from_image, timestamps=timestamps,
        displacement=displacement, seed=seed, first_frame=first_frame,
    )  # fmt: skip
    source = replace(source, shadow_frames=shadow_frames)
    for _ in make_frames(source, keep, threads):
        pass
    return result


def render_bmode(
    tissue: Echoer,
    probe: Probe,
    settings: BmodeSettings,
    world_from_image: Poses,
    *,
    seed: int,
    timestamps: ArrayLike | None = None,
    displacement: Displacement | None = None,
    gain_db: ArrayLike = 0.0,
    first_frame: int = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.uint8]:
    """Return B-mode images of a sweep on the probe's image grid.

    The bytes of a frame depend on its pose, time, gain and number, on the seed and on the tissue,
    and not on the other frames, on how the work is divided, or on the number of threads.

    Parameters
    ----------
    tissue, world_from_image, timestamps, displacement, first_frame, threads : as in `render_iq`.
    seed : of the electronic noise.
    gain_db : added to that of the settings, one for all frames or (N,).
    progress : called with (frames done, number of frames) now and then.

    Returns
    -------
    (N, height_px, width_px) uint8.
    """
    beam = beam_for(tissue, probe, settings)
    images = np.empty((len(world_from_image), probe.height_px, probe.width_px), np.uint8)
    gains = np.broadcast_to(np.asarray(gain_db, np.float64), (len(images),))
    make_image = image_maker(probe, settings, beam)

    def keep(frame: int, iq: NDArray[np.float32]) -> None:
        make_image(iq, images[frame], float(gains[frame]))

    source = frame_source(
        tissue, probe, settings, beam, world_from_image, timestamps=timestamps,
        displacement=displacement, seed=seed, first_frame=first_frame,
    )  # fmt: skip
    for done in make_frames(source, keep, threads):
        if progress is not None:
            progress(done, len(images))
    return images


def image_from_iq(
    iq: NDArray[np.complex64],
    probe: Probe,
    settings: BmodeSettings,
    beam: Beam,
    gain_db: ArrayLike = 0.0,
) -> NDArray[np.uint8]:
    """Return gray levels (..., height_px, width_px) of IQ (..., rows, columns) of `render_iq`.

    gain_db: added to that of the settings, one for all frames or one for each.
    """
    make_image = image_maker(probe, settings, beam)
    frames = np.ascontiguousarray(iq, np.complex64).reshape(-1, *iq.shape[-2:])
    images = np.empty((len(frames), probe.height_px, probe.width_px), np.uint8)
    gains = np.broadcast_to(np.asarray(gain_db, np.float64), iq.shape[:-2]).ravel()
    for frame, image, gain in zip(frames, images, gains, strict=True):
        make_image(frame.view(np.float32), image, float(gain))
    return images.reshape(*iq.shape[:-2], probe.height_px, probe.width_px)


def iq_mm_from_sample(beam: Beam) -> NDArray[np.float64]:
    """Return (4, 4) from (column, row, 0, 1) of the IQ to (lateral, depth, 0, 1).

    Depth is in mm, lateral position in mm, or in radians for a curvilinear probe.
    """
    grid = beam.grid
    matrix = np.diag([grid.column_step, grid.row_step, 1.0, 1.0])
    matrix[0, 3], matrix[1, 3] = grid.lateral[0], grid.depths_mm[0]
    return matrix


def image_maker(
    probe: Probe, settings: BmodeSettings, beam: Beam
) -> Callable[[NDArray[np.float32], NDArray[np.uint8], float], None]:
    """Return a function (iq, image, gain dB) that writes the image of a frame.

    iq: (rows, 2 columns) float32, (re, im) interleaved; image: (height_px, width_px) uint8.
    """
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

    def make_image(iq: NDArray[np.float32], image: NDArray[np.uint8], gain_db: float) -> None:
        samples: NDArray[np.float32] = np.empty(shape, np.float32)
        amplitude = samples
        band_limited_envelope(iq, rows, columns, *stride, samples)
        if polar:
            amplitude = np.empty(image.shape, np.float32)
            scan_convert(samples, *where, amplitude)
        compress(amplitude, white_db - gain_db, settings.dynamic_range_db, image)
        if settings.speckle_reduction != "none":
            despeckle(image, settings.speckle_reduction, settings.speckle_reduction_px)

    return make_image


def frame_source(
    tissue: Echoer,
    probe: Probe,
    settings: BmodeSettings,
    beam: Beam,
    world_from_image: Poses,
    *,
    timestamps: ArrayLike | None = None,
    displacement: Displacement | None = None,
    seed: int | None = None,
    first_frame: int = 0,
) -> FrameSource:
    """Return all that the IQ of the frames depends on; parameters as in `render_iq`."""
    poses = np.asarray(world_from_image, np.float64)
    if timestamps is None:
        displacement, timestamps = None, np.zeros(len(poses))
    return FrameSource(
        store=ScattererStore(tissue, scatterer_density(probe, settings.scatterers_per_cell)),
        beam=beam,
        world_from_image=poses,
        timestamps=np.asarray(timestamps, np.float64),
        displacement=displacement,
        attenuation=tissue.attenuation_db_per_mm if settings.shadows else None,
        thinned=settings.depth_adaptive,
        noise_seed=None if settings.noise_level_db == -math.inf else seed,
        first_frame=first_frame,
    )
