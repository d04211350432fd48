"""The rules of the house (`rules`), the imports of its files (`walk`), broken rules (`faults`).

`python -m tests.house` prints the figures of the tree: rooms, arrows, circles, files, lines.
"""
