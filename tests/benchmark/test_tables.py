"""Tables: what each kind of column becomes, and text that no name can break."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.tables import Markup, aligned, csv_text, inert, markdown, table

NASTY = (
    "net, two frames",
    'say "hi"',
    "a|b",
    "two\nlines",
    "*x* `y` [z](w)",
    "<b>&",
    "\\",
    "x\x1b[31m",
)


def test_columns_have_the_type_of_what_is_known_of_them() -> None:
    rows = [
        {
            "count": 1,
            "some": None,
            "size": 1.5,
            "mixed": 1,
            "name": "a",
            "flag": True,
            "none": None,
        },
        {"count": 2, "some": 3, "size": None, "mixed": 0.5, "name": None, "flag": False},
    ]
    frame = table(rows)
    types = ("int64", "Int64", "float64", "float64", "str", "object", "object")
    assert [str(kind) for kind in frame.dtypes] == list(types)
    assert frame.isna().to_numpy().tolist() == [
        [False, True, False, False, False, False, True],
        [False, False, True, False, True, False, True],
    ]
    assert [str(kind) for kind in table([{"a": np.int64(1), "b": np.float64(1)}]).dtypes] == [
        "int64", "float64",
    ]  # fmt: skip
    assert table([{"a": 2**70}])["a"].tolist() == [2**70]


def test_columns_are_kept_in_the_order_asked_for() -> None:
    rows = [{"a": 1, "b": 2}, {"c": 3}]
    assert list(table(rows)) == ["a", "b", "c"]
    assert list(table(rows, ["c", "a"])) == list(table(table(rows), ["c", "a"])) == ["c", "a"]
    assert list(table([], ["c", "a"])) == ["c", "a"] and table([]).empty


def test_csv_is_what_the_writer_of_python_makes_of_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    values = [*rng.lognormal(0, 20, 200).tolist(), 0.1, 1e22, 1e-7, 5e-324, 100.0, -0.0]
    rows = [
        {"name": NASTY[i % len(NASTY)], "value": v, "gap": v if i % 3 else None, "count": i}
        | {"some": i if i % 2 else None}
        for i, v in enumerate(values)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert csv_text(rows) == text.getvalue()
    assert csv_text([]) == "" and csv_text([], ["a", "b"]) == "a,b\n"
    assert csv_text([{"a": 1234.5678, "b": 1234}], float_format="%.4g") == "a,b\n1235,1234\n"


@pytest.mark.parametrize("name", NASTY)
def test_no_name_breaks_a_table(name: str) -> None:
    rows = [{"name": name, "value": 1.0}, {"name": "plain", "value": None}]
    (read, _) = csv.DictReader(io.StringIO(csv_text(rows)))
    assert read == {"name": name, "value": "1.0"}
    lines = markdown(rows, {"name": name, "value": "value"}).splitlines()
    assert len(lines) == 4
    assert {line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines} == {3}
    assert lines[2] == f"| {inert(name)} | 1 |"
    shown = aligned(rows, left={"name"})
    assert len(shown) == 3 and all(line.isprintable() for line in shown)


def test_an_underscore_is_escaped_where_it_could_be_markup() -> None:
    assert inert("learning_rate=0.01 2_x") == "learning_rate=0.01 2_x"
    assert inert("_x_ a__b _") == r"\_x\_ a\_\_b \_"


def test_markdown_shows_three_digits_and_nothing_where_there_is_nothing() -> None:
    rows = [
        {"a": 0.123456, "b": 1234567.8, "n": 1234567, "m": Markup("**x** [1, 2] a|b a\\|b")},
        {},
    ]
    assert markdown(rows, {"a": "A", "b": "B", "n": Markup("`n`"), "m": "M"}, right={"a"}) == (
        "| A | B | `n` | M |\n"
        "| ---: | --- | --- | --- |\n"
        "| 0.123 | 1234568 | 1234567 | **x** [1, 2] a\\|b a\\|b |\n"
        "|  |  |  |  |\n"
    )
    assert markdown([], {"a": "A"}) == "| A |\n| --- |\n"
    assert markdown(pd.DataFrame({"a": [1.0, None]})) == "| a |\n| --- |\n| 1 |\n|  |\n"


def test_aligned_text_stands_in_columns() -> None:
    rows = [{"name": "a", "n": 5, "x": 0.5}, {"name": "longer", "n": None, "x": 12.25}]
    assert aligned(rows, {"name": "", "n": "count", "x": "x"}, left={"name"}) == [
        "        count     x",
        "a           5   0.5",
        "longer         12.2",
    ]


def test_no_other_module_writes_csv_or_joins_cells() -> None:
    """tests/ is left out: there the csv module is the oracle."""
    root = Path(__file__).parents[2]
    for room in ("benchmark", "simulate", "baselines", "moglo"):
        for path in (root / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "csv.writer" not in text and "csv.DictWriter" not in text, path
            if path != root / "benchmark" / "tables.py":
                assert "to_csv(" not in text and " | '.join" not in text, path
                assert ' | ".join' not in text and "| ---" not in text, path
