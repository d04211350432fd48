"""Withheld test splits: drawn from private entropy, with the answers in a folder apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import sha256_of_text

LEAST_DIGITS = 32  # hexadecimal: 128 bits, so that its hash may be published

# Factors that neither depend on the poses nor help to draw them again.
PUBLIC_FACTORS = ("spec", "subject", "profile", "orientation", "factor", "severity", "level")


@dataclass(frozen=True)
class Withheld:
    """The entropy from which the test split is drawn, and the folder of its answers."""

    entropy: int
    answers: str

    @property
    def commitment(self) -> dict[str, str]:
        """The part that a data set makes public: the split, and the hash of the entropy."""
        return {"split": "test", "entropy_sha256": sha256_of_text(f"{self.entropy:x}")}


def read_entropy(path: Path | str) -> int:
    """Return the number in an entropy file: at least 32 hexadecimal digits.

    Raises
    ------
    UserError : no such file, not hexadecimal digits, or too few of them.
    """
    advice = 'python -c "import secrets; print(secrets.token_hex(32))" makes one'
    try:
        text = Path(path).read_text(encoding="ascii").strip().lower()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such entropy file; {advice}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a text of hexadecimal digits; {advice}") from error
    if not text or set(text) - set("0123456789abcdef"):
        raise UserError(f"{path}: expected hexadecimal digits only; {advice}")
    if len(text.lstrip("0")) < LEAST_DIGITS:
        raise UserError(
            f"{path}: expected at least {LEAST_DIGITS} hexadecimal digits, got "
            f"{len(text.lstrip('0'))}; {advice}"
        )
    return int(text, 16)


def public_factors(factors: dict[str, Any]) -> dict[str, Any]:
    """Return the factors of a sweep that tell nothing about its poses."""
    return {key: factors[key] for key in PUBLIC_FACTORS if key in factors}
