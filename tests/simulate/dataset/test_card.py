"""Descriptions of a data set: card, metadata, preview, decorrelation."""

import dataclasses
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import numpy as np
import pytest

from benchmark.dataset import open_dataset, write_dataset
from benchmark.files import sha256_of_file
from benchmark.hdf5 import write_sweep
from benchmark.hub.folder import publish_dataset
from simulate.dataset.decorrelation import decorrelation, draw_decorrelation
from simulate.dataset.generate import generate
from simulate.dataset.preview import write_preview
from simulate.reflectors.coherence import coherence
from simulate.spec import load_spec
from simulate.spec.draw import draw_spec
from simulate.spec.plan import plan_sweeps
from simulate.spec.vary import Vary
from simulate.sweep.compose import make_sweep
from simulate.sweep.scene import subject_tissue

TINY = load_spec("tiny-v2")
SPEC = dataclasses.replace(
    TINY,
    acquisition=dataclasses.replace(TINY.acquisition, frames=6),
    subjects=dataclasses.replace(TINY.subjects, train=1, val=0),
    stress=dataclasses.replace(TINY.stress, factors=("tremor", "speed"), severities=(2, 5)),
    showcase=dataclasses.replace(TINY.showcase, frames=2, control_frames=1),
    imu=dataclasses.replace(TINY.imu, rate_hz=100.0),
    pose_sensor=dataclasses.replace(TINY.pose_sensor, kind="electromagnetic"),
)

# Croissant 1.0, the properties it requires of a data set, a file, a record set and a field.
DATASET_KEYS = {"@context", "@type", "conformsTo", "description", "license", "name", "url",
                "creator", "datePublished"}  # fmt: skip
FILE_KEYS = {"@type", "@id", "name", "contentUrl", "encodingFormat", "sha256"}
FIELD_KEYS = {"@type", "@id", "name", "dataType", "source"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "tiny"
    dataset = generate(SPEC, folder, workers=1)
    assert dataset is not None
    return dataset


def test_the_card_tells_of_stress_sensors_and_control(made):
    card = (made.folder / "README.md").read_text()
    assert "| tremor | 0.06 | 0.15 | mm" in card and "| speed | 1.5 | 3 |" in card
    assert "electromagnetic tracker" in card and "Inertial sensor at the face, 100 Hz" in card
    shown = next(entry for entry in made.entries if "kwave_control" in entry.factors)
    control = shown.factors["kwave_control"]
    assert control["frames"] == 1 and control["largest_difference"] < 0.05
    # Both engines solve the same equation: 5e-4 in pressure, a little more after beamforming.
    assert max(control["relative_difference"]) < 0.02
    assert "Control by k-Wave of 1 frames" in card


def test_stressed_sweeps_say_what_was_made_worse(made):
    tests = made.split("test")
    found = [(e.factors["factor"], e.factors["severity"], e.factors["level"]) for e in tests]
    assert found == [("none", 0, None), ("tremor", 2, 0.06), ("tremor", 5, 0.15),
                     ("speed", 2, 1.5), ("speed", 5, 3.0)]  # fmt: skip
    assert "factor" not in made.split("train")[0].factors
    base, shaken, fast = (made.load(tests[n]) for n in (0, 1, 4))
    assert (len(base), len(shaken), len(fast)) == (6, 6, 2)
    off = np.linalg.norm((shaken.bmode.world_from_image - base.bmode.world_from_image)[:, :3, 3],
                         axis=1)  # fmt: skip
    assert 0.02 < off.mean() < 0.3
    assert set(shaken.bmode.measured) == {"electromagnetic"}


def test_croissant_names_every_file_with_its_hash(made):
    value = json.loads((made.folder / "croissant.json").read_text())
    assert set(value) >= DATASET_KEYS
    assert value["@type"] == "sc:Dataset"
    assert value["conformsTo"][0] == "http://mlcommons.org/croissant/1.0"
    used = {key.split(":")[0] for key in value["@context"] if ":" not in key}
    assert {"cr", "sc", "dct", "recordSet", "field", "jsonPath", "fileObject"} <= used
    files = value["distribution"]
    assert len(files) == 1 + len(made.entries)
    for item in files:
        assert set(item) >= FILE_KEYS and item["@type"] == "cr:FileObject"
        assert sha256_of_file(made.folder / item["contentUrl"]) == item["sha256"]
    (records,) = value["recordSet"]
    index = json.loads((made.folder / "dataset.json").read_text())
    assert records["field"] and index["sweeps"]
    for field in records["field"]:
        assert set(field) >= FIELD_KEYS
        path = field["source"]["extract"]["jsonPath"]
        assert path.startswith("$.sweeps[*].")
        assert all(path.rpartition(".")[2] in row for row in index["sweeps"])
    identifiers = [item["@id"] for item in (*files, records, *records["field"])]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize("published", [False, True])
def test_croissant_holds_by_its_own_library(made, published, tmp_path, caplog):
    library = pytest.importorskip("mlcroissant", exc_type=ImportError)
    folder = tmp_path / "hub" if published else made.folder
    if published:
        publish_dataset(made, folder, "me/tiny")
    found = library.Dataset(folder / "croissant.json")
    issues = found.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    names = [record["sweeps/name"].decode() for record in found.records("sweeps")]
    assert names == [entry.name for entry in made.entries]


def test_published_croissant_names_the_tar_files_with_their_hashes(made, tmp_path):
    archives = publish_dataset(made, tmp_path, "me/tiny")
    told = json.loads((tmp_path / "croissant.json").read_text())["distribution"]
    files = {item["@id"]: item for item in told if item["@type"] == "cr:FileObject"}
    assert set(files) == {"dataset.json", *(archive.file for archive in archives)}
    for name, item in files.items():
        assert sha256_of_file(tmp_path / name) == item["sha256"]
    sets = [item for item in told if item["@type"] == "cr:FileSet"]
    assert [item["containedIn"]["@id"] for item in sets] == [a.file for a in archives if a.sweeps]


#: Properties of the RAI extension, as mlcroissant 1.1 reads them.
RAI_KEYS = {
    "annotationsPerItem", "annotatorDemographics", "dataAnnotationAnalysis",
    "dataAnnotationPlatform", "dataAnnotationProtocol", "dataBiases", "dataCollection",
    "dataCollectionMissingData", "dataCollectionRawData", "dataCollectionTimeFrame",
    "dataCollectionType", "dataImputationProtocol", "dataLimitations", "dataPreprocessingProtocol",
    "dataReleaseMaintenancePlan", "dataSocialImpact", "dataUseCases", "machineAnnotationTools",
    "personalSensitiveInformation",
}  # fmt: skip


def test_croissant_and_the_card_say_the_same_of_origin_people_and_limits(made):
    value = json.loads((made.folder / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/RAI/1.0" in value["conformsTo"]
    told = {key.removeprefix("rai:"): text for key, text in value.items() if key[:4] == "rai:"}
    assert set(told) <= RAI_KEYS
    assert {"dataBiases", "dataLimitations", "personalSensitiveInformation"} <= set(told)
    card = (made.folder / "README.md").read_text()
    assert all(text in card for text in told.values()) and "Licence: MIT" in card
    assert value["license"].endswith("MIT.html")


class Images(HTMLParser):
    """The images and titles of a page."""

    def __init__(self):
        super().__init__()
        self.images, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))


def test_the_preview_is_one_page_with_pictures_and_hides_no_markup(made, tmp_path):
    page = Images()
    page.feed(write_preview(made).read_text())
    assert len(page.images) == 4 and all(image["alt"] for image in page.images)
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in page.images)
    # Names from files are text, never markup.
    sweep = make_sweep(SPEC, 0)
    evil = dataclasses.replace(sweep, name="<script>alert(1)<script>")
    write_sweep(tmp_path / "sweeps" / "s.h5", evil)
    entry = dataclasses.replace(
        made.entries[0], name=evil.name, file="sweeps/s.h5",
        sha256=sha256_of_file(tmp_path / "sweeps" / "s.h5"),
    )  # fmt: skip
    write_dataset(tmp_path, "<script>", [entry], {})
    page = Images()
    page.feed(write_preview(open_dataset(tmp_path)).read_text())
    assert "script" not in page.tags and len(page.images) == 4


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    ranges = {
        "probe.height_px": [40, 60], "tissue.limb_radius_mm": [8, 30], "motion.tremor_mm": [0, 0.1],
        "machine": {"choice": ["dark", "bright"]}, "test": {"probe.height_px": [70, 80]},
        "named": {"dark": {"bmode.gain_db": [-9, -6]}, "bright": {"bmode.gain_db": 6}},
    }  # fmt: skip
    spec = dataclasses.replace(
        TINY,
        acquisition=dataclasses.replace(TINY.acquisition, frames=3),
        showcase=dataclasses.replace(TINY.showcase, sweeps=0),
        subjects=dataclasses.replace(TINY.subjects, train=3, val=1, test=1),
        vary=Vary.from_table(ranges, "vary"),
    )
    with ThreadPoolExecutor(1) as executor:
        dataset = generate(spec, tmp_path_factory.mktemp("data") / "varied", executor=executor)
    assert dataset is not None
    return spec, dataset


def test_every_sweep_says_what_was_drawn_and_is_made_with_it(varied):
    spec, dataset = varied
    shapes = set()
    for plan, entry in zip(plan_sweeps(spec), dataset.entries, strict=True):
        draw, sweep = draw_spec(spec, plan), dataset.load(entry)
        told = {k.removeprefix("vary."): v for k, v in sweep.factors.items() if "vary." in k}
        assert told == draw.values and len(told) >= 4
        assert sweep.probe == draw.spec.canonical("probe")
        assert sweep.bmode.frames.shape[1:] == (draw.spec.probe.height_px, 48)
        assert sweep.factors["spec_hash"] == spec.hash
        shapes.add(sweep.bmode.frames.shape)
        tissue = subject_tissue(draw.spec, plan.subject_index)
        assert told["tissue.limb_radius_mm"] > 11.75  # the face's width
        tree = dataset.truth(entry.subject)["points_mm"]
        assert np.allclose(tree, tissue.vessels.points_mm, atol=1e-6)
    assert len(shapes) >= 3
    assert all(70 <= dataset.load(e).probe["height_px"] <= 80 for e in dataset.split("test"))


def test_card_and_preview_show_ranges_and_spread(varied):
    spec, dataset = varied
    card = (dataset.folder / "README.md").read_text()
    heights = sorted(draw_spec(spec, plan).spec.probe.height_px for plan in plan_sweeps(spec))
    assert f"- Frames: {heights[0]} to {heights[-1]} x 48 pixels" in card
    assert "| probe.height_px | subject | 40 to 60 | 40 to 60 | 70 to 80 |" in card
    assert "| motion.tremor_mm | sweep | 0 to 0.1 | 0 to 0.1 | 0 to 0.1 |" in card
    assert "- `dark`: bmode.gain_db -9 to -6" in card
    assert "of them again" in card
    page = Images()
    page.feed(write_preview(dataset).read_text())
    assert len(page.images) == 5
    assert page.images[-1]["alt"].startswith("Values of bmode.gain_db, machine, motion.tremor_mm")


def test_developed_speckle_decorrelates_as_theory_says_and_fibres_slower(tmp_path):
    """Chen et al. 1997: exp(-d^2 / 2 sigma^2) of intensity; coherent structure has a tail."""
    uniform = dataclasses.replace(
        TINY,
        tissue=dataclasses.replace(TINY.tissue, kind="uniform"),
        probe=dataclasses.replace(TINY.probe, elements=128, width_mm=24.0, width_px=96),
        bmode=dataclasses.replace(TINY.bmode, scatterers_per_cell=8.0),
    )
    found = decorrelation(uniform)
    near = found.theory > 0.3
    assert np.abs(found.measured - found.theory)[near].max() < 0.08
    tails = []
    for seed in range(3):  # a tail is a few structures: three tissues
        one = dataclasses.replace(uniform, seed=seed)
        tissue = dataclasses.replace(one.tissue, coherent_fraction=0.5)
        slower = decorrelation(dataclasses.replace(one, tissue=tissue))
        tails.append((slower.measured - decorrelation(one).measured)[:, -6:].mean(1))
    expected = [
        np.mean(coherence(found.distance_mm[-6:], sigma, 0.5, tissue.coherent_length_mm) ** 2)
        for sigma in TINY.probe.sigma_speckle_mm(found.depth_mm)
    ]
    np.testing.assert_allclose(np.mean(tails, axis=0), expected, atol=0.03)
    assert np.mean(tails) > 0.035  # developed speckle alone has forgotten all by then
    text = found.table().splitlines()
    assert len(text) == 13 and "1.000" in text[1]
    draw_decorrelation(tmp_path / "curve.png", "tiny", found)
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
