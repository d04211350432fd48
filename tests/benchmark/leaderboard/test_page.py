"""The page: safe against hostile names, complete without a network, usable in a browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from benchmark.errors import UserError
from benchmark.figures import plot
from benchmark.figures.turning import turnable
from benchmark.leaderboard import build_leaderboard, page
from benchmark.leaderboard.board import read_leaderboard
from benchmark.leaderboard.page import embedded_json, page_data
from benchmark.leaderboard.page_figures import page_figures
from benchmark.scoring import statistics
from benchmark.scoring.statistics import summarise
from tests.benchmark.leaderboard.conftest import Site
from tests.benchmark.shared import synthetic_results
from tests.benchmark.shared.synthetic_results import (
    challenge_results,
    result,
    stress_field,
    write_figures,
    write_results,
)

HEADLINE = "fdr_path_centre"
EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
EVIL_NAME = "<script>window.hacked = 1</script> \"q\" 'a' & 100% #/x"


# ---- without a browser ------------------------------------------------------------------------


def test_lines_of_a_large_board_are_thinned_between_their_ends(tmp_path, monkeypatch) -> None:
    board = read_leaderboard(write_results(tmp_path, synthetic_results.field()))
    whole = page_data(board)
    monkeypatch.setattr(page, "ALL_POINTS", 0)
    thin = page_data(board)
    path = whole["sweeps"][0]["path"]
    fewer = thin["sweeps"][0]["path"]
    assert len(path) == 60 and len(fewer) == page.FEWEST_POINTS
    assert fewer[0] == path[0] and fewer[-1] == path[-1] and set(fewer) <= set(path)
    for one, other in zip(whole["rows"], thin["rows"], strict=True):
        expected = np.interp(fewer, path, one["drifts"][0])
        np.testing.assert_allclose(other["drifts"][0], expected, atol=2e-3)
        assert len(other["predicted"][0]) == page.FEWEST_POINTS
        assert other["predicted"][0][-1] == one["predicted"][0][-1]


@pytest.mark.parametrize("text", [EVIL, EVIL_NAME, "<!--", "]]>", "\u2028\u2029", "é", "\x00"])
def test_embedded_json_says_the_same_and_holds_no_markup(text: str) -> None:
    embedded = embedded_json({text: [text, None, 1.5]})
    assert json.loads(embedded) == {text: [text, None, 1.5]}
    assert not set(embedded) & set("<>&\u2028\u2029")


def test_the_page_is_one_file_with_plotly_once_and_no_address_to_fetch(tmp_path: Path) -> None:
    build_leaderboard(write_results(tmp_path, [result(EVIL_NAME)]), tmp_path)
    text = (tmp_path / "leaderboard.html").read_text()
    assert text.count("<script") - text.count('"<script') >= 3
    shell = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", shell)
    assert "@import" not in shell and "url(" not in shell
    assert text.count("plotly.js v") == 1
    assert "default-src 'none'" in shell
    assert EVIL_NAME not in text


def test_a_figure_without_its_words_is_named(tmp_path: Path) -> None:
    paths = write_results(tmp_path, [result()])
    figures = tmp_path / "figures"
    plot.save(plot.montage(np.zeros((1, 4, 4))), figures / "a", "A", "", dpi=20)
    (figures / "a.json").write_text('{"caption": "x"}')
    with pytest.raises(UserError, match=r"a\.json: key 'title' is missing"):
        build_leaderboard(paths, tmp_path, figures)
    (figures / "a.json").unlink()
    with pytest.raises(UserError, match=r"a\.json: no such file"):
        build_leaderboard(paths, tmp_path, figures)


def test_a_volume_beside_a_figure_goes_with_it(tmp_path: Path) -> None:
    plot.save(plot.montage(np.zeros((1, 4, 4))), tmp_path / "a", "A", "", dpi=20)
    assert page_figures(tmp_path)[0]["volume"] is None
    volume = {"size": [1, 1, 1], "spacing_mm": [1, 1, 1], "shown": []}
    (tmp_path / "a.volume.json").write_text(json.dumps(volume))
    assert page_figures(tmp_path)[0]["volume"] == volume
    (tmp_path / "a.volume.json").write_text('{"size": [1, 1, 1]}')
    with pytest.raises(UserError, match=r"a\.volume\.json: key 'spacing_mm' is missing"):
        page_figures(tmp_path)


def test_filters_are_offered_for_factors_that_vary_but_name_no_sweep(tmp_path: Path) -> None:
    board = build_leaderboard(write_results(tmp_path, [result()]), tmp_path)
    assert page_data(board)["factors"] == ["profile", "severity", "tissue"]


def test_a_value_that_names_each_sweep_is_no_filter(tmp_path: Path) -> None:
    content = result()
    for index, sweep in enumerate(content["sweeps"]):
        sweep["factors"] |= {"path_mm": 20 + index / 7, "half": index // 2}
    board = build_leaderboard(write_results(tmp_path, [content]), tmp_path)
    assert page_data(board)["factors"] == ["profile", "severity", "tissue", "half"]


def test_a_number_that_each_subject_has_of_its_own_is_no_filter(tmp_path: Path) -> None:
    content = result()
    subjects = sorted({sweep["subject"] for sweep in content["sweeps"]})
    for sweep in content["sweeps"]:
        own = subjects.index(sweep["subject"])
        sweep["factors"] |= {"gain": 0.5 + own, "kind": f"kind {own}"}
    board = build_leaderboard(write_results(tmp_path, [content]), tmp_path)
    assert page_data(board)["factors"] == ["profile", "severity", "tissue", "kind"]


def test_stress_curves_follow_the_one_factor_that_each_sweep_varies(tmp_path: Path) -> None:
    board = build_leaderboard(write_results(tmp_path, stress_field()), tmp_path)
    own, speed = page_data(board)["stress"]
    assert (speed["label"], own["label"]) == ("speed", "my-own")
    assert [(p["x"], p["level"]) for p in speed["points"]] == [
        (0, None), (1, 1.25), (3, 2.0), (5, 3.0),
    ]  # fmt: skip
    names = [board.sweeps[i]["name"] for i in speed["points"][2]["sweeps"]]
    assert names == [f"test-{s:03d}-speed-3" for s in range(5)]
    assert speed["points"][0] == own["points"][0]


def test_without_stress_every_number_among_the_factors_has_a_curve(tmp_path: Path) -> None:
    board = build_leaderboard(write_results(tmp_path, [result()]), tmp_path)
    (curve,) = page_data(board)["stress"]
    assert curve["label"] == "severity" and [p["x"] for p in curve["points"]] == [0.5, 1.0, 1.5]
    assert sorted(i for p in curve["points"] for i in p["sweeps"]) == list(range(24))


# ---- what the page reckons, by node -------------------------------------------------------


def reckoned(code: str, *given: Any) -> Any:
    """Return what a function of page_statistics.js or page_labels.js answers, by node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine (Debian: apt-get install nodejs)")
    folder = resources.files("benchmark.leaderboard")
    script = "".join((folder / f"page_{n}.js").read_text() for n in ("statistics", "labels"))
    call = f"console.log(JSON.stringify(({code})(...{json.dumps(given)})));"
    done = subprocess.run([node, "-"], input=script + call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def scores(seed: int, trainings: int) -> list[list[float | None]]:
    """Return skewed scores of 30 sweeps by training, one of them missing."""
    rng = np.random.default_rng(seed)
    hard = np.random.default_rng(0).lognormal(1, 0.6, 30)
    table = hard * rng.lognormal(0, 0.2, (trainings, 30)) * rng.lognormal(0, 0.1, (trainings, 1))
    return [[None if i == seed else x for i, x in enumerate(line)] for line in table.tolist()]


def test_the_page_has_the_intervals_of_python() -> None:
    subjects = [f"p{index // 4}" for index in range(30)]  # the last one has two sweeps
    tables = [scores(seed, trainings) for seed, trainings in enumerate((1, 2, 3))]
    there = reckoned("(tables, s) => tables.map((t) => summarise(t, s))", tables, subjects)
    for table, found in zip(tables, there, strict=True):
        for key, value in summarise(np.array(table, float), subjects).items():
            assert found[key] == pytest.approx(value, rel=1e-9)
    few = reckoned("(t, s) => summarise(t, s)", [[1.0, 2, 3, 4]], list("abcd"))
    assert few["mean"] == 2.5 and few["low"] is None and few["p"] is None
    code = "() => [LEVEL, FEWEST_SUBJECTS]"
    assert reckoned(code) == [statistics.LEVEL, statistics.FEWEST_SUBJECTS]


def test_the_page_has_the_pairs_and_ranks_of_python(tmp_path: Path) -> None:
    sensed = {**result("sensed", rate=11.0), "track": "image+imu"}
    paths = write_results(tmp_path, [*synthetic_results.field(seeds=2), sensed])
    board = read_leaderboard(paths)
    rows = [
        {"label": row["label"], "track": row["track"], "table": row["tables"][HEADLINE]}
        for row in page_data(board)["rows"]
    ]
    there = reckoned("(rows, s) => pairedDifferences(rows, s)", rows, board.subjects)
    for one, others in board.paired.items():
        for other, here in others.items():
            known = {key: value for key, value in here.items() if value is not None}
            found = {key: value for key, value in there[one][other].items() if value is not None}
            assert found == pytest.approx(known, rel=1e-5, abs=1e-7)
    able = [row for row in board.rows if row.rank is not None]
    rivals = [
        [there[row.label][o.label] for o in able if o is not row and o.track == row.track]
        for row in able
    ]
    ranks = reckoned("(all) => all.map((differences) => rankRange(differences, 1))", rivals)
    assert [tuple(rank) for rank in ranks] == [row.rank for row in able]


def test_the_page_has_students_t_of_scipy() -> None:
    points = [
        (t, f) for t in (-3.0, 0.0, 0.1, 1.0, 4.0, 30.0) for f in (1.0, 1.37, 4.2, 47.0, 900.0)
    ]
    there = reckoned("(points) => points.map(([t, f]) => tail(t, f))", points)
    np.testing.assert_allclose(there, [stats.t.sf(*point) for point in points], rtol=1e-9)
    degrees = [1.0, 1.37, 2.0, 15.0, 900.0]
    there = reckoned("(all) => all.map(quantileOfT)", degrees)
    np.testing.assert_allclose(there, stats.t.ppf(0.975, degrees), rtol=1e-9)


def test_the_page_has_the_mean_curves_of_python() -> None:
    rng = np.random.default_rng(5)
    curves = []
    for length in (20.0, 33.0, 41.0, 52.0):
        path = np.sort(np.append(rng.random(30), [0, 1])) * length
        curves.append((path, np.abs(rng.normal(size=32)).cumsum()))
    sent = [[path.tolist(), drift.tolist()] for path, drift in curves]
    there = reckoned("(curves) => meanCurve(curves)", sent)
    np.testing.assert_allclose(there, plot.mean_curve(curves), rtol=1e-9)


def test_names_at_the_ends_of_lines_stand_apart_and_as_near_as_they_can() -> None:
    code = "(wanted, gap, low, high) => apart(wanted, gap, low, high)"
    assert reckoned(code, [10, 100, 50], 15, 0, 200) == [10, 100, 50]
    assert reckoned(code, [50, 50, 150], 20, 0, 200) == [40, 60, 150]
    assert reckoned(code, [0, 1, 2], 20, 8, 200) == [8, 28, 48]
    crowded = reckoned(code, [90.0] * 30, 15, 10, 300)
    np.testing.assert_allclose(np.diff(crowded), 10)
    rng = np.random.default_rng(3)
    wanted = rng.uniform(0, 300, 15)
    placed = np.array(reckoned(code, wanted.tolist(), 15, 0, 300))
    best = optimize.minimize(  # the nearest heights in the same order, by another solver
        lambda y: np.square(y - np.sort(wanted)).sum(),
        np.linspace(0, 300, 15),
        jac=lambda y: 2 * (y - np.sort(wanted)),
        constraints=optimize.LinearConstraint(np.diff(np.eye(15), axis=0), 15, np.inf),
        bounds=[(0, 300)] * 15,
        options={"maxiter": 500},
    )
    np.testing.assert_allclose(np.sort(placed), best.x, atol=0.01)
    assert (np.argsort(placed) == np.argsort(wanted)).all()


def test_names_of_crowded_points_lie_on_no_other() -> None:
    rng = np.random.default_rng(0)
    across, down = rng.uniform(200, 320, 14), rng.uniform(150, 230, 14)
    points = [
        {"x": x, "y": y, "low": y + 20, "high": y - 20} for x, y in zip(across, down, strict=True)
    ]
    sizes = [[float(width), 16] for width in rng.uniform(40, 130, 14)]
    places = reckoned("(p, s, f) => labelPlaces(p, s, f)", points, sizes, [560, 360])
    left, top, right, bottom = np.array([place["box"] for place in places]).T
    assert left.min() >= 0 and top.min() >= 0 and right.max() <= 560 and bottom.max() <= 360
    wide = np.minimum(right, right[:, None]) - np.maximum(left, left[:, None])
    high = np.minimum(bottom, bottom[:, None]) - np.maximum(top, top[:, None])
    shared = np.clip(wide, 0, None) * np.clip(high, 0, None)
    assert shared.sum() == pytest.approx(shared.trace())
    assert [place["away"] for place in places].count(10) > 3  # the others are led to their point


# ---- in a browser -----------------------------------------------------------------------------


def names(tab: Any) -> list[str]:
    return tab.eval_on_selector_all(".board tbody tr", "rows => rows.map(r => r.dataset.tracker)")


def headlines(tab: Any) -> dict[str, float]:
    """Return the shown headline by tracker."""
    cells = tab.eval_on_selector_all(
        ".board tbody tr",
        "rows => rows.map(r => [r.dataset.tracker, r.querySelector('td.head').firstChild.data])",
    )
    return {name: float(text.replace("\u2212", "-")) for name, text in cells}


def test_the_table_ranks_and_sorts(site: Site) -> None:
    tab = site.open()
    shown = headlines(tab)
    ranked = [name for name in names(tab) if name != "flaky-net"]
    assert ranked == sorted(ranked, key=shown.__getitem__)
    assert names(tab)[-1] == "flaky-net"  # two sweeps are missing
    assert "2 of 24 sweeps missing" in tab.inner_text("tr[data-tracker=flaky-net]")
    assert "mean-collapsed" in tab.inner_text("tr[data-tracker=lazy-net]")
    tab.click("[data-sort=name]")
    assert names(tab) == sorted(shown)
    assert tab.get_attribute("th:has([data-sort=name])", "aria-sort") == "ascending"
    tab.click("[data-sort=name]")
    assert names(tab) == sorted(shown, reverse=True)
    tab.click("[data-sort=motion_correlation]")  # higher is better, so it begins with the best
    assert names(tab)[0] == "constant-motion-oracle" and names(tab)[-1] == "identity"


def test_keys_sort_and_lines_hide_and_keep_the_focus(site: Site) -> None:
    tab = site.open()
    tab.focus("[data-sort=gpe]")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.dataset.sort") == "gpe"
    assert tab.get_attribute("th:has([data-sort=gpe])", "aria-sort") == "ascending"
    tab.keyboard.press("Enter")
    assert tab.get_attribute("th:has([data-sort=gpe])", "aria-sort") == "descending"
    lines = "document.querySelectorAll('.chart')[1].data.length"
    before = tab.evaluate(lines)
    tab.click(".legend button:has-text('identity') >> nth=0")
    assert tab.evaluate(lines) == before - 1
    assert tab.evaluate("document.activeElement.getAttribute('aria-pressed')") == "false"
    tab.click("#columns")
    assert tab.locator(".board td[data-metric]").count() == 8 * 20


def test_filters_compute_the_means_of_what_is_left(site: Site) -> None:
    tab = site.open()
    tab.select_option("#pick-profile", "fan")
    tab.select_option("#pick-tissue", "plain")
    kept = [
        sweep["metrics"][HEADLINE]
        for sweep in result("identity", "classical", 92.0, -0.25)["sweeps"]
        if sweep["factors"]["profile"] == "fan" and sweep["factors"]["tissue"] == "plain"
    ]
    assert headlines(tab)["identity"] == pytest.approx(np.mean(kept), abs=0.051)
    assert f"{len(kept)} sweeps of" in tab.inner_text(".filters .state")
    tab.select_option("#pick-tracker-class", "learned")
    assert set(names(tab)) == {"moglo", "two-frame-cnn", "flaky-net", "lazy-net"}
    tab.click("#reset")
    assert len(names(tab)) == 8 and "24 sweeps of 8 subjects" in tab.inner_text(".filters .state")


def test_what_a_spec_varies_is_folded_where_filters_are_many(tmp_path: Path, browser: Any) -> None:
    content = result()
    for index, sweep in enumerate(content["sweeps"]):
        sweep["factors"] |= {f"vary.motion.wobble_across_mm_s_{i}": index % 2 for i in range(8)}
    build_leaderboard(write_results(tmp_path, [content]), tmp_path)
    visited = Site(tmp_path, browser)
    tab = visited.open(viewport={"width": 360, "height": 800})
    assert not tab.is_visible("#pick-vary-motion-wobble_across_mm_s_3")
    tab.click("text=8 more filters")
    places = tab.eval_on_selector_all(
        ".filters .filters select",
        "all => all.map(s => s.getBoundingClientRect()).map(r => [r.left, r.right, r.top])",
    )
    assert all(one[1] < two[0] for one, two in pairwise(places) if one[2] == two[2])
    assert places[0][2] == places[1][2]
    tab.select_option("#pick-vary-motion-wobble_across_mm_s_3", "1")
    assert tab.is_visible("#pick-vary-motion-wobble_across_mm_s_3")  # a set filter is not folded
    assert visited.trouble == []
    tab.context.close()


def test_ranks_and_pairs_are_those_of_the_tables_and_go_with_the_filters(
    site: Site,
) -> None:
    tab = site.open()
    board = read_leaderboard(sorted(site.folder.glob("[0-9]*.json")))
    cells = "rows => rows.map(r => [...r.children].map(c => c.textContent))"
    shares = {line[0]: line[1:] for line in tab.eval_on_selector_all("#ranks tbody tr", cells)}
    assert set(shares) == set(board.rank_frequencies)
    for label, found in board.rank_frequencies.items():
        shown = [round(float(text or 0)) if text != "< 1" else 0 for text in shares[label]]
        assert shown == [pytest.approx(100 * share, abs=0.51) for share in found]
    assert "one training" in tab.inner_text("tr[data-tracker=lazy-net] th.name")
    assert "one training" not in tab.inner_text("tr[data-tracker=moglo] th.name")
    tinted = tab.locator("#paired td[style]").count()
    clear = [d for others in board.paired.values() for d in others.values() if d["p_holm"] < 0.05]
    assert tinted == len(clear) > 0
    tab.select_option("#pick-profile", "fan")
    tab.select_option("#pick-tissue", "plain")
    assert "too few for intervals and ranks" in tab.inner_text(".filters .state")
    assert tab.locator("#ranks").count() == 0 and tab.locator("#paired td[style]").count() == 0
    ranks = tab.eval_on_selector_all(".board td.rank", "all => all.map(e => e.textContent)")
    assert set(ranks) == {"–"}


def test_a_tracker_opens_with_its_paths_figures_and_numbers(site: Site) -> None:
    tab = site.open()
    tab.click("tr[data-tracker=moglo] a")
    tab.wait_for_selector(".chart.space canvas")
    assert tab.inner_text("h1") == "moglo"
    assert "What moglo does" in tab.inner_text("main")
    assert tab.locator(".chart.space").count() == 2
    assert "fdr_path_centre" in tab.text_content("#metrics")
    assert tab.eval_on_selector("figure img", "image => image.naturalWidth") > 100
    assert [p.inner_text() for p in tab.locator(".card p").all()] == [
        "What moglo does, in a sentence.", "And a second paragraph of its card.",
    ]  # fmt: skip
    assert tab.locator("figure").count() == 1  # the other figure belongs to the front page
    worst = tab.locator("select[aria-label*=worst] option:checked").inner_text()
    best = tab.locator("select[aria-label*=best] option:checked").inner_text()
    assert float(worst.split()[-2]) > float(best.split()[-2])
    tab.go_back()
    tab.wait_for_selector(".board")


def test_two_trackers_are_compared_sweep_by_sweep(site: Site) -> None:
    tab = site.open("#/compare/moglo/identity")
    tab.wait_for_selector("#pair-metrics")
    board = read_leaderboard(sorted(site.folder.glob("[0-9]*.json")))
    values = {row.label: row.tables[HEADLINE].mean(axis=0) for row in board.rows}
    differences = np.sort(values["moglo"] - values["identity"])
    bars = tab.evaluate("[...document.querySelector('.chart').data[0].y]")
    np.testing.assert_allclose(bars, differences, atol=1e-5)
    told = tab.inner_text("#verdict")
    assert f"moglo is better on {(differences < 0).sum()}" in told and "Beyond chance" in told
    number = board.paired["moglo"]["identity"]["mean"]
    assert f"{number:+.1f} %".replace("-", "\u2212") in told
    tab.select_option("#pick-profile", "fan")
    assert f"of {tab.locator('#pair-sweeps tbody tr').count()} sweeps" in tab.inner_text("#verdict")
    tab.click("text=Swap")
    tab.wait_for_function("location.hash === '#/compare/identity/moglo'")
    bars = tab.evaluate("[...document.querySelector('.chart').data[0].y]")
    assert 0 < len(bars) < 24 and min(bars) > 0
    tab.select_option("#pick-second", label="lazy-net")
    tab.wait_for_function("location.hash === '#/compare/identity/lazy-net'")


def test_a_scene_turns_by_the_keys_and_a_block_is_copied(site: Site) -> None:
    tab = site.open("#/tracker/moglo")
    tab.wait_for_selector(".chart.space canvas")
    eye = "document.querySelector('.chart.space').layout.scene.camera.eye"
    before = tab.evaluate(eye)
    tab.focus(".chart.space")
    tab.keyboard.press("ArrowLeft")
    after = tab.evaluate(eye)
    assert np.hypot(after["x"], after["y"]) == pytest.approx(np.hypot(before["x"], before["y"]))
    turned = np.arctan2(after["y"], after["x"]) - np.arctan2(before["y"], before["x"])
    assert turned == pytest.approx(-0.2)
    tab.click(".copyable button")
    tab.wait_for_function("document.querySelector('.copyable [role=status]').textContent !== ''")
    assert "a" * 64 in tab.inner_text(".copyable pre")
    tab.goto(tab.url.split("#")[0] + "#/about")
    tab.wait_for_selector("#glossary")
    assert "@misc{sweepbench-" in tab.inner_text(".copyable pre >> nth=0")


def test_volumes_are_drawn_when_asked_for(tmp_path: Path, browser: Any) -> None:
    write_figures(tmp_path / "figures")
    levels = np.random.default_rng(0).random((9, 7, 11))
    levels[:, :, 10] = np.nan
    volume = turnable({"true poses": levels, "moglo": levels}, np.array([0.5, 1.0, 2.0]))
    (tmp_path / "figures" / "paths.volume.json").write_text(json.dumps(volume))
    build_leaderboard(write_results(tmp_path, [result()]), tmp_path, tmp_path / "figures")
    visited = Site(tmp_path, browser)
    tab = visited.open("#/tracker/moglo")
    tab.click("text=Turn in 3D")
    tab.wait_for_selector("figure .chart.space canvas")
    assert tab.locator("figure .chart.space").count() == 2
    cuts = "document.querySelector('figure .chart.space').data"
    assert tab.evaluate(f"{cuts}[2].surfacecolor.length") == 7  # across z: y by x
    np.testing.assert_allclose(tab.evaluate(f"{cuts}[2].x[0]"), 0.5 * np.arange(9))
    assert tab.evaluate(f"{cuts}[0].z[0][10]") is None  # unseen
    tab.locator("figure input[type=range]").nth(2).fill("8")
    assert tab.evaluate(f"{cuts}[2].y[0][0]") == 16
    assert visited.trouble == []
    tab.context.close()


def test_the_other_routes_and_unknown_ones(site: Site) -> None:
    tab = site.open("#/stress")
    assert "severity" in tab.inner_text("#breaks")
    tab.click("nav a[href='#/about']")
    tab.wait_for_selector("#glossary")
    assert "a" * 64 in tab.inner_text("main")
    tab.goto(tab.url.split("#")[0] + "#/tracker/nobody%")
    tab.wait_for_function("document.querySelector('h1').textContent === 'No such tracker'")
    tab.goto(tab.url.split("#")[0] + "#/constructor")
    tab.wait_for_selector(".board")


@pytest.fixture
def stressed(tmp_path: Path, browser: Any) -> Iterator[Site]:
    build_leaderboard(write_results(tmp_path, stress_field()), tmp_path)
    visited = Site(tmp_path, browser)
    yield visited
    for context in browser.contexts:
        context.close()
    assert visited.trouble == []


def test_the_stress_section_draws_each_factor_and_says_where_trackers_break(stressed: Site) -> None:
    tab = stressed.open("#/stress")
    tab.wait_for_selector("#breaks")
    assert tab.eval_on_selector_all("h2", "all => all.map(e => e.textContent)") == [
        "my-own", "speed", "Where each tracker breaks",
    ]  # fmt: skip
    rows = tab.eval_on_selector_all(
        "#breaks tr", "rows => rows.map(r => [...r.children].map(c => c.textContent))"
    )
    assert rows == [
        ["factor", "holds", "breaks"], ["my-own", "never", "never"], ["speed", "never", "3 (2)"],
    ]  # fmt: skip
    charts = "document.querySelectorAll('.chart')"
    assert tab.evaluate(f"{charts}.length") == 2
    ys = tab.evaluate(f"{charts}[1].data.map(d => [...d.y])")
    assert [6, 16, 26, 61] in ys and [9, 9, 10, 11] in ys and [21, 21, 21, 31] in ys
    ticks = tab.evaluate(f"{charts}[1].layout.xaxis.ticktext")
    assert ticks == ["0", "1<br>(1.25)", "3<br>(2)", "5<br>(3)"]
    tab.select_option("#pick-error", "lpe")
    ys = tab.evaluate(f"{charts}[1].data.map(d => [...d.y])")
    assert any(np.allclose(y, [0.06, 0.16, 0.26, 0.61]) for y in ys)


def test_a_headline_of_which_more_is_better_sorts_and_ranks_downwards(
    tmp_path: Path, browser: Any
) -> None:
    paths = write_results(tmp_path, challenge_results("tusrec2025"))
    build_leaderboard(paths, tmp_path)
    tab = Site(tmp_path, browser).open()
    assert names(tab) == ["good", "middle", "bad"]
    tab.select_option("#pick-profile", "fan")
    assert names(tab) == ["good", "middle", "bad"]
    assert tab.inner_text("tr[data-tracker=good] td.rank") == "1"
    tab.context.close()


def test_a_track_can_be_looked_at_alone(tmp_path: Path, browser: Any) -> None:
    sensed = {**result("sensed", rate=2.0), "track": "image+imu"}
    oracle = result("oracle", "reference", 4.0)
    build_leaderboard(write_results(tmp_path, [result("plain"), sensed, oracle]), tmp_path)
    tab = Site(tmp_path, browser).open()
    assert "image+imu" in tab.inner_text("tr[data-tracker=sensed] th.name")
    ranks = "rows => rows.map(r => r.querySelector('td.rank').textContent)"
    assert tab.eval_on_selector_all(".board tbody tr", ranks) == ["1", "–", "1"]
    tab.select_option("#pick-track", "image+imu")
    assert names(tab) == ["sensed", "oracle"]
    tab.context.close()


def test_a_phone_in_the_dark_scrolls_the_table_not_the_page(site: Site) -> None:
    phone = {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"}
    tab = site.open(**phone)
    for route in ("compare", "tracker/moglo", "about", ""):
        tab.goto(tab.url.split("#")[0] + f"#/{route}")
        tab.wait_for_selector("h1")
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.evaluate(
        "const t = document.querySelector('.scroll'); t.scrollWidth > t.clientWidth"
    )
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    ink = "document.querySelectorAll('.chart')[0].layout.font.color"
    assert tab.evaluate(ink) == "#e8e8e5"
    tab.emulate_media(color_scheme="light")
    tab.wait_for_function(f"{ink} === '#1b1c1e'")


def test_it_prints_in_ink_on_paper(site: Site) -> None:
    tab = site.open(color_scheme="dark")
    assert tab.pdf().startswith(b"%PDF")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("document.querySelectorAll('.chart')[0].layout.font.color") == "#1b1c1e"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.fixture
def hostile(tmp_path: Path, browser: Any) -> Iterator[Site]:
    first, second = result(EVIL_NAME, lost=1), result("__proto__", rate=20.0)
    for content in (first, second):
        content["card"] = content["dataset"]["name"] = content["protocol"]["name"] = EVIL
        content["config"] = {EVIL: EVIL}
        content["environment"] = {"machine": EVIL}
        for sweep in content["sweeps"]:
            sweep["name"] += EVIL
            sweep["factors"][EVIL] = EVIL + str(int(sweep["name"][6:9]) % 2)
    first["failed"][0]["reason"] = EVIL
    first["failed"][0]["sweep"] += EVIL
    plot.save(plot.montage(np.zeros((1, 4, 4))), tmp_path / "f" / "a", EVIL, EVIL, dpi=20)
    build_leaderboard(write_results(tmp_path, [first, second]), tmp_path, tmp_path / "f")
    visited = Site(tmp_path, browser)
    yield visited
    for context in browser.contexts:
        context.close()
    assert visited.trouble == []


def is_safe(tab: Any) -> bool:
    """Return whether no text has become markup or has run."""
    intruders = "main script, main img[onerror], main img[src=x]"
    return tab.evaluate(f"!window.hacked && !document.querySelector('{intruders}')")


def test_hostile_names_are_shown_as_they_are(hostile: Site) -> None:
    tab = hostile.open()
    assert set(names(tab)) == {EVIL_NAME, "__proto__"}
    assert tab.inner_text("h1") == EVIL and tab.title() == f"{EVIL} · sweepbench"
    marks = tab.eval_on_selector_all(".chart svg text", "texts => texts.map(t => t.textContent)")
    assert EVIL_NAME in [mark.replace("\u00a0", " ") for mark in marks]
    assert is_safe(tab)
    tab.click(f".board a:has-text({json.dumps(EVIL_NAME)})")
    tab.wait_for_function("document.querySelector('.card') !== null")
    assert tab.inner_text("h1") == EVIL_NAME and tab.text_content(".card") == EVIL
    assert EVIL in tab.text_content("main ul:not(.legend)")
    assert is_safe(tab)
    for route in ("#/stress", "#/about", "#/tracker/__proto__", "#/compare/__proto__"):
        tab.goto(tab.url.split("#")[0] + route)
        tab.wait_for_timeout(100)
        assert is_safe(tab)
