"""Sweeps, cases, folders and results that several tests of the benchmark share."""
