"""Figures: drawn without a screen, right way round, and loaded only when something is drawn."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from benchmark.figures import plot
from benchmark.figures import volumes as plot_volume


def test_importing_the_plots_loads_no_matplotlib() -> None:
    modules = "benchmark.figures.plot, benchmark.figures.volumes"
    code = f"import sys, {modules}; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_save_writes_the_picture_and_what_the_page_says_of_it(tmp_path: Path) -> None:
    figure = plot.montage(np.zeros((2, 8, 8)))
    path = plot.save(figure, tmp_path / "frames.v0", "Title", "Caption.", "moglo", dpi=40)
    assert path.name == "frames.v0.png" and imread(path).shape[2] == 4
    about = json.loads(path.with_suffix(".json").read_text())
    assert about == {"title": "Title", "caption": "Caption.", "tracker": "moglo"}
    assert len(list(tmp_path.iterdir())) == 2


def test_mean_curve_is_the_mean_while_all_sweeps_last() -> None:
    path = np.linspace(0, 10, 11)
    grid, drift = plot.mean_curve([(path, 0.2 * path), (path, 0.4 * path)])
    assert grid[-1] == 10
    np.testing.assert_allclose(drift, 0.3 * grid, atol=1e-12)


def test_mean_curve_does_not_jump_where_a_sweep_ends() -> None:
    """Rates 0.2 to 5 mm, 0.4 and 0.6 to 10 mm: growth 0.4, then 0.5; a plain mean would jump."""
    short, long = np.linspace(0, 5, 26), np.linspace(0, 10, 51)
    curves = [(short, 0.2 * short), (long, 0.4 * long), (long, 0.6 * long)]
    grid, drift = plot.mean_curve(curves, points=51)
    expected = np.where(grid <= 5, 0.4 * grid, 2.0 + 0.5 * (grid - 5))
    np.testing.assert_allclose(drift, expected, atol=1e-9)


def test_mean_curve_stops_where_fewer_than_half_go_on() -> None:
    curves = [(np.array([0.0, end]), np.array([0.0, 1.0])) for end in (2.0, 4.0, 20.0, 30.0)]
    assert plot.mean_curve(curves)[0][-1] == 4.0
    assert plot.mean_curve([])[0].size == 0


def test_trajectories_draw_truth_and_predictions_in_three_views() -> None:
    true = np.cumsum(np.ones((20, 3)) * [0.1, 0.0, 1.0], 0)
    figure = plot.trajectories(true, {"moglo": 1.1 * true, "_odd $name": true})
    above, side = figure.axes[1:]
    for axes, column in ((above, 0), (side, 1)):
        line = axes.get_lines()[0]
        np.testing.assert_array_equal(line.get_xdata(), true[:, 2])
        np.testing.assert_array_equal(line.get_ydata(), true[:, column])
    assert side.yaxis_inverted() and not above.yaxis_inverted()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["truth", "moglo", r" _odd \$name"]
    figure.canvas.draw()


def test_slices_show_each_axis_where_its_label_says() -> None:
    """One bright voxel at (x, y, z) = (2, 5, 9), 0.5 mm: bright in all views at the right pixel."""
    volume = np.zeros((6, 8, 12))
    volume[2, 5, 9] = 1.0
    figure = plot_volume.slices({"true poses": volume}, [0.5] * 3, at=(2, 5, 9))
    places = {"x": 2, "y": 5, "z": 9}
    assert len(figure.axes) == 3
    for axes in figure.axes:
        image = axes.get_images()[0]
        row, column = np.argwhere(np.asarray(image.get_array()) == 1.0)[0]
        assert column == places[axes.get_xlabel()[0]]
        assert row == places[axes.get_ylabel().splitlines()[-1][0]]
        assert image.get_extent()[1] == pytest.approx(0.5 * image.get_array().shape[1])
    figure.canvas.draw()


def test_slices_share_one_grey_scale_and_mark_what_was_not_seen() -> None:
    rng = np.random.default_rng(0)
    dim = rng.random((10, 10, 10))
    dim[:, :, 7:] = np.nan
    figure = plot_volume.slices({"true poses": dim, "moglo": 2 * dim}, [1, 1, 1])
    images = [axes.get_images()[0] for axes in figure.axes]
    assert len(images) == 6 and len({image.get_clim() for image in images}) == 1
    assert np.ma.getmaskarray(images[1].get_array())[:, 7:].all()


def test_projections_code_the_depth_of_the_strongest_signal() -> None:
    """Two points, 2 mm and 8 mm deep, get the colours that the depth bar gives to 2 and 8 mm."""
    import matplotlib

    volume = np.full((10, 10, 20), 1e-9)
    volume[3, 2, 5] = volume[6, 8, 15] = 1.0
    branches = [(np.array([[3.0, 2, 5], [6, 8, 15]]), np.array([0.5, 1.0]))]
    figure = plot_volume.projections({"true poses": volume}, [1, 1, 1], branches)
    strongest, tree, coded, coded_tree = figure.axes[:4]
    assert np.asarray(strongest.get_images()[0].get_array())[3, 5] == 1.0
    picture = np.asarray(coded.get_images()[0].get_array())
    for x, y, z in ((3, 2, 5), (6, 8, 15)):
        hue = matplotlib.colormaps[plot_volume.DEPTH_MAP]((y + 0.5) / 10)[:3]
        np.testing.assert_allclose(picture[x, z], hue, atol=1e-6)
    assert len(tree.collections) == len(coded_tree.collections) == 1
    outline = coded_tree.collections[0].get_paths()[0].vertices
    centre, mean_radius = np.array([5.0, 3.0]), 0.75
    distance = np.linalg.norm(outline - centre, axis=1)
    assert distance.min() == pytest.approx(mean_radius)
    figure.canvas.draw()


def test_an_empty_pa_volume_still_gives_a_picture() -> None:
    figure = plot_volume.projections({"moglo": np.full((4, 4, 4), np.nan)}, [1, 1, 1], [])
    figure.canvas.draw()


def test_montage_has_a_cell_per_frame_with_the_pixels_aspect() -> None:
    scale = np.diag([0.2, 0.1, 1, 1])
    figure = plot.montage(np.random.default_rng(0).random((5, 8, 8)), list("abcde"), 3, scale)
    shown = [axes for axes in figure.axes if axes.get_images()]
    assert [axes.get_title(loc="left") for axes in shown] == list("abcde")
    assert {axes.get_aspect() for axes in shown} == {0.5}
