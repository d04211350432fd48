"""Volume files with their geometry, written and read: MetaImage, NRRD, NIfTI-1."""

from benchmark.interop.volumes.names import SUFFIXES, volume_suffix
from benchmark.interop.volumes.reading import read_volume
from benchmark.interop.volumes.writing import write_volume

__all__ = ["SUFFIXES", "read_volume", "volume_suffix", "write_volume"]
