"""The commands for recordings of any format: convert, reconstruct, track."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from benchmark.errors import UserError
from benchmark.figures.pictures import write_pictures
from benchmark.geometry import inverse, path_length, unanchor
from benchmark.hdf5 import write_prediction
from benchmark.interop.convert import convert
from benchmark.interop.formats import Writing
from benchmark.interop.poses.trajectory import write_csv, write_kitti, write_tum
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import anchored, open_compared, open_tracked
from benchmark.interop.volumes import SUFFIXES, write_volume
from benchmark.runs.track import open_tracker, track
from benchmark.sweep import Images, Prediction, Sweep, centre_path, end_error_mm, poses_at
from benchmark.volume.choices import Placing, place

OWN = "its own poses"


def warn(message: str) -> None:
    """Print a remark on a recording to standard error."""
    print(f"note: {message}", file=sys.stderr)


@dataclass(frozen=True)
class Convert:
    """Turn sweeps, poses or predictions of one format into another, told by the files' names.

    From: .h5 of this program, MoGLo-Net, TUS-REC or zea; .mha, .mhd, .nrrd of PLUS and Slicer;
    .tum, .kitti, .csv; a TUS-REC folder or a data set; with --poses a folder of images, .tif, .mp4,
    .avi, DICOM. To: .h5, .mha, .mhd, .nrrd, .zea.hdf5, .tum, .kitti, .csv; without suffix a data
    set (from TUS-REC), a TUS-REC folder, or (from a prediction) displacement fields.
    """

    source: tyro.conf.Positional[Path]
    out: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    writing: tyro.conf.OmitArgPrefixes[Writing]
    sweep: Path | None = None
    """Sweep that a prediction or trajectory belongs to."""

    def run(self) -> None:
        written = convert(
            self.source,
            self.out,
            reading=self.reading,
            writing=self.writing,
            sweep=self.sweep,
            report=warn,
        )
        for path in written[:5]:
            print(path)
        if len(written) > 5:
            print(f"... {len(written)} files")


@dataclass(frozen=True)
class Output:
    """The files of a volume."""

    out: Path = Path("volume.nrrd")
    """Volume, .nrrd, .mha, .nii or .nii.gz; pictures and an html view go beside it."""
    world: Literal["LPS", "RAS"] = "LPS"
    """What the axes of the world mean in the patient."""
    pictures: bool = True
    """Draw slices, projections, poses, and the html view."""


RunFolder = Annotated[Path | None, tyro.conf.arg(name="run")]


@dataclass(frozen=True)
class Reconstruct:
    """Reconstruct a volume from a sweep's frames by its own poses, a tracker's, or a file's."""

    sweep: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    placing: tyro.conf.OmitArgPrefixes[Placing]
    output: tyro.conf.OmitArgPrefixes[Output]
    tracker: str | None = None
    """Take the poses of this tracker instead of the sweep's own."""
    run_folder: RunFolder = None
    """Folder of the tracker's trained run; by default the weights shipped with the tracker."""
    channel: str = "bmode"
    """Channel to reconstruct; its frames may have times of their own."""

    def run(self) -> None:
        if self.tracker and self.reading.poses:
            raise UserError("--tracker and --poses: expected one of them, got both")
        if self.run_folder and not self.tracker:
            raise UserError("--run: expected --tracker with it")
        tracked = open_tracked(self.sweep, self.reading, warn)
        sweep = tracked.sweep
        if self.channel not in sweep.channels:
            known = ", ".join(sweep.channels)
            raise UserError(f"{self.sweep}: no channel '{self.channel}' (has: {known})")
        images = sweep.channels[self.channel]
        facts = {"sweep": sweep.name, "channel": self.channel}
        if self.reading.poses:
            source, own = self.reading.poses.name, tracked.own.get(self.channel)
            paths = _beside(source, images.world_from_image, own)
        elif self.tracker:
            paths = self._tracked(sweep, images)
        else:
            paths = {OWN: images.world_from_image}
        facts["poses"] = next(iter(paths))
        _finish(images, paths, facts, self.placing, self.output, self.channel != "bmode")

    def _tracked(self, sweep: Sweep, images: Images) -> dict[str, np.ndarray]:
        """Return poses (N, 4, 4) of a channel's frames by the tracker, and the sweep's own."""
        tracker, domain = open_tracker(str(self.tracker), self.run_folder, warn)
        prediction = track(tracker, domain, sweep.observe().bmode, sweep.probe, warn)
        known = np.eye(4)[None] if sweep.bmode.is_withheld else sweep.bmode.world_from_image
        poses = unanchor(known, prediction.first_from_frame)
        if self.channel != "bmode":
            poses = poses_at(images, sweep.bmode, poses)
        own = None if sweep.bmode.is_withheld else sweep.channels[self.channel].world_from_image
        return {str(self.tracker): poses} | ({} if own is None else {OWN: own})


def _beside(name: str, poses: np.ndarray, own: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return poses (N, 4, 4) and beside them those of the recording's own that are known.

    own (N, 4, 4): of the same frames in a world of its own, NaN where unknown.
    """
    known = np.zeros(0, bool) if own is None else np.isfinite(own).all((1, 2))
    if own is None or not known.any():
        return {name: poses}
    first = int(np.argmax(known))
    return {name: poses, OWN: poses[first] @ inverse(own[first]) @ own[known]}


@dataclass(frozen=True)
class Track:
    """Track a recording by its images alone and reconstruct a volume by the tracker's poses."""

    recording: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    placing: tyro.conf.OmitArgPrefixes[Placing]
    output: tyro.conf.OmitArgPrefixes[Output]
    tracker: str = "moglo"
    """Registered name, or package.module:Class."""
    run_folder: RunFolder = None
    """Folder of a trained run; by default the weights shipped with the tracker."""
    save_poses: Path | None = None
    """Write the poses as well: a prediction (.h5), .tum, .kitti or .csv."""

    def run(self) -> None:
        tracker, domain = open_tracker(self.tracker, self.run_folder, warn)
        recording = open_compared(self.recording, self.reading, warn)
        images = recording.images
        prediction = track(tracker, domain, images, recording.sweep.probe, warn)
        if self.save_poses:
            _save_poses(self.save_poses, prediction, images)
        facts: dict[str, Any] = {"recording": recording.name, "poses": self.tracker}
        own, poses = recording.world_from_image, prediction.first_from_frame
        paths = {self.tracker: poses}
        if own is not None and (known := np.isfinite(own).all((1, 2))).any():
            name = self.reading.poses.name if self.reading.poses else OWN
            paths = {self.tracker: anchored(own, poses), name: own[known]}
            drift = end_error_mm(images, own[known], poses[known])
            some = "" if known.all() else f" (of {known.sum()} of {len(known)} frames)"
            facts["drift at the end"] = f"{drift:.2f} mm{some}"
        _finish(images, paths, facts, self.placing, self.output, False)


def _save_poses(path: Path, prediction: Prediction, images: Images) -> None:
    suffix = path.suffix.lower()
    if suffix == ".tum":
        write_tum(path, images.timestamps, prediction.first_from_frame)
    elif suffix == ".kitti":
        write_kitti(path, prediction.first_from_frame)
    elif suffix == ".csv":
        write_csv(path, images.timestamps, prediction.first_from_frame)
    elif suffix in (".h5", ".hdf5"):
        write_prediction(path, prediction)
    else:
        raise UserError(f"{path}: expected a name ending in .h5, .tum, .kitti or .csv")


def _finish(
    images: Images,
    paths: dict[str, np.ndarray],
    facts: dict[str, Any],
    placing: Placing,
    output: Output,
    depth_coded: bool,
) -> None:
    """Reconstruct by the poses of the first path; write volume and pictures, print the facts."""
    if not output.out.name.lower().endswith(SUFFIXES):
        raise UserError(f"{output.out}: expected a name ending in one of {', '.join(SUFFIXES)}")
    facts = {
        **facts,
        **{f"path, {k}": f"{path_length(centre_path(images, v)):.1f} mm" for k, v in paths.items()},
    }
    volume = place(images, next(iter(paths.values())), placing)
    facts["volume"] = " x ".join(map(str, volume.values.shape)) + " voxels"
    facts["voxel"] = " x ".join(f"{side:.3g}" for side in volume.spacing_mm) + " mm"
    dtype: Literal["uint8", "float32"] = (
        "uint8" if images.frames.dtype.name == "uint8" else "float32"
    )
    write_volume(output.out, volume, world=output.world, dtype=dtype)
    written = [output.out]
    if output.pictures:
        stem = output.out.with_name(output.out.name.split(".")[0])
        written += write_pictures(stem, volume, images, paths, facts, depth_coded=depth_coded)
    for key, value in facts.items():
        print(f"{key}: {value}")
    for path in written:
        print(path)
