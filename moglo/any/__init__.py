"""The tracker `moglo-any`: motion of any probe, from speckle in units of its own size."""

from moglo.any.tracker import MoGLoAny

__all__ = ["MoGLoAny"]
