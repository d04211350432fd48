"""Power and colour Doppler frames."""
