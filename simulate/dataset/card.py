"""The card of a data set (its README), and the description of a spec that `show` prints."""

import json
from typing import Any

import numpy as np

from benchmark.dataset import SPLITS, Dataset
from benchmark.tables import Markup, markdown
from simulate import GENERATOR_VERSION
from simulate.dataset.memory import memory_bytes
from simulate.dataset.size import size_of
from simulate.spec import Spec
from simulate.spec.factors import FACTORS

WAYS = {
    "advance": "Every sweep advances along the positive axis of travel.",
    "retreat": "Every sweep retreats along the axis of travel.",
    "both": "Sweeps go either way; the sign of an elevational step is not in two frames of "
    "developed speckle, so that anatomy is the only cue.",
}


def describe(spec: Spec) -> str:
    """Return every field of a spec, its identity, size and cost, as text; `show` prints it."""
    lines = [f"{spec.name}: {spec.description}", ""]
    for key, value in spec.to_dict().items():
        if isinstance(value, dict):
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
        f"speckle   {spec.probe.pixels_per_lateral_fwhm():.1f} pixels per narrowest lateral FWHM",
        f"cost      about {size.seconds:.0f} s of one core, {memory_bytes(spec) / 1e9:.1f} GB of "
        "memory in each process",
    ]
    return "\n".join(lines)


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
        f"`python -m simulate generate {spec.name}`, which gives the same bytes again with the",
        "library versions in `dataset.json`. `croissant.json` describes it for data hubs.", "",
        _splits(dataset),
        *_acquisition(spec), *_extras(spec),
        *_photoacoustics(spec, dataset),
        "- `truth/`: the vessel tree of each subject, world mm.",
        f"- Identity: generator {GENERATOR_VERSION}, hash `{dataset.hash}`.", "",
        *_stress(spec), *_withheld(dataset),
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


def _acquisition(spec: Spec) -> list[str]:
    probe = spec.probe
    pixel_x, pixel_y = probe.pixel_mm
    focus = np.array(probe.elevation_focus_mm)
    return [
        f"- Frames: {probe.height_px} x {probe.width_px} pixels of {pixel_y:.3f} x {pixel_x:.3f}"
        f" mm, {spec.acquisition.frame_rate_hz:g} per second, uint8.",
        f"- Probe: {probe.name}, {probe.centre_frequency_hz / 1e6:g} MHz, elevational beam"
        f" {float(probe.sigma_elevation_mm(focus)):.2f} mm (sigma) at"
        f" its focus of {probe.elevation_focus_mm:g} mm.",
        f"- Tissue: {spec.tissue.kind}, coherent share {spec.tissue.coherent_fraction:g}.",
        f"- Motion: {', '.join(spec.motion.profiles)}; image plane"
        f" {' and '.join(spec.motion.orientations)} to the path. {WAYS[spec.motion.direction]}",
    ]


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
