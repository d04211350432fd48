"""The whole of a data set as one frozen record: TOML -> spec -> canonical JSON -> SHA-256."""

import dataclasses
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.addresses import short_name
from benchmark.errors import UserError, unknown_name
from benchmark.files import canonical_json, sha256_of_text
from simulate import GENERATOR_VERSION
from simulate.bmode.contact import ContactSettings
from simulate.bmode.settings import BmodeSettings
from simulate.doppler.settings import DopplerSettings, check_rate
from simulate.hand.motion import check as check_motion
from simulate.hand.settings import MotionSettings
from simulate.photoacoustic.grid import plan_grid
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.acquisition import AcquisitionSettings
from simulate.probe.inertial import InertialSettings
from simulate.probe.pose_sensor import PoseSensorSettings
from simulate.probe.transducer import Probe
from simulate.spec.factors import SEVERITIES, find_factor
from simulate.spec.tables import record_from_table
from simulate.tissue.settings import TissueSettings

SPEC_FOLDER = Path(__file__).parents[1] / "specs"
DESIGNS = ("rounds", "latin-square")

# Keys that came after v1 was frozen, by table ("" for whole tables): while they have their defaults
# they are no part of a spec's identity, so older specs keep theirs.
LATER: dict[str, tuple[str, ...]] = {"": ()}


@dataclass(frozen=True)
class SubjectSettings:
    """How many subjects each split has, and how many sweeps each subject; the `subjects` table.

    design: how profiles and orientations are spread, "rounds" or "latin-square"; see
    `simulate.spec.plan`.
    """

    train: int = 1
    val: int = 1
    test: int = 1
    sweeps: int = 1
    design: str = "rounds"

    def __post_init__(self) -> None:
        for key in ("train", "val", "test"):
            if getattr(self, key) < 0:
                raise UserError(f"subjects.{key}: expected at least 0, got {getattr(self, key)}")
        if self.sweeps < 1:
            raise UserError(f"subjects.sweeps: expected at least 1, got {self.sweeps}")
        if self.train + self.val + self.test == 0:
            raise UserError("subjects: expected at least one in some split, got none")
        if self.design not in DESIGNS:
            raise unknown_name("subjects.design: design", self.design, DESIGNS)


@dataclass(frozen=True)
class ShowcaseSettings:
    """Which sweeps have photoacoustic frames: the first of each split; the `showcase` table.

    sweeps: how many of the test split; frames: at most so many photoacoustic frames in each,
    spread over it; doppler: whether these sweeps have Doppler frames too; split: "test", or "all"
    for as large a share of the other splits too;
    control_frames: so many of the first showcase sweep's are made a second time, by k-Wave, and
    the difference is told in the data set's card.
    """

    sweeps: int = 0
    frames: int = 24
    split: str = "test"
    control_frames: int = 0
    doppler: bool = False

    def __post_init__(self) -> None:
        if self.sweeps < 0:
            raise UserError(f"showcase.sweeps: expected at least 0, got {self.sweeps}")
        if self.frames < 1:
            raise UserError(f"showcase.frames: expected at least 1, got {self.frames}")
        if self.split not in ("test", "all"):
            raise UserError(f"showcase.split: expected 'test' or 'all', got {self.split!r}")
        if not 0 <= self.control_frames <= self.frames:
            raise UserError(
                f"showcase.control_frames: expected 0 to {self.frames}, got {self.control_frames}"
            )


@dataclass(frozen=True)
class StressSettings:
    """What is made worse, one factor at a time, in the test split; the `stress` table.

    factors: names of `simulate.spec.factors`, or addresses "module:function" of functions
    (spec, severity) -> spec; severities: of 1 to 5. Every test sweep is made once as it is and once
    per factor and severity: of the same subject, by the same hand on the same path. No two may
    have one short name: sweeps are named by it.
    """

    factors: tuple[str, ...] = ()
    severities: tuple[int, ...] = SEVERITIES

    def __post_init__(self) -> None:
        for name in self.factors:
            find_factor(name)
        for key, values in (
            ("factors", [short_name(name) for name in self.factors]),
            ("severities", list(self.severities)),
        ):
            twice = [value for number, value in enumerate(values) if value in values[:number]]
            if twice:
                raise UserError(f"stress.{key}: expected each once, got {twice[0]!r} twice")
        if not self.severities or not set(self.severities) <= set(SEVERITIES):
            raise UserError(
                f"stress.severities: expected some of {list(SEVERITIES)}, got "
                f"{list(self.severities)}"
            )


@dataclass(frozen=True)
class Spec:
    """A data set: everything that its bytes depend on, but for the generator's version.

    name: of the data set, ending in its version; seed: entropy of all that is drawn.
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
    pose_sensor: PoseSensorSettings = field(default_factory=PoseSensorSettings)
    imu: InertialSettings = field(default_factory=InertialSettings)
    stress: StressSettings = field(default_factory=StressSettings)

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
        check_motion(self.motion)
        self._refuse_a_path_beyond_the_tissue()
        if self.showcase.sweeps:
            plan_grid(self.probe, self.photoacoustic)  # refuses grids that cannot work
        if self.showcase.sweeps and self.showcase.doppler:
            check_rate(self.probe, self.doppler)
        self._refuse_lines_beyond_the_frame()

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

    def _refuse_a_path_beyond_the_tissue(self) -> None:
        if self.tissue.kind == "uniform":
            return
        reach = self.motion.start_mm + self.motion.path_length_mm[1]
        if self.tissue.vessel_extent_mm[1] < reach:
            raise UserError(
                f"tissue.vessel_extent_mm: expected to reach at least {reach:g} mm, where "
                f"motion.path_length_mm and motion.start_mm lead, got "
                f"{self.tissue.vessel_extent_mm[1]:g}"
            )
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
        """Return every field, defaults included, as plain JSON values."""
        return plain(dataclasses.asdict(self))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the spec and the generator's version.

        What came later than v1 and has its default counts as not there; see `LATER`.
        """
        told = {key: self.told(key) for key in self.to_dict()}
        for key in LATER[""]:
            if getattr(self, key) == type(getattr(self, key))():
                del told[key]
        return sha256_of_text(canonical_json({"generator": GENERATOR_VERSION, "spec": told}))

    def told(self, key: str) -> Any:
        """Return one table as plain JSON values, without later keys that have their defaults."""
        value = getattr(self, key)
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return plain(value)
        table, defaults = dataclasses.asdict(value), dataclasses.asdict(type(value)())
        later = LATER.get(key, ())
        kept = {name: v for name, v in table.items() if name not in later or v != defaults[name]}
        return plain(kept)


def plain(value: Any) -> Any:
    """Return a value with tuples as lists, all the way down: what JSON gives back."""
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
    UserError : no such spec (the nearest name is suggested); not TOML; an unknown key (the
        nearest is suggested), a missing one, a value of the wrong type or one that cannot be,
        with file, table and key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = SPEC_FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            raise unknown_name("spec", str(name_or_path), spec_names())
    return spec_from_table(_table(path), str(path))


def _table(path: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the table of a TOML file, laid over that of the spec which it `extends`, if any."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected TOML, {error}") from error
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise UserError(f"{path}: extends: expected the name of a spec or file, got {base!r}")
    inner = path.parent / base if base.endswith(".toml") else SPEC_FOLDER / f"{base}.toml"
    if not inner.is_file():
        raise UserError(f"{path}: extends: {unknown_name('spec', base, spec_names())}")
    if inner in (*below, path):
        raise UserError(f"{path}: extends: '{base}' leads back to itself")
    return _laid_over(_table(inner, (*below, path)), table)


def _laid_over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return a table with the values of another put in, tables within tables key by key."""
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged


def spec_from_table(table: dict[str, Any], source: str) -> Spec:
    """Return the spec of a table as TOML gives it; `source` names it in errors."""
    try:
        return record_from_table(Spec, table, "")
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
