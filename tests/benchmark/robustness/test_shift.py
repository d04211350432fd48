"""The ratio of errors on a test set and on its twin."""

import csv
import io

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.robustness.generalisation import generalisation_table
from benchmark.robustness.generalisation_tables import generalisation_markdown, shift_csv
from benchmark.robustness.shift import parse_shift, shift_ratios
from tests.benchmark.shared.synthetic_results import result, write_results

DRIFT = "fdr_path_centre"
NAMES = {
    "small-v2": "a" * 64,
    "forearm-v2": "f" * 64,
    "carotid-v2": "c" * 64,
    "varied-v2": "d" * 64,
}


def on(tracker, tested, factor, taught=None, lost=0):
    """Return a result of a tracker whose errors are `factor` times those on any other set."""
    content = result(tracker, rate=10.0, lost=lost, sweeps=6)
    for sweep in content["sweeps"]:
        sweep["metrics"] = {name: factor * sweep["metrics"][name] for name in (DRIFT, "lpe")}
    content["dataset"] = {"name": tested, "hash": NAMES[tested], "split": "test"}
    content["trained_on"] = taught and {"name": taught, "hash": NAMES[taught]}
    return content


@pytest.fixture
def cells(tmp_path):
    field = [
        on("net", "small-v2", 1.0, "small-v2"),
        on("net", "forearm-v2", 4.0, "small-v2"),
        on("net", "carotid-v2", 7.0, "small-v2"),
        on("still", "small-v2", 1.0),
        on("still", "forearm-v2", 1.5),
        on("still", "carotid-v2", 3.0, lost=1),
        on("half", "small-v2", 1.0, "small-v2"),
        on("half", "forearm-v2", 2.0, "small-v2"),
    ]
    return generalisation_table(write_results(tmp_path, field))


def table(ratios, metric=DRIFT):
    return {(r.tracker, r.tested_on): r.ratio for r in ratios if r.metric == metric}


def test_the_twin_is_the_set_that_the_tracker_was_trained_on(cells):
    for metric in (DRIFT, "lpe"):
        found = table(shift_ratios(cells), metric)
        assert found[("net", "forearm-v2")] == pytest.approx(4)
        assert found[("net", "carotid-v2")] == pytest.approx(7)
        assert found[("net", "mean")] == pytest.approx(5.5)
        assert not [who for who, _ in found if who == "still"]  # has learned nothing: no twin


def test_a_tracker_that_lacks_a_set_has_no_mean(cells):
    found = table(shift_ratios(cells))
    assert found[("half", "forearm-v2")] == pytest.approx(2)
    assert found[("half", "carotid-v2")] is None and found[("half", "mean")] is None


def test_named_shifts_are_those_of_every_tracker_and_need_all_sweeps(cells):
    named = [("forearm-v2", "small-v2"), ("carotid-v2", "forearm-v2")]
    found = table(shift_ratios(cells, named))
    assert found[("net", "mean")] == pytest.approx(np.mean([4, 7 / 4]))
    assert found[("still", "forearm-v2")] == pytest.approx(1.5)
    assert found[("still", "carotid-v2")] is None and found[("still", "mean")] is None


def test_a_shift_may_be_of_two_parts_of_one_set(tmp_path):
    away = on("net", "varied-v2", 6.0, "varied-v2")
    for number, sweep in enumerate(away["sweeps"]):
        is_twin = number % 2
        sweep["factors"] = {"factor": "new-probe" if is_twin else "none", "severity": is_twin}
        sweep["metrics"][DRIFT] = 6.0 if is_twin else 2.0
    cells = generalisation_table(write_results(tmp_path, [away]), by="factor")
    found = table(shift_ratios(cells, [("varied-v2/new-probe", "varied-v2/none")]))
    assert found[("net", "varied-v2/new-probe")] == found[("net", "mean")] == pytest.approx(3.0)
    assert not table(shift_ratios(cells))
    with pytest.raises(UserError, match=r"got 'varied-v2/no'; a part of one needs --by"):
        shift_ratios(cells, [("varied-v2/no", "varied-v2/none")])


@pytest.mark.parametrize("text", ["forearm-v2", "=small-v2", "a=", "a=b=c"])
def test_a_shift_is_written_as_test_set_and_twin(text):
    assert parse_shift("forearm-v2=small-v2") == ("forearm-v2", "small-v2")
    with pytest.raises(UserError, match="--shifts: expected TEST_SET=TWIN"):
        parse_shift(text)


def test_a_shift_of_a_set_without_results_is_refused(cells):
    with pytest.raises(UserError, match=r"carotid-v2, forearm-v2, small-v2\), got 'forearm'"):
        shift_ratios(cells, [("forearm", "small-v2")])


def test_csv_and_table_say_them(cells):
    ratios = shift_ratios(cells)
    lines = list(csv.DictReader(io.StringIO(shift_csv(ratios))))
    assert len(lines) == len(ratios) == 2 * 2 * 3  # metrics, trackers, two shifts and the mean
    text = generalisation_markdown(cells, ratios)
    assert "| tracker | trained on | carotid-v2 / small-v2 | forearm-v2 / small-v2 | mean |" in text
    assert "| net | small-v2 | 7.00 | 4.00 | 5.50 |" in text
    assert "| half | small-v2 | – | 2.00 | – |" in text
    assert "shift ratio" not in generalisation_markdown(cells)
