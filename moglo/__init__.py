"""MoGLo-Net (Lee et al., IEEE TMI 2025): probe motion from speckle.

Trackers `moglo` and `moglo-paper` are in `moglo.tracker`, `moglo-long` in `moglo.long`.
"""
