"""Values of other programs' HDF5 files: compressed by filters that HDF5 lacks, checked by shape."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.stored import Refused
from benchmark.stored.hdf5 import WholeArrays, array_of, as_group, refuse_bombs

Shape = tuple[int | None, ...]


def ensure_filters(dataset: h5py.Dataset, path: Path) -> h5py.Dataset:
    """Return a dataset after seeing to it that its compression can be undone.

    Raises
    ------
    UserError : a filter that HDF5 lacks, such as Blosc, and the package hdf5plugin is not there to
        bring it.
    """
    filters = dataset.id.get_create_plist()
    for number in range(filters.get_nfilters()):
        code, _, _, name = filters.get_filter(number)
        if h5py.h5z.filter_avail(code):
            continue
        try:
            import hdf5plugin  # noqa: F401  registers its filters
        except ImportError as error:
            raise UserError(
                f"{path}: {dataset.name} is compressed by HDF5 filter {code} ({name.decode()}); "
                "install the package hdf5plugin"
            ) from error
        if not h5py.h5z.filter_avail(code):
            raise UserError(f"{path}: {dataset.name}: HDF5 filter {code} is not known")
    return dataset


def numbers(
    path: Path, group: h5py.Group, key: str, shape: Shape | None, *, finite: bool = True
) -> np.ndarray:
    """Return the numbers of a key as float64.

    shape: None for an axis of any length, or instead of a shape for any.

    Raises
    ------
    UserError : no such key, another shape, an empty one, or, if `finite`, NaN or infinity.
    """
    name = f"{group.name}/{key}".replace("//", "/")
    if key not in as_group(group):
        raise UserError(f"{path}: {name} is missing")
    ensure_filters(array_of(group, key), path)
    values = WholeArrays(group)(group, key)
    fits = shape is None or (
        values.ndim == len(shape)
        and all(n in (None, found) for n, found in zip(shape, values.shape, strict=True))
    )
    if not fits or not values.size or values.dtype.kind not in "iufb":
        wanted = (
            "" if shape is None else f" of shape {tuple('any' if n is None else n for n in shape)}"
        )
        raise UserError(
            f"{path}: {name}: expected numbers{wanted}, got {values.shape} {values.dtype}"
        )
    values = values.astype(float)
    if finite and not np.isfinite(values).all():
        raise UserError(f"{path}: {name}: holds NaN or infinite values")
    return values


def number(path: Path, group: h5py.Group, key: str) -> float:
    """Return a number above 0, or several that are the same.

    Raises
    ------
    UserError : as `numbers`, or numbers that differ or are not above 0.
    """
    values = np.unique(numbers(path, group, key, None))
    if values.size != 1 or not values[0] > 0:
        got = ", ".join(f"{value:g}" for value in values[:3])
        raise UserError(f"{path}: {key}: expected one number above 0, got {got}")
    return float(values[0])


def text(group: h5py.Group, key: str) -> str:
    """Return the text of a key, empty where it is missing."""
    if key not in as_group(group):
        return ""
    stored = group[key]
    if not isinstance(stored, h5py.Dataset) or stored.size != 1:
        raise Refused(f"{group.name}/{key}: expected one text")
    refuse_bombs(stored, ())
    value: Any = stored[()]
    return value.decode() if isinstance(value, bytes) else str(value)
