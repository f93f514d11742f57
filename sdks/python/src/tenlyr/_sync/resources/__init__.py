# Made from tenlyr/resources/__init__.py by make_sync.py: change that file, not this one.
"""What a client can do, one module for each kind of thing."""
