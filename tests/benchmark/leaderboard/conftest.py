"""The built page of a field of trackers, opened in a browser."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmark.leaderboard import build_leaderboard
from tests.benchmark.shared import synthetic_results
from tests.benchmark.shared.synthetic_results import write_figures, write_results

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@dataclass
class Site:
    """The built page of a field of trackers, opened in tabs that watch what goes wrong."""

    folder: Path
    browser: Any
    trouble: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, route: str = "#/", **context: Any) -> Any:
        """Return a tab at a route, the network being off."""
        tab = self.browser.new_context(offline=True, **context).new_page()
        tab.on("pageerror", lambda error: self.trouble.append(str(error)))
        tab.on("console", lambda m: m.type == "error" and self.trouble.append(m.text))
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.goto((self.folder / "leaderboard.html").as_uri() + route)
        tab.wait_for_selector("h1")
        return tab


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as session:
        opened = session.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write_figures(folder / "figures")
    paths = write_results(folder, synthetic_results.field(seeds=2))
    build_leaderboard(paths, folder, folder / "figures")
    return folder


@pytest.fixture
def site(built: Path, browser: Any) -> Iterator[Site]:
    """The page; afterwards nothing may have been fetched, thrown or written to the console."""
    visited = Site(built, browser)
    yield visited
    for context in browser.contexts:
        context.close()
    assert visited.trouble == []
    assert visited.requests and all(
        url.startswith(("file:", "data:", "blob:")) for url in visited.requests
    )
