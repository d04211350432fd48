"""The field's other trackers, one file per family; found by name, never imported by the rest."""
