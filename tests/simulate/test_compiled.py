"""The cache of compiled kernels looks at the sources of every room."""

from pathlib import Path

import numpy as np
import pytest

import simulate
from simulate.compiled import MARKS, source_token
from simulate.shapes.sheets import height
from tests.simulate.entry import entry

PACKAGE = Path(simulate.__file__).parent


def test_the_token_changes_with_a_kernel_of_any_room_and_with_no_other_file(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    (room / "kernel.py").write_text("import numba\nRATE = 1.0\n")
    (room / "plain.py").write_text("RATE = 1.0\n")
    first = source_token(tmp_path)
    (room / "plain.py").write_text("RATE = 2.0\n")
    assert source_token(tmp_path) == first
    (room / "kernel.py").write_text("import numba\nRATE = 2.0\n")
    second = source_token(tmp_path)
    assert second != first
    (room / "kernel.py").rename(tmp_path / "kernel.py")
    assert source_token(tmp_path) not in (first, second)


def test_kernels_are_in_rooms_where_the_token_looks():
    marked = [p for p in PACKAGE.rglob("*.py") if any(m in p.read_bytes() for m in MARKS)]
    assert {"iq", "tissue", "vessels", "reflectors"} <= {p.parent.name for p in marked}


def test_what_is_compiled_for_kernels_alone_is_refused_in_python_and_called_by_kernels():
    with pytest.raises(TypeError, match="height: compiled for calls from other kernels only"):
        height(np.zeros((1, 4)), 0.0, 0.0)
    assert entry(height)(np.array([[1.5, 0.0, 0.0, 0.0]]), 0.0, 0.0) == pytest.approx(0.0, abs=2.0)
