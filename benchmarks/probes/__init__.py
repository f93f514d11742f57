"""Measurements inside a process of the product: its settings, its modules, its connections."""
