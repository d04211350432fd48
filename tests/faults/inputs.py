"""Every reader of files that others write, with sound files for it, small, to be damaged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import h5py
import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, open_dataset, write_dataset, write_entry
from benchmark.errors import silent
from benchmark.hdf5 import read_prediction, read_sweep, write_prediction, write_sweep
from benchmark.interop import moglo_h5, tusrec
from benchmark.interop.cine_images import read_cine_images
from benchmark.interop.cines.fan import clip_mask
from benchmark.interop.formats import open_sweep
from benchmark.interop.igsio import write_igsio
from benchmark.interop.poses.calibration import read_calibration
from benchmark.interop.poses.table import read_pose_table
from benchmark.interop.poses.trajectory import write_csv, write_kitti, write_tum
from benchmark.interop.rf.ipasc import PhotoacousticData, read_ipasc, write_ipasc
from benchmark.interop.rf.zea import read_zea
from benchmark.interop.rf.zea_writing import write_zea
from benchmark.interop.sequence import Reading
from benchmark.interop.volumes.reading import read_volume
from benchmark.interop.volumes.writing import write_volume
from benchmark.results import read_result
from benchmark.scoring.prediction_file import prediction_faults
from benchmark.scoring.submission import check_predictions
from benchmark.sweep import Prediction, Sweep
from benchmark.volume.reconstruction import Volume
from simulate.spec.record import SPEC_FOLDER, load_spec
from tests.benchmark.interop.cines import inputs as cines
from tests.benchmark.shared import folders, synthetic_results
from tests.benchmark.shared.full_sweep import full_sweep
from tests.benchmark.shared.random_sweeps import make_sweep

FRAMES = 5
#: Sound files of a reader: what is read, and the file of it that is damaged.
Sound = list[tuple[Path, Path]]


@dataclass(frozen=True)
class Reader:
    """write: makes sound files in a folder; read: what must end in an answer or a UserError."""

    write: Callable[[Path], Sound]
    read: Callable[[Path], object]


def _same(*paths: Path) -> Sound:
    return [(path, path) for path in paths]


def _frames_read(sweep: Sweep) -> Sweep:
    """Read the first and the last frame of each channel."""
    for channel in sweep.channels.values():
        channel.frames[0], channel.frames[len(channel.frames) - 1]
    return sweep


def _prediction() -> Prediction:
    steps = geometry.exp(np.random.default_rng(1).normal(0, 0.1, (FRAMES - 1, 6)))
    return Prediction.from_steps(steps, np.full(FRAMES - 1, 0.1))


def write_sweeps(folder: Path) -> Sound:
    """Write a plain sweep and one with all that a sweep can hold."""
    write_sweep(folder / "plain.h5", make_sweep(0))
    write_sweep(folder / "full.h5", full_sweep())
    return _same(folder / "plain.h5", folder / "full.h5")


def write_predictions(folder: Path) -> Sound:
    """Write a prediction file."""
    write_prediction(folder / "a.h5", _prediction())
    return _same(folder / "a.h5")


def write_npz(folder: Path) -> Sound:
    """Write predictions as npz, plain and packed."""
    arrays = {key: v for key, v in vars(_prediction()).items() if v is not None}
    np.savez(folder / "a.npz", **arrays)
    np.savez_compressed(folder / "b.npz", **arrays)
    return _same(folder / "a.npz", folder / "b.npz")


def write_submission(folder: Path) -> Sound:
    """Write a data set of two sweeps and predictions for it, HDF5 and npz."""
    entries = [
        write_entry(folder / "data", f"sweeps/{name}.h5", make_sweep(0), "test", name)
        for name in ("a", "b")
    ]
    entries = [replace(entry, name=entry.subject) for entry in entries]
    dataset = write_dataset(folder / "data", "two", entries, {"spec_hash": "x"})
    made = folders.make_predictions(folder / "made", dataset)
    return [(made, path) for path in made.iterdir()]


def write_datasets(folder: Path) -> Sound:
    """Write a data set."""
    folders.make_dataset(folder / "data")
    return [(folder / "data", folder / "data" / "dataset.json")]


def write_sequences(suffix: str) -> Callable[[Path], Sound]:
    """Return what writes sequences of one format, plain and packed."""

    def write(folder: Path) -> Sound:
        for name, compress in (("plain", False), ("packed", True)):
            write_igsio(folder / f"{name}{suffix}", make_sweep(0), compress=compress)
        return _same(*folder.iterdir())

    return write


def write_volumes(folder: Path) -> Sound:
    """Write a volume in all formats, with and without compression."""
    values = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    volume = Volume(values, np.diag([0.2, 0.3, 0.4, 1.0]), np.ones_like(values))
    paths = [folder / f"a{suffix}" for suffix in (".mha", ".nrrd", ".nii", ".nii.gz")]
    for path in paths:
        write_volume(path, volume)
    return _same(*paths)


def write_tusrec(folder: Path) -> Sound:
    """Write a folder of the challenge in each layout."""
    found: Sound = []
    for layout in ("train", "val"):
        tree = folder / layout
        tusrec.write_tusrec(tree, [make_sweep(0)], layout)
        found += [(tree, path) for path in tree.rglob("*") if path.is_file()]
    return found


def write_moglo(folder: Path) -> Sound:
    """Write a sample file of MoGLo-Net's layout."""
    sweep = make_sweep(0, rows=6, columns=6)
    labels = moglo_h5.label_of_pose(sweep.first_from_frame)
    with h5py.File(folder / "a.h5", "w") as file:
        file["img_B"] = sweep.bmode.frames[:, None]
        file["y_abs"] = labels
        file["y_rel"] = moglo_h5.label_of_pose(sweep.prev_from_frame)
    return _same(folder / "a.h5")


def write_trajectories(folder: Path) -> Sound:
    """Write poses as TUM, KITTI, and tables of quaternions, of a matrix, and without times."""
    bmode = make_sweep(0).bmode
    times, poses = bmode.timestamps, bmode.world_from_image
    write_tum(folder / "a.tum", times, poses)
    write_kitti(folder / "a.kitti", poses)
    write_csv(folder / "a.csv", times, poses)
    write_csv(folder / "b.csv", None, poses)
    names = ",".join(["time_ms", "status", *(f"m{i}{j}_mm" for i in range(3) for j in range(4))])
    numbers = zip(times, poses[:, :3].reshape(-1, 12), strict=True)
    rows = [f"{time},ok,{','.join(map(str, row))}" for time, row in numbers]
    (folder / "c.csv").write_text("\n".join([names, *rows]))
    return _same(*folder.iterdir())


def write_calibrations(folder: Path) -> Sound:
    """Write a device set of PLUS, 16 numbers, and TUS-REC's two tables."""
    (folder / "a.xml").write_text(
        '<PlusConfiguration><CoordinateDefinitions><Transform From="Image" To="Probe" '
        'Matrix="0.1 0 0 1 0 0.1 0 2 0 0 0.1 3 0 0 0 1"/></CoordinateDefinitions>'
        '<VolumeReconstruction ClipRectangleOrigin="0 0" ClipRectangleSize="3 4" '
        'FanAnglesDeg="-30 30" FanOriginPixel="4 -5" FanRadiusStartPixel="3"/></PlusConfiguration>'
    )
    (folder / "a.txt").write_text("0.1 0 0 1\n0 0.1 0 2\n0 0 0.1 3\n0 0 0 1\n")
    tusrec.write_tusrec(folder / "tree", [make_sweep(0)])
    table = (folder / "tree" / "calib_matrix.csv").read_bytes()
    (folder / "a.csv").write_bytes(table)
    return _same(folder / "a.xml", folder / "a.txt", folder / "a.csv")


def write_specs(folder: Path) -> Sound:
    """Copy specs of the package without remarks, which nobody reads."""
    names = ("tiny-v2", "small-v2", "varied-v2", "pa-hetero-v2", "vessels-v2", "stress-v2")
    for name in names:
        lines = (SPEC_FOLDER / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line and line[0] != "#"]
        (folder / f"{name}.toml").write_text("\n".join(kept), encoding="utf-8")
    return _same(*folder.iterdir())


def write_results(folder: Path) -> Sound:
    """Write two results, one with sweeps that failed."""
    results = [synthetic_results.result(sweeps=3), synthetic_results.result(sweeps=4, lost=2)]
    for content in results:
        for sweep in content["sweeps"]:
            sweep["trajectory"] = {key: rows[:4] for key, rows in sweep["trajectory"].items()}
            sweep["curve"] = {key: rows[:4] for key, rows in sweep["curve"].items()}
    return _same(*synthetic_results.write_results(folder, results))


def write_dicoms(folder: Path) -> Sound:
    """Write DICOM files: plain, RLE, and JPEG, with a region of tissue."""
    frames = cines.moving_block(2, 16, 16)
    ends = {"MinX0": 0, "MinY0": 0, "MaxX1": 9, "MaxY1": 9}
    region = {f"RegionLocation{end}": value for end, value in ends.items()}
    region |= {"PhysicalDeltaX": 0.1, "PhysicalDeltaY": 0.1}
    for packing in (None, "rle", "jpeg"):
        path = folder / f"{packing}.dcm"
        cines.write_dicom(path, frames, region=region, compress=packing, FrameTime=50)
    return _same(*folder.iterdir())


def write_videos(folder: Path) -> Sound:
    """Write videos in two containers."""
    frames = cines.moving_block(2, 16, 16)
    cines.write_video(folder / "a.avi", frames)
    cines.write_video(folder / "b.avi", frames, "MJPG")
    cines.write_video(folder / "a.mp4", frames, "mp4v")
    return _same(*folder.iterdir())


def write_pictures(folder: Path) -> Sound:
    """Write a TIFF of several pages, and a folder of images of each kind."""
    from PIL import Image

    pages = [Image.fromarray(frame) for frame in cines.moving_block(2, 8, 8)]
    pages[0].save(folder / "a.tif", save_all=True, append_images=pages[1:])
    found = _same(folder / "a.tif")
    for kind in ("png", "jpg", "bmp"):
        (folder / kind).mkdir()
        for index, page in enumerate(pages):
            page.save(folder / kind / f"{index}.{kind}")
        found.append((folder / kind, folder / kind / f"1.{kind}"))
    return found


def write_zeas(folder: Path) -> Sound:
    """Write a sweep as zea's images; copy the channel data that zea itself wrote."""
    write_zea(folder / "a.zea.hdf5", make_sweep(0))
    source = Path(__file__).parents[1] / "fixtures" / "zea" / "plane-waves.hdf5"
    (folder / "b.hdf5").write_bytes(source.read_bytes())
    return _same(*folder.iterdir())


def write_ipascs(folder: Path) -> Sound:
    """Write photoacoustic channel data."""
    elements = np.stack([np.arange(4) * 0.3, np.zeros(4), np.zeros(4)], -1)
    signals = np.random.default_rng(0).normal(size=(4, 30, 1, 2)).astype(np.float32)
    data = PhotoacousticData(signals, 40e6, elements, np.array([800.0]), np.array([0.0, 0.1]))
    write_ipasc(folder / "a.hdf5", data)
    return _same(folder / "a.hdf5")


def _read_prediction(path: Path) -> None:
    found = prediction_faults(path, FRAMES)
    assert all(line and "\n" not in line for line in found), found
    read_prediction(path)


def _read_calibration(path: Path) -> None:
    read_calibration(path)
    clip_mask(path, (20, 30))


def _read_submission(folder: Path) -> list[str]:
    found = check_predictions(folder, _sound_dataset(folder.parent / "data"), "test")
    assert all(line and "\n" not in line for line in found), found
    return found


@cache
def _sound_dataset(folder: Path) -> Dataset:
    return open_dataset(folder)


def _read_dataset(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert all("\n" not in line for line in dataset.verify())
    dataset.described("test")


def _read_cine(path: Path) -> None:
    reading = Reading(frame_rate=20.0, pixel_mm=(0.1, 0.1), window=None)
    _, images = read_cine_images(path, reading, silent)
    images.frames[0], images.frames[len(images.frames) - 1]


def _read_tusrec(folder: Path) -> None:
    for _, sweep in tusrec.read_splits(folder):
        _frames_read(sweep)


def _read_poses(path: Path) -> None:
    read_pose_table(path, unit=None if path.suffix == ".csv" else "m")


READERS: dict[str, Reader] = {
    "sweep": Reader(write_sweeps, lambda path: read_sweep(path)),
    "sweep-lazy": Reader(write_sweeps, lambda path: _frames_read(open_sweep(path))),
    "prediction": Reader(write_predictions, _read_prediction),
    "npz": Reader(write_npz, _read_prediction),
    "submission": Reader(write_submission, _read_submission),
    "dataset": Reader(write_datasets, _read_dataset),
    "metaimage": Reader(write_sequences(".mha"), lambda path: _frames_read(open_sweep(path))),
    "nrrd": Reader(write_sequences(".nrrd"), lambda path: _frames_read(open_sweep(path))),
    "volume": Reader(write_volumes, read_volume),
    "tusrec": Reader(write_tusrec, _read_tusrec),
    "moglo": Reader(write_moglo, lambda path: _frames_read(open_sweep(path))),
    "trajectory": Reader(write_trajectories, _read_poses),
    "calibration": Reader(write_calibrations, _read_calibration),
    "spec": Reader(write_specs, load_spec),
    "result": Reader(write_results, read_result),
    "dicom": Reader(write_dicoms, _read_cine),
    "video": Reader(write_videos, _read_cine),
    "pictures": Reader(write_pictures, _read_cine),
    "zea": Reader(write_zeas, lambda path: read_zea(path)),
    "ipasc": Reader(write_ipascs, read_ipasc),
}
