"""The command for volumes that exist: slice."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from benchmark.commands.recordings import channel_of
from benchmark.errors import UserError, note
from benchmark.hdf5 import write_sweep
from benchmark.interop.convert import clear_write_errors
from benchmark.interop.formats import HDF5
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_tracked
from benchmark.interop.volumes import read_volume
from benchmark.sweep import Axes
from benchmark.volume.slicing import Slices


@dataclass(frozen=True)
class Slice:
    """Slice a volume at a sweep's poses: the sweep with images of the volume as its frames."""

    volume: tyro.conf.Positional[Path]
    """Volume, .nrrd, .mha, .nii or .nii.gz."""
    sweep: tyro.conf.Positional[Path]
    """Sweep or recording whose poses, pixels and image size are taken."""
    reading: tyro.conf.OmitArgPrefixes[Reading]
    out: Path = Path("slices.h5")
    """Sweep to write, .h5."""
    channel: str = "bmode"
    """Channel whose frames become slices."""
    world: Axes | None = None
    """What the axes of the sweep's world mean in the patient; by default as `reconstruct` takes
    them: RAS for recordings of PLUS and 3D Slicer, LPS for others."""

    def run(self) -> None:
        if self.out.suffix.lower() not in HDF5:
            raise UserError(f"{self.out}: expected a name ending in one of {', '.join(HDF5)}")
        sweep = open_tracked(self.sweep, self.reading, note).sweep
        channel = channel_of(sweep, self.channel, self.sweep)
        axes = self.world or channel.world.axes
        volume = read_volume(self.volume, world=axes)
        slices: Any = Slices(
            volume,
            channel.world_from_image,
            channel.mm_from_pixel,
            (channel.frames.shape[1], channel.frames.shape[2]),
            channel.frames.dtype,
        )
        reached = sum(slices.reaches(index) for index in range(len(slices)))
        if not reached:
            raise UserError(
                f"{self.volume}: none of {len(slices)} frames of {self.sweep} reaches it with "
                f"--world {axes}; expected poses in the volume's world"
            )
        sliced = replace(channel, frames=slices)
        sweep = replace(sweep, channels={**sweep.channels, self.channel: sliced})
        with clear_write_errors(self.out):
            write_sweep(self.out, replace(sweep, name=f"{sweep.name}-slices"))
        print(f"frames that reach the volume: {reached} of {len(slices)}")
        print(self.out)
