"""A data set as one frozen record: TOML -> `Spec` -> canonical JSON -> SHA-256.

Each table of a spec is a frozen dataclass of the room it concerns:

========================================  ====================================
table                                     file in `simulate/`
========================================  ====================================
`subjects`, `showcase`, `stress`          `spec/settings.py`
`vary`                                    `spec/vary.py`
`motion`                                  `hand/settings.py`
`probe`                                   `probe/transducer.py`
`acquisition`, `pose_sensor`, `imu`       `probe/settings.py`
`tissue`, `tissue.motion`                 `tissue/settings.py`
`bmode`, `contact`, `screen`              `bmode/settings.py`
`doppler`, `doppler.flow`                 `doppler/settings.py`
`photoacoustic` and its `illumination`    `photoacoustic/settings.py`
========================================  ====================================
"""

import dataclasses
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, unknown_name
from benchmark.files import canonical_json, sha256_of_text
from simulate import GENERATOR_VERSION
from simulate.bmode.settings import BmodeSettings, ContactSettings, ScreenSettings
from simulate.doppler.settings import DopplerSettings, check_rate
from simulate.hand.motion import check as check_motion
from simulate.hand.settings import MotionSettings
from simulate.photoacoustic.grid import plan_grid
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.settings import AcquisitionSettings, InertialSettings, PoseSensorSettings
from simulate.probe.transducer import Probe
from simulate.spec.laws import is_law
from simulate.spec.settings import ShowcaseSettings, StressSettings, SubjectSettings
from simulate.spec.tables import record_from_table
from simulate.spec.vary import Vary
from simulate.spec.vary_check import check_vary
from simulate.tissue.settings import TissueSettings

SPEC_FOLDER = Path(__file__).parents[1] / "specs"

# Keys added since the specs of the package were frozen, by table ("" for whole tables). At its
# default such a key is left out of the hash, so the hashes of those specs do not change.
LATER: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True)
class Spec:
    """A data set: everything but the generator's version that its bytes depend on.

    Parameters
    ----------
    name
        Of the data set, ending in its version.
    seed
        Entropy of all random numbers.
    description
        One line for `list` and the data set's card.
    vary
        What is drawn in place of the values in the other tables, see `simulate.spec.draw`.
    """

    name: str
    seed: int
    description: str = ""
    subjects: SubjectSettings = field(default_factory=SubjectSettings)
    acquisition: AcquisitionSettings = field(default_factory=AcquisitionSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    tissue: TissueSettings = field(default_factory=TissueSettings)
    probe: Probe = field(default_factory=Probe)
    bmode: BmodeSettings = field(default_factory=BmodeSettings)
    photoacoustic: PhotoacousticSettings = field(default_factory=PhotoacousticSettings)
    showcase: ShowcaseSettings = field(default_factory=ShowcaseSettings)
    doppler: DopplerSettings = field(default_factory=DopplerSettings)
    contact: ContactSettings = field(default_factory=ContactSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    pose_sensor: PoseSensorSettings = field(default_factory=PoseSensorSettings)
    imu: InertialSettings = field(default_factory=InertialSettings)
    stress: StressSettings = field(default_factory=StressSettings)
    vary: Vary = field(default_factory=Vary)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise UserError(f"name: expected letters, digits, '-', '_', '.', got {self.name!r}")
        if self.seed < 0:
            raise UserError(f"seed: expected at least 0, got {self.seed}")
        tests = self.subjects.test * self.subjects.sweeps
        if self.showcase.sweeps > tests:
            raise UserError(
                f"showcase.sweeps: expected at most {tests}, the sweeps of the test split, got "
                f"{self.showcase.sweeps}"
            )
        check_vary(type(self), self.vary)
        check_motion(self.motion)
        if self.tissue.kind != "uniform":
            self._refuse_a_path_beyond_the_vessels()
            self._refuse_a_face_wider_than_the_limb()
        if self.showcase.sweeps:
            plan_grid(self.probe, self.photoacoustic)  # refuses grids that cannot work
        if self.showcase.sweeps and self.showcase.doppler:
            check_rate(self.probe, self.doppler)
        self._refuse_lines_beyond_the_frame()
        self._refuse_a_low_echo()

    def _refuse_a_low_echo(self) -> None:
        """Refuse attenuation that lowers the echo's frequency by more than half."""
        loss_db_mhz = 2.0 * self.tissue.attenuation_db_cm_mhz * self.probe.depth_mm / 10.0
        loss_per_hz = math.log(10.0) / 20.0 * 1e-6 * loss_db_mhz
        shift_hz = loss_per_hz * self.probe.sigma_frequency_hz**2
        if shift_hz > 0.5 * self.probe.centre_frequency_hz:
            raise UserError(
                f"tissue.attenuation_db_cm_mhz: {self.tissue.attenuation_db_cm_mhz:g} lowers the "
                f"echo frequency by more than half at probe.depth_mm = {self.probe.depth_mm:g}; "
                "expected a smaller attenuation, depth or probe.fractional_bandwidth"
            )

    def _refuse_lines_beyond_the_frame(self) -> None:
        longest = 1.0 / (self.acquisition.frame_rate_hz * self.bmode.lines)
        if self.bmode.line_time_s > longest:
            raise UserError(
                f"bmode.line_time_s: expected at most {longest:.3g} s, a frame's time at "
                f"acquisition.frame_rate_hz = {self.acquisition.frame_rate_hz:g} over "
                f"bmode.lines = {self.bmode.lines}, got {self.bmode.line_time_s:g}"
            )
        echo = 2e-3 * self.probe.depth_mm / self.probe.sound_speed_m_s
        if 0.0 < self.bmode.line_time_s < echo:
            raise UserError(
                f"bmode.line_time_s: expected 0 or at least {echo:.3g} s, which sound takes to "
                f"probe.depth_mm = {self.probe.depth_mm:g} and back, got {self.bmode.line_time_s:g}"
            )

    def _refuse_a_path_beyond_the_vessels(self) -> None:
        reach = self.motion.start_mm + self.motion.path_length_mm[1]
        if self.tissue.vessel_extent_mm[1] < reach:
            raise UserError(
                f"tissue.vessel_extent_mm: expected to reach at least {reach:g} mm, where "
                f"motion.path_length_mm and motion.start_mm lead, got "
                f"{self.tissue.vessel_extent_mm[1]:g}"
            )

    def _refuse_a_face_wider_than_the_limb(self) -> None:
        key, face = "probe.width_mm", self.probe.width_mm
        if self.probe.geometry == "curvilinear":
            half_angle = 0.5 * self.probe.aperture_mm / self.probe.radius_mm
            key, face = "probe.radius_mm: face", 2.0 * self.probe.radius_mm * math.sin(half_angle)
        if face >= self.tissue.limb_radius_mm[0]:
            raise UserError(
                f"{key}: expected less than the limb's radius, tissue.limb_radius_mm from "
                f"{self.tissue.limb_radius_mm[0]:g} mm, got {face:g}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return every field, defaults included, as plain JSON values; `vary` where it is used."""
        found = plain(dataclasses.asdict(dataclasses.replace(self, vary=Vary())))
        del found["vary"]
        return found | ({"vary": self.vary.to_table()} if self.vary else {})

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the spec and the generator's version; see `LATER`."""
        spec = {key: self.canonical(key) for key in self.to_dict()}
        for key in LATER.get("", ()):
            if getattr(self, key) == type(getattr(self, key))():
                spec.pop(key, None)
        return sha256_of_text(canonical_json({"generator": GENERATOR_VERSION, "spec": spec}))

    def canonical(self, key: str) -> Any:
        """Return one field as plain JSON values, less keys of `LATER` that have their defaults."""
        value = getattr(self, key)
        if isinstance(value, Vary):
            return value.to_table()
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return plain(value)
        table, defaults = dataclasses.asdict(value), dataclasses.asdict(type(value)())
        later = LATER.get(key, ())
        kept = {name: v for name, v in table.items() if name not in later or v != defaults[name]}
        return plain(kept)


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back: tuples in it as lists, infinity as "inf"."""
    if value == math.inf:
        return "inf"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def spec_names() -> list[str]:
    """Return the names of the specs that come with the package."""
    return sorted(path.stem for path in SPEC_FOLDER.glob("*.toml"))


def load_spec(name_or_path: str | Path) -> Spec:
    """Return the spec of a name, or of a TOML file.

    Raises
    ------
    UserError : no such spec (the nearest name is suggested); not TOML; an unknown key (the nearest
        is suggested), a missing key, a value of the wrong type or out of range, with file, table
        and key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = SPEC_FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            raise unknown_name("spec", str(name_or_path), spec_names())
    spec = spec_from_table(_table(path), str(path))
    if path.parent != SPEC_FOLDER and spec.name in spec_names():
        _refuse_another_of_the_package(spec, path)
    return spec


def _refuse_another_of_the_package(spec: Spec, path: Path) -> None:
    """Refuse a spec that has the name of one of the package, and other values."""
    if spec.hash != load_spec(spec.name).hash:
        raise UserError(
            f"{path}: name: expected one of its own, got '{spec.name}', a spec of the package "
            "with other values"
        )


def _is_file(path: Path) -> bool:
    """Return whether a path is a file; a path longer than a system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _table(path: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the table of a TOML file, merged into that of the spec that it `extends`, if any.

    below: the files that led here by `extends`.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise UserError(f"{path}: expected TOML, {error}") from error
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise UserError(f"{path}: extends: expected the name of a spec or file, got {base!r}")
    inner = path.parent / base if base.endswith(".toml") else SPEC_FOLDER / f"{base}.toml"
    if not _is_file(inner):
        raise UserError(f"{path}: extends: {unknown_name('spec', base, spec_names())}")
    if inner in (*below, path):
        raise UserError(f"{path}: extends: '{base}' leads back to itself")
    return _merged(_table(inner, (*below, path)), table)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a table with the values of another in place of its own, inner tables key by key.

    A law of `vary` is one value, also where it is written as a table.
    """
    merged = dict(base)
    for key, value in changes.items():
        both = not is_law(value) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def spec_from_table(table: dict[str, Any], source: str) -> Spec:
    """Return the spec of a table as TOML gives it; `source` names the table in errors."""
    try:
        return record_from_table(Spec, table, "")
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
