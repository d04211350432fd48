"""The beam of an ultrasound array: its field, its widths, and those of its speckle."""
