"""Laws by which a value of a spec is drawn, each a function of one uniform random number.

In TOML a law is `[low, high]` or a table:

=================================================  ================================================
`[8, 40]`, `{low = 8, high = 40}`                  uniform
`{low = 8, high = 40, log = true}`                 uniform in the logarithm
`{mean = 20, sd = 6, low = 8, high = 40}`          normal between bounds
`{median = 20, log_sd = 0.4, low = 8, high = 40}`  lognormal between bounds
`{choice = ["layered", "forearm"]}`                one of these; what stands twice comes twice as
                                                   often
`20`                                               always this
=================================================  ================================================
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, TypeAlias

from benchmark.errors import UserError

DIGITS = 6  # significant ones of a drawn number
LEAST_SHARE = 1e-3  # of a normal law that must lie between its bounds

Scalar = (str, bool, int, float)
FORMS = (
    "[low, high], {low, high, log}, {mean, sd, low, high}, {median, log_sd, low, high}, {choice}"
)
KEYS_OF = {
    "uniform": ("low", "high"),
    "normal": ("mean", "sd", "low", "high"),
    "lognormal": ("median", "log_sd", "low", "high"),
}
#: The keys that make a table of TOML a law; no table of a spec has one of this name.
WORDS = frozenset(("low", "high", "log", "mean", "sd", "median", "log_sd", "choice"))


@dataclass(frozen=True)
class Uniform:
    """Numbers from low to high, evenly or (`log`) evenly in their logarithm."""

    low: float
    high: float
    log: bool = False

    def at(self, share: float) -> float:
        """Return the number below which the share (0 to 1) of all lies."""
        if self.log:
            return self.low * math.exp(share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    def to_table(self) -> dict[str, Any]:
        """Return the law as a table of TOML."""
        log = {"log": True} if self.log else {}
        return {"low": self.low, "high": self.high} | log

    def words(self) -> str:
        """Return the law in words."""
        return f"{self.low:g} to {self.high:g}" + (", even in the logarithm" if self.log else "")


@dataclass(frozen=True)
class Normal:
    """Numbers about a middle, normal or (`log`) normal in their logarithm, from low to high.

    middle: mean, or median of the numbers with `log`; spread: standard deviation of the numbers, or
    of their natural logarithm with `log`. Both are those of the law without bounds.
    """

    middle: float
    spread: float
    low: float
    high: float
    log: bool = False

    def _shares(self) -> tuple[NormalDist, float, float]:
        """Return the law of the numbers or their logarithms, and its shares below both bounds."""
        scale = math.log if self.log else float
        law = NormalDist(scale(self.middle), self.spread)
        return law, law.cdf(scale(self.low)), law.cdf(scale(self.high))

    @property
    def held(self) -> float:
        """The share of the law without bounds that lies between them."""
        _, below, above = self._shares()
        return above - below

    def at(self, share: float) -> float:
        """Return the number below which the share (0 to 1) of all lies."""
        law, below, above = self._shares()
        inner = min(max(below + share * (above - below), 1e-16), 1.0 - 1e-16)
        found = law.inv_cdf(inner)
        return min(max(math.exp(found) if self.log else found, self.low), self.high)

    def to_table(self) -> dict[str, Any]:
        """Return the law as a table of TOML."""
        names = ("median", "log_sd") if self.log else ("mean", "sd")
        return dict(zip((*names, "low", "high"), (self.middle, self.spread, self.low, self.high),
                        strict=True))  # fmt: skip

    def words(self) -> str:
        """Return the law in words."""
        middle = "median {:g}, log sd {:g}" if self.log else "mean {:g}, sd {:g}"
        return f"{middle.format(self.middle, self.spread)}, {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of some values, each as often as it stands there; lists are tuples."""

    options: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """Return the value below which the share (0 to 1) of all lies, in their order."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def to_table(self) -> dict[str, Any]:
        """Return the law as a table of TOML."""
        return {"choice": [listed(value) for value in self.options]}

    def words(self) -> str:
        """Return the law in words."""
        return " or ".join(str(listed(value)) for value in dict.fromkeys(self.options))


Law: TypeAlias = Uniform | Normal | Choice


def to_toml(law: Law) -> Any:
    """Return a law as it is written in TOML, in its shortest form."""
    if isinstance(law, Uniform) and not law.log:
        return [law.low, law.high]
    if isinstance(law, Choice) and len(law.options) == 1 and isinstance(law.options[0], Scalar):
        return law.options[0]
    return law.to_table()


def drawn(law: Law, share: float, whole: bool) -> Any:
    """Return the value of a law at a uniform random number in [0, 1).

    Numbers have `DIGITS` significant digits, so that those of two machines are the same. whole:
    each whole number from low to high has its own share of the law.
    """
    if isinstance(law, Choice):
        return law.at(share)
    if whole:
        number: float = round(replace(law, low=law.low - 0.5, high=law.high + 0.5).at(share))
    else:
        number = float(f"{law.at(share):.{DIGITS}g}")
    bounded = min(max(number, law.low), law.high)
    return int(bounded) if whole else float(bounded)


def is_law(value: Any) -> bool:
    """Return whether a value of a TOML file is a law, not a table of keys."""
    return not isinstance(value, dict) or bool(WORDS & set(value))


def law_from_toml(value: Any, where: str) -> Law:
    """Return a law as TOML gives it; `where` is its dotted name.

    Raises
    ------
    UserError : none of the forms above; not numbers; an empty choice; low above high; bounds that
        a logarithm has not or that hold less than `LEAST_SHARE` of a normal law.
    """
    if isinstance(value, Scalar):
        return Choice((_tidy(value),))
    if isinstance(value, list):
        if len(value) != 2:
            raise UserError(
                f"{where}: expected [low, high], got {value!r}; one of some values is "
                "{choice = [...]}"
            )
        return _uniform({"low": value[0], "high": value[1]}, where)
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected {FORMS}, got {value!r}")
    if "choice" in value:
        return _choice(value, where)
    if set(value) & {"mean", "sd"}:
        return _normal(value, "normal", where)
    if set(value) & {"median", "log_sd"}:
        return _normal(value, "lognormal", where)
    return _uniform(value, where)


def _choice(value: Mapping[str, Any], where: str) -> Choice:
    _refuse_keys(value, ("choice",), (), where)
    options = value["choice"]
    if not isinstance(options, list) or not options:
        raise UserError(f"{where}.choice: expected a list of values, got {options!r}")
    for option in options:
        if not isinstance(option, (*Scalar, list)):
            raise UserError(
                f"{where}.choice: expected numbers, texts or lists, got {option!r}; tables go by "
                "the names of vary.named"
            )
    return Choice(tuple(_frozen(option) for option in options))


def _uniform(value: Mapping[str, Any], where: str) -> Uniform:
    _refuse_keys(value, KEYS_OF["uniform"], ("log",), where)
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise UserError(f"{where}.log: expected true or false, got {log!r}")
    low, high = _bounds(value, log, where)
    return Uniform(low, high, log)


def _normal(value: Mapping[str, Any], kind: str, where: str) -> Normal:
    _refuse_keys(value, KEYS_OF[kind], (), where)
    log = kind == "lognormal"
    middle, spread = (_number(value, key, where) for key in KEYS_OF[kind][:2])
    low, high = _bounds(value, log, where)
    if log and middle <= 0:
        raise UserError(f"{where}.median: expected more than 0, got {middle:g}")
    if spread <= 0:
        raise UserError(f"{where}.{KEYS_OF[kind][1]}: expected more than 0, got {spread:g}")
    law = Normal(middle, spread, low, high, log)
    if law.held < LEAST_SHARE:
        raise UserError(
            f"{where}: expected bounds that hold at least {LEAST_SHARE:.1%} of the values, got "
            f"{law.words()}"
        )
    return law


def _bounds(value: Mapping[str, Any], log: bool, where: str) -> tuple[float, float]:
    low, high = (_number(value, key, where) for key in ("low", "high"))
    if low >= high:
        raise UserError(
            f"{where}: expected low below high, got {low:g} and {high:g}; a value that is always "
            "the same stands alone"
        )
    if log and low <= 0:
        raise UserError(f"{where}.low: expected more than 0 for a logarithm, got {low:g}")
    return low, high


def _number(value: Mapping[str, Any], key: str, where: str) -> float:
    number = value[key]
    right = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not right or not math.isfinite(number):
        raise UserError(f"{where}.{key}: expected a finite number, got {number!r}")
    return _tidy(number)


def _refuse_keys(
    value: Mapping[str, Any], needed: Collection[str], others: Collection[str], where: str
) -> None:
    missing = [key for key in needed if key not in value]
    unknown = [key for key in value if key not in needed and key not in others]
    if missing or unknown:
        raise UserError(f"{where}: expected {FORMS}, got the keys {', '.join(value)}")


def _tidy(value: Any) -> Any:
    """Return a value with whole numbers as integers, so that 8 and 8.0 are one spec."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else _tidy(value)


def listed(value: Any) -> Any:
    """Return a value with its tuples as lists, as TOML gives it."""
    return [listed(item) for item in value] if isinstance(value, tuple) else value
