"""Other trackers of the field, one file per family; `parts/` holds what the families share.

The benchmark finds them by name and never imports them.
"""
