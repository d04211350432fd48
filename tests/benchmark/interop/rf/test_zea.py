"""Files of zea: one that zea 0.1.8 wrote, its image as oracle, and sweeps written and read back."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.convert import convert
from benchmark.interop.formats import kind_of, open_sweep
from benchmark.interop.rf.forming import Forming
from benchmark.interop.rf.hdf5_values import ensure_filters
from benchmark.interop.rf.zea import read_zea
from benchmark.interop.rf.zea_writing import write_zea
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import open_recording
from benchmark.sweep import World
from tests.benchmark.shared.random_sweeps import make_sweep

BY_ZEA = Path(__file__).parents[3] / "fixtures" / "zea" / "plane-waves.hdf5"  # beside write.py
TRACK = "tracks/track_0"
POINTS_MM = np.array([[-1.0, 6.0], [1.3, 9.1]])
WAVELENGTH_MM = 1540 / 7.5e3


def edited(tmp_path: Path, **changes: Any) -> Path:
    """Return a copy of zea's file with keys replaced (`__` for /), or deleted for None."""
    path = tmp_path / "edited.hdf5"
    shutil.copy(BY_ZEA, path)
    with h5py.File(path, "r+") as file:
        for name, value in changes.items():
            key = name.replace("__", "/")
            if key.startswith(("data/", "scan/")):
                key = f"{TRACK}/{key}"
            if key in file:
                del file[key]
            if value is not None:
                file[key] = value
    return path


def test_what_zea_wrote_is_read() -> None:
    sweep = read_zea(BY_ZEA)
    assert kind_of(BY_ZEA) == "zea"
    assert sweep.bmode.frames.shape == (3, 141, 61)
    pixel = sweep.bmode.mm_from_pixel @ [30, 20, 0, 1]
    np.testing.assert_allclose(pixel, [0, 5, 0, 1], atol=1e-5)
    assert sweep.probe["name"] == "made up"
    assert sweep.probe["pitch_mm"] == pytest.approx(0.2)
    assert sweep.factors == {"source": "plane-waves.hdf5", "subject": "two points"}
    np.testing.assert_allclose(sweep.bmode.timestamps, [0.01, 0.04, 0.07])  # middles of 3 transmits


def test_images_in_decibels_become_grey_levels() -> None:
    with h5py.File(BY_ZEA) as file:
        decibels = file[f"{TRACK}/data/image/values"][()]
    for range_db in (60.0, 40.0):
        frames = read_zea(BY_ZEA, Forming(dynamic_range_db=range_db)).bmode.frames[:]
        expected = 255 * np.clip(1 + decibels / range_db, 0, 1)
        assert np.abs(frames - expected).max() <= 0.5 + 1e-4


def test_poses_lie_between_samples_of_their_own_clock() -> None:
    """The file's probe moves and turns evenly, so SciPy gives its pose at any time."""
    sweep = read_zea(BY_ZEA)
    share = (sweep.bmode.timestamps + 0.03) * 25.0 / 7
    turn = Rotation.from_euler("y", 0.35 * share).as_matrix()
    # zea's axes: x lateral, y elevational, z axial. A point 5 mm below the tip:
    below = geometry.apply(sweep.bmode.world_from_image, np.array([[[0.0, 5.0, 0.0]]]))[:, 0]
    place = np.array([2.0, 14.0, 0.0]) * share[:, None]
    np.testing.assert_allclose(below, place + turn @ [0, 0, 5], atol=2e-3)
    # One to the side, and one out of plane: z = x × y is zea's -y.
    aside = geometry.apply(sweep.bmode.world_from_image, np.array([[[2.0, 0, 3.0]]]))[:, 0]
    np.testing.assert_allclose(aside, place + turn @ [2, -3, 0], atol=2e-3)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("quaternion_wxyz", lambda r: r.as_quat(scalar_first=True)),
        ("quaternion_xyzw", lambda r: -r.as_quat()),
        ("euler_xyz", lambda r: r.as_euler("xyz")),
    ],
)
def test_each_representation_of_a_rotation(tmp_path: Path, kind: str, values) -> None:
    turns = Rotation.from_euler("y", np.linspace(0, 0.35, 8))
    path = edited(
        tmp_path,
        metadata__probe_pose__rotation=values(turns).astype(np.float32),
        metadata__probe_pose__rotation_representation=kind,
    )
    expected = read_zea(BY_ZEA).bmode.world_from_image
    np.testing.assert_allclose(read_zea(path).bmode.world_from_image, expected, atol=1e-5)


def test_points_lie_where_zea_forms_them() -> None:
    """Peaks are within a quarter of a wavelength of the truth, and along depth the pulse has the
    shape that zea gives it, to 0.5 dB down to -15 dB: below, the apertures' windows differ."""
    sweep = read_zea(BY_ZEA, Forming(from_channels=True, formed_pixel_mm=0.05))
    image, matrix = sweep.bmode.frames.envelope(0), sweep.bmode.mm_from_pixel
    lateral = matrix[0, 3] + matrix[0, 0] * np.arange(image.shape[1])
    depth = matrix[1, 3] + matrix[1, 1] * np.arange(image.shape[0])
    with h5py.File(BY_ZEA) as file:
        theirs = file[f"{TRACK}/data/image/values"][0]  # columns 0.1 mm from -3, rows 0.05 from 4
    for x, y in POINTS_MM:
        near = (np.abs(depth - y) < 1)[:, None] & (np.abs(lateral - x) < 1)
        row, column = np.unravel_index(np.argmax(np.where(near, image, 0)), image.shape)
        np.testing.assert_allclose([lateral[column], depth[row]], [x, y], atol=WAVELENGTH_MM / 4)
        rows = 4 + 0.05 * np.arange(141)
        mine = np.interp(rows, depth, image[:, np.argmin(np.abs(lateral - x))])
        mine = 20 * np.log10(np.maximum(mine / image[row, column], 1e-9))
        other = theirs[:, round((x + 3) / 0.1)]
        shown = (np.abs(rows - y) < 0.4) & (mine > -15)
        assert shown.sum() > 8
        assert np.abs(mine - (other - other[shown].max()))[shown].max() < 0.5


def test_frames_formed_from_channels() -> None:
    """The second frame has half the sound of the first: 6 dB, 25.6 levels of 60 dB."""
    frames = open_sweep(BY_ZEA, Reading(forming=Forming(from_channels=True))).bmode.frames
    first, second, third = (frames[index].astype(int) for index in range(3))
    shown = (first < 255) & (third > 0)
    assert shown.sum() > 200
    assert np.abs(first - second - 255 * 20 * np.log10(2) / 60)[shown].max() <= 1.5
    assert np.abs(first - third - 255 * 20 * np.log10(4) / 60)[shown].max() <= 1.5


def test_the_pulse_in_the_first_samples_is_told_and_silenced(tmp_path: Path) -> None:
    """Verasonics systems record it at the rail of the converter; it would set the white."""
    with h5py.File(BY_ZEA) as file:
        raw = file[f"{TRACK}/data/raw_data"][:]
    raw[:, :, :2] = 32000
    raw[:, :, 2:] = np.rint(raw[:, :, 2:] / 16)
    path, notes = edited(tmp_path, data__raw_data=raw), []
    loud = read_zea(path, Forming(from_channels=True), report=notes.append)
    assert "silence them by --blank-samples 2" in notes[0]
    quiet = read_zea(path, Forming(from_channels=True, blank_samples=2), report=notes.append)
    assert len(notes) == 1
    expected = read_zea(BY_ZEA, Forming(from_channels=True)).bmode.frames[0].astype(int)
    assert np.abs(quiet.bmode.frames[0] - expected)[expected > 100].max() <= 3
    assert loud.bmode.frames[0][60:].max() < quiet.bmode.frames[0].max() - 50


def test_channels_of_part_of_the_elements(tmp_path: Path) -> None:
    """Two sub-apertures of 16 elements, one transmit each, add up to one of all 32."""
    with h5py.File(BY_ZEA) as file:
        raw = file[f"{TRACK}/data/raw_data"][:]
        scan = {key: value[()] for key, value in file[f"{TRACK}/scan"].items()}
    halves = np.concatenate([raw[:, 1:2, :, :16], raw[:, 1:2, :, 16:]], 1)
    twice = {
        f"scan__{key}": np.repeat(scan[key][1:2], 2, 0)
        for key in ("initial_times", "t0_delays", "tx_apodizations", "focus_distances",
                    "transmit_origins", "polar_angles")
    }  # fmt: skip
    indices = np.arange(32, dtype=np.int32).reshape(2, 16)
    spans = np.full((3, 2), 0.01, np.float32)
    path = edited(
        tmp_path,
        data__raw_data=halves,
        scan__rx_aperture_indices=indices,
        scan__time_to_next_transmit=spans,
        **twice,
    )
    (tmp_path / "single").mkdir()
    single = edited(
        tmp_path / "single",
        data__raw_data=raw[:, 1:2],
        scan__time_to_next_transmit=spans[:, :1],
        **{key: value[:1] for key, value in twice.items()},
    )
    forming = Forming(from_channels=True, formed_pixel_mm=0.2)
    one, other = (read_zea(p, forming).bmode.frames[0].astype(int) for p in (path, single))
    assert np.abs(one - other).max() <= 1


def test_clocks(tmp_path: Path) -> None:
    """Frames outside the poses' time are left out; clocks that do not meet are refused."""
    notes: list[str] = []
    late = edited(tmp_path, metadata__probe_pose__start_time_offset=np.float32(0.035))
    sweep = read_zea(late, report=notes.append)
    np.testing.assert_allclose(sweep.bmode.timestamps, [0.04, 0.07])
    assert np.array_equal(sweep.bmode.frames[0], read_zea(BY_ZEA).bmode.frames[1])
    assert (
        "1 of 3 frames left out, no poses there (frames 0.010 to 0.070 s, poses 0.035" in notes[0]
    )
    never = edited(tmp_path, metadata__probe_pose__start_time_offset=np.float32(4))
    with pytest.raises(UserError, match=r"no frame within .* 0\.070 s, poses 4\.000 to 4\.280 s"):
        read_zea(never)
    flat = edited(tmp_path, scan__time_to_next_transmit=np.full(8, 0.01, np.float32))
    np.testing.assert_allclose(read_zea(flat).bmode.timestamps, [0.01, 0.04, 0.07])
    bare = edited(tmp_path, scan__time_to_next_transmit=None)
    with pytest.raises(UserError, match="8 times for 3 frames; give --frame-rate"):
        read_zea(bare)
    assert np.array_equal(read_zea(bare, frame_rate=20).bmode.timestamps, [0, 0.05, 0.1])


def test_files_without_poses_can_be_tracked(tmp_path: Path) -> None:
    path = edited(tmp_path, metadata=None)
    notes: list[str] = []
    recording = open_recording(path, report=notes.append)
    assert recording.world_from_image is None
    assert recording.images.frames.shape == (3, 141, 61)
    assert "holds no metadata/probe_pose; its frames can be tracked" in notes[0]


def test_several_sweeps_in_a_file(tmp_path: Path) -> None:
    path = edited(tmp_path, custom__sweep_index=np.array([4, 4, 7], np.int32))
    notes: list[str] = []
    assert len(read_zea(path, report=notes.append)) == 3
    assert "holds sweeps 4, 7 one after the other; --part reads one" in notes[0]
    sweep = open_sweep(path, Reading(part=7))
    assert (len(sweep), sweep.name) == (1, "edited-7")
    assert np.array_equal(sweep.bmode.frames[0], read_zea(BY_ZEA).bmode.frames[2])
    with pytest.raises(UserError, match="--part: expected one of 4, 7, got 5"):
        read_zea(path, part=5)
    with pytest.raises(UserError, match="holds one sweep"):
        read_zea(BY_ZEA, part=0)


def test_a_calibration_takes_the_place_of_the_tip(tmp_path: Path) -> None:
    """Where a marker was tracked: 16 numbers from pixels to the marker's mm, as for PLUS."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [0.1, -0.4, 1.0]).as_matrix() @ np.diag(
        [0.1, 0.05, 1]
    )
    matrix[:3, 3] = 3, -20, 8
    np.savetxt(tmp_path / "c.txt", matrix)
    path = edited(tmp_path, data__image__coordinates=None)
    with pytest.raises(UserError, match=r"coordinates is missing: .*; give --calibration"):
        read_zea(path)
    sweep = open_sweep(path, Reading(calibration=tmp_path / "c.txt"))
    own = read_zea(BY_ZEA)
    tip = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    marker = own.bmode.world_from_image[1] @ geometry.compose(tip.T, np.zeros(3))
    place = sweep.bmode.world_from_image[1] @ sweep.bmode.mm_from_pixel @ [7, 90, 0, 1]
    np.testing.assert_allclose(place, marker @ matrix @ [7, 90, 0, 1], atol=1e-9)


def test_a_calibration_of_formed_images_maps_mm(tmp_path: Path) -> None:
    """Their pixels are not the scanner's, so a scale of pixels has no meaning there."""
    matrix = geometry.exp(np.array([3.0, -20, 8, 0.1, -0.4, 1.0]))
    np.savetxt(tmp_path / "c.txt", matrix)
    forming = Forming(from_channels=True)
    reading = Reading(calibration=tmp_path / "c.txt", forming=forming)
    given, own = open_sweep(BY_ZEA, reading).bmode, read_zea(BY_ZEA, forming).bmode
    assert np.array_equal(given.mm_from_pixel, own.mm_from_pixel)
    tip = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    marker = own.world_from_image @ geometry.compose(tip.T, np.zeros(3))
    np.testing.assert_allclose(given.world_from_image, marker @ matrix, atol=1e-9)
    np.savetxt(tmp_path / "c.txt", matrix @ np.diag([0.1, 0.05, 1, 1]))
    with pytest.raises(UserError, match="need 16 numbers from mm of the image"):
        open_sweep(BY_ZEA, reading)


def test_sweeps_written_and_read_back(tmp_path: Path) -> None:
    plain = make_sweep(5)
    mask = np.random.default_rng(5).random(plain.bmode.frames.shape[1:]) > 0.5
    sweep = replace(
        plain, channels={"bmode": replace(plain.bmode, mask=mask, world=World("Reference", "RAS"))}
    )
    write_zea(tmp_path / "x.zea.hdf5", sweep)
    read = open_sweep(tmp_path / "x.zea.hdf5")
    assert np.array_equal(read.bmode.frames[:], sweep.bmode.frames)
    assert np.array_equal(read.bmode.mask, mask) and read.bmode.world == sweep.bmode.world
    assert np.array_equal(read.landmarks, sweep.landmarks)
    assert (read.name, read.probe, read.factors) == (sweep.name, sweep.probe, sweep.factors)
    for key, error in (("timestamps", 1e-6), ("mm_from_pixel", 1e-5), ("world_from_image", 1e-4)):
        np.testing.assert_allclose(
            getattr(read.bmode, key), getattr(sweep.bmode, key), atol=error, err_msg=key
        )


def test_conversion_by_name(tmp_path: Path) -> None:
    """A name ending in .zea.hdf5 is zea's; .hdf5 alone stays this program's format."""
    convert(BY_ZEA, tmp_path / "x.h5")
    convert(tmp_path / "x.h5", tmp_path / "y.zea.hdf5")
    convert(tmp_path / "y.zea.hdf5", tmp_path / "z.hdf5")
    kinds = [kind_of(tmp_path / name) for name in ("x.h5", "y.zea.hdf5", "z.hdf5")]
    assert kinds == ["sweep", "zea", "sweep"]
    assert np.array_equal(
        open_sweep(tmp_path / "z.hdf5").bmode.frames[:], read_zea(BY_ZEA).bmode.frames[:]
    )


def test_zea_reads_what_we_write(tmp_path: Path) -> None:
    """Needs the package zea with a Keras backend; runs where both are installed."""
    zea = pytest.importorskip("zea")
    sweep = make_sweep(5)
    write_zea(tmp_path / "x.zea.hdf5", sweep)
    with zea.File(str(tmp_path / "x.zea.hdf5")) as file:
        file.validate()
        pose, image = file.metadata.probe_pose, file.tracks[0].data.image
        assert np.array_equal(np.asarray(image.values), sweep.bmode.frames)
        tip = Rotation.from_quat(pose.rotation).as_matrix()
        places = np.einsum("nij,hwj->nhwi", tip, np.asarray(image.coordinates))
        places += pose.translation[:, None, None]
        np.testing.assert_allclose(
            pose.start_time_offset + pose.timestamps, sweep.bmode.timestamps, rtol=1e-6
        )
    pixel = np.array([6.0, 3.0, 0, 1])
    expected = sweep.bmode.world_from_image @ sweep.bmode.mm_from_pixel @ pixel
    np.testing.assert_allclose(1e3 * places[:, 3, 6], expected[:, :3], atol=1e-3)


def test_frames_of_another_kind_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected 8-bit frames"):
        write_zea(tmp_path / "x.zea.h5", make_sweep(1, dtype="float32"))
    with pytest.raises(UserError, match="no channel 'pa'"):
        write_zea(tmp_path / "x.zea.h5", make_sweep(1), "pa")
    tilted = make_sweep(1)
    tilted.bmode.mm_from_pixel[2, 0] = 0.1
    with pytest.raises(UserError, match="expected pixels in the plane"):
        write_zea(tmp_path / "x.zea.h5", tilted)
    assert not list(tmp_path.iterdir())


def test_earlier_files_without_tracks(tmp_path: Path) -> None:
    """data and scan at the root, the probe's geometry in scan, images without a group."""
    path = tmp_path / "old.hdf5"
    with h5py.File(BY_ZEA) as new, h5py.File(path, "w") as old:
        new.copy(f"{TRACK}/scan", old)
        old["scan/probe_geometry"] = new["probe/probe_geometry"][()]
        old["data/raw_data"] = new[f"{TRACK}/data/raw_data"][()]
        new.copy("metadata", old)
    assert kind_of(path) == "zea"
    forming = Forming(from_channels=True, formed_pixel_mm=0.2)
    formed, expected = (read_zea(p, forming).bmode for p in (path, BY_ZEA))
    assert np.array_equal(formed.frames[1], expected.frames[1])
    assert np.array_equal(formed.world_from_image, expected.world_from_image)
    with h5py.File(path, "r+") as old:
        old["data/image_sc"] = np.zeros((3, 4, 5), np.uint8)
    with pytest.raises(UserError, match="image_sc/coordinates is missing"):
        read_zea(path)


def test_compression_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As zea's Blosc, which the package hdf5plugin brings; 300 is a number for tests alone."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2,))
        made.set_filter(300, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F32LE, space, made)
        monkeypatch.setitem(sys.modules, "hdf5plugin", None)
        with pytest.raises(UserError, match=r"filter 300 .*; install the package hdf5plugin"):
            ensure_filters(file["x"], Path("x.h5"))


ROWS, COLUMNS = np.mgrid[:141, :61] * 1e-4
GRID = np.stack([COLUMNS, 0 * ROWS, ROWS], -1)
BENT = np.stack([COLUMNS + 3 * ROWS**2, 0 * ROWS, ROWS], -1)
OUT_OF_PLANE = np.stack([COLUMNS, 0 * ROWS + 1e-3, ROWS], -1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata__probe_pose__rotation_representation": "axis_angle"}, "expected one of quat"),
        ({"metadata__probe_pose__rotation": np.ones((8, 4))}, "quaternion of length 2"),
        ({"metadata__probe_pose__rotation": np.zeros((7, 4))}, r"expected numbers of shape \(8, 4"),
        ({"metadata__probe_pose__translation": None}, "translation is missing"),
        ({"metadata__probe_pose__translation": np.full((8, 3), 80.0)}, "expected metres"),
        ({"metadata__probe_pose__translation": np.full((8, 3), np.nan)}, "NaN or infinite"),
        ({"metadata__probe_pose__start_time_offset": None}, "start_time_offset is missing"),
        ({"metadata__probe_pose__sampling_frequency": 0.0}, "expected one number above 0"),
        ({"metadata__probe_pose__timestamps": np.zeros(8)}, "timestamps: do not rise"),
        ({"data__image__values": np.zeros((3, 4, 5, 2), "f4")}, "expected images"),
        ({"data__image__values": np.zeros((3, 4, 5), "i4")}, "expected images"),
        ({"data__image__coordinates": GRID[:, :5]}, r"expected shape \(141, 61, 3\)"),
        ({"data__image__coordinates": GRID * 1e3}, "expected finite places in metres"),
        ({"data__image__coordinates": BENT}, "the same regular grid"),
        ({"data__image__coordinates": OUT_OF_PLANE}, "in the plane y = 0"),
    ],
)  # fmt: skip
def test_each_wrong_file_has_its_line(tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_zea(edited(tmp_path, **changes))
    assert "\n" not in str(raised.value) and "edited.hdf5" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__raw_data": None}, "expected data/image or data/raw_data, got image"),
        ({"data__raw_data": np.zeros((3, 3, 9, 32), "i2")}, "expected shape .frames, transmits"),
        ({"data__raw_data": np.zeros((3, 3, 9, 16, 1), "i2")}, "rx_aperture_indices is missing"),
        ({"scan__t0_delays": None}, "t0_delays is missing"),
        ({"scan__t0_delays": np.zeros((2, 32))}, r"expected numbers of shape \(3, 32\)"),
        ({"scan__sampling_frequency": -1.0}, "sampling_frequency: expected one number above 0"),
        ({"scan__center_frequency": np.array([5e6, 6e6, 7e6])}, "one number above 0, got 5e"),
        ({"scan__tx_apodizations": -np.ones((3, 32))}, "waves of one sign"),
        ({"scan__azimuth_angles": np.full(3, 0.1)}, "waves in the image plane"),
        ({"scan__focus_distances": np.full(3, 30.0)}, "expected metres, below 1 or infinite"),
    ],
)
def test_each_wrong_scan_has_its_line(tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_zea(edited(tmp_path, **changes), Forming(from_channels=True))
    assert "\n" not in str(raised.value) and "edited.hdf5" in str(raised.value)
