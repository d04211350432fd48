"""How far speckle correlates: from the probe's numbers, from a calibration, or from the frames."""
