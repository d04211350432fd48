"""Protocols: frozen, hashed sets of rules, so that two numbers of one hash can be compared.

A protocol never changes once published; other rules get another name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from benchmark.errors import unknown_name
from benchmark.files import canonical_json, sha256_of_text
from benchmark.metrics.diagnosis import DOFS
from benchmark.tracks import PLAIN, TRACKS

_POINTS = ("gpe", "lpe", "gle", "lle")
_SCORES = tuple(f"{name}_score" for name in _POINTS)
_TUSREC2025 = tuple(
    f"tusrec2025_{category}" for category in ("final", "global", "local", "pixel", "landmark")
)
_DRIFT = tuple(
    name + suffix
    for name in ("final_drift", "max_drift", "mean_drift", "sum_drift", "hausdorff")
    for suffix in ("", "_3pt")
)
_RATES = tuple(
    f"{rate}_{length}_{points}"
    for rate in ("fdr", "adr")
    for length in ("path", "net")
    for points in ("centre", "3pt")
)
_ROTATION = (
    "rotation_geodesic",
    "rotation_geodesic_final",
    "rotation_euler_xyz",
    "rotation_axes",
)
_SLAM = (
    "ate_anchored",
    "ate_se3",
    "ate_sim3",
    *(f"rpe_{part}_{d}mm" for part in ("translation", "rotation") for d in (5, 10, 20, 50, 100)),
    *(f"rpe_{part}_{a}deg" for part in ("translation", "rotation") for a in (5, 10, 20, 45, 90)),
)
_DIAGNOSIS = (
    *(
        f"{name}_{dof}"
        for name in (
            "mae_step",
            "mae_accumulated",
            "bias_step",
            "noise_step",
            "gain_step",
            "correlation_step",
        )
        for dof in DOFS
    ),
    "motion_spread",
    "motion_correlation",
    "mean_collapse",
    "elevational_signed",
    "elevational_sign_free",
    "elevational_sign_wrong",
    "elevational_travel_signed",
    "elevational_travel_sign_free",
)
_SEGMENTS = ("segment_drift", "segment_rotation")
_SEGMENTS_BY_LENGTH = tuple(
    f"{name}_{length}mm" for name in _SEGMENTS for length in (5, 10, 20, 50, 100, 200)
)
_MOGLO = (
    "rae_translation_moglo",
    "rae_rotation_moglo",
    "aae_translation_moglo",
    "aae_rotation_moglo",
    "rfe_moglo",
    "afe_moglo",
    "fd_moglo",
    "fdr_chord_moglo",
    "fdr_path_moglo",
    "corr_moglo",
    "corr_pearson",
)
_SIGMA = ("sigma_within_1", "sigma_within_2", "sigma_scale", "sigma_nll")
_OTHER = ("path_length_error", "de_4pt", "fe_4pt", "overlap_dice", "swept_volume_error")


def _anchors() -> Mapping[str, float]:
    return MappingProxyType({"ground truth": 1.0, "identity": 0.0})


@dataclass(frozen=True)
class Protocol:
    """One set of rules.

    metrics: ids in the order of the columns; headline: the id that rows are sorted by; tracks: what
    a tracker may see (`benchmark.tracks`), each with a ranking of its own; anchors: the score of
    ground truth and of no motion, for every id that ends in `_score` and the tusrec2025 scores
    (negative scores stay negative); incomplete: how a row with a failed or missing sweep is
    treated; table_scores: columns that depend on the other rows and are labelled so.
    """

    name: str
    metrics: tuple[str, ...]
    headline: str
    tracks: tuple[str, ...] = (PLAIN,)
    anchors: Mapping[str, float] = field(default_factory=_anchors)
    incomplete: str = "shown with its count, not ranked"
    table_scores: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of all fields: it changes with any rule."""
        rules = {item.name: getattr(self, item.name) for item in fields(self)}
        return sha256_of_text(canonical_json({**rules, "anchors": dict(self.anchors)}))


SWEEPBENCH_V1 = Protocol(
    "sweepbench-v1",
    (
        *("fdr_path_centre", "gpe", "lpe", "gle", "lle"),
        *_SCORES,
        *_TUSREC2025,
        *(rate for rate in _RATES if rate != "fdr_path_centre"),
        *_DRIFT,
        *_OTHER,
        *_ROTATION,
        *_SLAM,
        *_DIAGNOSIS,
        *_MOGLO,
        *_SIGMA,
    ),
    headline="fdr_path_centre",
    tracks=tuple(TRACKS),
)
#: Ranks by all stretches of the path; final drift, the headline of v1, looks at one frame.
SWEEPBENCH_V2 = Protocol(
    "sweepbench-v2",
    (*_SEGMENTS, *SWEEPBENCH_V1.metrics, *_SEGMENTS_BY_LENGTH),
    headline="segment_drift",
    tracks=tuple(TRACKS),
)
TUSREC2024 = Protocol(
    "tusrec2024", _POINTS, headline="gpe", table_scores=("range_normalised_scores",)
)
TUSREC2025 = Protocol("tusrec2025", (*_TUSREC2025, *_POINTS, *_SCORES), headline="tusrec2025_final")
MOGLO2025 = Protocol("moglo2025", _MOGLO, headline="fdr_chord_moglo")

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {p.name: p for p in (SWEEPBENCH_V1, SWEEPBENCH_V2, TUSREC2024, TUSREC2025, MOGLO2025)}
)


def headline_of(name: str) -> str:
    """Return the metric that a protocol ranks by; of an unknown protocol that of sweepbench-v1."""
    return PROTOCOLS.get(name, SWEEPBENCH_V1).headline


def find_protocol(name: str) -> Protocol:
    """Return a protocol by name.

    Raises
    ------
    UserError : no such name (the nearest is suggested).
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
