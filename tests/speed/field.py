"""The engine's beam and speckle beside the field that Rayleigh's integral gives.

Run as `python -m tests.speed.field [SPEC ...] [--depths MM ...] [--widths | --motions]
[--at-foci]`. For each probe and depth: -6 dB widths of a point's echo and steps after which speckle
correlates by one half; then how intensities correlate after motions that mix shift, tilt, yaw and
roll. Engine, true, difference. Nothing is drawn: both are integrals over the response of a sample.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from simulate.probe.transducer import Probe
from simulate.spec.record import load_spec
from tests.simulate.probe.engine_response import engine_response
from tests.simulate.probe.motions import mixtures, sizes
from tests.simulate.probe.rayleigh import Response, face_of, response

DEPTHS_MM = {
    "small-v2": (3.0, 5.0, 9.0, 14.0, 20.0),
    "forearm-v2": (5.0, 10.0, 20.0, 30.0, 38.0),
    "carotid-v2": (5.0, 9.0, 16.0, 24.0, 32.0),
    "tusrec-like-v2": (20.0, 40.0, 55.0, 70.0, 90.0),
}
LINE_ELEMENTS = 10  # of the sample's line from the middle, where a yaw is a shift
BAR = 0.3  # of the true correlation, above which the difference counts


def both(probe: Probe, depth_mm: float, at_foci: bool = False) -> tuple[Response, Response]:
    """Return the true response and the engine's, of a line beside the middle.

    at_foci: the probe sends one pulse, whose spectrum is the given one where all sound is in phase;
    else that of an echo on the axis is the given one at every depth, as in the engine.
    """
    face = replace(face_of(probe), given_at_foci=at_foci)
    true = response(face, depth_mm, finer=0.75)
    line = LINE_ELEMENTS * probe.pitch_mm
    return replace(true, line_mm=line), replace(engine_response(probe, true), line_mm=line)


def print_widths(true: Response, ours: Response) -> None:
    """Print lateral and elevational widths, mm: engine, true, difference."""
    rows = zip(
        ("lateral -6 dB", "elevational -6 dB", "lateral half", "elevational half"),
        (*ours.widths_mm(), *ours.half_correlation_mm()),
        (*true.widths_mm(), *true.half_correlation_mm()),
        strict=True,
    )
    for name, found, expected in rows:
        print(f"    {name:18s} {found:6.3f} {expected:6.3f} {found / expected - 1:+6.0%}")


def print_motions(true: Response, ours: Response) -> float:
    """Print correlations after motions; return the largest difference above the bar."""
    amounts, worst = sizes(true), 0.0
    print("    shift {:g} mm, tilt {:g}, yaw {:g}, roll {:g} degrees".format(*amounts))
    for name, motion in mixtures(true, *amounts).items():
        found, expected = ours.correlation(motion), true.correlation(motion)
        counts = expected > BAR
        worst = max(worst, abs(found - expected)) if counts else worst
        mark = "" if counts else "  (below the bar)"
        print(f"    {name:18s} {found:6.3f} {expected:6.3f} {found - expected:+6.3f}{mark}")
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", default=list(DEPTHS_MM))
    parser.add_argument("--depths", nargs="*", type=float)
    parser.add_argument("--widths", action="store_true", help="no motions")
    parser.add_argument("--motions", action="store_true", help="no widths")
    parser.add_argument(
        "--at-foci", action="store_true", help="the spectrum is the probe's at the foci alone"
    )
    chosen = parser.parse_args()
    worst = 0.0
    for name in chosen.specs:
        probe = load_spec(name).probe
        print(f"{name}: {probe.name}; engine, true, difference")
        for depth in chosen.depths or DEPTHS_MM.get(name, (10.0, 20.0, 30.0)):
            print(f"  depth {depth:g} mm")
            true, ours = both(probe, depth, chosen.at_foci)
            if not chosen.motions:
                print_widths(true, ours)
            if not chosen.widths:
                worst = max(worst, print_motions(true, ours))
    if not chosen.widths:
        print(f"largest difference where the true correlation is above {BAR}: {worst:.3f}")


if __name__ == "__main__":
    main()
