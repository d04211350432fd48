"""The keys of machines: every one may vary over the range of real recordings, none is refused."""

import tomllib
from pathlib import Path

import pytest

from simulate.spec.draw import draw_spec
from simulate.spec.plan import plan_sweeps
from simulate.spec.record import SPEC_FOLDER, spec_from_table

DOCUMENT = Path(__file__).parents[3] / "docs" / "datasets.md"


def documented_ranges():
    """The `vary` table of the section about machines."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## Machines")[1]
    return tomllib.loads(section.split("```toml")[1].split("```")[0])


def test_the_documented_ranges_can_be_drawn_and_are_reached():
    table = tomllib.loads((SPEC_FOLDER / "tiny-v2.toml").read_text(encoding="utf-8"))
    table |= documented_ranges()
    table["subjects"] = {"train": 300, "val": 0, "test": 1}
    table["showcase"] = {"sweeps": 0}
    spec = spec_from_table(table, "machines")
    draws = [draw_spec(spec, plan) for plan in plan_sweeps(spec)]
    assert not any(why for draw in draws for why in draw.refused.values())
    for key, (low, high) in {
        "bmode.noise_db": (-60.0, -7.0),
        "bmode.dynamic_range_db": (30.0, 90.0),
        "bmode.persistence": (0.0, 0.6),
        "bmode.lateral_blur_px": (0.0, 2.0),
        "bmode.gamma": (0.5, 3.5),
        "bmode.ring_down_mm": (0.8, 3.0),
        "screen.black_left": (0.0, 0.35),
        "screen.black_right": (0.0, 0.35),
        "screen.black_top": (0.0, 0.15),
        "screen.black_bottom": (0.0, 0.6),
        "screen.sector_deg": (0.0, 110.0),
        "contact.indent_mm": (2.0, 8.0),
    }.items():
        section, name = key.split(".")
        values = [getattr(getattr(draw.spec, section), name) for draw in draws]
        assert low <= min(values) <= low + 0.1 * (high - low), key
        assert high - 0.15 * (high - low) <= max(values) <= high, key
    borders = {draw.values["border"] for draw in draws}
    assert borders == {"whole", "bordered", "sector"}
    assert {draw.spec.screen.overlay for draw in draws} == {0.0, 0.3, 0.7}
    assert draws[0].spec.bmode.reverberation_db == pytest.approx(-28.5, abs=16.5)
