"""The tables `subjects`, `showcase` and `stress` of a spec: which sweeps a data set has."""

from dataclasses import dataclass

from benchmark.addresses import short_name
from benchmark.errors import UserError, unknown_name
from simulate.spec.factors import SEVERITIES, find_factor

DESIGNS = ("rounds", "latin-square")


@dataclass(frozen=True)
class SubjectSettings:
    """How many subjects each split has, and how many sweeps each subject; the `subjects` table.

    Parameters
    ----------
    train, val, test
        Subjects of each split.
    sweeps
        Sweeps of each subject.
    design
        How profiles and orientations are spread over sweeps, "rounds" or "latin-square"; see
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
    """Which sweeps have photoacoustic frames, the first of a split; the `showcase` table of a spec.

    Parameters
    ----------
    sweeps
        How many sweeps of the test split.
    frames
        Largest number of photoacoustic frames in a sweep, spread evenly over it.
    split
        "test", or "all" for the same share of the other splits too.
    control_frames
        How many frames of the first showcase sweep k-Wave makes a second time; the data set's card
        gives the difference.
    doppler
        Whether these sweeps have Doppler frames too.
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
    """What is made worse, one factor at a time, in the test split; the `stress` table of a spec.

    Every test sweep is made once without stress and once per factor and severity: of the same
    subject, by the same hand on the same path.

    Parameters
    ----------
    factors
        Names of `simulate.spec.factors`, or addresses "module:function" of functions
        (spec, severity) -> spec. Sweeps are named by a factor's short name, so no two factors may
        share one.
    severities
        Some of 1 to 5.
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
