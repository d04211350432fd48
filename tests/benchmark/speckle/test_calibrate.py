"""Calibration on a phantom whose beam is written down, and probe files."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.commands.calibrate import Calibrate
from benchmark.errors import UserError
from benchmark.hdf5 import write_sweep
from benchmark.interop.sequence import Reading
from benchmark.speckle.calibrate import calibrate
from benchmark.speckle.file import placed, read_probe, write_probe
from benchmark.speckle.map import speckle_map
from benchmark.sweep import Images
from tests.baselines import speckle

WIRE = Path(__file__).parents[2] / "fixtures" / "plus" / "NwirePhantomFreehandCropped.igs.mha"


@pytest.fixture(scope="module")
def scene():
    return speckle.Scene(height=72, width=80)


@pytest.fixture(scope="module")
def phantom(scene):
    steps = speckle.hand_steps(scene, 24, np.random.default_rng(7))
    return speckle.speckle_sweep(scene, steps, 11, "phantom")


def test_measured_lengths_are_those_of_the_beam(phantom, scene):
    found = calibrate(phantom)
    expected = scene.elevation_at(found.curve.depth_mm)
    assert np.abs(found.curve.scale / expected - 1).max() < 0.12
    assert (np.abs(found.curve.scale - expected) < 3.5 * found.error_mm).all()
    # No coherent share; registration finds a little correlation between any two frames.
    assert found.curve.floor.max() < 0.15 and found.curve.ceiling > 0.9
    assert 0.02 < found.relative_error < 0.1


def test_command_writes_what_track_reads(phantom, scene, tmp_path, capsys):
    write_sweep(tmp_path / "phantom.h5", phantom)
    out = tmp_path / "probe.json"
    Calibrate(tmp_path / "phantom.h5", Reading(), out=out, frames=(0, 20)).run()
    shown = capsys.readouterr().out
    assert "pairs of 20 frames" in shown and str(out) in shown
    content = json.loads(out.read_text())
    assert content["schema"] == "sweepbench-probe-1"
    assert content["made_from"]["recording"] == "phantom" and content["made_from"]["frames"] == 20
    found = speckle_map(read_probe(out), phantom.bmode)
    assert found.source == "measured"
    depth = np.array(content["speckle"]["depth_mm"])
    np.testing.assert_allclose(found.at(depth)[:, 2], content["speckle"]["elevation_mm"])
    assert np.abs(found.at(depth)[:, 2] / scene.elevation_at(depth) - 1).max() < 0.2


def test_steps_that_leave_no_speckle_in_common_are_refused(scene):
    steps = np.tile(np.eye(4), (7, 1, 1))
    steps[:, 2, 3] = 1.9
    with pytest.raises(UserError, match="over which speckle is lost; expected distances"):
        calibrate(speckle.speckle_sweep(scene, steps, 5))


def test_wires_in_water_hold_no_speckle(tmp_path):
    (tmp_path / "c.txt").write_text("0.1 0 0 4  0 0.1 0 -7  0 0 0.1 0  0 0 0 1")
    how = Reading(
        transform="ProbeToReference", calibration=tmp_path / "c.txt", image="CroppedImage"
    )
    with pytest.raises(UserError, match=r"expected 100 patches of speckle .*, got 0"):
        Calibrate(WIRE, how, out=tmp_path / "probe.json").run()
    assert not (tmp_path / "probe.json").exists()


def test_frames_that_stay_in_their_plane_are_refused(scene):
    sweep = speckle.speckle_sweep(scene, np.tile(np.eye(4), (6, 1, 1)), 5)
    with pytest.raises(UserError, match="expected frames that move out of their plane"):
        calibrate(sweep)


def test_description_by_hand(tmp_path):
    path = tmp_path / "probe.toml"
    path.write_text("centre_frequency_hz = 5e6\nelement_height_mm = 4.0\nelevation_focus_mm = 18\n")
    assert read_probe(path)["elevation_focus_mm"] == 18
    spec = tmp_path / "spec.toml"
    spec.write_text('name = "x"\n[probe]\ncentre_frequency_hz = 5e6\n')
    assert read_probe(spec) == {"centre_frequency_hz": 5e6}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"f_numbr": 2.0}, "unknown key 'f_numbr'; did you mean 'f_number'"),
        ({"f_number": -1}, "f_number: expected a number of more than 0, got -1"),
        ({"centre_frequency_hz": 7.5}, "centre_frequency_hz: expected a number of at least 20000"),
        ({"face_mm": [1.0]}, "face_mm: expected two numbers"),
        ({"speckle": {"depth_mm": [1.0]}}, "key 'speckle.elevation_mm' is missing"),
        (
            {"speckle": {"depth_mm": [1.0, 2.0], "elevation_mm": [0.3]}},
            "speckle.elevation_mm: expected 2 values as in depth_mm, got 1",
        ),
        (
            {"speckle": {"depth_mm": [2.0, 1.0], "elevation_mm": [1, 1]}},
            "expected depths that rise",
        ),
        ({"schema": "sweepbench-probe-9"}, "schema: expected one of sweepbench-probe-1"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, content, message):
    path = tmp_path / "probe.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError) as caught:
        read_probe(path)
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_written_file_keeps_what_is_known_and_no_more(tmp_path):
    path = tmp_path / "probe.json"
    write_probe(path, {"f_number": 2.0, "tool_from_image": [[1]]}, {"recording": "r"})
    found = read_probe(path)
    assert found["f_number"] == 2.0 and "tool_from_image" not in found
    assert found["made_from"]["recording"] == "r" and found["made_from"]["sweepbench"]


def test_depth_of_the_first_row_places_the_face():
    matrix = np.diag([0.2, 0.1, 1.0, 1.0])
    images = Images(np.zeros((1, 11, 21), np.uint8), np.zeros(1), matrix)
    assert placed({"start_depth_mm": 4.0}, images)["face_mm"] == pytest.approx((2.0, -4.0))
    assert placed({"face_mm": (1, 1), "start_depth_mm": 4.0}, images)["face_mm"] == (1, 1)
    assert placed({"radius_mm": 60.0}, images)["face_mm"] == pytest.approx((2.0, 0.0))
    assert "face_mm" not in placed({}, images)
