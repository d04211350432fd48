"""Whole files: JSON of one form per value, and writers that leave no half file."""

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.files import (
    atomic_path,
    canonical_json,
    ensure_space,
    in_bytes,
    lack_of_space,
    read_json,
    sha256_of_text,
    write_json,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)  # fmt: skip


@given(values)
@settings(max_examples=60, deadline=None)
def test_canonical_json_is_one_text_per_value(value):
    text = canonical_json(value)
    assert json.loads(text) == value and canonical_json(json.loads(text)) == text
    assert len(sha256_of_text(text)) == 64


def test_canonical_json_ignores_the_order_of_keys_and_refuses_nan():
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_a_failed_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": np.nan})
    assert read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_has_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        write_json(tmp_path / "file" / "x.json", {})


def test_what_cannot_be_read_as_json_has_one_line(tmp_path):
    path = tmp_path / "x.json"
    kinds = {
        b"": "expected JSON",
        b"\xff\xfe": "expected JSON in UTF-8",
        b"[" * 10_000: "nested too deeply",
        b"9" * 5000: "expected JSON",
    }
    for data, line in kinds.items():
        path.write_bytes(data)
        with pytest.raises(UserError, match=line) as error:
            read_json(path)
        assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    with pytest.raises(UserError, match="cannot be read"):
        read_json(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf[1]")  # a byte order mark, as some editors put it
    assert read_json(path) == [1]


def test_a_file_system_that_refuses_modes_takes_files(tmp_path, monkeypatch):
    """As CIFS and the drives of Windows do."""

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    write_json(tmp_path / "x.json", {"a": 1})
    assert read_json(tmp_path / "x.json") == {"a": 1} and len(list(tmp_path.iterdir())) == 1


FULL = "No space left on device"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, FULL),
        OSError(f"can't write data (errno = {errno.ENOSPC}, error message = '{FULL}')"),  # HDF5
        RuntimeError(f"Error while serializing: I/O error: {FULL} (os error {errno.ENOSPC})"),
    ],
)
def test_a_full_disk_is_one_line_whoever_meets_it(tmp_path, error):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with (
        pytest.raises(UserError, match=rf"x.json: cannot be written \({FULL}\); make room") as told,
        atomic_path(path) as temporary,
    ):
        temporary.write_text("half")
        raise ValueError("closing failed") from error
    assert "\n" not in str(told.value)
    assert read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), ValueError("os error 5")]
)
def test_other_errors_are_no_full_disk(tmp_path, error):
    assert lack_of_space(error) == ""
    with pytest.raises(type(error)), atomic_path(tmp_path / "x"):
        raise error


def test_space_is_asked_for_and_told_in_fitting_units(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(
        UserError, match=r"x.h5: cannot be written \(.*quota.*; 61.4 kB are needed\)"
    ):
        ensure_space(tmp_path / "x.h5", 61_440)
    assert list(tmp_path.iterdir()) == []
    assert [in_bytes(n) for n in (12, 1e3, 2.345e7, 1.76e9)] == [
        "12 bytes", "1 kB", "23.4 MB", "1.76 GB",
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["missing", "not supported"])
def test_where_space_cannot_be_reserved_the_free_space_counts(tmp_path, monkeypatch, way):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if way == "missing":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    ensure_space(tmp_path / "x", 1000)
    with pytest.raises(UserError, match="1 kB are needed"):
        ensure_space(tmp_path / "x", 1001)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are those of POSIX")
def test_what_an_ended_process_left_goes_although_nobody_asked_about_its_end(tmp_path):
    """Its parent has not waited for it, so the system keeps its number."""
    path, child = tmp_path / "a.json", os.fork()
    if not child:
        with atomic_path(path):
            os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # until it has ended, and leave it so
    assert len(list(tmp_path.iterdir())) == 1
    write_json(path, {})
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    os.waitpid(child, 0)


def test_what_a_process_at_work_is_writing_stays(tmp_path):
    path = tmp_path / "a.json"
    with atomic_path(path) as temporary:
        write_json(path, {})
        assert temporary.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
