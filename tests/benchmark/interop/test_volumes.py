"""Volume files, read back by SimpleITK: values, spacing, origin and direction."""

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.geometry import compose, rotation_from_vector
from benchmark.interop.volumes import write_volume
from benchmark.volume.reconstruction import Volume

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
    monkeypatch.setattr("benchmark.interop.volumes.SLAB_BYTES", 1)
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
