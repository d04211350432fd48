"""Whole files: JSON of one form per value, and writers that leave no half file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.files import atomic_path, canonical_json, read_json, sha256_of_text, write_json

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
