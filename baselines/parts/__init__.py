"""Shared parts of the baselines: learned trackers, motion, matching, consistency."""
