"""Tests of folders for a data hub."""
