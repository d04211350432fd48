"""Poses: tables and calibrations of any layout, their clock, their faults, their lag to images."""
