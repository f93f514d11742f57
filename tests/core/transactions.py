"""Transactions that do not last."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import transaction


class Undone(Exception):
    """The failure that undoes a test's transaction."""


@contextmanager
def undone(using: str = "default") -> Iterator[None]:
    """A transaction that fails after all was done in it."""
    with suppress(Undone), transaction.atomic(using=using):
        yield
        raise Undone
