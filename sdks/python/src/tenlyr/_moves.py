"""Waiting for a move: when it is over, and when that takes too long."""

import time

from tenlyr._errors import MigrationFailedError, TenlyrTimeoutError
from tenlyr._types_platform import Migration


class Wait:
    """The waits between looks; they count as long as they are meant to be, even if cut short."""

    def __init__(self, interval_ms: float, timeout_ms: float) -> None:
        self._interval_s = interval_ms / 1000
        self._timeout_s = timeout_ms / 1000
        self._began = time.monotonic()
        self._waited_s = 0.0

    def next_s(self) -> float:
        """Seconds until the next look; TenlyrTimeoutError when it would be past the end."""
        passed_s = max(self._waited_s, time.monotonic() - self._began)
        if passed_s + self._interval_s > self._timeout_s:
            within = f"{self._timeout_s * 1000:.0f} ms"
            raise TenlyrTimeoutError(f"The migration is not over within {within}.")
        self._waited_s += self._interval_s
        return self._interval_s


def is_completed(migration: Migration) -> bool:
    """Whether the tenant is where it is to be; MigrationFailedError when it will not be."""
    if migration.status in ("failed", "rolled_back"):
        raise MigrationFailedError(_how_it_ended(migration), migration)
    return migration.status == "completed"


def _how_it_ended(migration: Migration) -> str:
    if migration.status == "rolled_back":
        return "The migration was rolled back."
    return f"The migration failed: {migration.error or 'nobody said why.'}"
