"""Photoacoustic frames: light, sound, array, image."""
