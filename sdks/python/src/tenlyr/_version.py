"""The version of this package; the wire's `User-Agent` names it."""

__version__ = "1.0.0"
