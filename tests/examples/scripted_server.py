"""A loopback HTTP server that gives scripted answers: the faults no real server has on demand."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Script:
    """One answer; ``hangs_up`` takes the request and closes the connection without a word."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = False


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    client_port: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "ScriptedServer"

    def do_GET(self) -> None:  # the names http.server asks for
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, self.client_address[1])
        script = self.server.next_script(request)
        if script.hangs_up:
            self.close_connection = True
            return
        is_text = isinstance(script.body, str)
        content = script.body.encode() if is_text else json.dumps(script.body).encode()
        self.send_response(script.status)
        for name, value in {**script.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the test reads ``requests``."""


class ScriptedServer(ThreadingHTTPServer):
    """Gives ``scripts`` in order and remembers the ``requests``; an unscripted one gets a 418."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts: list[Script] = []
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_script(self, request: Request) -> Script:
        with self._lock:
            self.requests.append(request)
            return self.scripts.pop(0) if self.scripts else Script(418)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
