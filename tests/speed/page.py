"""`python -m tests.speed.page`: bytes and times of a board's page with many trackers and sweeps.

Random results of so many trackers and sweeps are ranked and written as `leaderboard.html`; chromium
opens the page and does what a reader does. Times are those of the processor in the page's own
thread (scripts, layout, style): how long a reader waits on a machine that does nothing else.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmark.leaderboard.board import read_leaderboard
from benchmark.leaderboard.page import embedded_json, page_data, page_html
from tests.benchmark.shared.synthetic_results import result, write_results

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
#: What a reader does: where, and the script of it.
ACTIONS = {
    "sort by another column": ("#/", "document.querySelector('[data-sort=gpe]').click()"),
    "filter by a factor": ("#/", "state.filters = {profile: 'straight'}; refresh()"),
    "show all metrics": ("#/", "document.getElementById('columns').click()"),
    "open a tracker": ("#/", "location.hash = '#/tracker/net-05'"),
    "compare two": ("#/", "location.hash = '#/compare/net-05/net-20'"),
    "back to the board": ("#/tracker/net-05", "location.hash = '#/'"),
}
SETTLED_MS = 1500  # after which nothing is left to draw


def field(trackers: int, sweeps: int) -> list[dict[str, Any]]:
    """Return one result for each of so many learned trackers, from good to bad."""
    return [
        result(f"net-{i:02d}", rate=5 + 80 * i / trackers, parameters=10_000 * (i + 1),
               seconds=0.002 * (i + 1), sweeps=sweeps)
        for i in range(trackers)
    ]  # fmt: skip


def browsed(path: Path) -> dict[str, float]:
    """Return the seconds of processor of loading the page and of each action, without waiting."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        channel = page.context.new_cdp_session(page)
        channel.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> float:
            page.wait_for_timeout(SETTLED_MS)
            told = channel.send("Performance.getMetrics")["metrics"]
            return next(one["value"] for one in told if one["name"] == "TaskDuration")

        page.goto(path.as_uri())
        found = {"load": spent()}
        for name, (place, action) in ACTIONS.items():
            page.evaluate(f"state.filters = {{}}; location.hash = {place!r}; refresh()")
            begin = spent()
            page.evaluate(action)
            found[name] = spent() - begin
        browser.close()
    return found


def main() -> None:
    """Make the page, open it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trackers", type=int, default=40)
    parser.add_argument("--sweeps", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_results(Path(folder), field(asked.trackers, asked.sweeps))
        begin = time.process_time()
        board = read_leaderboard(paths)
        ranked = time.process_time()
        path = Path(folder) / "leaderboard.html"
        path.write_text(page_html(board), encoding="utf-8")
        written = time.process_time()
        data = page_data(board)
        print(f"{asked.trackers} trackers, {asked.sweeps} sweeps, {len(board.metrics)} metrics")
        print(f"ranked in {ranked - begin:.1f} s, page in {written - ranked:.1f} s of processor")
        told = len(embedded_json(data))
        print(f"page {path.stat().st_size / 1e6:.1f} MB, its data {told / 1e6:.1f}")
        for key in data["rows"][0]:
            size = len(json.dumps([row[key] for row in data["rows"]]))
            if size > 1e5:
                print(f"  {key}: {size / 1e6:.2f} MB")
        for name, value in browsed(path).items():
            print(f"{name}: {value:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
