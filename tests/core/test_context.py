"""What is known of the request at hand."""

import threading

from tenlyr.core import context
from tenlyr.core.context import RequestContext


def test_outside_a_request_the_actor_is_the_system() -> None:
    context.begin(RequestContext())
    assert context.current() == RequestContext("", "", "", "system", "")


def test_a_request_is_known_in_its_own_thread_only() -> None:
    context.begin(RequestContext(request_id="mine"))
    seen: list[str] = []
    other = threading.Thread(target=lambda: seen.append(context.current().request_id))
    other.start()
    other.join()
    assert context.current().request_id == "mine"
    assert seen == [""]
    context.begin(RequestContext())


def test_a_context_that_nobody_began_is_not_shared() -> None:
    """An entry made outside a request must not inherit what another one wrote into the default."""
    found: list[RequestContext] = []

    def look() -> None:
        context.current().actor_id = "written by one"
        found.append(context.current())

    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert found == [RequestContext()]
