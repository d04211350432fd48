"""Volume files, read by SimpleITK and from SimpleITK: values, spacing, origin and direction."""

import struct

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.geometry import compose, rotation_from_vector
from benchmark.interop.igsio import write_igsio
from benchmark.interop.volumes import read_volume, write_volume
from benchmark.volume.reconstruction import Volume
from tests.benchmark.shared.random_sweeps import make_sweep

SPACING = np.array([0.3, 0.5, 0.8])


@pytest.fixture
def volume():
    rng = np.random.default_rng(0)
    rotation = rotation_from_vector(np.array([0.3, -0.7, 1.9]))
    matrix = compose(rotation * SPACING, np.array([12.5, -40.25, 7.0]))
    values = rng.uniform(-20, 280, (5, 6, 7)).astype(np.float32)
    return Volume(values, matrix, np.ones_like(values))


def read(path):
    sitk = pytest.importorskip("SimpleITK")
    return sitk.ReadImage(str(path))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii"])
@pytest.mark.parametrize("world", ["LPS", "RAS"])
def test_simpleitk_reads_the_same_volume(tmp_path, volume, suffix, compress, world):
    path = tmp_path / f"volume{suffix}{'.gz' if compress and suffix == '.nii' else ''}"
    write_volume(path, volume, world=world, compress=compress)
    image = read(path)
    turn = np.diag([-1.0, -1.0, 1.0]) if world == "RAS" else np.eye(3)  # SimpleITK speaks LPS
    # NIfTI keeps its geometry in single precision.
    tolerance = 2e-6 if suffix == ".nii" else 1e-12
    np.testing.assert_allclose(image.GetSpacing(), SPACING, rtol=tolerance)
    np.testing.assert_allclose(image.GetOrigin(), turn @ volume.origin_mm, rtol=tolerance)
    direction = np.reshape(image.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction, turn @ volume.direction, atol=tolerance)
    voxel = (4, 1, 5)
    point = turn @ (volume.world_from_voxel @ [*voxel, 1])[:3]
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(voxel), point, atol=2e-5)
    assert image.GetPixel(voxel) == volume.values[voxel]
    sitk = pytest.importorskip("SimpleITK")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, volume.values)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii.gz"])
def test_bytes_are_rounded_and_clipped(tmp_path, volume, suffix):
    write_volume(tmp_path / f"v{suffix}", volume, dtype="uint8")
    sitk = pytest.importorskip("SimpleITK")
    found = sitk.GetArrayFromImage(read(tmp_path / f"v{suffix}")).T
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.clip(np.rint(volume.values), 0, 255))


def test_pynrrd_reads_the_same_header(tmp_path, volume):
    nrrd = pytest.importorskip("nrrd")
    write_volume(tmp_path / "v.nrrd", volume, world="RAS", compress=True)
    values, header = nrrd.read(str(tmp_path / "v.nrrd"))
    assert header["space"] == "right-anterior-superior"
    np.testing.assert_array_equal(header["space directions"], volume.world_from_voxel[:3, :3].T)
    np.testing.assert_array_equal(header["space origin"], volume.origin_mm)
    np.testing.assert_array_equal(values, volume.values)


def test_nifti_quaternion_says_the_same_as_its_matrix(tmp_path, volume):
    from scipy.spatial.transform import Rotation

    write_volume(tmp_path / "v.nii", volume)
    header = (tmp_path / "v.nii").read_bytes()[:352]
    quaternion = np.frombuffer(header, "<f4", 3, 256).astype(float)
    rows = np.frombuffer(header, "<f4", 12, 280).reshape(3, 4)
    w = np.sqrt(1 - quaternion @ quaternion)
    rotation = Rotation.from_quat([*quaternion, w]).as_matrix()
    np.testing.assert_allclose(rotation * SPACING, rows[:, :3], atol=1e-6)


def test_many_planes_are_written_in_slabs(tmp_path, monkeypatch, volume):
    write_volume(tmp_path / "whole.nrrd", volume)
    monkeypatch.setattr("benchmark.interop.volumes.writing.SLAB_BYTES", 1)
    write_volume(tmp_path / "slabs.nrrd", volume)
    assert (tmp_path / "whole.nrrd").read_bytes() == (tmp_path / "slabs.nrrd").read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [("v.dcm", {}), ("v.nii", {"compress": True}), ("v.mha", {"world": "XYZ"})],
)
def test_wrong_requests_say_what_is_wrong(tmp_path, volume, name, options):
    with pytest.raises(UserError, match="v\\."):
        write_volume(tmp_path / name, volume, **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_one_line(tmp_path, volume):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_volume(tmp_path / "file" / "v.mha", volume)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii"])
@pytest.mark.parametrize(("written", "wanted"), [("LPS", "LPS"), ("RAS", "RAS"), ("RAS", "LPS")])
def test_what_was_written_is_read(tmp_path, volume, suffix, compress, written, wanted):
    path = tmp_path / f"volume{suffix}{'.gz' if compress and suffix == '.nii' else ''}"
    write_volume(path, volume, world=written, compress=compress)
    found = read_volume(path, world=wanted)
    np.testing.assert_array_equal(found.values, volume.values)
    turn = np.eye(4) if written == wanted else np.diag([-1.0, -1.0, 1.0, 1.0])
    tolerance = 2e-6 if suffix == ".nii" else 1e-12
    np.testing.assert_allclose(
        found.world_from_voxel, turn @ volume.world_from_voxel, rtol=tolerance, atol=tolerance
    )
    assert found.values.dtype == np.float32 and found.known.all()


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii", ".nii.gz"])
def test_what_simpleitk_writes_is_read(tmp_path, volume, suffix, kind):
    """Other types, header lines in another order, a left-handed grid."""
    sitk = pytest.importorskip("SimpleITK")
    values = np.clip(volume.values, 0, 255).astype(kind)
    image = sitk.GetImageFromArray(values.T)
    image.SetSpacing(SPACING.tolist())
    image.SetOrigin(volume.origin_mm.tolist())
    image.SetDirection((volume.direction * [1, 1, -1]).ravel().tolist())
    path = str(tmp_path / f"v{suffix}")
    sitk.WriteImage(image, path, suffix != ".nii")
    found = read_volume(path)
    np.testing.assert_array_equal(found.values, values.astype(np.float32))
    place = image.TransformIndexToPhysicalPoint((4, 1, 5))
    np.testing.assert_allclose((found.world_from_voxel @ [4, 1, 5, 1])[:3], place, atol=2e-5)


def changed(path, place, layout, *values):
    """Change values in a file's bytes."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, place, *values)
    path.write_bytes(data)


def test_nifti_with_a_quaternion_only_with_a_slope_or_in_metres(tmp_path, volume):
    path = tmp_path / "v.nii"
    write_volume(path, volume)
    changed(path, 254, "<h", 0)
    np.testing.assert_allclose(
        read_volume(path).world_from_voxel, volume.world_from_voxel, rtol=1e-5, atol=1e-5
    )
    changed(path, 112, "<ff", 2.0, -5.0)
    np.testing.assert_allclose(read_volume(path).values, 2 * volume.values - 5, rtol=1e-6)
    changed(path, 123, "<b", 1)
    np.testing.assert_allclose(read_volume(path).origin_mm, 1e3 * volume.origin_mm, rtol=1e-5)
    changed(path, 252, "<h", 0)
    with pytest.raises(UserError, match="says nothing of its place"):
        read_volume(path)


@pytest.mark.parametrize(
    ("place", "layout", "values"),
    [(108, "<f", (np.nan,)), (108, "<f", (-352.0,)), (42, "<3h", (32000, 32000, 32000))],
)
def test_a_nifti_header_that_promises_more_is_refused_before_reading(
    tmp_path, volume, place, layout, values
):
    write_volume(tmp_path / "v.nii", volume)
    changed(tmp_path / "v.nii", place, layout, *values)
    with pytest.raises(UserError, match="truncated: expected"):
        read_volume(tmp_path / "v.nii")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("v.mha", b"DimSize = 5 6 7", b"DimSize = 5 42", "expected a volume of three axes"),
        ("v.mha", b"Offset = 12.5", b"Offset = x", "Offset: could not convert"),
        ("v.mha", b"TransformMatrix", b"SomeOtherMatrix", "TransformMatrix: expected 9 numbers"),
        ("v.mha", b"DimSize = 5 6 7", b"DimSize = 5 6 8", "truncated: expected 960 bytes"),
        ("v.nrrd", b"left-posterior-superior", b"scanner-xyz", "space: expected one of left"),
        ("v.nrrd", b"space origin", b"space offset", "space origin: expected 3 numbers, got"),
        ("v.nii", b"n+1\0", b"ni1\0", "truncated or not NIfTI-1"),
        ("v.nii", b"\x5c\x01", b"\x00\x00", "truncated or not NIfTI-1"),
    ],
)
def test_damaged_volumes_have_their_line(tmp_path, volume, name, old, new, message):
    path = tmp_path / name
    write_volume(path, volume)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        read_volume(path)


@pytest.mark.parametrize("name", ["v.mha", "v.nrrd", "v.nii", "v.nii.gz"])
@pytest.mark.parametrize("kept", [20, 300, -9])
def test_truncated_volumes_have_their_line(tmp_path, volume, name, kept):
    path = tmp_path / name
    write_volume(path, volume)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match="truncated"):
        read_volume(path)
    with pytest.raises(UserError, match="no such file"):
        read_volume(tmp_path / f"other-{name}")


def test_a_sequence_of_frames_is_no_volume(tmp_path):
    write_igsio(tmp_path / "s.igs.mha", make_sweep(1))
    with pytest.raises(UserError, match=r"a sequence of frames .*expected a volume"):
        read_volume(tmp_path / "s.igs.mha")
