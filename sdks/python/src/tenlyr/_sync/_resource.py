# Made from tenlyr/_resource.py by make_sync.py: change that file, not this one.
"""What all resources share: sending calls and making answers of what comes back."""

from typing import Any, Iterator, Callable, Optional, Type, TypeVar

from tenlyr import _tries
from tenlyr._answers import NOTHING, Answer, Listing, Paged, decode
from tenlyr._calls import NOT_GIVEN, Call, Maybe, given
from tenlyr._sync._transport import SyncTransport

A = TypeVar("A", bound=Answer)
T = TypeVar("T")


class Resource:
    """The calls of one kind of thing."""

    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport

    def _one(self, kind: Type[A], call: Call) -> A:
        """One answer."""
        reply = self._transport.send(call)
        try:
            return decode(kind, _tries.parsed(reply))
        except TypeError as error:
            raise _tries.unreadable(reply) from error

    def _many(self, kind: Type[A], call: Call) -> "Listing[A]":
        """An array of answers, with the next page's cursor where the headers have one."""
        reply = self._transport.send(call)
        found = _tries.parsed(reply)
        if not isinstance(found, list):
            raise _tries.unreadable(reply)
        try:
            items = [decode(kind, one) for one in found]
        except TypeError as error:
            raise _tries.unreadable(reply) from error
        return Listing(items, reply.headers.get("x-next-cursor"))

    def _file(self, call: Call) -> bytes:
        """An answer's bytes, as they came."""
        return (self._transport.send(call)).content

    def _nothing(self, call: Call) -> None:
        """A call whose answer says nothing."""
        self._transport.send(call)


def walk(
    fetch: Callable[[Maybe[str]], Paged[T]], cursor: Maybe[str]
) -> Iterator[T]:
    """All items of all pages, from a cursor on."""
    while True:
        page = fetch(cursor)
        for item in page.data:
            yield item
        if not page.next_cursor:
            return
        cursor = page.next_cursor


def get(path: str, *, key: Optional[str] = None, **query: Any) -> Call:
    """A call that reads; `query` has wire names."""
    return Call("GET", path, key=key, query=query or NOTHING)


def post(
    path: str, idempotency_key: Optional[str], *, key: Optional[str] = None, body: Any = NOT_GIVEN
) -> Call:
    """A call that does something."""
    return Call("POST", path, key=key, body=_body(body), idempotency_key=idempotency_key)


def patch(path: str, **body: Any) -> Call:
    """A call that changes something."""
    return Call("PATCH", path, body=_body(body))


def delete(path: str, *, key: Optional[str] = None) -> Call:
    """A call that removes something."""
    return Call("DELETE", path, key=key)


def _body(body: Any) -> Any:
    return given(body) if isinstance(body, dict) else body
