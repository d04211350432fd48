"""Shared parts of the readers: calibration files, and poses made rigid after rounding."""
