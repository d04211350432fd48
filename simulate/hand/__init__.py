"""The hand that moves the probe: trajectories by profile, with tremor and other disturbances."""
