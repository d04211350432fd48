"""`convert`: every pair of formats, and one clear line for each wrong input."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep, write_prediction, write_sweep
from benchmark.interop.convert import convert, read_poses
from benchmark.interop.formats import Writing, kind_of, open_sweep
from benchmark.interop.igsio import write_igsio
from benchmark.interop.poses.trajectory import read_kitti, read_tum
from benchmark.interop.sequence import Reading
from benchmark.sweep import Prediction, World
from tests.benchmark.shared.random_sweeps import make_sweep
from tests.command_line import Done, command

ROOT = Path(__file__).parents[3]


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    write_sweep(tmp_path / "sweep.h5", make_sweep(8))
    return tmp_path / "sweep.h5"


def convert_command(*words: object, cwd: Path) -> Done:
    return command("benchmark", "convert", *words, cwd=cwd)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """The system refuses to write on, as on a full disk; here by a limit on a file's size."""
    resource = pytest.importorskip("resource", reason="file size limits are POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def bytes_without_world(path: Path) -> bytes:
    """Return the bytes of a sweep that was read from a sequence as if it had not been."""
    sweep = read_sweep(path)
    assert sweep.bmode.world == World(axes="RAS")
    bmode = replace(sweep.bmode, world=World())
    write_sweep(path.with_name("without.h5"), replace(sweep, channels={"bmode": bmode}))
    return path.with_name("without.h5").read_bytes()


@pytest.mark.parametrize("suffix", [".igs.mha", ".igs.mhd", ".seq.nrrd", ".nhdr"])
def test_there_and_back_is_the_same_file(tmp_path: Path, sweep_file: Path, suffix: str) -> None:
    """The same but for the axes in which 3D Slicer shows a sequence."""
    convert(sweep_file, tmp_path / f"x{suffix}", writing=Writing(compress=True, orientation="UN"))
    convert(tmp_path / f"x{suffix}", tmp_path / "back.h5")
    assert bytes_without_world(tmp_path / "back.h5") == sweep_file.read_bytes()


def test_sequences_become_other_sequences(tmp_path: Path, sweep_file: Path) -> None:
    convert(sweep_file, tmp_path / "a.mha")
    convert(tmp_path / "a.mha", tmp_path / "b.nrrd")
    convert(tmp_path / "b.nrrd", tmp_path / "c.h5")
    assert bytes_without_world(tmp_path / "c.h5") == sweep_file.read_bytes()


def test_trajectories_and_predictions(tmp_path: Path, sweep_file: Path) -> None:
    sweep = read_sweep(sweep_file)
    convert(sweep_file, tmp_path / "true.tum")
    convert(sweep_file, tmp_path / "true.kitti")
    times, poses = read_tum(tmp_path / "true.tum")
    assert np.array_equal(times, sweep.bmode.timestamps)
    np.testing.assert_allclose(poses, sweep.bmode.world_from_image, atol=1e-12)
    np.testing.assert_allclose(read_kitti(tmp_path / "true.kitti"), poses, atol=1e-12)
    convert(tmp_path / "true.tum", tmp_path / "prediction.h5")
    prediction = read_poses(tmp_path / "prediction.h5")
    np.testing.assert_allclose(prediction.first_from_frame, sweep.first_from_frame, atol=1e-12)
    convert(tmp_path / "prediction.h5", tmp_path / "estimate.tum", sweep=sweep_file)
    np.testing.assert_allclose(
        read_tum(tmp_path / "estimate.tum")[1], sweep.first_from_frame, atol=1e-12
    )
    with pytest.raises(UserError, match="give its sweep by --sweep"):
        convert(tmp_path / "prediction.h5", tmp_path / "x.tum")
    written = convert(tmp_path / "prediction.h5", tmp_path / "fields", sweep=sweep_file)
    assert {path.name for path in written} == {"GP.npy", "LP.npy", "GL.npy", "LL.npy"}
    write_prediction(tmp_path / "short.h5", Prediction(np.eye(4)[None]))
    with pytest.raises(UserError, match="1 poses for the 4 frames"):
        convert(tmp_path / "short.h5", tmp_path / "x.tum", sweep=sweep_file)


def test_another_channel_goes_out_by_name(tmp_path: Path, sweep_file: Path) -> None:
    with pytest.raises(UserError, match="no channel 'pa'"):
        convert(sweep_file, tmp_path / "x.mha", writing=Writing(channel="pa"))
    write_igsio(tmp_path / "f.mha", make_sweep(1, dtype="float32"))
    with pytest.raises(UserError, match="expected 8-bit B-mode frames"):
        convert(tmp_path / "f.mha", tmp_path / "f.h5")


def test_what_a_file_is(tmp_path: Path, sweep_file: Path) -> None:
    assert kind_of(sweep_file) == "sweep"
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = np.zeros(3)
    with pytest.raises(UserError, match=r"no sweep of a known layout \(its keys: something\)"):
        kind_of(tmp_path / "other.h5")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="neither a data set nor a TUS-REC folder"):
        kind_of(tmp_path / "folder")
    with pytest.raises(UserError, match="no such file"):
        kind_of(tmp_path / "gone.mha")
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match="expected a sweep"):
        kind_of(tmp_path / "a.png")
    for name in ("v.nii", "v.nii.gz"):
        (tmp_path / name).touch()
        with pytest.raises(UserError, match="NIfTI holds a volume, expected a sweep"):
            open_sweep(tmp_path / name)
    with pytest.raises(UserError, match="expected a folder or a name ending in"):
        convert(sweep_file, tmp_path / "x.avi")
    (tmp_path / "not.mha").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(UserError, match="truncated or no MetaImage header"):
        open_sweep(tmp_path / "not.mha")


def test_a_volume_is_no_sweep(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8))
    for name in ("v.mha", "v.nrrd"):
        sitk.WriteImage(image, str(tmp_path / name))
        with pytest.raises(UserError, match=r"expected a sequence|without fields of frames"):
            open_sweep(tmp_path / name)


def test_frame_rate_replaces_times(tmp_path: Path, sweep_file: Path) -> None:
    convert(sweep_file, tmp_path / "x.mha")
    sweep = open_sweep(tmp_path / "x.mha", Reading(frame_rate=25))
    np.testing.assert_allclose(sweep.bmode.timestamps, np.arange(4) / 25)
    with pytest.raises(UserError, match="--frame-rate: expected above 0"):
        open_sweep(tmp_path / "x.mha", Reading(frame_rate=-1))


def test_times_that_do_not_rise(tmp_path: Path) -> None:
    sweep = make_sweep(2)
    sweep.bmode.timestamps[2] = sweep.bmode.timestamps[1]
    write_igsio(tmp_path / "x.mha", sweep)
    notes: list[str] = []
    assert len(open_sweep(tmp_path / "x.mha", report=notes.append)) == 3
    assert "time does not rise: 2" in notes[0]
    with pytest.raises(UserError, match="times do not rise"):
        open_sweep(tmp_path / "x.mha", Reading(invalid="keep"))


def test_calibration_files(tmp_path: Path) -> None:
    sweep = make_sweep(3)
    write_igsio(tmp_path / "x.mha", sweep, transform="ProbeToTracker")
    data = (tmp_path / "x.mha").read_bytes().replace(b"ImageToProbe", b"ImageToOther")
    (tmp_path / "x.mha").write_bytes(data)
    matrix = geometry.exp(np.array([5.0, 6, 7, 0.4, 0.2, -1])) @ np.diag([0.3, 0.2, 1, 1])
    text = " ".join(repr(float(v)) for v in matrix.ravel())
    (tmp_path / "c.xml").write_text(
        "<PlusConfiguration><CoordinateDefinitions>"
        f'<Transform From="Image" To="Probe" Matrix="{text}"/>'
        "</CoordinateDefinitions></PlusConfiguration>"
    )
    (tmp_path / "c.txt").write_text("# ImageToProbe\n" + text.replace(" ", ",\n"))
    flat = matrix @ np.diag([1.0, 1, 0, 1])  # a plane needs no third column
    np.savetxt(tmp_path / "plane.txt", flat, fmt="%.17g")
    for name in ("c.xml", "c.txt", "plane.txt"):
        read = open_sweep(tmp_path / "x.mha", Reading(calibration=tmp_path / name))
        np.testing.assert_allclose(
            read.bmode.world_from_image @ read.bmode.mm_from_pixel @ [2, 3, 0, 1],
            sweep.bmode.world_from_image @ matrix @ [2, 3, 0, 1],
            atol=1e-10,
        )
    wrong = {
        "no.xml": ("", "no such file"),
        "a.xml": ("<A><B></A>", "expected XML"),
        "b.xml": ("<A/>", "no Transform with From"),
        "c15.txt": ("1 0 0 0 0 1 0 0 0 0 1 0 0 0 0", "expected 16 finite numbers, got 15"),
        "words.txt": ("one two", "could not convert"),
        "flat.txt": ("1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "its axes in a plane"),
    }
    for name, (content, message) in wrong.items():
        if content:
            (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match=message):
            open_sweep(tmp_path / "x.mha", Reading(calibration=tmp_path / name))


@pytest.mark.parametrize("target", ["out.h5", "out.mha", "out.mhd", "out.nrrd", "out.tum", "out"])
def test_no_write_permission(tmp_path: Path, sweep_file: Path, target: str) -> None:
    """A folder that cannot be made; a closed one says the same (root may write anywhere)."""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        convert(sweep_file, tmp_path / "file" / target)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    write_sweep(tmp_path / "big.h5", make_sweep(1, frames=40, rows=60, columns=60))
    return tmp_path


@pytest.mark.parametrize("target", ["out.h5", "out.mha", "out.mhd", "out.nrrd", "out"])
def test_a_full_disk_is_one_line_and_leaves_nothing(big: Path, full_disk, target: str) -> None:
    done = convert_command("big.h5", target, cwd=big)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1 and "cannot be written" in done.stderr, done.stderr
    assert not [p for p in big.rglob("*") if p.is_file() and p.name != "big.h5"]


def test_the_command_line_says_it_in_one_line(tmp_path: Path, sweep_file: Path) -> None:
    done = convert_command("sweep.h5", "out.igs.mha", "--compress", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "out.igs.mha\n"), done.stderr
    wrong = convert_command("out.igs.mha", "x.h5", "--transform", "ProbToTracker", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: out.igs.mha: ") and wrong.stderr.count("\n") == 1
    assert "did you mean 'ProbeToTracker'" in wrong.stderr
