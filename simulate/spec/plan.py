"""The plan of each sweep of a data set: split, subject, motion and stress, without randomness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil

from benchmark.addresses import short_name
from benchmark.dataset import SPLITS
from simulate.spec.record import Spec


@dataclass(frozen=True)
class SweepPlan:
    """The part of a sweep that its spec determines without random numbers.

    index: of the sweep in its data set; drawn_as: index of the sweep whose random numbers it uses,
    its own unless it is stressed; showcase: whether it has photoacoustic frames; controlled:
    whether it is the sweep whose photoacoustic frames are compared with k-Wave's, where the spec
    asks for that; factor, severity: the stress, "" and 0 without any; held_out: the group of
    `[vary.held_out]` that it is a twin in, "" for none.
    """

    index: int
    drawn_as: int
    name: str
    split: str
    subject: str
    subject_index: int
    profile: str
    orientation: str
    showcase: bool
    controlled: bool = False
    factor: str = ""
    severity: int = 0
    held_out: str = ""


def plan_sweeps(spec: Spec) -> tuple[SweepPlan, ...]:
    """Return the plan of every sweep of a data set, in order."""
    plans: list[SweepPlan] = []
    subject_index = 0
    for split in SPLITS:
        for number in range(getattr(spec.subjects, split)):
            for repeat in range(spec.subjects.sweeps):
                base = _base(spec, split, number, repeat, subject_index, len(plans))
                plans.append(base)
                if split == "test":
                    plans.extend(_stressed(spec, base))
                    plans.extend(_twins(spec, base, number, repeat, len(plans)))
            subject_index += 1
    return tuple(plans)


def training_plan(spec: Spec, number: int) -> SweepPlan:
    """Return the plan of a training sweep, counted from 0, of a split that goes on for ever.

    The first ones are those of the data set; later subjects and sweeps are none of any split.
    """
    subject, repeat = divmod(number, spec.subjects.sweeps)
    own = spec.subjects
    beyond = subject >= own.train
    subject_index = subject + (own.val + own.test if beyond else 0)
    index = number + (_sweeps_of_other_splits(spec) if beyond else 0)
    return _base(spec, "train", subject, repeat, subject_index, index)


def _sweeps_of_other_splits(spec: Spec) -> int:
    conditions = 1 + len(spec.stress.factors) * len(spec.stress.severities)
    conditions += len(spec.vary.groups)
    return (spec.subjects.val + spec.subjects.test * conditions) * spec.subjects.sweeps


def _base(
    spec: Spec, split: str, number: int, repeat: int, subject_index: int, index: int
) -> SweepPlan:
    subject = f"{split}-{number:03d}"
    motion = spec.motion
    profile, orientation = _motion(spec, motion.profiles, motion.orientations, number, repeat)
    name = f"{subject}-{repeat}-{short_name(profile)}-{orientation}"
    place = number * spec.subjects.sweeps + repeat
    shown = _shown(spec, split, place)
    return SweepPlan(
        index=index,
        drawn_as=index,
        name=name,
        split=split,
        subject=subject,
        subject_index=subject_index,
        profile=profile,
        orientation=orientation,
        showcase=shown,
        controlled=shown and split == "test" and place == 0,
    )


def _motion(
    spec: Spec, profiles: Sequence[str], orientations: Sequence[str], number: int, repeat: int
) -> tuple[str, str]:
    """Return profile and orientation of a sweep of a subject of a split, both counted from 0.

    "rounds": profiles change from sweep to sweep and orientations from round to round, so that
    each split has as many of each as possible. "latin-square": the profile is the cell (subject,
    sweep) of a cyclic Latin square, with evenly spaced columns where there are fewer sweeps than
    profiles. In a block of as many subjects as profiles, each profile then occurs once in every
    place; orientations alternate within a subject and between blocks.
    """
    if spec.subjects.design == "rounds":
        place = number * spec.subjects.sweeps + repeat
        turn = place // len(profiles)
        return profiles[place % len(profiles)], orientations[turn % len(orientations)]
    stride = max(1, len(profiles) // spec.subjects.sweeps)
    profile = profiles[(number + stride * repeat) % len(profiles)]
    return profile, orientations[(repeat + number // len(profiles)) % len(orientations)]


def _shown(spec: Spec, split: str, place: int) -> bool:
    """Return whether the sweep at a place of its split, from 0, has photoacoustic frames."""
    if split == "test":
        return place < spec.showcase.sweeps
    if spec.showcase.split == "test":
        return False
    share = spec.showcase.sweeps / max(1, spec.subjects.test * spec.subjects.sweeps)
    return place < ceil(share * getattr(spec.subjects, split) * spec.subjects.sweeps)


def _stressed(spec: Spec, base: SweepPlan) -> Iterator[SweepPlan]:
    """Yield the plans of a test sweep under each factor and severity, in order."""
    conditions = product(spec.stress.factors, spec.stress.severities)
    for number, (factor, severity) in enumerate(conditions):
        yield replace(
            base,
            index=base.index + 1 + number,
            name=f"{base.name}-{short_name(factor)}-{severity}",
            showcase=False,
            controlled=False,
            factor=factor,
            severity=severity,
        )


def _twins(
    spec: Spec, base: SweepPlan, number: int, repeat: int, index: int
) -> Iterator[SweepPlan]:
    """Yield the plans of the twins of a test sweep in each held-out group, from an index on.

    A twin has the random numbers of its sweep, so that all that its group leaves alone is the same.
    """
    for place, group in enumerate(spec.vary.groups):
        profiles = spec.vary.dealt(group, "motion.profiles") or spec.motion.profiles
        ways = spec.vary.dealt(group, "motion.orientations") or spec.motion.orientations
        profile, orientation = _motion(spec, profiles, ways, number, repeat)
        yield replace(
            base,
            index=index + place,
            name=f"{base.name}-{group}",
            profile=profile,
            orientation=orientation,
            showcase=False,
            controlled=False,
            held_out=group,
        )
