"""The whole of a data set as one frozen record: TOML -> spec -> canonical JSON -> SHA-256."""

import dataclasses
import difflib
import math
import re
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, unknown_name
from benchmark.files import canonical_json, sha256_of_text
from simulate import GENERATOR_VERSION
from simulate.acquisition import AcquisitionSettings
from simulate.bmode_settings import BmodeSettings
from simulate.motion import MotionSettings
from simulate.phantom import TissueSettings
from simulate.photoacoustic_plan import PhotoacousticSettings, plan_grid
from simulate.transducer import Probe

SPEC_FOLDER = Path(__file__).parent / "specs"


@dataclass(frozen=True)
class SubjectSettings:
    """How many subjects each split has, and how many sweeps each subject; the `subjects` table."""

    train: int = 1
    val: int = 1
    test: int = 1
    sweeps: int = 1

    def __post_init__(self) -> None:
        for key in ("train", "val", "test"):
            if getattr(self, key) < 0:
                raise UserError(f"subjects.{key}: expected at least 0, got {getattr(self, key)}")
        if self.sweeps < 1:
            raise UserError(f"subjects.sweeps: expected at least 1, got {self.sweeps}")
        if self.train + self.val + self.test == 0:
            raise UserError("subjects: expected at least one in some split, got none")


@dataclass(frozen=True)
class ShowcaseSettings:
    """Which sweeps have photoacoustic frames: the first of the test split; the `showcase` table.

    sweeps: how many; frames: at most so many photoacoustic frames in each, spread over it.
    """

    sweeps: int = 0
    frames: int = 24

    def __post_init__(self) -> None:
        if self.sweeps < 0:
            raise UserError(f"showcase.sweeps: expected at least 0, got {self.sweeps}")
        if self.frames < 1:
            raise UserError(f"showcase.frames: expected at least 1, got {self.frames}")


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
        self._refuse_a_path_beyond_the_tissue()
        if self.showcase.sweeps:
            plan_grid(self.probe, self.photoacoustic)  # refuses grids that cannot work

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
        if self.probe.width_mm >= self.tissue.limb_radius_mm[0]:
            raise UserError(
                "probe.width_mm: expected less than the limb's radius, tissue.limb_radius_mm from "
                f"{self.tissue.limb_radius_mm[0]:g} mm, got {self.probe.width_mm:g}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return every field, defaults included, as plain JSON values."""
        return plain(dataclasses.asdict(self))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the spec and the generator's version."""
        return sha256_of_text(
            canonical_json({"generator": GENERATOR_VERSION, "spec": self.to_dict()})
        )


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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected TOML, {error}") from error
    return spec_from_table(table, str(path))


def spec_from_table(table: dict[str, Any], source: str) -> Spec:
    """Return the spec of a table as TOML gives it; `source` names it in errors."""
    try:
        return _record(Spec, table, "")
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def _record(kind: type, table: Any, where: str) -> Any:
    """Return the dataclass `kind` of a table; `where` is its dotted name."""
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table, got {table!r}")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(f"{prefix}{key}: unknown key{hint} (known: {', '.join(known)})")
    for key, item in known.items():
        needed = item.default is item.default_factory is dataclasses.MISSING
        if needed and key not in table:
            raise UserError(f"{prefix}{key}: expected {_describe(hints[key])}, got nothing")
    values = {key: _value(hints[key], value, prefix + key) for key, value in table.items()}
    return kind(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    """Return a TOML value as `kind`, or say what was expected."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type, kind), value, where)
    if origin in (typing.Union, types.UnionType):  # only `X | None`; TOML has no null
        return _value(next(a for a in arguments if a is not type(None)), value, where)
    wrong = UserError(f"{where}: expected {_describe(kind)}, got {value!r}")
    if origin is typing.Literal:
        if value not in arguments:
            raise wrong
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise wrong
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(value) != len(arguments):
            raise wrong
        parts = zip(arguments, value, strict=True)
        return tuple(_value(a, v, f"{where}[{n}]") for n, (a, v) in enumerate(parts))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise wrong
    if kind is float and not math.isfinite(value):
        raise UserError(f"{where}: expected a finite number, got {value!r}")
    return value


def _describe(kind: Any) -> str:
    """Return what a type is called in an error."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return "a table"
    if origin in (typing.Union, types.UnionType):
        return _describe(next(a for a in arguments if a is not type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(a) for a in arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"a list, each {_describe(arguments[0])}"
        return f"a list of {len(arguments)}, each {_describe(arguments[0])}"
    names = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
    return names[kind]
