"""A data set: many sweeps in a folder, with a card, metadata and a preview."""
