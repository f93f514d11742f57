"""The lane as a client meets it: a WSGI request in, an answer out, no Django in between."""

import io
import json
from dataclasses import dataclass
from typing import Any

from apps.metering.api import lane

TRACK = "/api/v1/usage/track"
BATCH = "/api/v1/usage/track/batch"
CALL = {"metric": "api_call", "value": 1}


@dataclass(frozen=True)
class Answered:
    """What a web process answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


def environ(path: str, content: bytes, key: str = "", **more: Any) -> dict[str, Any]:
    """A request as granian hands it over; `more` are WSGI names, None takes one away."""
    made = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **({"HTTP_AUTHORIZATION": f"Bearer {key}"} if key else {}),
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def ask(path: str, sent: Any = CALL, key: str = "", **more: Any) -> Answered:
    """One request, as `tenlyr.wsgi` hands it on."""
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    started: list[Any] = []
    body = b"".join(
        lane.run(environ(path, content, key, **more), lambda *args: started.append(args))
    )
    ((line, headers),) = started
    status, _, phrase = line.partition(" ")
    assert phrase
    assert len(dict(headers)) == len(headers), "a header came twice"
    return Answered(int(status), dict(headers), body)


def assert_refused(answer: Answered, status: int, code: str) -> None:
    """The error body is whole and says what it must (A8, X17)."""
    assert (answer.status, answer.body["code"]) == (status, code), answer.content
    assert answer.body["statusCode"] == status
    assert answer.body["detail"] == answer.body["message"]
    assert answer.body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
