"""Croissant metadata of a published data set: that of the data set, with its files in tar files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.files import sha256_of_file
from benchmark.hub.archives import Archive


def published_croissant(
    own: Mapping[str, Any], archives: Iterable[Archive], folder: Path
) -> dict[str, Any]:
    """Return the metadata `own` of a data set with the files of a published folder as its files.

    Records are read from `dataset.json` in both; the sweeps' files are sets within the tar files.
    """
    index = [item for item in own["distribution"] if item.get("@id") == "dataset.json"]
    files = [item for archive in archives for item in _described(archive, folder)]
    return {**own, "distribution": index + files}


def _described(archive: Archive, folder: Path) -> list[dict[str, Any]]:
    """Return a tar file, and the set of the sweeps in it where it has any."""
    found: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": archive.file,
            "name": archive.file,
            "contentUrl": archive.file,
            "encodingFormat": "application/x-tar",
            "sha256": sha256_of_file(folder / archive.file),
        }
    ]
    if archive.sweeps:
        found.append(
            {
                "@type": "cr:FileSet",
                "@id": f"{archive.file}/sweeps",
                "name": f"sweeps in {archive.file}",
                "containedIn": {"@id": archive.file},
                "encodingFormat": "application/x-hdf5",
                "includes": "sweeps/*.h5",
            }
        )
    return found
