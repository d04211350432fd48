"""The page by keyboard, for screen readers and for eyes that need contrast: WCAG 2.2, level AA."""

import re
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmark.leaderboard import page
from benchmark.leaderboard.board import read_leaderboard
from tests.benchmark.leaderboard.conftest import Site

ASSETS = resources.files("benchmark.leaderboard")
MAIN_BOARD = Path(__file__).parents[3] / "results" / "small-v2"
ROUTES = ("#/", "#/compare", "#/tracker/moglo", "#/stress", "#/about")
SCHEMES = ("light", "dark")
#: Least contrast of text, and of what shows where a control is.
OF_TEXT, OF_CONTROLS = 4.5, 3.0
NAMED = {
    *("button", "link", "combobox", "slider", "DisclosureTriangle", "region", "navigation"),
    *("image", "img", "application", "table", "list"),
}


# ---- without a browser ------------------------------------------------------------------------


def colours(scheme: str) -> dict[str, str]:
    """Return the colours of the style sheet by name, as six hexadecimal digits."""
    style = (ASSETS / "page.css").read_text()
    light, dark = re.findall(r":root(?::not\(\.print\))?\s*\{(.*?)\}", style, re.DOTALL)[:2]
    tokens = dict(re.findall(r"--([\w-]+): #(\w{6});", light))
    if scheme == "dark":
        tokens |= dict(re.findall(r"--([\w-]+): #(\w{6});", dark))
    return tokens


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG defines it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_wcag() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.478, abs=1e-3)  # just too little


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_stand_out_from_their_ground(scheme: str) -> None:
    found = colours(scheme)
    series = [name for name in found if name.startswith("series-")]
    assert len(series) == 8
    pairs = [
        *((name, ground) for name in ("ink", "soft", "faint") for ground in ("paper", "raised")),
        *((name, "paper") for name in ("accent", "reference", *series)),
        ("warn", "warn-wash"),
    ]
    weak = {pair: contrast(*(found[name] for name in pair)) for pair in pairs}
    assert {pair: value for pair, value in weak.items() if value < OF_TEXT} == {}
    assert contrast(found["edge"], found["paper"]) >= OF_CONTROLS


def test_nothing_moves_by_itself() -> None:
    for name in ("page.css", *page.SCRIPTS):
        text = (ASSETS / name).read_text()
        assert not re.search(r"transition\s*:|animation\s*:|@keyframes|smooth|animate\(", text), (
            name
        )


def test_the_shell_has_language_landmarks_and_a_place_for_news() -> None:
    shell = (ASSETS / "page.html").read_text()
    assert '<html lang="en">' in shell
    for part in ("<header", "<nav id", "<main id", "<footer", 'role="status"', 'class="skip"'):
        assert shell.count(part) == 1, part


# ---- in a browser -----------------------------------------------------------------------------


def nodes(tab: Any) -> list[tuple[str, str]]:
    """Return role and name of all that a screen reader meets."""
    channel = tab.context.new_cdp_session(tab)
    told = channel.send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in told
        if not node["ignored"]
    ]


def visits(site: Site, **context: Any) -> Iterator[Any]:
    """Yield a tab at each route, with all that is folded unfolded."""
    tab = site.open(**context)
    for route in ROUTES:
        tab.evaluate("(route) => { history.replaceState(null, '', route); show(); }", route)
        unfold = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
        tab.evaluate(unfold)
        yield tab


def test_all_has_a_name_headings_go_down_and_tables_have_heads(site: Site) -> None:
    for tab in visits(site):
        check_names_and_heads(tab)


def check_names_and_heads(tab: Any) -> None:
    met = nodes(tab)
    assert [role for role, name in met if role in NAMED and not name.strip()] == []
    assert {"banner", "main", "contentinfo", "navigation"} <= {role for role, _ in met}
    levels = tab.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(two <= one + 1 for one, two in pairwise(levels))
    headless = "all => all.filter(t => !t.caption || !t.querySelector('thead th')).map(t => t.id)"
    assert tab.eval_on_selector_all("table", headless) == []
    unscoped = "all => all.filter(e => !['row', 'col'].includes(e.scope)).map(e => e.textContent)"
    assert tab.eval_on_selector_all("th", unscoped) == []
    unnamed_rows = "all => all.filter(r => !r.querySelector('th[scope=row]')).length"
    assert tab.eval_on_selector_all("tbody tr", unnamed_rows) == 0
    twice = "all => all.map(e => e.id).filter((id, i, ids) => ids.indexOf(id) !== i)"
    assert tab.eval_on_selector_all("[id]:not(.chart *)", twice) == []


def test_each_chart_says_where_its_numbers_are(site: Site) -> None:
    for tab in visits(site):
        check_charts(tab)


def check_charts(tab: Any) -> None:
    for label in tab.eval_on_selector_all(
        ".chart", "all => all.map(e => e.getAttribute('aria-label'))"
    ):
        if "in 3D" in label:
            assert re.search(r"ends [\d.]+ mm from the true end", label)
        elif label.endswith("the numbers are below"):
            assert tab.locator("details .numbers tbody tr").count() > 0
        elif "under Every sweep" in label:
            assert tab.locator("summary:text-is('Every sweep')").count() == 1
        else:
            assert label.endswith("in the table above") and tab.locator("table.board").count() == 1


#: The text whose contrast with what lies behind it is below a limit.
WEAK = """(limit) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
  };
  const over = (top, ground) => [0, 1, 2].map((i) => top[3] * top[i] + (1 - top[3]) * ground[i]);
  const ground = (e) => !e ? [1, 1, 1] : over(rgba(getComputedStyle(e).backgroundColor), ground(e.parentElement));
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const weak = new Set();
  for (let node; (node = walker.nextNode()); ) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest(".chart, script, noscript, .sr, option") || !e.checkVisibility()) continue;
    const back = ground(e), ink = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < limit) weak.add(`${node.data} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return [...weak];
}"""  # noqa: E501


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_stands_out_from_what_lies_behind_it(site: Site, scheme: str) -> None:
    for tab in visits(site, color_scheme=scheme):
        assert tab.evaluate(WEAK, OF_TEXT) == [], tab.url
        assert tab.evaluate(WEAK, 21.5) != []  # the measure finds text at all


#: Where the focus is: which element, whether its outline shows and it lies on the page.
FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  window.met ??= new Map();
  if (!window.met.has(e)) window.met.set(e, window.met.size);
  return [window.met.get(e), e.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
          box.width > 0 && box.height > 0 && box.right > 0];
}"""  # noqa: E501


@pytest.mark.parametrize("route", ROUTES)
def test_tab_goes_once_through_all_and_is_seen(site: Site, route: str) -> None:
    tab = site.open(route)
    stops = []
    for _ in range(400):
        tab.keyboard.press("Tab")
        stop = tab.evaluate(FOCUS)
        if stop[1] == "BODY" or (stops and stop[0] == 0):
            break
        stops.append(stop)
    assert [stop[0] for stop in stops] == list(range(len(stops)))  # no way back, no trap
    assert all(outlined and there for *_, outlined, there in stops)
    reachable = tab.locator(
        "a[href]:not([tabindex='-1']), button, select, input, summary, [tabindex='0']"
    )
    able = reachable.evaluate_all(
        "all => all.filter(e => e.checkVisibility() && (e.tagName === 'SUMMARY' ||"
        " !e.closest('details:not([open])')) && !e.closest('.chart *')).length"
    )
    assert len(stops) >= able > 5


def told(tab: Any) -> str:
    return tab.text_content("[role=status]#said")


def focused(tab: Any) -> str:
    return tab.evaluate("document.activeElement.id || document.activeElement.tagName")


def test_the_skip_link_skips_and_stays_on_its_route(site: Site) -> None:
    tab = site.open("#/tracker/moglo")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert focused(tab) == "content" and tab.url.endswith("#/tracker/moglo")
    assert tab.inner_text("h1") == "moglo"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_changes_are_told_and_the_focus_stays(site: Site) -> None:
    tab = site.open()
    tab.focus("#pick-profile")
    tab.keyboard.press("ArrowDown")
    assert focused(tab) == "pick-profile" and re.match(r"\d+ sweeps of \d+ subject", told(tab))
    tab.focus("#reset")
    tab.keyboard.press("Enter")
    assert told(tab) == "24 sweeps of 8 subjects" and focused(tab).startswith("pick-")
    tab.focus("[data-sort=gpe]")
    tab.keyboard.press("Space")
    assert told(tab) == "Sorted by global error, ascending"
    tab.focus("#columns")
    tab.keyboard.press("Enter")
    assert told(tab) == "All metrics are shown"
    fold = "summary:has-text('Drift along the path')"
    tab.focus(fold)
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".numbers", state="visible")
    tab.focus(".legend button >> nth=0")
    tab.keyboard.press("Enter")  # draws the route again
    tab.wait_for_selector(":focus[aria-pressed=false]")
    tab.wait_for_selector(".numbers", state="visible")


def test_a_fold_stays_open_where_all_is_drawn_again_at_once(site: Site) -> None:
    tab = site.open()
    summary = "document.querySelector('.numbers').closest('details').querySelector('summary')"
    for is_open in (True, False):
        tab.evaluate(f"{summary}.click(), refresh()")
        assert tab.locator(".numbers").is_visible() is is_open


def test_another_route_begins_at_its_heading_and_a_choice_keeps_its_place(site: Site) -> None:
    tab = site.open()
    tab.focus("nav a[href='#/compare']")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#pick-first")
    assert focused(tab) == "H1"
    tab.focus("#pick-second")
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("location.hash.startsWith('#/compare/')")
    tab.wait_for_function("document.getElementById('said').textContent !== ''")
    assert focused(tab) == "pick-second" and told(tab) == tab.text_content("#verdict")
    tab.focus("#swap")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(100)
    assert focused(tab) == "swap"


def test_the_main_board_fits_a_laptop(tmp_path: Path, browser: Any) -> None:
    board = read_leaderboard(sorted(MAIN_BOARD.glob("*.json")))
    (tmp_path / "leaderboard.html").write_text(page.page_html(board), encoding="utf-8")
    tab = Site(tmp_path, browser).open(viewport={"width": 1300, "height": 900})
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert tab.eval_on_selector(".scroll:has(.board)", overflow) == 0
    tab.context.close()


def test_lines_between_rows_are_whole_on_a_phone(site: Site) -> None:
    parts = "rows => rows.map(r => r.getBoundingClientRect().height % 1).filter(x => x % 1)"
    for tab in visits(site, viewport={"width": 360, "height": 800}):
        assert tab.eval_on_selector_all("tbody tr", parts) == [], tab.url
        assert tab.evaluate("document.documentElement.scrollWidth") == 360, tab.url
