"""The README.md of a published data set: front matter that the hub reads, the data set's card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from benchmark.dataset import SPLITS, Dataset
from benchmark.files import canonical_json
from benchmark.hub.archives import TRUTH, Archive, index_row
from benchmark.tables import markdown

GENERATED = "mit"  # the licence of generated data, as the hub writes it
CONFIG = "default"
#: The hub's names of splits.
HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
#: Sweeps up to so many: the hub's word for it.
SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M"}
TAGS = ("ultrasound", "freehand-ultrasound", "pose-estimation", "3d-reconstruction", "medical")


def front_matter(values: Mapping[str, Any]) -> str:
    """Return the block of YAML with which a README.md begins."""
    text = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def index_lines(dataset: Dataset, split: str) -> str:
    """Return a table of a split's sweeps as JSON lines: one key per factor, the same in each."""
    rows = [entry for entry in dataset.entries if entry.split == split]
    names = sorted({name for entry in dataset.entries for name in entry.factors})
    lines = []
    for entry in rows:
        told = {key: value for key, value in index_row(entry).items() if key != "factors"}
        told |= {f"factor_{name}": _scalar(entry.factors.get(name)) for name in names}
        lines.append(json.dumps(told, allow_nan=False))
    return "".join(f"{line}\n" for line in lines)


def _scalar(value: Any) -> Any:
    """Return a value that a column can hold: lists and objects as JSON."""
    return canonical_json(value) if isinstance(value, list | dict) else value


def dataset_readme(dataset: Dataset, archives: Sequence[Archive], licence: str, repo: str) -> str:
    """Return the README.md; licence: the hub's word for it; repo: OWNER/NAME on the hub."""
    card = dataset.folder / "README.md"
    body = (
        card.read_text(encoding="utf-8", errors="replace")
        if card.is_file()
        else _plain_card(dataset)
    )
    parts = [front_matter(_metadata(dataset, licence)), body.rstrip(), ""]
    return "\n".join([*parts, *_loading(dataset, archives, repo)])


def _metadata(dataset: Dataset, licence: str) -> dict[str, Any]:
    """Return what the hub reads of a card.

    One configuration: `datasets` reads all of a repository in the format of the first one.
    """
    count, generated = len(dataset.entries), "generator" in dataset.identity
    files = [
        {"split": HUB_SPLITS[split], "path": f"data/{split}-*.tar"}
        for split in SPLITS
        if _has(dataset, split)
    ]
    return {
        "pretty_name": dataset.name,
        "license": licence,
        "language": ["en"],
        "task_categories": ["other"],
        "size_categories": [next((word for n, word in SIZES.items() if count < n), "n>1M")],
        **({"annotations_creators": ["machine-generated"]} if generated else {}),
        "tags": [*TAGS, *(["simulation", "synthetic"] if generated else [])],
        "configs": [{"config_name": CONFIG, "data_files": files}],
        "dataset_info": {"config_name": CONFIG, "features": _features(dataset)},
    }


def _features(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the types of a sample, without which `datasets` takes every .h5 for an image."""
    told = [
        {"name": key, "dtype": "int64" if isinstance(value, int) else "string"}
        for key, value in index_row(dataset.entries[0]).items()
    ]
    names = {"h5": "binary", "__key__": "string", "__url__": "string"}
    return [
        {"name": "json", "struct": told},
        *({"name": name, "dtype": kind} for name, kind in names.items()),
    ]


def _has(dataset: Dataset, split: str) -> bool:
    return any(entry.split == split for entry in dataset.entries)


def _plain_card(dataset: Dataset) -> str:
    rows = [
        {
            "split": split,
            "subjects": len({entry.subject for entry in dataset.split(split)}),
            "sweeps": len(dataset.split(split)),
            "frames": sum(entry.frames for entry in dataset.split(split)),
        }
        for split in SPLITS
        if _has(dataset, split)
    ]
    about = f"# {dataset.name}\n\nFreehand ultrasound sweeps with their poses, hash"
    return f"{about} `{dataset.hash}`.\n\n{markdown(rows)}"


def _loading(dataset: Dataset, archives: Sequence[Archive], repo: str) -> list[str]:
    """Return the section on how the published folder becomes a data set, or is streamed."""
    split = next(split for split in SPLITS if _has(dataset, split))
    tars = "data/*.tar" + (f" {TRUTH}" if any(a.file == TRUTH for a in archives) else "")
    return [
        "## Load",
        "",
        "Sweeps lie in WebDataset tar files, per sweep `.json` (its line of the index) and `.h5`.",
        "Extracted beside `dataset.json` they are the data set, which `sweepbench` verifies:",
        "",
        "```",
        f"hf download {repo} --repo-type dataset --local-dir {dataset.name}",
        f"cd {dataset.name}",
        f'for file in {tars}; do tar -xf "$file"; done',
        "sweepbench verify .",
        "```",
        "",
        "Or sweep by sweep with the library `datasets`, and as a table with pandas:",
        "",
        "```python",
        "import io, h5py, pandas",
        "from datasets import load_dataset",
        "",
        f'sweeps = load_dataset("{repo}", split="{HUB_SPLITS[split]}", streaming=True)',
        'file = h5py.File(io.BytesIO(next(iter(sweeps))["h5"]))',
        'file["channels/bmode/frames"]  # (N, H, W), and world_from_image (N, 4, 4) beside',
        f'pandas.read_json("hf://datasets/{repo}/index/{split}.jsonl", lines=True)',
        "```",
        "",
    ]
