"""What breaks the rules of the house, one sentence each; no sentence where all is well."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from tests.house import rules
from tests.house.walk import Graph, House, arrows, circles, reached


def _is_in(name: str, places: Iterable[str]) -> bool:
    """Say whether a dotted name is one of `places` or in one of them."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def upward(house: House, below: Mapping[str, Iterable[str]] = rules.BELOW) -> list[str]:
    """Return the imports from a room that is not below.

    `below` is transitive, so where every import keeps to it, every chain of imports does.
    """
    graph = {room: set(lower) for room, lower in below.items()}
    allowed = {room: {room, *reached(graph, room)} for room in below}
    return [
        f"{module} imports {other}: room {house.room(other)} is not below {house.room(module)}"
        for module in house.files
        for other in house.own(module)
        if house.room(other) not in allowed.get(house.room(module), ())
    ]


def past_the_door(house: House) -> list[str]:
    """Return the imports of files that a room does not show to the room that imports them."""
    found = []
    for (user, used), shown in rules.ONLY.items():
        for module in house.files:
            if house.room(module) != user and not _is_in(module, [user]):
                continue
            found += [
                f"{module} imports {other}: of {used} only {', '.join(shown)} allowed"
                for other in house.own(module)
                if _is_in(other, [used]) and not {other, house.room(other)} & set(shown)
            ]
    return found


def forbidden(house: House) -> list[str]:
    """Return the chains of imports that end in what a room must never reach.

    A module is reached by any import; a library by those that run when the room is imported, or by
    any import of the room's own files.
    """
    found = []
    for user, banned in rules.NEVER.items():
        rooms = [name for name in banned if house.within(name)]
        libraries = [name for name in banned if name not in rooms]
        for module in house.within(user):
            loads = {**house.loads, module: house.uses[module]}
            ends = _chains(house.uses, module, rooms) | _chains(loads, module, libraries)
            for name, chain in ends.items():
                found.append(f"{module} must never reach {name}: {chain}")
    return found


def _chains(graph: Graph, start: str, banned: Iterable[str]) -> dict[str, str]:
    """Return what of `banned` (and in it) is reached from `start`, each with the way there."""
    before = reached(graph, start)
    found = {}
    for name in before:
        if _is_in(name, banned):
            chain = [name]
            while chain[-1] != start:
                chain.append(before[chain[-1]])
            found[name] = " -> ".join(reversed(chain))
    return found


def unsafe(house: House) -> list[str]:
    """Return the imports of what a file may not import at all."""
    found = []
    for module in house.files:
        allowed = rules.PURE.get(module)
        for name in sorted(house.uses[module]):
            if _is_in(name, rules.EXECUTABLE):
                found.append(f"{module} imports {name}, which runs code from files")
            for library, sole in rules.SOLE.items():
                if _is_in(name, [library]) and module != sole:
                    found.append(f"{module} imports {name}: only {sole} may")
            if allowed and not _is_in(name, allowed):
                found.append(f"{module} imports {name}: only {', '.join(allowed)} allowed")
    return found


def heavy_settings(house: House) -> list[str]:
    """Return libraries other than numpy that a `settings` imports, and engines that it loads."""
    light, found = {"numpy", *sys.stdlib_module_names}, []
    for module in house.files:
        if module.endswith(f".{rules.SETTINGS}"):
            chains = _chains(house.loads, module, rules.ENGINES)
            found += [f"{module} loads {name}: {chain}" for name, chain in chains.items()]
            libraries = sorted(house.uses[module] - set(house.files))
            found += [f"{module} imports {n}" for n in libraries if n.split(".")[0] not in light]
    return found


def turning(house: House) -> list[str]:
    """Return the circles among files and among rooms."""
    files = {module: set(house.own(module)) for module in house.files}
    return [
        f"circle of {what}: {', '.join(circle)}"
        for what, graph in (("files", files), ("rooms", arrows(house)))
        for circle in circles(graph)
    ]


def unmatched(house: House, below: Mapping[str, Iterable[str]] = rules.BELOW) -> list[str]:
    """Return the files of no known room, and the rules that match no file or no import."""
    named = [*below, *rules.NEVER, *rules.PURE, *rules.SOLE.values()]
    named += [name for lower in below.values() for name in lower]
    named += [name for pair, shown in rules.ONLY.items() for name in (*pair, *shown)]
    named += [n for banned in rules.NEVER.values() for n in banned if _is_in(n, rules.PACKAGES)]
    found = [f"a rule names {n}: no such file" for n in dict.fromkeys(named) if not house.within(n)]
    if not any(module.endswith(f".{rules.SETTINGS}") for module in house.files):
        found.append(f"a rule is about modules called {rules.SETTINGS}: there is none")
    for library, sole in rules.SOLE.items():
        if not any(_is_in(name, [library]) for name in house.uses.get(sole, ())):
            found.append(f"a rule lets {sole} alone import {library}, which it does not")
    return found + [
        f"{module}: room {house.room(module)} is unknown"
        for module in house.files
        if house.room(module) not in below
    ]


def crowded(house: House, tests: House) -> list[str]:
    """Return the folders with too many Python files."""
    paths = [*house.files.values(), *tests.files.values()]
    return [
        f"{folder}: {count} Python files, at most {rules.MOST_FILES}"
        for folder, count in Counter(path.parent for path in paths).items()
        if count > rules.MOST_FILES
    ]


def borrowed(tests: House) -> list[str]:
    """Return the imports of a file of tests by another; what they share is a module of its own."""
    return [
        f"{module} imports {other}"
        for module in tests.files
        for other in tests.own(module)
        if other.rpartition(".")[2].startswith("test_")
    ]


def all_faults(house: House, tests: House) -> list[str]:
    """Return every broken rule of the packages and of their tests."""
    checks = (upward, past_the_door, forbidden, unsafe, heavy_settings, turning, unmatched)
    return [
        *(fault for check in checks for fault in check(house)),
        *crowded(house, tests),
        *borrowed(tests),
    ]
