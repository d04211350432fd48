"""The command that measures a probe's speckle on a recording with known poses."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from benchmark.errors import UserError, note
from benchmark.interop.poses.attach import selected
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_tracked
from benchmark.speckle.calibrate import Calibration, calibrate
from benchmark.speckle.file import placed, read_probe, write_probe
from benchmark.sweep import Channel


@dataclass(frozen=True)
class Calibrate:
    """Measure how far speckle correlates, by depth, on a recording with known poses.

    A few seconds of a phantom, moved slowly out of the image plane, with a tracker or a stepper.
    The file it writes is read by `track --probe FILE`.
    """

    recording: tyro.conf.Positional[Path]
    reading: tyro.conf.OmitArgPrefixes[Reading]
    out: Path = Path("probe.json")
    """Description of the probe with its measured speckle map (JSON)."""
    probe: Path | None = None
    """What is known of the probe beside the recording (JSON or TOML), such as its frequency."""
    frames: tuple[int, int] | None = None
    """First frame, and the one after the last, to calibrate on; by default all, 240 at most."""

    def run(self) -> None:
        sweep = open_tracked(self.recording, self.reading, note).sweep
        if not isinstance(sweep.bmode, Channel):
            raise UserError(f"{self.recording}: its poses are withheld; expected known ones")
        channel = self._chosen(sweep.bmode)
        known = {**sweep.probe, **(read_probe(self.probe) if self.probe else {})}
        known = placed(known, channel)
        found = calibrate(replace(sweep, channels={"bmode": channel}, probe=known))
        made_from = {"recording": sweep.name, "frames": found.frames, "pairs": found.pairs}
        made_from |= {"gaps": list(found.gaps), "distance_mm": list(found.distance_mm)}
        write_probe(self.out, {**known, "speckle": found.table()}, made_from)
        _print_table(found)
        print(self.out)

    def _chosen(self, channel: Channel) -> Channel:
        """Return the frames asked for."""
        if self.frames is None:
            return channel
        first, end = self.frames
        if not 0 <= first < end <= len(channel.frames):
            raise UserError(
                f"--frames: expected two numbers within 0 and {len(channel.frames)}, the second "
                f"larger, got {first} {end}"
            )
        return selected(channel, np.arange(first, end))


def _print_table(found: Calibration) -> None:
    print("depth, mm  elevational, mm  lateral, mm  axial, mm  floor")
    curve = found.curve
    columns = (curve.depth_mm, curve.scale, found.error_mm, found.lateral_mm, found.axial_mm)
    for depth, length, error, lateral, axial, floor in zip(*columns, curve.floor, strict=True):
        lengths = f"{length:7.3f} ± {error:5.3f}  {lateral:11.3f}  {axial:9.3f}"
        print(f"{depth:9.1f}  {lengths}  {floor:5.2f}")
    least, most = found.distance_mm
    print(
        f"{found.pairs} pairs of {found.frames} frames, {least:.2g} to {most:.2g} mm apart; "
        f"scale within {100 * found.relative_error:.0f} %"
    )
