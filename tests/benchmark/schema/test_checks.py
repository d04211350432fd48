"""Schemas: each kind takes what it names, each fault has its key, and faults keep no secrets."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.schema.checks import (
    NAME,
    NUMBER,
    NUMBER_OR_NULL,
    POSITION,
    SCALAR,
    WHOLE,
    Keys,
    ListOf,
    MapOf,
    faults,
    number_from,
    one_of,
    shown,
    whole_from,
)
from benchmark.schema.plain import DEEPEST, plain_fault

TAKEN = [
    (NAME, ["x", " é "], ["", "  ", None, 1, ["x"]]),
    (WHOLE, [0, -3, 2**62], [True, 1.0, "1", None, 2**63, math.nan]),
    (whole_from(1), [1, 9], [0, -1, 1.0]),
    (NUMBER, [0, 1.5, -1e99], [True, math.nan, math.inf, 1e101, "1", None]),
    (NUMBER_OR_NULL, [None, 0.0], [math.nan, "null"]),
    (number_from(0), [0, 0.5], [-1e-9, math.nan]),
    (SCALAR, [1, 2.5, "x", True], [None, [], {}, math.inf]),
    (POSITION, [[0, 1.0, 2]], [[0, 1], [0, 1, 2, 3], [0, 1, None], "abc", None]),
    (one_of(("a", "b")), ["a"], ["c", ["a"], None]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), TAKEN, ids=lambda v: getattr(v, "wording", ""))
def test_a_kind_takes_what_it_names_and_nothing_else(kind, good, bad):
    assert [line for value in good for line in faults(value, kind)] == []
    for value in bad:
        assert list(faults(value, kind, "key")) == [
            f"key: expected {kind.wording}, got {shown(value)}"
        ]


SCHEMA = Keys(
    {"name": NAME, "rows": ListOf(Keys({"x": WHOLE}))}, {"by": MapOf(NUMBER), "more": NAME}
)


def test_faults_name_the_place_of_each_value():
    assert list(faults({"name": "a", "rows": [], "by": None, "unknown": 1}, SCHEMA)) == []
    assert list(faults([], SCHEMA)) == ["expected an object, got []"]
    found = {"rows": [{"x": 1}, {}, {"x": "1"}, 7], "by": {"one": 1, "two": "2"}, "more": 3}
    assert list(faults(found, SCHEMA)) == [
        "key 'name' is missing",
        "key 'rows[1].x' is missing",
        "rows[2].x: expected a whole number, got '1'",
        "rows[3]: expected an object, got 7",
        "by.two: expected a number of at most 1e100, got '2'",
        "more: expected a name, got 3",
    ]


@given(st.text() | st.lists(st.integers() | st.text()) | st.dictionaries(st.text(), st.text()))
@settings(max_examples=60, deadline=None)
def test_what_is_shown_is_one_short_line(value):
    text = shown(value)
    assert len(text) < 400 and len(text.splitlines()) <= 1


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.text(max_size=3)
        | st.integers()
        | st.floats()
        | st.just("\udc80"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=2) | st.just("\ud800"), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
@settings(max_examples=100, deadline=None)
def test_plain_values_are_those_that_json_can_hold_in_utf_8(value):
    """Against Python's own writer, and whole numbers of 64 bits."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:  # NaN, or half a character
        assert plain_fault(value)
        return
    large = any(abs(int(n)) >= 2**63 for n in integers(value))
    assert bool(plain_fault(value)) == large and json.loads(text) == value


def integers(value):
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [number for item in items for number in integers(item)]
    return [value] if type(value) is int else []


def test_depth_is_counted_in_lists_and_objects():
    value = 1
    for _ in range(DEEPEST):
        value = [value]
    assert plain_fault({"x": value[0]}) is None
    assert plain_fault(value) is None
    assert plain_fault([value]).startswith("[0][0]")
    assert "expected at most 32 levels" in plain_fault([value])
