"""Tenlyr's promises, measured beside their baselines: `make bench`."""
