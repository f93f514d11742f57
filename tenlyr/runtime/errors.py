"""The one exception of the runtime: why Tenlyr cannot start."""


class StartFailed(Exception):
    """The product cannot start (or a child of it); the text is meant for the operator."""
