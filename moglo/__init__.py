"""MoGLo-Net (Lee et al., IEEE TMI 2025): probe motion from speckle; see `moglo.tracker`."""
