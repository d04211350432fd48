"""Branching vessels that grow along a limb, by Murray's law."""

import math
from dataclasses import dataclass, replace

import numpy as np

from benchmark.geometry import norm
from simulate.vessels.tree import ARTERY, STEP_MM, VEIN, VesselTree

CLEARANCE_MM = 1.2  # a growing vessel turns away from walls of others nearer than this
APPROACH_MM = 3.0  # distance from the boundary of the room at which a vessel begins to turn


@dataclass(frozen=True)
class GrowthSettings:
    """Where vessels run, in (x, depth below the skin, z) mm, and how thick they are.

    radius_mm: thinnest branch and thickest trunk; depth_mm, half_width_mm, extent_mm: the room
    along y, x and z; spacing_mm: range of the length between branchings; orders: how many times on
    the way from its trunk a vessel may have been the smaller child of a branching.
    """

    radius_mm: tuple[float, float]
    depth_mm: tuple[float, float]
    extent_mm: tuple[float, float]
    half_width_mm: float = 14.0
    spacing_mm: tuple[float, float] = (9.0, 20.0)
    orders: int = 1


@dataclass(frozen=True)
class _Branch:
    """The head of a growing vessel.

    node: its last node; direction (3,), a unit vector; radius, mm; home (2,): the (x, depth) that
    it is drawn towards; kind: ARTERY or VEIN; number: of this vessel; origin (3,): where it left
    its parent; side: how often since its trunk it was the smaller child of a branching.
    """

    node: int
    direction: np.ndarray
    radius: float
    home: np.ndarray
    kind: int
    number: int
    origin: np.ndarray
    side: int = 0


def murray_radii(parent: float, ratio: float) -> tuple[float, float]:
    """Return the radii of two children of a vessel, the second `ratio` times the first.

    Their cubes add up to the parent's: C. D. Murray, PNAS 12 (1926) 207.
    """
    first = parent * (1 + ratio**3) ** (-1 / 3)
    return first, ratio * first


def murray_angles(parent: float, first: float, second: float) -> tuple[float, float]:
    """Return the angles (rad) at which two children, given all radii, leave the parent's direction.

    C. D. Murray, J. Gen. Physiol. 9 (1926) 835: least work at a branching of given radii.
    """
    cosine = (parent**4 + first**4 - second**4) / (2 * parent**2 * first**2)
    other = (parent**4 + second**4 - first**4) / (2 * parent**2 * second**2)
    return math.acos(min(cosine, 1.0)), math.acos(min(other, 1.0))


class _Forest:
    """Vessels while they grow: all nodes so far, in (x, depth, z) mm."""

    def __init__(self, rng: np.random.Generator, settings: GrowthSettings):
        self.rng, self.settings = rng, settings
        self.points = np.zeros((0, 3))
        self.radius: list[float] = []
        self.parent: list[int] = []
        self.kind: list[int] = []
        self.number: list[int] = []
        self.vessels = 0

    def add(self, point: np.ndarray, radius: float, parent: int, kind: int, number: int) -> int:
        """Add a node of vessel `number`; return the node's index."""
        self.points = np.vstack([self.points, point])
        self.radius.append(radius)
        self.parent.append(parent)
        self.kind.append(kind)
        self.number.append(number)
        return len(self.radius) - 1

    def root(self, kind: int) -> _Branch:
        """Return the head of a new trunk at the low end of z."""
        home = self.home()
        radius = self.settings.radius_mm[1] * self.rng.uniform(0.7, 1.0)
        place = np.array([*home, self.settings.extent_mm[0]])
        node = self.add(place, radius, -1, kind, self.new_number())
        ahead = np.array([0.0, 0.0, 1.0])
        return _Branch(node, ahead, radius, home, kind, self.vessels, place)

    def new_number(self) -> int:
        """Return the number of a vessel that begins."""
        self.vessels += 1
        return self.vessels

    def home(self) -> np.ndarray:
        """Return a random (x, depth) for a vessel to be drawn towards."""
        low, high = self.settings.depth_mm
        across = 0.7 * self.settings.half_width_mm
        return self.rng.uniform((-across, low), (across, high))

    def steer(self, branch: _Branch, point: np.ndarray, wander: np.ndarray) -> np.ndarray:
        """Return the direction of the next step: along the limb, towards home, off neighbours.

        point (3,): where the head is; wander (3,): random part of the change of direction.
        """
        away = np.array([*(0.012 * (branch.home - point[:2])), 0.08])
        gap = point - self.points
        distance = norm(gap)
        clear = distance - np.asarray(self.radius) - branch.radius
        foreign = (clear < CLEARANCE_MM) & (np.asarray(self.number) != branch.number)
        if foreign.any():  # nodes near the branching that it has just left do not count
            apart = norm(self.points[foreign] - branch.origin)
            foreign[foreign] = apart > 3 * branch.radius + CLEARANCE_MM
            push = (CLEARANCE_MM - clear[foreign]) / distance[foreign]
            # Sideways only: pushed back along the limb, a vessel would wind itself into a knot.
            away[:2] += 0.25 * (gap[foreign, :2] * push[:, None]).sum(0)
        direction = branch.direction + STEP_MM * (away + wander)
        return self.within_walls(direction / norm(direction), point)

    def within_walls(self, direction: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Return a direction whose speed towards a wall of the room falls with the distance."""
        low, high = self.settings.depth_mm
        width = self.settings.half_width_mm
        below = np.array([-width, low]) - point[:2]
        above = np.array([width, high]) - point[:2]
        across = np.clip(direction[:2], below / APPROACH_MM, above / APPROACH_MM)
        turned = np.array([*across, direction[2]])
        return turned / max(float(norm(turned)), 1.0)

    def grow(self, branch: _Branch) -> list[_Branch]:
        """Grow a vessel up to its next branching; return the heads that continue from there."""
        low, high = self.settings.extent_mm
        length = self.rng.uniform(*self.settings.spacing_mm)
        wander: np.ndarray = np.zeros(3)
        for _ in range(int(length / STEP_MM)):
            point = self.points[branch.node]
            wander = 0.9 * wander + 0.03 * self.rng.standard_normal(3)
            direction = self.steer(branch, point, wander)
            following = point + STEP_MM * direction
            if not low <= following[2] <= high:
                return []
            node = self.add(following, branch.radius, branch.node, branch.kind, branch.number)
            branch = replace(branch, node=node, direction=direction)
        return self.split(branch)

    def split(self, branch: _Branch) -> list[_Branch]:
        """Return the two children of a branching.

        Where the smaller one would be too thin or of too high an order, a trunk goes on unbranched
        and a side vessel ends.
        """
        ratio = self.rng.uniform(0.45, 0.95)
        first, second = murray_radii(branch.radius, ratio)
        if second < self.settings.radius_mm[0] or branch.side == self.settings.orders:
            return [] if branch.side else [branch]
        angles = murray_angles(branch.radius, first, second)
        ahead = branch.direction / norm(branch.direction)
        side = np.cross(ahead, self.rng.standard_normal(3))
        side /= norm(side)
        return [
            replace(
                branch,
                radius=radius,
                direction=np.cos(angle) * ahead + sign * np.sin(angle) * side,
                home=branch.home if sign > 0 else self.home(),
                number=self.new_number(),
                origin=self.points[branch.node],
                side=branch.side + (sign < 0),
            )
            for radius, angle, sign in zip((first, second), angles, (1.0, -1.0), strict=True)
        ]


def grow_vessels(
    rng: np.random.Generator, settings: GrowthSettings, arteries: int, veins: int
) -> VesselTree:
    """Draw vessels that enter at the low end of z and branch by Murray's law along the limb.

    The tree is in (x, depth below the skin, z) mm; see `vessels.tree.laid_below`.
    """
    forest = _Forest(rng, settings)
    heads = [forest.root(kind) for kind in [ARTERY] * arteries + [VEIN] * veins]
    while heads:
        heads.extend(forest.grow(heads.pop(0)))
    return VesselTree(
        forest.points,
        np.asarray(forest.radius),
        np.asarray(forest.parent, np.int64),
        np.asarray(forest.kind, np.int64),
    )
