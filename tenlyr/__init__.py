"""Tenlyr: a platform to provision, isolate, meter and bill tenants."""
