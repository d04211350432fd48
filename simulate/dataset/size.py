"""Estimates of a data set's size and of the time that it takes."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from simulate.iq.beam import ELEVATION_CUT, sampled_beam, scatterer_density, share_kept_at
from simulate.photoacoustic.grid import image_probe, plan_grid
from simulate.probe.acquisition import laser_times
from simulate.probe.transducer import Probe
from simulate.spec import Spec
from simulate.spec.draw import draw_spec
from simulate.spec.factors import at_level
from simulate.spec.plan import plan_sweeps

# Seconds of one core of a 2.6 GHz server, fitted to what `limits.py` and `estimate.py` of
# `tests/speed` measured on it: per sweep, per B-mode frame and per pulse of a Doppler frame, per
# scatterer in its slab, more where tissue moves, and per pixel with shadows, per mm of a tissue's
# vessels, by kind, and per scatterer drawn in it, per node and step of a photoacoustic grid, and
# per run, to start. Fibres about double the number of scatterers, drawn and rendered.
PER_SWEEP_S = 0.07
PER_FRAME_S = 1.5e-3
PER_PULSE_S = 6e-4
PER_SLAB_SCATTERER_S = 1.05e-8
PER_MOVED_SCATTERER_S = 3e-8
PER_SHADED_PIXEL_S = 3e-8
PER_TISSUE_MM_S = {
    "uniform": 0.0, "layered": 1.2e-3, "inclusions": 1.2e-3, "forearm": 7e-3, "carotid": 1e-3,
}  # fmt: skip
PER_DRAWN_SCATTERER_S = 4.3e-8
WITH_FIBRES = 2.0
PER_NODE_STEP_S = {"kwave": 4e-8, "propagator": 8e-10}
START_S = 6.0
PER_BEAM_S = 0.4  # of each probe after the first: the tables of its beam, 0.37 to 0.49
MOST_PROBES = 8  # whose beams are computed for an estimate

IQ_BYTES = 8  # of a complex sample
DOPPLER_BYTES = 8  # of a pixel of power and of velocity
DOPPLER_SLAB = 4.0 / 3.0  # times as thick as that of a B-mode frame


@dataclass(frozen=True)
class Size:
    """The size of a data set, and an estimate of the seconds of one core that it takes.

    frames : of B-mode; doppler_frames : pairs of power and velocity; megabytes : on disk, of all
        frames and of the IQ where that is stored.
    """

    sweeps: int
    frames: int
    photoacoustic_frames: int
    doppler_frames: int
    megabytes: float
    seconds: float


def size_of(spec: Spec, timed: bool = True) -> Size:
    """Return the size of a data set and an estimate of what it costs to make.

    Of a spec that varies every sweep counts as it is drawn from the spec's own seed. timed: without
    it, seconds are not a number, and no beam is computed.
    """
    specs, shown = sweep_specs(spec), _showcase_specs(spec)
    frames = sum(sweeps * local.acquisition.frames for local, sweeps in specs.items())
    images = sum(sweeps * _image_bytes(local) for local, sweeps in specs.items())
    images += sum(sweeps * _showcase_bytes(local) for local, sweeps in shown.items())
    return Size(
        sweeps=sum(specs.values()),
        frames=frames,
        photoacoustic_frames=sum(n * _laser_frames(local) for local, n in shown.items()),
        doppler_frames=sum(n * doppler_frame_count(local) for local, n in shown.items()),
        megabytes=(images + _total(specs, iq_bytes)) / 1e6,
        seconds=_seconds(specs, shown) if timed else math.nan,
    )


def _seconds(specs: Counter[Spec], shown: Counter[Spec]) -> float:
    """Return the seconds of all sweeps, and of the photoacoustic frames of those that have them."""
    seconds = START_S + PER_BEAM_S * (len(probes_of(specs)) - 1)
    seconds += _total(specs, bmode_seconds)
    seconds += sum(sweeps * _showcase_seconds(local) for local, sweeps in shown.items())
    return seconds + (_control_seconds(next(iter(shown))) if shown else 0.0)


@lru_cache(maxsize=4)
def sweep_specs(spec: Spec) -> Counter[Spec]:
    """Return the specs of all sweeps as they are drawn and stressed, and how many have each."""
    return Counter(
        at_level(draw_spec(spec, plan).spec, plan.factor, plan.severity)
        for plan in plan_sweeps(spec)
    )


@lru_cache(maxsize=4)
def drawn_specs(spec: Spec) -> Counter[Spec]:
    """Return the specs of the sweeps without stress, and how many have each."""
    plans = plan_sweeps(spec)
    return Counter(draw_spec(spec, plan).spec for plan in plans if not plan.severity)


def _showcase_specs(spec: Spec) -> Counter[Spec]:
    """Return the specs of the sweeps with photoacoustic frames, and how many have each."""
    return Counter(draw_spec(spec, plan).spec for plan in plan_sweeps(spec) if plan.showcase)


def probes_of(specs: Iterable[Spec]) -> set[Probe]:
    """Return the different probes of some specs."""
    return {spec.probe for spec in specs}


def _total(specs: Counter[Spec], cost: Callable[[Spec], float]) -> float:
    """Return the cost of all sweeps; of more than `MOST_PROBES` probes an estimate.

    That is the cost with Gaussian beams, which take no time to compute, corrected by the ratio of
    both costs in some of the sweeps.
    """
    if len(probes_of(specs)) <= MOST_PROBES:
        return sum(sweeps * cost(spec) for spec, sweeps in specs.items())
    quick = {spec: cost(with_gaussian_beams(spec)) for spec in specs}
    some = list(specs)[:: -(-len(specs) // MOST_PROBES)]
    known = sum(quick[spec] for spec in some)
    ratio = sum(cost(spec) for spec in some) / known if known else 1.0
    return ratio * sum(sweeps * quick[spec] for spec, sweeps in specs.items())


def with_gaussian_beams(spec: Spec) -> Spec:
    """Return the spec with beams that take no time to compute, for estimates and their order."""
    return replace(spec, probe=replace(spec.probe, diffraction=False))


def _image_bytes(spec: Spec) -> int:
    """Return the bytes of the B-mode frames of one sweep."""
    return spec.acquisition.frames * spec.probe.width_px * spec.probe.height_px


def _showcase_bytes(spec: Spec) -> int:
    """Return the bytes of the photoacoustic and Doppler frames of one sweep."""
    probe, light = spec.probe, image_probe(spec.probe, spec.photoacoustic)
    flow = DOPPLER_BYTES * doppler_frame_count(spec) * probe.width_px * probe.height_px
    return flow + 4 * _laser_frames(spec) * light.width_px * light.height_px


def _showcase_seconds(spec: Spec) -> float:
    """Return the seconds of the photoacoustic and Doppler frames of one sweep."""
    light = _laser_frames(spec) * _grid_steps(spec) * PER_NODE_STEP_S[spec.photoacoustic.engine]
    flow = doppler_frame_count(spec)
    return light + (flow * _doppler_seconds(spec) if flow else 0.0)


def _control_seconds(spec: Spec) -> float:
    """Return the seconds of the frames that k-Wave makes a second time."""
    if not spec.showcase.control_frames:
        return 0.0
    return spec.showcase.control_frames * _grid_steps(spec) * PER_NODE_STEP_S["kwave"]


def _grid_steps(spec: Spec) -> float:
    """Return the nodes of a photoacoustic grid times its steps."""
    grid = plan_grid(spec.probe, spec.photoacoustic)
    return float(np.prod(grid.shape)) * grid.steps


def _laser_frames(spec: Spec) -> int:
    """Return how many photoacoustic frames a showcase sweep has."""
    rate = spec.photoacoustic.frames_per_second
    return len(laser_times(spec.acquisition, rate, spec.showcase.frames))


def doppler_frame_count(spec: Spec) -> int:
    """Return how many Doppler frames a showcase sweep has."""
    if not spec.showcase.doppler:
        return 0
    rate = spec.doppler.frames_per_second
    return len(laser_times(spec.acquisition, rate, spec.showcase.frames))


def iq_samples(spec: Spec) -> int:
    """Return the number of IQ samples of one frame."""
    beam = sampled_beam(spec.probe, spec.tissue.attenuation_db_cm_mhz, 1.0)
    return len(beam.grid.depths_mm) * len(beam.grid.lateral)


def iq_bytes(spec: Spec) -> int:
    """Return the bytes of the IQ that one sweep stores."""
    return IQ_BYTES * spec.acquisition.frames * iq_samples(spec) if spec.bmode.store_iq else 0


def slab_of(spec: Spec) -> tuple[float, float, float]:
    """Return scatterers per mm^3, fibres included, area of the image mm^2, and mean beam mm."""
    probe = spec.probe
    density = scatterer_density(probe, spec.bmode.scatterers_per_cell)
    density *= WITH_FIBRES if spec.tissue.coherent_fraction > 0.0 else 1.0
    area = probe.width_mm * (probe.depth_mm - probe.start_depth_mm)
    depths = np.maximum(probe.row_depths_mm, 0.0)
    beam = 2.0 * ELEVATION_CUT * float(np.mean(probe.sigma_elevation_mm(depths)))
    return density, area, beam


def kept_of(spec: Spec) -> float:
    """Return the share of the scatterers in a slab that are kept; fibres are not thinned."""
    if not spec.bmode.depth_adaptive:
        return 1.0
    depths = spec.probe.row_depths_mm
    beam = spec.probe.sigma_elevation_mm(np.maximum(depths, 0.0))
    kept = float((share_kept_at(spec.probe, depths) * beam).sum() / beam.sum())
    fibres = 1.0 - 1.0 / WITH_FIBRES if spec.tissue.coherent_fraction > 0.0 else 0.0
    return fibres + (1.0 - fibres) * kept


def bmode_seconds(spec: Spec) -> float:
    """Return the seconds of the B-mode frames of one sweep, its tissue drawn for it alone."""
    density, area, beam = slab_of(spec)
    moved = 0.0 if spec.tissue.motion.still else density * area * beam  # cells are not thinned
    density *= kept_of(spec)
    drawn = density * area * (beam + float(np.mean(spec.motion.path_length_mm)))
    per_frame = PER_FRAME_S + density * area * beam * PER_SLAB_SCATTERER_S
    per_frame += moved * PER_MOVED_SCATTERER_S
    if spec.bmode.shadows:
        per_frame += PER_SHADED_PIXEL_S * spec.probe.width_px * spec.probe.height_px
    start, end = spec.tissue.vessel_extent_mm
    drawing = PER_TISSUE_MM_S[spec.tissue.kind] * (end - start) + drawn * PER_DRAWN_SCATTERER_S
    return PER_SWEEP_S + drawing + spec.acquisition.frames * per_frame


def _doppler_seconds(spec: Spec) -> float:
    """Return the seconds of one Doppler frame: a B-mode frame per pulse, of a thicker slab."""
    density, area, beam = slab_of(spec)
    slab = density * area * beam * DOPPLER_SLAB
    return spec.doppler.pulses * (PER_PULSE_S + slab * PER_SLAB_SCATTERER_S)
