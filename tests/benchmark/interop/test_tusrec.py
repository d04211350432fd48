"""TUS-REC folders: coordinates, both layouts, warnings, and the way back without loss."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import geometry
from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.interop.convert import convert
from benchmark.interop.displacements import write_displacements
from benchmark.interop.formats import Writing, open_sweep
from benchmark.interop.parts.calibration import read_tusrec_calibration
from benchmark.interop.tusrec import read_tusrec, read_tusrec_scan, write_tusrec
from benchmark.interop.untracked import open_recording
from benchmark.sweep import Prediction
from tests.benchmark.shared.random_sweeps import make_sweep

SCALE = np.diag([0.229389190673828, 0.220979690551758, 1.0, 1.0])
RIGID = np.array(
    [
        [0.231064671309448, -0.218052035041340, 0.948189025293473, -70.7413291931152],
        [-0.190847036221471, -0.965787272832032, -0.175591436013112, -80.6505661010742],
        [0.954036962825936, -0.140386087807861, -0.264773903381482, -46.1766223907471],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
OLDER = np.diag([0.22447395, 0.23554039, 1.0, 1.0])


def calibration_text(scale: np.ndarray, titles: bool = True) -> str:
    lines = []
    for title, matrix in (("scaling", scale), ("rigid", RIGID)):
        lines += [f"{title}_matrix"] * titles
        lines += [",".join(repr(float(v)) for v in row) for row in matrix]
    return "\n".join(lines) + "\n"


def make_folder(
    root: Path,
    layout: str = "train",
    *,
    scale: np.ndarray = SCALE,
    titles: bool = True,
    dtype: str = "float64",
    seed: int = 0,
    shape: tuple[int, int] = (6, 9),
    count: int = 4,
    landmarks: str | None = "landmarks",
) -> dict[str, np.ndarray]:
    """Write a folder as the challenge lays it out; return what was written, by file and key."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    (root / "calib_matrix.csv").write_text(calibration_text(scale, titles))
    content = {}
    for subject in ("000", "014"):
        for name in ("LH_Par_C_DtP", "RH_rotation"):
            start = geometry.exp(rng.normal(0, 1, 6) * [50, 50, 50, 1, 1, 1])
            tforms = start @ geometry.chain(geometry.exp(rng.normal(0, 0.1, (count - 1, 6))))
            arrays = {
                "frames": rng.integers(0, 256, (count, *shape)).astype(np.uint8),
                "tforms": tforms.astype(dtype),
            }
            low, high = (0, 1, 1), (count, shape[1] + 1, shape[0] + 1)
            marks = rng.integers(low, high, (5, 3))
            place = {"frames": "frames", "tforms": "transfs"} if layout == "val" else {}
            for key, values in arrays.items():
                file = f"{place.get(key, 'frames_transfs')}/{subject}/{name}.h5"
                _add(root / file, key, values)
                content[f"{file}:{key}"] = values
            if landmarks:
                _add(root / f"{landmarks}/landmark_{subject}.h5", name, marks)
                content[f"{landmarks}/landmark_{subject}.h5:{name}"] = marks
    return content


def _add(path: Path, key: str, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "a") as file:
        file[key] = values


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["train", "val"]),
    st.sampled_from([2024, 2025]),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
)
def test_round_trip_through_a_data_set(tmp_path_factory, seed, layout, year, dtype, titles) -> None:
    """Keys, shapes, dtypes and values come back; poses to the last digits of float32."""
    root = tmp_path_factory.mktemp("tusrec")
    place = {2024: "landmark", 2025: "landmarks"}[year]
    content = make_folder(
        root / "in", layout, seed=seed, dtype=dtype, titles=titles, landmarks=place
    )
    convert(root / "in", root / "set")
    convert(root / "set", root / "out", writing=Writing(layout=layout, year=year))
    out = root / "out" / ("train" if layout == "train" else "test")
    for address, values in content.items():
        file, key = address.split(":")
        with h5py.File(out / file) as opened:
            found = opened[key]
            kind = np.float32 if key == "tforms" else values.dtype
            assert (found.shape, found.dtype) == (values.shape, kind), address
            tolerance = 2e-5 if key == "tforms" else 0
            np.testing.assert_allclose(found[()], values, rtol=0, atol=tolerance, err_msg=address)
    scale, rigid = read_tusrec_calibration(out / "calib_matrix.csv")
    assert np.array_equal(scale, SCALE)
    np.testing.assert_allclose(rigid, RIGID, atol=1e-9)
    if layout == "val":
        with h5py.File(out / "dataset_keys.h5") as file:
            assert "sub014__RH_rotation" in file


def test_points_agree_with_the_challenge_formulas(tmp_path: Path) -> None:
    """P_i = T_{1<-i} T_scale p, T_{j<-i} = T_rot^-1 tform_j^-1 tform_i T_rot, pixels from 1."""
    content = make_folder(tmp_path)
    sweep = next(iter(read_tusrec(tmp_path)))
    tforms = content["frames_transfs/000/LH_Par_C_DtP.h5:tforms"]
    for x, y in ((1, 1), (9, 6), (4, 2)):
        theirs = SCALE @ [x, y, 0, 1]
        mine = sweep.bmode.mm_from_pixel @ [x - 1, y - 1, 0, 1]
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
        for i in range(4):
            move = np.linalg.inv(RIGID) @ np.linalg.inv(tforms[0]) @ tforms[i] @ RIGID
            np.testing.assert_allclose(sweep.first_from_frame[i] @ mine, move @ theirs, atol=1e-5)
    marks = content["landmarks/landmark_000.h5:LH_Par_C_DtP"]
    assert np.array_equal(sweep.landmarks, marks - [0, 1, 1])
    assert sweep.factors["profile"] == "c" and sweep.factors["orientation"] == "parallel"
    assert sweep.name == "000__LH_Par_C_DtP"


def test_displacement_fields(tmp_path: Path) -> None:
    """d = T T_scale p - T_scale p, x fastest; a landmark on frame 0 does not move."""
    make_folder(tmp_path)
    sweep = next(iter(read_tusrec(tmp_path)))
    sweep.landmarks[0] = (0, 3, 4)
    prediction = Prediction(sweep.first_from_frame)
    paths = write_displacements(tmp_path / "out", prediction, sweep.bmode, sweep.landmarks)
    fields = {path.stem: np.load(path, mmap_mode="r") for path in paths}
    assert {key: value.shape for key, value in fields.items()} == {
        "GP": (3, 3, 54), "LP": (3, 3, 54), "GL": (3, 5), "LL": (3, 5),
    }  # fmt: skip
    for x, y, frame in ((1, 1, 1), (9, 6, 3), (2, 5, 2)):
        point = SCALE @ [x, y, 0, 1]
        column = (y - 1) * 9 + (x - 1)
        moves = {"GP": sweep.first_from_frame[frame], "LP": sweep.prev_from_frame[frame - 1]}
        for key, pose in moves.items():
            expected = (pose @ point - point)[:3]
            np.testing.assert_allclose(fields[key][frame - 1, :, column], expected, atol=1e-5)
    assert not fields["GL"][:, 0].any() and not fields["LL"][:, 0].any()
    for index, (frame, x, y) in enumerate(sweep.landmarks):
        point = SCALE @ [x + 1, y + 1, 0, 1]
        expected = (sweep.first_from_frame[int(frame)] @ point - point)[:3]
        np.testing.assert_allclose(fields["GL"][:, index], expected, atol=1e-5)


def test_simulated_sweeps_go_out_without_moving(tmp_path: Path) -> None:
    """Another image origin and no tool: distances between pixels of any two frames stay."""
    sweep = make_sweep(5)
    write_tusrec(tmp_path, [sweep])
    back = next(iter(read_tusrec(tmp_path)))
    assert np.array_equal(back.landmarks, sweep.landmarks)
    pixels = np.array([[0.0, 0, 0], [6, 4, 0], [3, 1, 0]])
    for frame in range(4):
        mine = sweep.bmode.world_from_image[frame] @ sweep.bmode.mm_from_pixel
        other = back.bmode.world_from_image[frame] @ back.bmode.mm_from_pixel
        np.testing.assert_allclose(
            geometry.apply(other, pixels), geometry.apply(mine, pixels), atol=1e-5
        )


def test_two_folders_become_one_data_set_by_split(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", seed=1)
    make_folder(tmp_path / "val", "val", seed=2)
    for subject in ("000", "014"):
        for part in ("frames", "transfs"):
            (tmp_path / f"val/{part}/{subject}").rename(tmp_path / f"val/{part}/1{subject}")
    convert(tmp_path / "train", tmp_path / "set")
    convert(tmp_path / "val", tmp_path / "set", writing=Writing(split="val"))
    dataset = open_dataset(tmp_path / "set")
    assert len(dataset.split("train")) == len(dataset.split("val")) == 4
    assert dataset.verify() == []
    with pytest.raises(UserError, match="stands in splits"):
        convert(tmp_path / "train", tmp_path / "set2")
        make_folder(tmp_path / "leak", "val", seed=3)
        shutil.rmtree(tmp_path / "leak/frames/014")
        (tmp_path / "leak/frames/000/RH_rotation.h5").rename(tmp_path / "leak/frames/000/x.h5")
        (tmp_path / "leak/transfs/000/RH_rotation.h5").rename(tmp_path / "leak/transfs/000/x.h5")
        convert(tmp_path / "leak", tmp_path / "set2")


def test_a_scale_that_does_not_fit_is_reported(tmp_path: Path) -> None:
    make_folder(tmp_path / "right", shape=(480, 640), count=2)
    make_folder(tmp_path / "older", shape=(480, 640), count=2, scale=OLDER)
    make_folder(tmp_path / "size", count=2)
    make_folder(tmp_path / "unit", shape=(480, 640), count=2, scale=np.diag([229.4, 221, 1, 1]))
    notes: dict[str, list[str]] = {}
    for name in ("right", "older", "size", "unit"):
        notes[name] = []
        list(read_tusrec(tmp_path / name, report=notes[name].append))
    assert notes["right"] == []
    assert "older UCL set" in notes["older"][0] and "6.6 %" in notes["older"][0]
    assert any("9 x 6 pixels" in note for note in notes["size"])
    assert any("is it in mm per pixel" in note for note in notes["unit"])


@pytest.mark.parametrize("layout", ["train", "val"])
def test_landmarks_of_both_years_are_found_and_their_lack_is_reported(tmp_path, layout) -> None:
    notes: list[str] = []

    def counts(name: str) -> list[int]:
        notes.clear()
        sweeps = read_tusrec(tmp_path / name, report=notes.append)
        return [len(sweep.landmarks) for sweep in sweeps]

    shape = (480, 640)
    for name in ("landmark", "landmarks"):
        make_folder(tmp_path / name, layout, landmarks=name, shape=shape, count=2)
        assert counts(name) == [5, 5, 5, 5] and notes == []
    (tmp_path / "landmark/landmark/landmark_014.h5").unlink()
    with h5py.File(tmp_path / "landmark/landmark/landmark_000.h5", "a") as file:
        del file["RH_rotation"]
    assert counts("landmark") == [5, 0, 0, 0]
    (note,) = notes
    assert "no landmarks of 3 of 4 scans (000/RH_rotation ...); they have no gle, lle" in note
    make_folder(tmp_path / "none", layout, landmarks=None, shape=shape, count=2)
    assert counts("none") == [0, 0, 0, 0]
    (note,) = notes
    assert "neither landmark/ (2024) nor landmarks/ (2025); they have no gle" in note
    place = tmp_path / "none" / ("frames_transfs" if layout == "train" else "frames")
    single: list[str] = []
    read_tusrec_scan(place / "014/RH_rotation.h5", report=single.append)
    assert single == notes
    (tmp_path / "landmark/landmarks").mkdir()
    with pytest.raises(UserError, match=r"landmark/ \(2024\) or landmarks/ \(2025\), got both"):
        counts("landmark")


@pytest.mark.parametrize("layout", ["train", "val"])
def test_frames_of_another_type_are_refused_on_every_path(tmp_path: Path, layout: str) -> None:
    make_folder(tmp_path / "a", layout)
    place = "frames_transfs" if layout == "train" else "frames"
    path = tmp_path / "a" / place / "000/RH_rotation.h5"
    with h5py.File(path, "a") as file:
        values = file["frames"][()]
        del file["frames"]
        file["frames"] = values.astype("float32") / 255
    words = rf"{path}: frames: expected uint8, got float32"
    for action in (
        lambda: list(read_tusrec(tmp_path / "a")),
        lambda: read_tusrec_scan(path),
        lambda: open_sweep(path),
        lambda: open_recording(path),
        lambda: convert(path, tmp_path / "x.h5"),
        lambda: convert(tmp_path / "a", tmp_path / "set"),
    ):
        with pytest.raises(UserError, match=words):
            action()


def test_a_scan_of_the_validation_layout_finds_its_poses(tmp_path: Path) -> None:
    content = make_folder(tmp_path, "val")
    sweep = read_tusrec_scan(tmp_path / "frames/014/RH_rotation.h5")
    whole = {found.name: found for found in read_tusrec(tmp_path)}[sweep.name]
    assert np.array_equal(sweep.bmode.world_from_image, whole.bmode.world_from_image)
    assert np.array_equal(sweep.landmarks, whole.landmarks) and len(content) == 12


@pytest.mark.parametrize("mark", [(4, 1, 1), (-1, 1, 1), (1.5, 1, 1), (0, np.nan, 1)])
def test_landmarks_outside_the_scan_are_refused(tmp_path: Path, mark: tuple[float, ...]) -> None:
    make_folder(tmp_path, landmarks=None)
    _add(tmp_path / "landmark/landmark_000.h5", "LH_Par_C_DtP", np.array([mark], float))
    with pytest.raises(UserError, match=r"LH_Par_C_DtP: expected frames 0 to 3 and finite pixels"):
        list(read_tusrec(tmp_path))


def test_a_single_scan_finds_its_calibration(tmp_path: Path) -> None:
    make_folder(tmp_path / "a")
    path = tmp_path / "a/frames_transfs/014/RH_rotation.h5"
    sweep = read_tusrec_scan(path)
    assert sweep.factors["subject"] == "014" and len(sweep.landmarks) == 5
    shutil.copy(path, tmp_path / "alone.h5")
    with pytest.raises(UserError, match="calibration is missing"):
        read_tusrec_scan(tmp_path / "alone.h5")
    alone = read_tusrec_scan(tmp_path / "alone.h5", tmp_path / "a/calib_matrix.csv")
    assert np.array_equal(alone.bmode.world_from_image, sweep.bmode.world_from_image)


def test_wrong_folders_each_have_their_line(tmp_path: Path) -> None:
    def read(name: str) -> None:
        list(read_tusrec(tmp_path / name))

    make_folder(tmp_path / "a")
    (tmp_path / "a/calib_matrix.csv").unlink()
    with pytest.raises(UserError, match="calibration is missing"):
        read("a")
    (tmp_path / "a/calib_matrix.csv").write_text("1,0,0,0\n0,1,0\n")
    with pytest.raises(UserError, match="expected two 4 x 4 matrices"):
        read("a")
    bent = calibration_text(SCALE).replace("0.231064671309448", "0.4")
    (tmp_path / "a/calib_matrix.csv").write_text(bent)
    with pytest.raises(UserError, match="from image to tool is not rigid"):
        read("a")
    make_folder(tmp_path / "b")
    path = tmp_path / "b/frames_transfs/014/LH_Par_C_DtP.h5"
    with h5py.File(path, "a") as file:
        del file["frames"]
        file["frames"] = np.zeros((4, 5, 5), np.uint8)
    with pytest.raises(UserError, match="frames of 5 x 5 pixels, others of 9 x 6"):
        read("b")
    with h5py.File(path, "a") as file:
        file["tforms"][1, 0, 0] = 3
    with pytest.raises(UserError, match="tforms: frame 1 is not rigid"):
        read("b")
    with h5py.File(path, "a") as file:
        del file["tforms"]
    with pytest.raises(UserError, match="tforms is missing"):
        read("b")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="truncated or not HDF5"):
        read("b")
    with pytest.raises(UserError, match="no frames_transfs"):
        read("c")
    with pytest.raises(UserError, match="another calibration or frame size"):
        write_tusrec(tmp_path / "d", [make_sweep(1), make_sweep(2, rows=9)])
