"""Poses: tables of any layout, their clock, what is wrong with them, their lag to the images."""
