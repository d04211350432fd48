"""How the probe is moved: trajectories by profile, with tremor and other disturbances."""
