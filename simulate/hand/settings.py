"""The `motion` table of a spec."""

from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError, unknown_name

ORIENTATIONS = ("perpendicular", "parallel")
DIRECTIONS = ("advance", "retreat", "both")


@dataclass(frozen=True)
class MotionSettings:
    """How the hands of a data set move; the `motion` table of a spec.

    Parameters
    ----------
    profiles, orientations
        Names of `simulate.hand.profiles` or addresses "module:attribute" of a `Profile`; and the
        image plane against the path ("perpendicular": the probe travels along its elevational axis,
        "parallel": along its lateral axis).
    direction
        "advance": every sweep goes towards the positive axis of travel, "retreat": away from it,
        "both": drawn per sweep; profiles that also go back along their path need "both".
    path_length_mm
        Smallest and largest distance along the skin; the mean speed follows from the duration.
    speed_spread, speed_correlation_s
        Standard deviation of the logarithm of speed within a sweep (0.28: two and a half times
        between its 5th and 95th percentile), and the range of its correlation time.
    curve_deg, follow
        Largest heading off the axis in curved paths, and the share of the heading by which the
        probe turns (0: it keeps its direction, 1: it follows the path).
    swing_deg, creep
        Angle swept by fan, rock and turn, and the share of the path length that the contact moves
        meanwhile.
    wobble_frequency_hz, wobble_across_mm_s, wobble_axial_mm_s, wobble_deg_s, wobble_severity
        Band of the wobble; its root mean square rates across the path, along the normal and about
        each axis; and the range of a factor on these rates, drawn per sweep.
    wobble_axes
        Factors on `wobble_deg_s` for tilt, yaw and roll.
    tremor_mm, tremor_deg, tremor_hz
        Root mean square of a tremor in each translation and rotation, and its band: 6 to 12 Hz in
        healthy hands (Lakie et al. 2015).
    azimuth_deg
        Turn of the probe against the path, beyond its orientation: of the travel, the share
        sin(azimuth) lies in the image plane.
    tilt_deg, fan_deg
        Largest angle of a slow nod forth and back over the path about the lateral axis, and the
        angle of a fan swept from one end of the path to the other.
    pauses, reversals
        Number of standstills and of short runs backwards; the sweep as a whole keeps its direction.
    jerks, jerk_mm, jerk_deg
        Number of twitches of a quarter of a second, and their size in each translation and
        rotation.
    start_mm
        Range of paths' places: z of the start within plus and minus this, x of the middle of their
        width within half of it.
    half_width_mm
        Farthest that a path goes to either side of its middle across the limb: longer loops and
        spirals have more turns, wider curves are flatter.
    wave_mm
        Length of a wave of an s path: paths of several such lengths have several waves.
    gel_mm
        Mean thickness of the coupling gel between the middle of the face and the skin.
    """

    profiles: tuple[str, ...] = ("straight", "c", "s", "fan")
    orientations: tuple[str, ...] = ("perpendicular",)
    direction: str = "advance"
    path_length_mm: tuple[float, float] = (18.0, 38.0)
    speed_spread: float = 0.28
    speed_correlation_s: tuple[float, float] = (0.25, 1.0)
    curve_deg: tuple[float, float] = (12.0, 25.0)
    follow: tuple[float, float] = (0.0, 1.0)
    swing_deg: tuple[float, float] = (35.0, 60.0)
    creep: float = 0.5
    wobble_frequency_hz: tuple[float, float] = (0.1, 0.8)
    wobble_across_mm_s: float = 1.2
    wobble_axial_mm_s: float = 0.4
    wobble_deg_s: float = 2.5
    wobble_severity: tuple[float, float] = (0.6, 1.4)
    tremor_mm: float = 0.0
    tremor_deg: float = 0.0
    tremor_hz: tuple[float, float] = (6.0, 12.0)
    start_mm: float = 4.0
    gel_mm: float = 1.0
    half_width_mm: float = 25.0
    wave_mm: float = 150.0
    wobble_axes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    azimuth_deg: float = 0.0
    tilt_deg: float = 0.0
    fan_deg: float = 0.0
    pauses: int = 0
    reversals: int = 0
    jerks: int = 0
    jerk_mm: float = 0.0
    jerk_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise unknown_name("motion.direction: direction", self.direction, DIRECTIONS)
        for name in self.orientations:
            if name not in ORIENTATIONS:
                raise unknown_name("motion.orientations: orientation", name, ORIENTATIONS)
        if not self.profiles or not self.orientations:
            raise UserError("motion.profiles, motion.orientations: expected at least one, got none")
        self._refuse_impossible_numbers()

    def _refuse_impossible_numbers(self) -> None:
        above_zero = ("path_length_mm", "speed_correlation_s", "wobble_frequency_hz", "tremor_hz")
        ranges = (*above_zero, "curve_deg", "follow", "swing_deg", "wobble_severity")
        for key in ranges:
            low, high = getattr(self, key)
            least = "more than 0" if key in above_zero else "at least 0"
            fits = low > 0 if key in above_zero else low >= 0
            if not (fits and low <= high and np.isfinite(high)):
                raise UserError(
                    f"motion.{key}: expected two rising numbers, {least}, got [{low}, {high}]"
                )
        for key in ("speed_spread", "creep", "tremor_mm", "tremor_deg", "start_mm", "gel_mm",
                    "pauses", "reversals", "jerks", "jerk_mm", "jerk_deg"):  # fmt: skip
            value = getattr(self, key)
            if not (value >= 0 and np.isfinite(value)):
                raise UserError(f"motion.{key}: expected a number of at least 0, got {value}")
        for key in ("half_width_mm", "wave_mm"):
            value = getattr(self, key)
            if not (value > 0 and np.isfinite(value)):
                raise UserError(f"motion.{key}: expected a length above 0 mm, got {value}")
        for key in ("wobble_across_mm_s", "wobble_axial_mm_s", "wobble_deg_s"):
            value = getattr(self, key)
            if not (value >= 0 and np.isfinite(value)):
                raise UserError(f"motion.{key}: expected a rate of at least 0, got {value}")
        if min(self.wobble_axes) < 0:
            raise UserError(f"motion.wobble_axes: expected factors >= 0, got {self.wobble_axes}")
