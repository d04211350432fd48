"""Where a volume of a PLUS recording lies for 3D Slicer: where Slicer shows the tracked frames.

Slicer takes the transforms of a sequence unchanged as RAS. A volume file it loads by ITK, whose
coordinates are LPS, and turns to RAS.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.commands.recordings import Output, Reconstruct, Track
from benchmark.errors import UserError
from benchmark.hdf5 import read_sweep, write_prediction, write_sweep
from benchmark.interop.convert import convert
from benchmark.interop.formats import open_sweep
from benchmark.interop.igsio import write_igsio
from benchmark.interop.poses.trajectory import write_csv
from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_compared, open_tracked
from benchmark.sweep import Prediction, World
from benchmark.volume.choices import Placing
from tests.benchmark.shared.random_sweeps import make_sweep

WIRE = Path(__file__).parents[2] / "fixtures" / "plus" / "NwirePhantomFreehandCropped.igs.mha"
CALIBRATION = "0.1 0 0 4  0 0.1 0 -7  0 0 0.1 0  0 0 0 1"  # the recording's own is not known
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0])
FRAME = 9
CROP = (335, 285)  # pixel (0, 0) of the cropped frames in the calibrated image


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    (tmp_path / "c.txt").write_text(CALIBRATION)
    return Reading(
        transform="ProbeToReference", calibration=tmp_path / "c.txt", image="CroppedImage"
    )


def shown_by_slicer() -> tuple[np.ndarray, np.ndarray]:
    """Return one frame's pixels (H, W) and their places (H, W, 3) in RAS, from the file's text."""
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(WIRE))

    def matrix(name: str) -> np.ndarray:
        text = image.GetMetaData(f"Seq_Frame{FRAME:04d}_{name}Transform")
        return np.array(text.split(), float).reshape(4, 4)

    calibration = np.array(CALIBRATION.split(), float).reshape(4, 4)
    reference = np.linalg.inv(matrix("ReferenceToTracker")) @ matrix("ProbeToTracker")
    pixels = sitk.GetArrayFromImage(image)[FRAME].astype(float)
    rows, columns = np.indices(pixels.shape)
    places = np.stack([columns + CROP[0], rows + CROP[1], 0 * rows, 0 * rows + 1], -1)
    return pixels, (places @ (reference @ calibration).T)[..., :3]


def correlation_at(path: Path, ras: np.ndarray, pixels: np.ndarray) -> float:
    """Return how a volume's values at places in RAS correlate with pixels, 0 where it has none."""
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    lps = (ras @ RAS_FROM_LPS)[::4, ::4].reshape(-1, 3)
    origin, direction = np.array(image.GetOrigin()), np.reshape(image.GetDirection(), (3, 3))
    index = np.rint((lps - origin) @ direction / image.GetSpacing()).astype(int)
    inside = ((index >= 0) & (index < image.GetSize())).all(1)
    if inside.mean() < 0.9:
        return 0.0
    values = sitk.GetArrayFromImage(image).T[tuple(index[inside].T)]
    return float(np.corrcoef(values, pixels[::4, ::4].ravel()[inside])[0, 1])


@pytest.mark.parametrize("source", [".igs.mha", ".h5"])
@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii"])
def test_the_volume_lies_on_its_tracked_frames(
    tmp_path: Path, reading: Reading, source: str, suffix: str, capsys: pytest.CaptureFixture
) -> None:
    """Straight from the recording, and from a sweep that it was converted to."""
    recording, how = WIRE, replace(reading, mask="whole")  # wires in water: black nearly all over
    if source == ".h5":
        recording, how = tmp_path / "wire.h5", Reading(mask="whole")
        convert(WIRE, recording, reading=reading)
    out = tmp_path / f"v{suffix}"
    placing = Placing(spacing_mm=0.2, method="nearest", threads=1)
    Reconstruct(recording, how, placing, Output(out, pictures=False)).run()
    pixels, ras = shown_by_slicer()
    assert correlation_at(out, ras, pixels) > 0.8
    assert correlation_at(out, ras @ RAS_FROM_LPS, pixels) < 0.2  # mirrored
    assert "axes of the world: RAS" in capsys.readouterr().out
    Reconstruct(recording, how, placing, Output(out, "LPS", pictures=False)).run()
    assert correlation_at(out, ras, pixels) < 0.2
    assert correlation_at(out, ras @ RAS_FROM_LPS, pixels) > 0.8


def test_a_tracked_path_lies_beside_the_recordings_own(
    tmp_path: Path, reading: Reading, capsys: pytest.CaptureFixture
) -> None:
    """The path of a tracker that sees no motion begins at the first frame's own pose."""
    output = Output(tmp_path / "v.nrrd", pictures=False)
    Track(WIRE, reading, Placing(spacing_mm=0.4, threads=1), output, tracker="identity").run()
    assert "axes of the world: RAS" in capsys.readouterr().out


def test_a_sweep_remembers_the_world_it_was_read_in(tmp_path: Path, reading: Reading) -> None:
    world = World("Reference", "RAS")
    sweep = open_sweep(WIRE, reading)
    assert sweep.bmode.world == world
    write_sweep(tmp_path / "s.h5", sweep)
    assert read_sweep(tmp_path / "s.h5").bmode.world == world
    write_igsio(tmp_path / "s.igs.mha", sweep)  # poses are written as ProbeToTracker
    assert open_sweep(tmp_path / "s.igs.mha").bmode.world == world
    simulated = make_sweep(1)
    write_sweep(tmp_path / "simulated.h5", simulated)
    assert read_sweep(tmp_path / "simulated.h5").bmode.world == World()
    write_igsio(tmp_path / "simulated.igs.mha", simulated)
    assert open_sweep(tmp_path / "simulated.igs.mha").bmode.world == World(axes="RAS")


def test_poses_of_a_file_lead_to_its_own_world_or_go_on_in_that_of_the_recording(
    tmp_path: Path, reading: Reading
) -> None:
    """A table's world has no name and the recording's axes: it may be what `convert` wrote of it.

    A prediction begins at the recording's first pose.
    """
    sweep = open_sweep(WIRE, reading)
    write_csv(tmp_path / "p.csv", sweep.bmode.timestamps, sweep.bmode.world_from_image)
    first_from_frame = geometry.anchor(sweep.bmode.world_from_image)
    write_prediction(tmp_path / "p.h5", Prediction(first_from_frame))
    for name, world in (("p.csv", World(axes="RAS")), ("p.h5", World("Reference", "RAS"))):
        asked = replace(reading, poses=tmp_path / name, poses_of="image")
        for lead in (open_tracked(WIRE, asked).sweep.bmode, open_compared(WIRE, asked)):
            assert lead.world == world
    later = open_tracked(WIRE, replace(reading, lag=0.01)).sweep.bmode
    assert later.world == World("Reference", "RAS") and len(later.frames) < len(sweep)


def test_axes_of_another_kind_are_refused(tmp_path: Path) -> None:
    bmode = make_sweep(1).bmode
    odd = replace(bmode, world=World("Reference", "LAS"))  # type: ignore[arg-type]
    write_sweep(tmp_path / "s.h5", replace(make_sweep(1), channels={"bmode": odd}))
    with pytest.raises(UserError, match="world_axes: expected LPS or RAS, got 'LAS'"):
        read_sweep(tmp_path / "s.h5")
