"""The tracker `moglo-long`: MoGLo-Net's encoder, and a second stage that reads whole sweeps."""

from moglo.long.tracker import MoGLoLong

__all__ = ["MoGLoLong"]
