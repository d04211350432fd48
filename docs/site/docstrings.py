"""An extension of griffe, which reads the docstrings for the reference of Python."""

from typing import Any

import griffe

from docs.site.interface import described


class Described(griffe.Extension):
    """Turns the entries of docstrings, `name : description`, into those of numpydoc."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = described(obj.docstring.value)
