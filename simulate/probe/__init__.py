"""The probe and what it carries: array, beam, frame clock, pose sensor and inertial sensor."""
