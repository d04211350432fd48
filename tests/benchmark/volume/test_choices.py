"""`reconstruct`: choices, files, pictures, and the html view that shows the very voxels."""

import base64
import gzip
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.commands.recordings import Output, Reconstruct
from benchmark.errors import UserError
from benchmark.figures.pictures import write_pictures as write_all
from benchmark.geometry import path_length
from benchmark.hdf5 import write_prediction, write_sweep
from benchmark.interop.sequence import Reading
from benchmark.sweep import Channel, Prediction, Sweep, centre_path, end_error_mm
from benchmark.volume.choices import Placing, corners_of, frame_distance, place
from benchmark.volume.reconstruction import Volume
from benchmark.volume.view import write_view

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROWS, COLUMNS, COUNT, STEP = 30, 40, 25, 0.25
ONE_THREAD = Placing(threads=1)


def bright_corner_sweep() -> Sweep:
    """Return a straight sweep, turned in space, whose only bright spot is in one corner."""
    frames = np.full((COUNT, ROWS, COLUMNS), 20, np.uint8)
    frames[:8, :10, 25:] = 200  # early, shallow, right
    poses = np.repeat(geometry.exp(np.array([50.0, -20, 9, 0.5, 1.1, -0.3]))[None], COUNT, 0)
    along = np.repeat(np.eye(4)[None], COUNT, 0)
    along[:, 2, 3] = STEP * np.arange(COUNT)
    pa_frames = frames[::5].astype(np.float32)
    mm_from_pixel = np.diag([0.2, 0.3, 1, 1])
    times = np.arange(COUNT) / 20
    bmode = Channel(frames, times, mm_from_pixel, world_from_image=poses @ along)
    pa = Channel(
        pa_frames, times[::5] + 0.01, mm_from_pixel,
        world_from_image=geometry.interpolate(times, poses @ along, times[::5] + 0.01),
    )  # fmt: skip
    return Sweep("corner", {"bmode": bmode, "pa": pa})


def test_the_volume_lies_along_the_image_and_keeps_the_world() -> None:
    """The bright corner is where pose and pixel say, in indices and in the tracker's space."""
    sweep = bright_corner_sweep()
    volume = place(sweep.bmode, sweep.bmode.world_from_image, ONE_THREAD)
    np.testing.assert_allclose(
        volume.direction, sweep.bmode.world_from_image[0, :3, :3], atol=1e-12
    )
    assert volume.spacing_mm == pytest.approx(0.3)
    x, y, z = (side // 2 for side in volume.values.shape)
    assert volume.values[-4, 2, 2] > 150 > 100 > volume.values[3, -3, -3]
    assert volume.values[x, -3, z] == pytest.approx(20, abs=1e-3)
    assert volume.values[3, y, 2] == pytest.approx(20, abs=1e-3)
    pixel = np.array([[35.0, 4.0, 0.0]])
    world = geometry.apply(sweep.bmode.world_from_image[3] @ sweep.bmode.mm_from_pixel, pixel)
    index = np.rint(geometry.apply(np.linalg.inv(volume.world_from_voxel), world)[0]).astype(int)
    assert volume.values[tuple(index)] == pytest.approx(200, abs=1)
    upright = place(sweep.bmode, sweep.bmode.world_from_image, Placing(axes="world", threads=1))
    assert np.array_equal(upright.direction, np.eye(3))


def test_lengths() -> None:
    sweep = bright_corner_sweep()
    poses = sweep.bmode.world_from_image
    assert path_length(centre_path(sweep.bmode, poses)) == pytest.approx(STEP * (COUNT - 1))
    assert frame_distance(np.zeros((1, 4, 3))) == 0
    shifted = poses.copy()
    shifted[-1] = shifted[-1] @ geometry.exp(np.array([3.0, 0, 4, 0, 0, 0]))
    assert end_error_mm(sweep.bmode, poses, shifted) == pytest.approx(5)
    assert end_error_mm(sweep.bmode, poses, geometry.exp(np.ones(6)) @ poses) < 1e-9


def test_frames_far_apart_are_interpolated_without_holes() -> None:
    sweep = bright_corner_sweep()
    pa = sweep.channels["pa"]  # 1.25 mm apart, voxels of 0.3 mm
    volume = place(pa, pa.world_from_image, ONE_THREAD)
    inner = volume.known[2:-2, 2:-2, 2:-2]
    assert inner.mean() > 0.99
    column = volume.values[-4, 2, 2:-2]
    assert (np.diff(column) < 1e-3).all() and column[0] > 190 and column[-1] < 30


def reconstructed(tmp_path: Path, out: str = "out/v.nrrd", **changes) -> Path:
    if not (tmp_path / "s.h5").exists():
        write_sweep(tmp_path / "s.h5", bright_corner_sweep())
    reading = Reading(poses=changes.pop("poses", None), mask="whole")
    command = Reconstruct(tmp_path / "s.h5", reading, ONE_THREAD, Output(tmp_path / out), **changes)
    command.run()
    return tmp_path / out


def test_reconstruct_writes_volume_pictures_and_view(tmp_path: Path, capsys) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = reconstructed(tmp_path)
    names = {p.name for p in path.parent.iterdir()}
    assert names == {"v.nrrd", "v-slices.png", "v-maxima.png", "v-poses.png", "v.html"}
    printed = capsys.readouterr().out
    assert "path, its own poses: 6.0 mm" in printed and "voxel: 0.3 x 0.3 x 0.3 mm" in printed
    image = sitk.ReadImage(str(path))
    sweep = bright_corner_sweep()
    volume = place(sweep.bmode, sweep.bmode.world_from_image, ONE_THREAD)
    assert image.GetPixelIDValue() == sitk.sitkUInt8
    assert np.array_equal(
        sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.rint(volume.values).astype(np.uint8)
    )
    np.testing.assert_allclose(image.GetSpacing(), volume.spacing_mm, atol=1e-9)
    np.testing.assert_allclose(image.GetOrigin(), volume.origin_mm, atol=1e-9)
    direction = np.reshape(image.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction, volume.direction, atol=1e-9)


def test_reconstruct_takes_poses_of_a_file_and_another_channel(tmp_path: Path, capsys) -> None:
    sweep = bright_corner_sweep()
    half = sweep.first_from_frame.copy()
    half[:, :3, 3] /= 2
    write_prediction(tmp_path / "p.h5", Prediction(half))
    path = reconstructed(tmp_path, "out/pa.mha", poses=tmp_path / "p.h5", channel="pa")
    assert (path.parent / "pa-depth.png").is_file()
    printed = capsys.readouterr().out
    own = path_length(centre_path(sweep.channels["pa"], sweep.channels["pa"].world_from_image))
    assert f"path, p.h5: {own / 2:.1f} mm" in printed and f"own poses: {own:.1f} mm" in printed


def test_reconstruct_by_a_tracker_without_weights(tmp_path: Path, capsys) -> None:
    reconstructed(tmp_path, tracker="identity")
    printed = capsys.readouterr()
    assert "path, identity: 0.0 mm" in printed.out
    assert "not known what the tracker was trained on" in printed.err


@pytest.mark.parametrize(
    ("changes", "out", "message"),
    [
        ({"channel": "doppler"}, "v.nrrd", "no channel 'doppler'"),
        ({"tracker": "identity", "poses": Path("x")}, "v.nrrd", "expected one of them"),
        ({"run_folder": Path("x")}, "v.nrrd", "--run: expected --tracker"),
        ({"tracker": "moglow"}, "v.nrrd", "did you mean 'moglo"),
        ({}, "v.png", "expected a name ending in"),
    ],
)
def test_wrong_requests_have_their_line(tmp_path: Path, changes, out: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        reconstructed(tmp_path, out, **changes)


def test_poses_of_another_sweep(tmp_path: Path) -> None:
    write_prediction(tmp_path / "p.h5", Prediction(np.eye(4)[None]))
    with pytest.raises(UserError, match="1 poses for 25 frames"):
        reconstructed(tmp_path, poses=tmp_path / "p.h5")


def test_the_view_holds_the_voxels(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0, 1, (4, 5, 6)).astype(np.float32)
    weight = np.ones_like(values)
    weight[0, 0, 0] = 0
    write_view(tmp_path / "v.html", Volume(values, np.eye(4), weight), {"a <b>": "&"})
    page = (tmp_path / "v.html").read_text()
    assert "a &lt;b&gt;" in page and "http" not in page.replace("http-equiv", "")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert data["size"] == [4, 5, 6] and data["spacing"] == [1, 1, 1]
    levels = np.frombuffer(gzip.decompress(base64.b64decode(data["voxels"])), np.uint8)
    levels = levels.reshape(6, 5, 4).transpose(2, 1, 0)
    assert levels[0, 0, 0] == 0 and levels[weight > 0].min() == 1 and levels.max() == 255
    order = np.argsort(values[weight > 0])
    assert (np.diff(levels[weight > 0][order].astype(int)) >= 0).all()


def test_a_large_volume_is_averaged_for_the_view(tmp_path: Path) -> None:
    values = np.tile(np.array([10, 30], np.float32), 161)[:, None, None] * np.ones((1, 3, 2), "f4")
    write_view(tmp_path / "v.html", Volume(values, np.eye(4), np.ones_like(values)), {})
    page = (tmp_path / "v.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert data["size"] == [108, 1, 1] and data["spacing"] == [3, 3, 3]


def test_the_view_opens_in_a_browser(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    sweep = bright_corner_sweep()
    volume = place(sweep.bmode, sweep.bmode.world_from_image, ONE_THREAD)
    corners = {"own": corners_of(sweep.bmode, sweep.bmode.world_from_image)}
    view = write_all(tmp_path / "v", volume, "own", corners, {"sweep": "x"})[-1]
    with playwright.sync_playwright() as session:
        browser = session.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        tab, trouble = browser.new_page(), []
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.on("console", lambda m: m.type == "error" and trouble.append(m.text))
        tab.goto(view.as_uri())
        tab.wait_for_selector("#planes canvas")
        assert tab.locator("#planes canvas").count() == 3
        before = tab.locator("figcaption").nth(2).text_content()
        tab.locator("#planes canvas").nth(0).click(position={"x": 30, "y": 5})
        after = tab.locator("figcaption").nth(2).text_content()
        assert before != after and "y = 0." in after
        # The bright corner: shallow and to the right in the first frames' plane.
        tab.evaluate("cross[2] = 2")
        tab.locator("#planes canvas").nth(0).click(position={"x": 5, "y": 5})
        probe = """([fx, fy]) => { const c = document.querySelector('#planes canvas');
            return c.getContext('2d').getImageData(fx * c.width, fy * c.height, 1, 1).data[0]; }"""
        assert tab.evaluate(probe, [0.9, 0.15]) > 200 > 60 > tab.evaluate(probe, [0.4, 0.8])
        browser.close()
    assert trouble == []
