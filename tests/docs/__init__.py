"""Tests of the documentation: its pages, the gallery, the notebooks."""
