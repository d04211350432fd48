"""The reference of the Python interface: which modules it shows, in which order."""

import re

#: Title, one sentence, and the modules of each part.
PARTS = (
    (
        "Data in, poses out",
        "`from benchmark import ...` gives these names and loads no heavy library.",
        ("benchmark.sweep", "benchmark.dataset", "benchmark.hdf5", "benchmark.results"),
    ),
    (
        "Trackers",
        "What a tracker is, how it is found by name, and what the checker asks of it.",
        ("benchmark.tracker", "benchmark.registry", "benchmark.checker",
         "benchmark.learning.windows"),
    ),
    (
        "Poses",
        "Rigid motions as arrays of numpy or torch.",
        ("benchmark.geometry",),
    ),
    (
        "Metrics and statistics",
        "What is computed of a true and a predicted trajectory.",
        ("benchmark.metrics.case", "benchmark.metrics.registry", "benchmark.scoring.statistics"),
    ),
    (
        "Volumes and vessels",
        "From frames with poses to voxels, and from voxels to vessel trees.",
        ("benchmark.volume.reconstruction", "benchmark.volume.slicing",
         "benchmark.vessels.segmentation", "benchmark.vessels.centreline",
         "benchmark.interop.volumes.writing", "benchmark.interop.volumes.reading"),
    ),
    (
        "Simulation",
        "From a spec to sweeps.",
        ("simulate.spec.record", "simulate.sweep.compose", "simulate.sweep.scene",
         "simulate.dataset.generate", "simulate.dataset.stream", "simulate.hand.motion",
         "simulate.bmode.render", "simulate.doppler.render", "simulate.photoacoustic.render"),
    ),
)  # fmt: skip


def modules() -> list[str]:
    """Return all modules that the page shows."""
    return [module for _, _, found in PARTS for module in found]


def described(docstring: str) -> str:
    """Return a docstring whose entries `name : description` are as numpydoc has them.

    There what follows the colon is a type, and the description stands below it.
    """
    lines, section = [], ""
    source = docstring.splitlines()
    for number, line in enumerate(source):
        below = source[number + 1] if number + 1 < len(source) else ""
        if re.fullmatch(r"-{3,}", below.strip()):
            section = line.strip()
        entry = re.fullmatch(r"([A-Za-z*][\w*, ]*?) : (.+)", line)
        if section in ("Parameters", "Raises", "Attributes") and entry:
            lines += [entry[1], f"    {entry[2]}"]
        else:
            lines.append(line)
    return "\n".join(lines)


def page() -> str:
    """Return the page in Markdown, with the directives of mkdocstrings in place of docstrings."""
    parts = [
        "# Python\n\nShapes, units and frames stand in each description: `a_from_b` is a matrix "
        "(4, 4) that maps coordinates of b to those of a ([conventions](../docs/conventions.md)). "
        "Names with a leading underscore are not part of the interface.\n"
    ]
    for title, sentence, found in PARTS:
        parts.append(f"\n## {title}\n\n{sentence}\n")
        parts += [f"\n::: {module}\n" for module in found]
    return "\n".join(parts)
