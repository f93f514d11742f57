"""The API as the conformance cases have it: a server on this machine that answers every call.

It keeps nothing: each call is answered as the first case of its operation that goes well, and every
page is the last one. A test may put an answer of its own in the place of one.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Optional, TypeVar
from urllib.parse import parse_qsl, urlsplit

from replaying import METHODS, cases, with_keys

Self = TypeVar("Self", bound="FakeApi")


class Asked(NamedTuple):
    """One call that came in."""

    method: str
    path: str
    query: dict[str, str]
    key: str
    body: Any


class Told(NamedTuple):
    """One answer."""

    status: int
    body: Any
    headers: dict[str, str]


def known_answers() -> dict[str, Told]:
    """By operation, the first good answer among the cases."""
    found: dict[str, Told] = {}
    for case in cases():
        name, last = case["call"]["method"], case["exchanges"][-1:]
        response = last[0].get("response") if last else None
        if name in METHODS and "error" not in case and response and response["status"] < 300:
            body = response.get("rawBody", response.get("body"))
            if isinstance(body, dict) and "nextCursor" in body:
                body = {**body, "nextCursor": None}
            found.setdefault(name, Told(response["status"], with_keys(body), {}))
    return found


class FakeApi:
    """Listens from `with` on; `asked` has all calls, `tell` changes an answer.

    While it `is_down` it hangs up on everybody.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Told]] = {k: [one] for k, one in known_answers().items()}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.fake = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self: Self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def tell(self, operation: str, *answers: Any, status: int = 200) -> None:
        """Answer an operation with these bodies in turn; the last one stays."""
        self._answers[operation] = [
            one if isinstance(one, Told) else Told(status, one, {}) for one in answers
        ]

    def calls(self, operation: str) -> list[Asked]:
        """The calls of an operation."""
        return [one for one in self.asked if _operation(one.method, one.path) == operation]

    def answer(self, asked: Asked) -> Told:
        """What a call is answered with."""
        self.asked.append(asked)
        operation = _operation(asked.method, asked.path)
        answers = self._answers.get(operation or "")
        if not answers:
            return Told(404, {"message": "No such thing.", "code": "not_found"}, {})
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Handler(BaseHTTPRequestHandler):
    """One connection to the fake."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer

    def handle_one_request(self) -> None:
        fake: FakeApi = self.server.fake  # type: ignore[attr-defined]
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request() or fake.is_down:
            self.close_connection = True
            return
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._tell(fake.answer(self._asked(content)))
        self.wfile.flush()

    def _asked(self, content: bytes) -> Asked:
        parts = urlsplit(self.path)
        key = self.headers.get("Authorization", "")[len("Bearer ") :]
        body = json.loads(content) if content else None
        return Asked(self.command, parts.path, dict(parse_qsl(parts.query)), key, body)

    def _tell(self, told: Told) -> None:
        body = told.body if isinstance(told.body, str) else json.dumps(told.body)
        content = b"" if told.status == 204 else body.encode()
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        if told.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `asked`."""


def _operation(method: str, path: str) -> Optional[str]:
    """Which operation a call is; a path without parameters goes before one with."""
    matching = [
        name
        for name, row in METHODS.items()
        if row["http"] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", row["path"]), path)
    ]
    return min(matching, key=lambda name: METHODS[name]["path"].count("{"), default=None)
