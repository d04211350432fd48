"""The commands for recordings of any format: convert, reconstruct, track."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from benchmark.errors import UserError, note
from benchmark.figures.pictures import write_pictures
from benchmark.geometry import inverse, path_length, unanchor
from benchmark.hdf5 import write_prediction
from benchmark.interop.convert import convert
from benchmark.interop.formats import HDF5, Writing
from benchmark.interop.poses.trajectory import write_trajectory
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import anchored, open_compared, open_tracked
from benchmark.interop.volumes import volume_suffix, write_volume
from benchmark.runs.answer import Advance, mirrored
from benchmark.runs.comparison import compared
from benchmark.runs.field_of_view import of_tissue
from benchmark.runs.track import open_tracker, track
from benchmark.speckle.file import described, known_of, placed, read_probe
from benchmark.speckle.map import speckle_map
from benchmark.sweep import (
    Axes,
    Channel,
    Images,
    Prediction,
    Sweep,
    WithheldChannel,
    centre_path,
    end_error_mm,
    poses_at,
)
from benchmark.volume.choices import Placing, corners_of, place
from benchmark.volume.worlds import lying_apart, refuse_other_worlds

OWN = "its own poses"
Paths = dict[str, tuple[Images, np.ndarray]]  # by name: frames and their poses (N, 4, 4)
Job = tuple[Paths, Paths, dict[str, Any], Axes]  # as `finish` takes them


@dataclass(frozen=True)
class Convert:
    """Turn sweeps, poses or predictions of one format into another, told by the files' names.

    From: .h5 of this program, MoGLo-Net, TUS-REC or zea; .mha, .mhd, .nrrd of PLUS and Slicer;
    .tum, .kitti, .csv; a folder of recordings, a TUS-REC folder or a data set; with --poses a
    folder of images, .tif, .mp4, .avi, DICOM. To: .h5, .mha, .mhd, .nrrd, .zea.hdf5, .tum, .kitti,
    .csv; without suffix a data set (from recordings or TUS-REC), a TUS-REC folder, or (from a
    prediction) displacement fields.
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
            report=note,
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
    world: Axes | None = None
    """What the axes of the world mean in the patient; by default RAS for recordings of PLUS and 3D
    Slicer, as Slicer shows their frames, and LPS for others."""
    pictures: bool = True
    """Draw slices, projections, poses, and the html view."""


RunFolder = Annotated[Path | None, tyro.conf.arg(name="run")]


@dataclass(frozen=True)
class Reconstruct:
    """Reconstruct a volume from a sweep's frames by its own poses, a tracker's, or a file's.

    Further sweeps whose own poses share the first one's world go into the same volume.
    """

    sweep: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    placing: tyro.conf.OmitArgPrefixes[Placing]
    output: tyro.conf.OmitArgPrefixes[Output]
    tracker: str | None = None
    """Take the poses of this tracker instead of the sweep's own."""
    run_folder: RunFolder = None
    """Folder of the tracker's trained run; by default the weights shipped with the tracker."""
    advance: Advance | None = None
    """Direction along z of a tracker's poses, as in `track`."""
    channel: str = "bmode"
    """Channel to reconstruct; its frames may have times of their own."""
    more: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Further sweeps in the same world."""

    def run(self) -> None:
        if self.tracker and self.reading.poses:
            raise UserError("--tracker and --poses: expected one of them, got both")
        if self.run_folder and not self.tracker:
            raise UserError("--run: expected --tracker with it")
        job = self._together() if self.more else self._alone()
        depth_coded = self.channel != "bmode"
        find = self.reading.finds_tissue
        finish(*job, self.placing, self.output, depth_coded=depth_coded, find=find)

    def _alone(self) -> Job:
        """Return what to reconstruct of one sweep: by its own poses or others, its own beside."""
        tracked = open_tracked(self.sweep, self.reading, note)
        images = channel_of(tracked.sweep, self.channel, self.sweep)
        beside: Paths = {}
        if self.tracker:
            source, poses = self.tracker, self._by_tracker(self.tracker, tracked.sweep, images)
            if not images.is_withheld:
                beside = {OWN: (images, images.world_from_image)}
        else:
            source = self.reading.poses.name if self.reading.poses else OWN
            poses = images.world_from_image
            beside = _beside(images, poses, tracked.own.get(self.channel))
        facts = {"sweep": tracked.sweep.name, "channel": self.channel, "poses": source}
        return {source: (images, poses)}, beside, facts, images.world.axes

    def _together(self) -> Job:
        """Return what to reconstruct of several sweeps, by their own poses."""
        if self.tracker or self.reading.poses:
            raise UserError(
                "--tracker and --poses: these poses lead to a world of each sweep's own; expected "
                "one sweep with them, or several with their own poses"
            )
        files = _named((self.sweep, *self.more))
        sweeps = {
            name: open_tracked(file, self.reading, note).sweep for name, file in files.items()
        }
        refuse_other_worlds(sweeps)
        channels = {name: channel_of(s, self.channel, files[name]) for name, s in sweeps.items()}
        axes = {channel.world.axes for channel in channels.values()}
        if len(axes) > 1 and not self.output.world:
            shown = ", ".join(f"{name} {c.world.axes}" for name, c in channels.items())
            raise UserError(f"the axes of the world are taken differently ({shown}); give --world")
        paths: Paths = {name: (c, c.world_from_image) for name, c in channels.items()}
        for name in lying_apart({name: corners_of(*path) for name, path in paths.items()}):
            note(f"{name}: touches no other sweep; expected poses in one world")
        names = ", ".join(sweep.name for sweep in sweeps.values())
        facts = {"sweeps": names, "channel": self.channel, "poses": "their own poses"}
        return paths, {}, facts, axes.pop()

    def _by_tracker(self, tracker: str, sweep: Sweep, images: Images) -> np.ndarray:
        """Return poses (N, 4, 4) of a channel's frames by a tracker, from the sweep's first on."""
        chosen, domain = open_tracker(tracker, self.run_folder, note)
        find = self.reading.finds_tissue
        prediction = track(
            chosen, domain, sweep.observe().bmode, sweep.probe, note, self.advance, find=find
        )
        known = np.eye(4)[None] if sweep.bmode.is_withheld else sweep.bmode.world_from_image
        poses = unanchor(known, prediction.first_from_frame)
        return poses if self.channel == "bmode" else poses_at(images, sweep.bmode, poses)


def _beside(images: Images, poses: np.ndarray, own: np.ndarray | None) -> Paths:
    """Return the recording's own poses that are known, to be drawn beside poses (N, 4, 4).

    own (N, 4, 4): of the same frames in a world of its own, NaN where unknown.
    """
    known = np.zeros(0, bool) if own is None else np.isfinite(own).all((1, 2))
    if own is None or not known.any():
        return {}
    first = int(np.argmax(known))
    return {OWN: (images, poses[first] @ inverse(own[first]) @ own[known])}


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """Return files by their names, or by their paths where two have the same name."""
    if len(set(files)) < len(files):
        raise UserError(f"{files[0]} ...: expected different sweeps, got one twice")
    alike = len({file.name for file in files}) < len(files)
    return {str(file) if alike else file.name: file for file in files}


def channel_of(sweep: Sweep, name: str, path: Path | str) -> Channel | WithheldChannel:
    """Return a channel of the sweep of a file.

    Raises
    ------
    UserError : there is none of this name.
    """
    if name not in sweep.channels:
        raise UserError(f"{path}: no channel '{name}' (has: {', '.join(sweep.channels)})")
    return sweep.channels[name]


@dataclass(frozen=True)
class Track:
    """Track a recording by its images alone and reconstruct a volume by the tracker's poses."""

    recording: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    placing: tyro.conf.OmitArgPrefixes[Placing]
    output: tyro.conf.OmitArgPrefixes[Output]
    tracker: str = "moglo-any"
    """Registered name, or package.module:Class."""
    run_folder: RunFolder = None
    """Folder of a trained run; by default the weights shipped with the tracker."""
    advance: Advance | None = None
    """Direction along z of the image (x × y) over the whole sweep, which two frames do not tell;
    unknown: that of the tracker. By default that of the tracker, and a note says so."""
    save_poses: Path | None = None
    """Write the poses as well: a prediction (.h5), .tum, .kitti or .csv."""
    probe: Path | None = None
    """What is known of the probe (JSON or TOML): its numbers, or what `calibrate` measured."""

    def run(self) -> None:
        tracker, domain = open_tracker(self.tracker, self.run_folder, note)
        recording = open_compared(self.recording, self.reading, note)
        images = recording.images
        find = self.reading.finds_tissue
        stated = read_probe(self.probe) if self.probe else {}
        probe = placed({**recording.sweep.probe, **stated}, images)
        prediction = track(tracker, domain, images, probe, note, self.advance, find=find)
        if self.save_poses:
            _save_poses(self.save_poses, prediction, images)
        facts: dict[str, Any] = {"recording": recording.name, "poses": self.tracker}
        facts["probe"] = known_of(probe)
        facts["speckle map"] = described(speckle_map(probe, images))
        own, poses = recording.world_from_image, prediction.first_from_frame
        beside: Paths = {}
        if own is not None and (known := np.isfinite(own).all((1, 2))).any():
            facts |= _beside_own(images, own, prediction)
            name = self.reading.poses.name if self.reading.poses else OWN
            poses, beside = anchored(own, poses), {name: (images, own[known])}
        paths: Paths = {self.tracker: (images, poses)}
        finish(paths, beside, facts, recording.world.axes, self.placing, self.output, find=find)


def _beside_own(images: Images, own: np.ndarray, prediction: Prediction) -> dict[str, str]:
    """Return facts of a prediction beside the recording's own poses (N, 4, 4), NaN where unknown.

    The drift for both signs along z, and `benchmark.runs.comparison` for the sign as given.
    """
    known = np.isfinite(own).all((1, 2))
    drift, other = (
        end_error_mm(images, own[known], each.first_from_frame[known])
        for each in (prediction, mirrored(prediction))
    )
    some = "" if known.all() else f" (of {known.sum()} of {len(known)} frames)"
    found = compared(images, own, prediction)
    return {
        "drift at the end": f"{drift:.2f} mm{some}",
        "drift at the end, mirrored": f"{other:.2f} mm (with the other sign along z)",
    } | ({} if found is None else found.facts())


def _share(images: Images) -> str:
    """Return the share of an image's pixels that are used, in words."""
    return f"{100 * (1.0 if images.mask is None else images.mask.mean()):.0f} %"


def _save_poses(path: Path, prediction: Prediction, images: Images) -> None:
    if path.suffix.lower() in HDF5:
        write_prediction(path, prediction)
    elif not write_trajectory(path, images.timestamps, prediction.first_from_frame):
        raise UserError(f"{path}: expected a name ending in .h5, .tum, .kitti or .csv")


def finish(
    paths: Paths,
    beside: Paths,
    facts: dict[str, Any],
    axes: Axes,
    placing: Placing,
    output: Output,
    *,
    depth_coded: bool = False,
    find: bool = True,
) -> None:
    """Reconstruct one volume of all paths; write it and its pictures, print the facts.

    beside: paths to draw and measure only; axes: of the world, unless the output says others;
    find: leave pixels out that are black in every frame, or still while others change.
    """
    volume_suffix(output.out)
    if find:
        paths = {name: (of_tissue(images), poses) for name, (images, poses) in paths.items()}
    facts = facts | {"image used": ", ".join(_share(images) for images, _ in paths.values())}
    drawn = {**paths, **beside}
    lengths = {name: path_length(centre_path(*path)) for name, path in drawn.items()}
    facts = facts | {f"path, {name}": f"{length:.1f} mm" for name, length in lengths.items()}
    images = [frames for frames, _ in paths.values()]
    volume = place(images, [poses for _, poses in paths.values()], placing)
    facts["volume"] = " x ".join(map(str, volume.values.shape)) + " voxels"
    facts["voxel"] = " x ".join(f"{side:.3g}" for side in volume.spacing_mm) + " mm"
    is_grey = all(one.frames.dtype.name == "uint8" for one in images)
    dtype: Literal["uint8", "float32"] = "uint8" if is_grey else "float32"
    world = output.world or axes
    facts["axes of the world"] = world
    write_volume(output.out, volume, world=world, dtype=dtype)
    written = [output.out]
    if output.pictures:
        stem = output.out.with_name(output.out.name.split(".")[0])
        corners = {name: corners_of(*path) for name, path in drawn.items()}
        written += write_pictures(
            stem, volume, facts["poses"], corners, facts, depth_coded=depth_coded
        )
    for key, value in facts.items():
        print(f"{key}: {value}")
    for path in written:
        print(path)
