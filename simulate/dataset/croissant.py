"""Croissant metadata of a data set (MLCommons Croissant 1.0, RAI 1.0), which data hubs read."""

from typing import Any

from benchmark.dataset import SPLITS, Dataset
from benchmark.files import sha256_of_file
from simulate import GENERATOR_VERSION
from simulate.dataset.responsible import VOCABULARY, responsible
from simulate.spec import Spec

HERE = "./"  # the folder that holds the metadata: data sets are made where they are used
LICENCE = "https://spdx.org/licenses/MIT.html"
PUBLISHED = "2026-11-22"  # date of this version of the generator; a data set has no date itself

# The context that the specification prescribes for every file.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
FIELDS = {
    "name": ("sc:Text", "Name of the sweep."),
    "file": ("sc:Text", "Its HDF5 file, below the data set's folder."),
    "split": ("sc:Text", f"One of {', '.join(SPLITS)}; a subject stands in one of them only."),
    "subject": ("sc:Text", "Whose tissue it shows."),
    "frames": ("sc:Integer", "How many B-mode frames it has."),
    "sha256": ("sc:Text", "Of the file."),
}


def croissant(spec: Spec, dataset: Dataset) -> dict[str, Any]:
    """Return the metadata of a data set whose `dataset.json` is written, as a JSON-LD value."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", VOCABULARY],
        "name": spec.name,
        "description": f"{spec.description} Simulated freehand ultrasound with exact poses.",
        "version": f"{GENERATOR_VERSION}.0.0",
        "datePublished": PUBLISHED,
        "license": LICENCE,
        "url": HERE,
        "creator": {"@type": "sc:Organization", "name": "sweepbench"},
        "citeAs": f"sweepbench, data set {spec.name}, hash {dataset.hash}",
        "keywords": ["ultrasound", "freehand", "tracking", "simulation", "pose estimation"],
        "isLiveDataset": False,
        **{f"rai:{key}": text for key, text in responsible(spec, GENERATOR_VERSION).items()},
        "distribution": [_index(dataset), *_sweeps(dataset)],
        "recordSet": [_record_set()],
    }


def _index(dataset: Dataset) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "dataset.json",
        "name": "dataset.json",
        "description": "Identity of the data set, and one entry per sweep.",
        "contentUrl": "dataset.json",
        "encodingFormat": "application/json",
        "sha256": sha256_of_file(dataset.folder / "dataset.json"),
    }


def _sweeps(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": entry.file,
            "name": entry.name,
            "contentUrl": entry.file,
            "encodingFormat": "application/x-hdf5",
            "sha256": entry.sha256,
        }
        for entry in dataset.entries
    ]


def _record_set() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "sweeps",
        "name": "sweeps",
        "description": "One record per sweep.",
        "key": {"@id": "sweeps/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"sweeps/{key}",
                "name": key,
                "description": meaning,
                "dataType": kind,
                "source": {
                    "fileObject": {"@id": "dataset.json"},
                    "extract": {"jsonPath": f"$.sweeps[*].{key}"},
                },
            }
            for key, (kind, meaning) in FIELDS.items()
        ],
    }
