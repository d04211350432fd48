"""Two real recordings of PLUS (PlusLibData, BSD-3-Clause): parsed, converted, reconstructed.

The wire phantom lies beside its licence in tests/fixtures/plus. The spine phantom is larger: set
SWEEPBENCH_PLUS_DATA to a folder with SpinePhantomFreehand.igs.mha and its device set.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.geometry import path_length
from benchmark.hdf5 import read_sweep
from benchmark.interop.convert import convert
from benchmark.interop.formats import Writing, open_sweep
from benchmark.interop.igsio import read_sequence
from benchmark.interop.sequence import Reading
from benchmark.sweep import centre_path
from benchmark.volume.choices import Placing, place

WIRE = Path(__file__).parents[2] / "fixtures" / "plus" / "NwirePhantomFreehandCropped.igs.mha"
PLUS_DATA = os.environ.get("SWEEPBENCH_PLUS_DATA")
CALIBRATION = "0.1 0 0 4  0 0.1 0 -7  0 0 0.1 0  0 0 0 1"  # the recording's own is not known


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    (tmp_path / "calibration.txt").write_text(CALIBRATION)
    return tmp_path / "calibration.txt"


def test_the_wire_phantom_is_parsed_as_simpleitk_does() -> None:
    sitk = pytest.importorskip("SimpleITK")
    sequence, image = read_sequence(WIRE), sitk.ReadImage(str(WIRE))
    assert sequence.frames.shape == (20, 150, 200)
    assert np.array_equal(sequence.frames[:], sitk.GetArrayFromImage(image))
    assert sequence.orientation == "MF"
    assert sequence.image_valid.all()
    assert not sequence.valid["StylusToTracker"].any()
    for index in (0, 7, 19):
        text = image.GetMetaData(f"Seq_Frame{index:04d}_ProbeToTrackerTransform")
        found = sequence.transforms["ProbeToTracker"][index]
        assert np.array_equal(found.ravel(), np.array(text.split(), float))
    assert sequence.timestamps[0] == 345.627957


def test_the_wire_phantom_is_converted(tmp_path: Path, calibration: Path) -> None:
    """Its frames are cropped after calibration: pixel (0, 0) is (335, 285) of the whole image."""
    reading = Reading(transform="ProbeToReference", calibration=calibration, image="CroppedImage")
    convert(WIRE, tmp_path / "wire.h5", reading=reading)
    sweep = read_sweep(tmp_path / "wire.h5")
    stored = read_sequence(WIRE).transforms
    whole = np.array(CALIBRATION.split(), float).reshape(4, 4)
    reference = np.linalg.inv(stored["ReferenceToTracker"]) @ stored["ProbeToTracker"]
    place_of_pixel = sweep.bmode.world_from_image @ sweep.bmode.mm_from_pixel @ [3, 5, 0, 1]
    expected = reference @ whole @ [338, 290, 0, 1]
    np.testing.assert_allclose(place_of_pixel, expected, atol=2e-2)  # six printed digits at 2 m
    convert(tmp_path / "wire.h5", tmp_path / "again.seq.nrrd", writing=Writing(compress=True))
    convert(tmp_path / "again.seq.nrrd", tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "wire.h5").read_bytes()


def test_cropping_is_pointed_out_and_an_invalid_tool_refused(calibration: Path) -> None:
    notes: list[str] = []
    open_sweep(WIRE, Reading(calibration=calibration), notes.append)
    assert any("--image CroppedImage" in note for note in notes)
    with pytest.raises(UserError, match="no calibration ImageToProbe; give one by --calibration"):
        open_sweep(WIRE)
    with pytest.raises(UserError, match="StylusToTracker: valid in no frame"):
        open_sweep(WIRE, Reading(transform="StylusToTracker", calibration=calibration))


@pytest.mark.skipif(not PLUS_DATA, reason="SWEEPBENCH_PLUS_DATA is not set")
def test_the_spine_phantom_is_reconstructed(tmp_path: Path) -> None:
    """Bone is bright with a shadow below it, and neighbouring frames agree where they meet."""
    folder = Path(str(PLUS_DATA))
    device = folder / "PlusDeviceSet_SpinePhantomFreehandReconstructionOnly.xml"
    reading = Reading(transform="ProbeToReference", calibration=device)
    notes: list[str] = []
    sweep = open_sweep(folder / "SpinePhantomFreehand.igs.mha", reading, notes.append)
    assert len(sweep) == 21 and sweep.bmode.frames.shape[1:] == (616, 820)
    assert any("92.7 degrees apart" in note for note in notes)
    assert geometry.se3_fault(sweep.bmode.world_from_image) is None
    assert path_length(centre_path(sweep.bmode, sweep.bmode.world_from_image)) == pytest.approx(
        33.6, abs=0.5
    )
    placing = Placing(spacing_mm=0.5, border_px=(195, 170, 25, 30))
    volume = place(sweep.bmode, sweep.bmode.world_from_image, placing)
    size = volume.spacing_mm * volume.values.shape
    assert (np.abs(size - [48, 52, 33]) < 3).all(), size
    shallow, deep = volume.values[:, 20:34], volume.values[:, -30:-16]
    known = volume.known
    assert shallow[known[:, 20:34]].mean() > 4 * deep[known[:, -30:-16]].mean()
    convert(folder / "SpinePhantomFreehand.igs.mha", tmp_path / "s.h5", reading=reading)
    convert(tmp_path / "s.h5", tmp_path / "s.igs.mha", writing=Writing(compress=True))
    back = open_sweep(tmp_path / "s.igs.mha")
    assert np.array_equal(back.bmode.world_from_image, sweep.bmode.world_from_image)
    assert np.array_equal(back.bmode.mm_from_pixel, sweep.bmode.mm_from_pixel)
    assert np.array_equal(back.bmode.frames[:], sweep.bmode.frames[:])
