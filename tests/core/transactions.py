"""Transactions that do not last."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

from django.db import transaction

T = TypeVar("T")


class Undone(Exception):
    """The failure that undoes what a test did."""


@contextmanager
def failing(inside: AbstractContextManager[T]) -> Iterator[T]:
    """The block fails after all was done in it: `inside` sees the failure, the test does not."""
    with suppress(Undone), inside as value:
        yield value
        raise Undone


def undone(using: str = "default") -> AbstractContextManager[None]:
    """A transaction that fails after all was done in it."""
    return failing(transaction.atomic(using=using))
