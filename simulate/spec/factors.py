"""Stress factors: pure functions that make one thing of a spec worse in five steps.

A user's own factor is any function (spec, severity) -> spec in an importable module, named in a
spec as "module:function".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from benchmark.addresses import find
from benchmark.errors import UserError

SEVERITIES = (1, 2, 3, 4, 5)
STEPS = (1.0, 2.0, 3.0, 4.0, 5.0)

Record = TypeVar("Record")  # a spec, or any frozen dataclass with the tables that a factor changes


@dataclass(frozen=True)
class Factor:
    """A stress factor: what its value means, the value at severity 1 to 5, and the change it makes.

    change(spec, value) returns the spec with that value and everything else unchanged.
    """

    meaning: str
    levels: tuple[float, float, float, float, float]
    change: Callable[[Any, float], Any]

    def __call__(self, spec: Record, severity: int) -> Record:
        """Return the spec at a severity of 1 to 5.

        Raises
        ------
        UserError : a severity that is none of these.
        """
        if severity not in SEVERITIES:
            raise UserError(f"severity of a stress factor: expected 1 to 5, got {severity}")
        return self.change(spec, self.levels[severity - 1])


def find_factor(name: str) -> Callable[[Any, int], Any]:
    """Return the factor of a name, or of an address "module:function".

    Raises
    ------
    UserError : an unknown name (the nearest is suggested), or an address that leads nowhere.
    """
    return find("stress factor", name, FACTORS)


def at_level(spec: Record, name: str, severity: int) -> Record:
    """Return the spec with one factor at a severity; severity 0 is the spec itself."""
    return spec if severity == 0 else find_factor(name)(spec, severity)


def level_of(name: str, severity: int) -> float | None:
    """Return a factor's value at a severity; None for severity 0 and for a user's own factor."""
    factor = FACTORS.get(name)
    return factor.levels[severity - 1] if factor and severity else None


def changed(spec: Any, table: str, **values: Any) -> Any:
    """Return a spec with some values of one of its tables replaced; the new spec is checked."""
    return replace(spec, **{table: replace(getattr(spec, table), **values)})


def _speed(spec: Any, times: float) -> Any:
    return changed(spec, "acquisition", frames=round(spec.acquisition.frames / times))


def _frame_rate(spec: Any, share: float) -> Any:
    clock = spec.acquisition
    return changed(
        spec, "acquisition",
        frames=round(clock.frames * share), frame_rate_hz=clock.frame_rate_hz * share,
    )  # fmt: skip


def _jitter(spec: Any, share: float) -> Any:
    return changed(spec, "acquisition", frame_jitter_s=share / spec.acquisition.frame_rate_hz)


def _in_plane(spec: Any, degrees: float) -> Any:
    return changed(spec, "motion", azimuth_deg=degrees)


def _tissue_motion(key: str, step: float) -> Callable[[Any, float], Any]:
    """Return the change that sets both ends of a range of `tissue.motion` to a number of steps."""

    def change(spec: Any, steps: float) -> Any:
        size = step * int(steps)
        return changed(spec, "tissue", motion=replace(spec.tissue.motion, **{key: (size, size)}))

    return change


def _value(table: str, key: str) -> Callable[[Any, float], Any]:
    """Return the change that sets one key of one table, in the type that the key has."""

    def change(spec: Any, value: float) -> Any:
        kind = type(getattr(getattr(spec, table), key))
        return changed(spec, table, **{key: kind(value)})

    return change


FACTORS: dict[str, Factor] = {
    "speed": Factor("times as fast over the same path", (1.25, 1.5, 2.0, 2.5, 3.0), _speed),
    "acceleration": Factor(
        "standard deviation of the logarithm of speed", (0.4, 0.5, 0.6, 0.75, 0.9),
        _value("motion", "speed_spread"),
    ),
    "tremor": Factor(
        "mm and degrees / 1.5 of tremor, rms", (0.03, 0.06, 0.09, 0.12, 0.15),
        lambda spec, size: changed(spec, "motion", tremor_mm=size, tremor_deg=size / 1.5),
    ),
    "tremor-frequency": Factor(
        "Hz in the middle of a band of 1 Hz, 0.06 mm", (6.5, 7.5, 8.5, 9.5, 11.5),
        lambda spec, hertz: changed(
            spec, "motion", tremor_mm=0.06, tremor_deg=0.04, tremor_hz=(hertz - 0.5, hertz + 0.5)
        ),
    ),
    "tilt": Factor(
        "degrees of a nod forth and back", (2.0, 4.0, 7.0, 10.0, 14.0),
        _value("motion", "tilt_deg"),
    ),
    "fan-angle": Factor(
        "degrees of a fan over the path", (10.0, 20.0, 30.0, 45.0, 60.0),
        _value("motion", "fan_deg"),
    ),
    "pauses": Factor("standstills", STEPS, _value("motion", "pauses")),
    "reversals": Factor("short runs backwards", STEPS, _value("motion", "reversals")),
    "jerk": Factor(
        "mm and degrees of each of four twitches", (0.3, 0.6, 1.0, 1.5, 2.0),
        lambda spec, size: changed(spec, "motion", jerks=4, jerk_mm=size, jerk_deg=size),
    ),
    "in-plane-share": Factor(
        "degrees between the path and the elevational axis", (15.0, 30.0, 45.0, 60.0, 90.0),
        _in_plane,
    ),
    "contact-loss": Factor("losses of contact", STEPS, _value("contact", "losses")),
    "frame-drops": Factor(
        "share of frames lost", (0.05, 0.1, 0.2, 0.3, 0.4),
        _value("acquisition", "dropped_share"),
    ),
    "frame-jitter": Factor(
        "frame intervals, standard deviation", (0.05, 0.1, 0.15, 0.2, 0.3), _jitter
    ),
    "frame-rate": Factor(
        "times as many frames per second", (0.8, 0.65, 0.5, 0.4, 0.33), _frame_rate
    ),
    "beam-width": Factor(
        "times the elevational beam width at focus", (1.15, 1.3, 1.6, 2.0, 2.6),
        lambda spec, times: changed(
            spec, "probe", element_height_mm=spec.probe.element_height_mm / times
        ),
    ),
    "density": Factor(
        "scatterers per resolution cell", (5.0, 2.5, 1.2, 0.6, 0.3),
        _value("bmode", "scatterers_per_cell"),
    ),
    "coherence": Factor(
        "coherent share of the echo's power", (0.1, 0.2, 0.35, 0.5, 0.7),
        _value("tissue", "coherent_fraction"),
    ),
    "noise": Factor(
        "dB of electronic noise against the tissue", (-25.0, -18.0, -12.0, -8.0, -4.0),
        _value("bmode", "noise_db"),
    ),
    "gain": Factor(
        "dB, rms, of a gain turned up and down", (2.0, 4.0, 6.0, 9.0, 12.0),
        _value("acquisition", "gain_change_db"),
    ),
    "speckle-filter": Factor(
        "pixels of a median filter", (3.0, 5.0, 7.0, 9.0, 11.0),
        lambda spec, width: changed(
            spec, "bmode", speckle_reduction="median", speckle_reduction_px=int(width)
        ),
    ),
    "persistence": Factor(
        "share of the frame shown before", (0.15, 0.3, 0.45, 0.6, 0.75),
        _value("bmode", "persistence"),
    ),
    "blur": Factor(
        "pixels, standard deviation, of a blur along rows", (0.5, 1.0, 1.5, 2.0, 3.0),
        _value("bmode", "lateral_blur_px"),
    ),
    "grey-map": Factor(
        "exponent of the grey curve", (1.2, 1.6, 2.1, 2.8, 3.5), _value("bmode", "gamma")
    ),
    "ring-down": Factor(
        "dB of the face's ringing against the tissue", (0.0, 10.0, 20.0, 30.0, 40.0),
        _value("bmode", "ring_down_db"),
    ),
    "reverberation": Factor(
        "dB of the first multiple of a strong layer", (-40.0, -30.0, -20.0, -10.0, 0.0),
        _value("bmode", "reverberation_db"),
    ),
    "clutter": Factor(
        "dB of clutter from beside the lines", (-40.0, -30.0, -20.0, -12.0, -6.0),
        _value("bmode", "clutter_db"),
    ),
    "black-borders": Factor(
        "share of the image that is black at each side and below", (0.05, 0.1, 0.18, 0.26, 0.35),
        lambda spec, share: changed(
            spec, "screen", black_left=share, black_right=share, black_bottom=share
        ),
    ),
    "overlay": Factor(
        "of all marks on the screen", (0.2, 0.4, 0.6, 0.8, 1.0), _value("screen", "overlay")
    ),
    "compression": Factor("x 3 % of strain under the probe", STEPS, _tissue_motion("strain", 0.03)),
    "breathing": Factor("x 0.4 mm with the breath", STEPS, _tissue_motion("breath_mm", 0.4)),
    "pulsation": Factor("x 0.15 mm of wall motion", STEPS, _tissue_motion("pulse_mm", 0.15)),
}  # fmt: skip
