"""Streams of random numbers by name: a further name leaves the numbers of all others as they are.

A stream's seed is the data set's entropy with a key of names and numbers. A name counts by its
text, never by its place among others.
"""

from typing import cast

import numpy as np

from benchmark.files import sha256_of_text


def stream(entropy: int, *key: str | int) -> np.random.Generator:
    """Return the stream of a key, from its beginning; numbers are from 0 to 2^32 - 1."""
    words = tuple(_word(part) for part in key)
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=words))


def child(rng: np.random.Generator, name: str) -> np.random.Generator:
    """Return the stream `name` below another, from its beginning; draws nothing from `rng`."""
    parent = cast(np.random.SeedSequence, rng.bit_generator.seed_seq)
    key = (*parent.spawn_key, _word(name))
    return np.random.default_rng(np.random.SeedSequence(parent.entropy, spawn_key=key))


def _word(part: str | int) -> int:
    """Return a number as it is, of a name the first 32 bits of its SHA-256."""
    return part if isinstance(part, int) else int(sha256_of_text(part)[:8], 16)
