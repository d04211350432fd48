"""The tracker `moglo-long`: MoGLo-Net's pair encoder read over whole sweeps."""

from moglo.long.tracker import MoGLoLong

__all__ = ["MoGLoLong"]
