"""The card of a data set (its README), and the description of a spec that `show` prints."""

import json
from typing import Any

import numpy as np

from benchmark.dataset import SPLITS, Dataset
from benchmark.tables import Markup, markdown
from simulate import GENERATOR_VERSION
from simulate.dataset.memory import memory_bytes
from simulate.dataset.responsible import datasheet
from simulate.dataset.size import MOST_PROBES, drawn_specs, size_of
from simulate.probe.transducer import Probe
from simulate.spec import Spec
from simulate.spec.draw import draw_spec, reason_counts
from simulate.spec.factors import FACTORS
from simulate.spec.plan import plan_sweeps
from simulate.spec.vary import HELD_OUT, NAMED

WAYS = {
    "advance": "Every sweep advances along the positive axis of travel.",
    "retreat": "Every sweep retreats along the axis of travel.",
    "both": "Sweeps go either way; the sign of an elevational step is not in two frames of "
    "developed speckle, so that anatomy is the only cue.",
}
MOST_WORDS = 4  # that are listed where they differ between sweeps


def describe(spec: Spec) -> str:
    """Return every field of a spec, its identity, size and cost, as text; `show` prints it."""
    lines = [f"{spec.name}: {spec.description}", ""]
    for key, value in spec.to_dict().items():
        if key == "vary":
            lines += _vary_as_toml(value)
        elif isinstance(value, dict):
            lines.append(f"[{key}]")
            lines += [f"{name} = {_toml(item)}" for name, item in value.items()]
            lines.append("")
        elif key != "description":
            lines.append(f"{key} = {_toml(value)}")
    size = size_of(spec)
    doppler = f"{size.doppler_frames} Doppler frames, " if size.doppler_frames else ""
    lines += [
        f"hash      {spec.hash}",
        f"size      {size.sweeps} sweeps, {size.frames} B-mode and {size.photoacoustic_frames} "
        f"photoacoustic frames, {doppler}{size.megabytes:.1f} MB",
        *([f"twins     {_twins(spec)}"] if spec.vary.groups else []),
        f"speckle   {_speckle(spec)} pixels per narrowest lateral FWHM",
        f"cost      about {size.seconds:.0f} s of one core, {memory_bytes(spec) / 1e9:.1f} GB of "
        "memory in each process",
    ]
    if spec.vary:
        lines.append(f"drawn     {_refusals(spec)}")
    return "\n".join(lines)


def _twins(spec: Spec) -> str:
    """Return the held-out groups in words."""
    count = spec.subjects.test * spec.subjects.sweeps
    return f"each of {count} test sweeps once more in {', '.join(spec.vary.groups)}"


def _vary_as_toml(table: dict[str, Any]) -> list[str]:
    """Return the lines of a `vary` table, with those of its splits and of its combinations."""
    inner = (*SPLITS, NAMED, HELD_OUT)
    tables = {"vary": {key: law for key, law in table.items() if key not in inner}}
    tables |= {f"vary.{split}": table[split] for split in SPLITS if split in table}
    for word in (NAMED, HELD_OUT):
        tables |= {f"vary.{word}.{name}": laws for name, laws in table.get(word, {}).items()}
    lines: list[str] = []
    for title, laws in tables.items():
        lines += [f"[{title}]", *(f'"{key}" = {_toml(law)}' for key, law in laws.items()), ""]
    return lines


def _speckle(spec: Spec) -> str:
    """Return the pixels per lateral width of speckle, of some sweeps where many probes are."""
    probes = list(dict.fromkeys(one.probe for one in drawn_specs(spec)))
    some = probes[:: -(-len(probes) // MOST_PROBES)]
    span = _span([f"{probe.pixels_per_lateral_fwhm():.1f}" for probe in some])
    return span if len(some) == len(probes) else f"{span} (of {len(some)} probes)"


def _refusals(spec: Spec) -> str:
    """Return how often a draw could not be, and the key that stood in the way most often."""
    refused: dict[str, tuple[str, ...]] = {}
    for plan in plan_sweeps(spec):
        refused |= draw_spec(spec, plan).refused
    counts = reason_counts(reason for reasons in refused.values() for reason in reasons)
    again = f"{len(refused)} subjects and sweeps, {counts.total()} of them again"
    if not counts:
        return again
    key, times = counts.most_common(1)[0]
    return f"{again}, {times} times because of {key}"


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; None, which TOML has not, as a remark."""
    if value is None:
        return '"derived from the probe"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def dataset_card(spec: Spec, dataset: Dataset) -> str:
    """Return the README of a data set (Markdown)."""
    parts = [
        f"# {spec.name}", "", spec.description, "",
        "Simulated freehand ultrasound: the poses are exact, not measured. Made by",
        f"`sweepbench generate {spec.name}`, which gives the same bytes again with the",
        "library versions in `dataset.json`. `croissant.json` describes it for data hubs.", "",
        _splits(dataset),
        *_acquisition(list(drawn_specs(spec))), *_extras(spec),
        *_photoacoustics(spec, dataset),
        "- `truth/`: the vessel tree of each subject, world mm.",
        f"- Identity: generator {GENERATOR_VERSION}, hash `{dataset.hash}`.", "",
        *_vary(spec), *_stress(spec), *_withheld(dataset), *datasheet(spec, GENERATOR_VERSION),
    ]  # fmt: skip
    return "\n".join(parts)


def _splits(dataset: Dataset) -> str:
    """Return the table of what each split holds."""
    rows = []
    for split in SPLITS:
        chosen = [entry for entry in dataset.entries if entry.split == split]
        lengths = [entry.factors["path_mm"] for entry in chosen if "path_mm" in entry.factors]
        row = {"split": split, "subjects": len({entry.subject for entry in chosen})}
        row |= {"sweeps": len(chosen), "frames": sum(entry.frames for entry in chosen)}
        span = f"{min(lengths):.1f} to {max(lengths):.1f}" if lengths else "withheld"
        rows.append(row | {"path of the image centre, mm": span})
    return markdown(rows)


def _acquisition(specs: list[Spec]) -> list[str]:
    """Return lines on frames, probe, tissue and motion of the sweeps of these specs."""
    probes = [spec.probe for spec in specs]
    rates = _span([f"{spec.acquisition.frame_rate_hz:g}" for spec in specs])
    shares = _span([f"{spec.tissue.coherent_fraction:g}" for spec in specs])
    height, width = (_span([str(getattr(p, key)) for p in probes])
                     for key in ("height_px", "width_px"))  # fmt: skip
    across, down = (_span([f"{p.pixel_mm[axis]:.3f}" for p in probes]) for axis in (0, 1))
    motion = specs[0].motion
    ways = dict.fromkeys(WAYS[spec.motion.direction] for spec in specs)
    return [
        f"- Frames: {height} x {width} pixels of {down} x {across} mm, {rates} per second, uint8.",
        f"- Probe: {_span([p.name for p in probes])},"
        f" {_span([f'{p.centre_frequency_hz / 1e6:g}' for p in probes])} MHz, {_lens(probes)}.",
        f"- Tissue: {_span([spec.tissue.kind for spec in specs])}, coherent share {shares}.",
        f"- Motion: {', '.join(motion.profiles)}; image plane"
        f" {' and '.join(motion.orientations)} to the path. {' or: '.join(ways)}",
    ]


def _lens(probes: list[Probe]) -> str:
    """Return the words for the elevational beam: its width at the focus, where there is one."""
    foci = _span([f"{probe.elevation_focus_mm:g}" for probe in probes])
    if len(set(probes)) > 1:
        return f"elevational focus at {foci} mm"
    sigma = float(probes[0].sigma_elevation_mm(np.array(probes[0].elevation_focus_mm)))
    return f"elevational beam {sigma:.2f} mm (sigma) at its focus of {foci} mm"


def _span(words: list[str]) -> str:
    """Return one word where all are the same, the least and the largest number, or some words."""
    known = list(dict.fromkeys(words))
    if len(known) == 1:
        return known[0]
    try:
        ordered = sorted(known, key=float)
    except ValueError:
        ordered = sorted(known)
        if len(ordered) <= MOST_WORDS:
            return " or ".join(ordered)
        return f"{len(ordered)} kinds, such as {ordered[0]} and {ordered[-1]}"
    return f"{ordered[0]} to {ordered[-1]}"


def _extras(spec: Spec) -> list[str]:
    """Return lines on measured poses and on the inertial sensor, where there are any."""
    lines, sensor = [], spec.pose_sensor
    if sensor.kind != "none":
        lines.append(
            f"- Beside the true poses, those of an {sensor.kind} tracker: calibration off by about"
            f" {sensor.calibration_mm:g} mm and {sensor.calibration_deg:g} degrees, lag"
            f" {1e3 * sensor.lag_s:g} ms; `channels/bmode/measured/{sensor.kind}`."
        )
    if spec.imu.rate_hz:
        lines.append(
            f"- Inertial sensor at the face, {spec.imu.rate_hz:g} Hz: specific force and angular"
            " rate in the image frame; `true_...` without its errors."
        )
    return lines


def _photoacoustics(spec: Spec, dataset: Dataset) -> list[str]:
    if not spec.showcase.sweeps:
        return []
    splits = "the test split" if spec.showcase.split == "test" else "the test split, and others"
    lines = [
        f"- Photoacoustic frames: in {spec.showcase.sweeps} of the sweeps of {splits}, engine"
        f" {spec.photoacoustic.engine}, medium {spec.photoacoustic.medium}, wavelengths"
        f" {', '.join(map(str, spec.photoacoustic.wavelengths_nm))} nm."
    ]
    for entry in dataset.entries:
        control = entry.factors.get("kwave_control")
        if control:
            off = ", ".join(f"{100 * value:.2g} %" for value in control["relative_difference"])
            lines.append(
                f"- Control by k-Wave of {control['frames']} frames of `{entry.name}`: images of"
                f" both engines differ by {off} (root mean square), by at most"
                f" {100 * control['largest_difference']:.2g} % of the brightest pixel."
            )
    return lines


def _vary(spec: Spec) -> list[str]:
    """Return the table of what varies and by which law, where anything does."""
    if not spec.vary:
        return []
    laws = {split: {e.key: e for e in spec.vary.of(split)} for split in SPLITS}
    entries = {key: entry for own in laws.values() for key, entry in own.items()}
    rows = [
        {"key": key, "drawn per": spec.vary.level(entries[key])}
        | {split: own[key].law.words() if key in own else "" for split, own in laws.items()}
        for key in sorted(entries)
    ]
    named = [
        f"- `{name}`: {', '.join(f'{entry.key} {entry.law.words()}' for entry in inner)}"
        for name, inner in spec.vary.named
    ]
    return [
        "## What varies",
        "",
        f"Drawn: {_refusals(spec)}. What was drawn stands in the factors `vary.<key>` of a sweep"
        " and in its probe.",
        "",
        markdown(rows),
        *(["Combinations:", "", *named, ""] if named else []),
        *(_held_out(spec) if spec.vary.groups else []),
    ]


def _held_out(spec: Spec) -> list[str]:
    """Return the lines on the twins of the test sweeps in each held-out group."""
    groups = [
        f"- `{name}`: {', '.join(f'{entry.key} {entry.law.words()}' for entry in entries)}"
        for name, entries in spec.vary.held_out
    ]
    return [
        "Each test sweep (factor `none`, severity 0) has a twin in each group below (factor: its"
        " name, severity 1), of the same random numbers, that differs in these laws alone:",
        "",
        *groups,
        "",
    ]


def _stress(spec: Spec) -> list[str]:
    """Return the table of stress factors and their values, where there are any."""
    if not spec.stress.factors:
        return []
    severities = spec.stress.severities
    rows: list[dict[str, Any]] = []
    for name in spec.stress.factors:
        factor = FACTORS.get(name)
        levels = {str(s): f"{factor.levels[s - 1]:g}" if factor else "" for s in severities}
        meaning = factor.meaning if factor else "a function of its own"
        rows.append({"factor": name, **levels, "meaning": Markup(meaning)})
    return [
        "## Stress",
        "",
        "Each test sweep is there as it is (factor `none`) and once per factor and severity, of the"
        " same subject, by the same hand on the same path.",
        "",
        markdown(rows),
    ]


def _withheld(dataset: Dataset) -> list[str]:
    kept = dataset.identity.get("withheld")
    if not kept:
        return []
    return [
        "## Withheld",
        "",
        f"The {kept['split']} split is drawn from private entropy, SHA-256"
        f" `{kept['entropy_sha256']}`, and has no poses, landmarks or vessel trees; who holds the"
        " answers can score it.",
        "",
    ]
