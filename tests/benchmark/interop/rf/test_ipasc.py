"""IPASC's format: written as PACFISH expects, read back, and formed to images that are in place."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.interop.formats import kind_of, open_sweep
from benchmark.interop.rf.forming import Forming
from benchmark.interop.rf.ipasc import PhotoacousticData, read_ipasc, reconstruct, write_ipasc
from tests.benchmark.interop.rf.scatterers import (
    CARRIER_HZ,
    SAMPLING_HZ,
    SOUND_SPEED,
    WAVELENGTH_MM,
    acquisition_of,
    heard,
    linear_array,
)

PLACE = np.array([1.234, 9.37, 0.0])
GAINS = np.array([[1.0, 0.5], [0.2, 0.8], [0.4, 0.1]])  # measurements, wavelengths


@pytest.fixture
def data() -> PhotoacousticData:
    """One point that absorbs two wavelengths differently, heard by 32 elements three times."""
    elements = linear_array(32)
    signals = heard(acquisition_of(elements, None, start_s=0.0), PLACE, np.zeros(1), 320)[:, 0]
    return PhotoacousticData(
        signals[:, :, None, None] * GAINS.T.astype(np.float32),
        SAMPLING_HZ,
        elements,
        np.array([750.0, 850.0]),
        np.array([0.0, 0.1, 0.2]),
        SOUND_SPEED,
        "an array",
    )


def test_what_is_written_is_read(tmp_path: Path, data: PhotoacousticData) -> None:
    write_ipasc(tmp_path / "x.hdf5", data)
    read = read_ipasc(tmp_path / "x.hdf5")
    assert np.array_equal(read.signals, data.signals)
    assert (read.sampling_hz, read.sound_speed_m_s, read.device) == (
        SAMPLING_HZ, SOUND_SPEED, "an array",
    )  # fmt: skip
    np.testing.assert_allclose(read.element_mm, data.element_mm, atol=1e-12)
    np.testing.assert_allclose(read.wavelength_nm, data.wavelength_nm)
    assert np.array_equal(read.times_s, data.times_s)
    first = (tmp_path / "x.hdf5").read_bytes()
    write_ipasc(tmp_path / "x.hdf5", data)
    assert (tmp_path / "x.hdf5").read_bytes() == first


def test_pacfish_finds_all_that_must_be_there(tmp_path: Path, data: PhotoacousticData) -> None:
    """IPASC's own package, where it is installed: its checks, and values by its names."""
    pacfish = pytest.importorskip("pacfish")
    write_ipasc(tmp_path / "x.hdf5", data)
    read = pacfish.load_data(str(tmp_path / "x.hdf5"))
    consistency = pacfish.ConsistencyChecker()
    assert consistency.check_binary_data(read.binary_time_series_data)
    assert consistency.check_acquisition_meta_data(read.meta_data_acquisition)
    assert consistency.check_device_meta_data(read.meta_data_device)
    for tag in pacfish.MetadataAcquisitionTags.TAGS:
        assert not tag.mandatory or tag.tag in read.meta_data_acquisition, tag.tag
    assert np.array_equal(read.binary_time_series_data, data.signals)
    assert read.get_sampling_rate() == SAMPLING_HZ
    assert read.get_speed_of_sound() == SOUND_SPEED
    place = np.asarray(read.get_detector_position())[5]
    np.testing.assert_allclose(place, [1e-3 * data.element_mm[5, 0], 0, 0], atol=1e-12)


def test_a_point_is_formed_at_its_place(data: PhotoacousticData) -> None:
    """In each frame; its height is the pressure that the wavelength gave."""
    images = reconstruct(data, Forming(f_number=1.0, formed_pixel_mm=0.05))
    assert images.frames.shape[0] == 6 and images.frames.dtype == np.float32
    assert images.wavelength_nm.tolist() == [750, 850] * 3
    assert (np.diff(images.timestamps) > 0).all()
    assert images.timestamps[::2].tolist() == [0.0, 0.1, 0.2]
    for frame, gain in zip(images.frames, GAINS.ravel(), strict=True):
        row, column = np.unravel_index(np.argmax(frame), frame.shape)
        found = images.mm_from_pixel @ [column, row, 0, 1]
        np.testing.assert_allclose(found[:2], PLACE[:2], atol=WAVELENGTH_MM / 5)
        assert frame.max() == pytest.approx(gain, rel=0.05)


def test_the_sound_speed_can_be_given(data: PhotoacousticData) -> None:
    """A point heard in slower tissue lies less deep."""
    images = reconstruct(data, Forming(f_number=1.0), sound_speed_m_s=0.9 * SOUND_SPEED)
    row = np.argmax(images.frames[0].max(1))
    depth = (images.mm_from_pixel @ [0, row, 0, 1])[1]
    assert depth == pytest.approx(0.9 * PLACE[1], abs=0.3)
    assert images.mm_from_pixel[1, 1] == pytest.approx(
        0.9 * SOUND_SPEED * 1e3 / CARRIER_HZ / 2, rel=0.02
    )  # half a wavelength at the signals' own mean frequency


def test_arrays_of_other_files(tmp_path: Path, data: PhotoacousticData) -> None:
    """Elements along x2, detectors in any order of writing, axes of length one left out."""
    path = tmp_path / "x.hdf5"
    write_ipasc(path, replace(data, signals=data.signals[:, :, :1, :1], wavelength_nm=[750.0],
                              times_s=np.zeros(1)))  # fmt: skip
    with h5py.File(path, "r+") as file:
        signals = file["binary_time_series_data"][:, :, 0, 0]
        del file["binary_time_series_data"]
        file["binary_time_series_data"] = signals
        for detector in file["meta_data_device/detectors"].values():
            x1, x2, x3 = detector["detector_position"][()]
            detector["detector_position"][...] = [x2, x1, x3]
    read = read_ipasc(path)
    assert read.signals.shape == (32, 320, 1, 1)
    np.testing.assert_allclose(read.element_mm, data.element_mm, atol=1e-12)


def test_a_file_of_channel_data_is_no_sweep(tmp_path: Path, data: PhotoacousticData) -> None:
    write_ipasc(tmp_path / "x.hdf5", data)
    assert kind_of(tmp_path / "x.hdf5") == "ipasc"
    with pytest.raises(UserError, match="holds a ipasc, expected one sweep"):
        open_sweep(tmp_path / "x.hdf5")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("meta_data/ad_sampling_rate", None, "ad_sampling_rate is missing"),
        ("meta_data/ad_sampling_rate", 0.0, "ad_sampling_rate: expected one number above 0"),
        ("meta_data/acquisition_wavelengths", np.ones(3), "signals .* need 32 element places, 2"),
        ("meta_data/speed_of_sound", np.ones((3, 3)) * [1, 2, 3], "speed_of_sound: expected one"),
        ("meta_data_device/detectors/0000000003", None, "need 32 element places"),
        ("meta_data_device/detectors/0000000003/detector_position", np.ones(2), "position: exp"),
        ("binary_time_series_data", np.ones(5), "signals: expected shape"),
        ("meta_data_device", None, "expected binary_time_series_data and meta_data_device"),
    ],
)
def test_each_wrong_file_has_its_line(tmp_path: Path, data, key: str, value, message: str) -> None:
    path = tmp_path / "x.hdf5"
    write_ipasc(path, data)
    with h5py.File(path, "r+") as file:
        del file[key]
        if value is not None:
            file[key] = value
    with pytest.raises(UserError, match=message) as raised:
        read_ipasc(path)
    assert "\n" not in str(raised.value) and str(raised.value).startswith(str(path))


def test_no_file_and_no_sound(tmp_path: Path, data: PhotoacousticData) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_ipasc(tmp_path / "none.hdf5")
    (tmp_path / "x.hdf5").write_bytes(b"text")
    with pytest.raises(UserError, match="truncated or not HDF5"):
        read_ipasc(tmp_path / "x.hdf5")
    with pytest.raises(UserError, match="silent; give centre_hz"):
        reconstruct(replace(data, signals=0 * data.signals))
