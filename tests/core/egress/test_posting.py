"""One POST: what is sent, and what the receiver's answer means (E8, X35, T40, T45)."""

import asyncio
import json
from typing import Any

import pytest

from tenlyr.core.egress import posting
from tenlyr.core.egress.replies import Outcome, Reply
from tests.core.egress import traps
from tests.core.egress.receivers import answer, canaries, canary, on_6_alone, receiver, saying

pytestmark = pytest.mark.usefixtures("developing")
BODY = json.dumps({"id": "evt_1"}).encode()


def post(url: str, **given: Any) -> Reply:
    """One POST, with patience: how long it takes is not what these tests look at."""
    headers = {"webhook-id": "evt_1"}
    return asyncio.run(posting.post(url, BODY, headers, deadline_s=60, **given))


class TestRequest:
    def test_it_is_a_plain_post(self) -> None:
        with receiver(answer("200 OK")) as there:
            post(there.url("/hook?a=1"))
        head, _, body = there.requests[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /hook?a=1 HTTP/1.1"
        assert dict(line.split(": ") for line in lines) == {
            "Host": f"127.0.0.1:{there.port}",
            "webhook-id": "evt_1",
            "User-Agent": "Tenlyr/1",
            "Content-Type": "application/json",
            "Accept": "*/*",
            "Content-Length": str(len(BODY)),
            "Connection": "close",
        }
        assert body == BODY

    def test_a_header_given_takes_the_place_of_a_usual_one(self) -> None:
        with receiver(answer("200 OK")) as there:
            posting.post_now(there.url(), b"hello", {"content-type": "text/plain"}, deadline_s=60)
        assert there.requests[0].lower().count(b"content-type:") == 1
        assert b"content-type: text/plain\r\n" in there.requests[0]

    def test_an_empty_body(self) -> None:
        with receiver(answer("200 OK")) as there:
            assert posting.post_now(there.url(), b"", {}, deadline_s=60).is_accepted
        assert b"\r\nContent-Length: 0\r\n" in there.requests[0]

    def test_a_large_one_arrives_whole(self) -> None:
        body = bytes(range(256)) * 4_096
        with receiver(answer("200 OK")) as there:
            assert posting.post_now(there.url(), body, {}, deadline_s=60).is_accepted
        assert there.requests[0].endswith(body)

    def test_nothing_is_smuggled_in_a_header(self) -> None:
        with receiver(answer("200 OK")) as there, pytest.raises(Exception, match="header value"):
            posting.post_now(there.url(), BODY, {"a": "b\r\nc: d"})
        assert there.requests == []

    def test_ipv6(self) -> None:
        with receiver(answer("200 OK"), host="::1") as there:
            assert post(there.url(host="[::1]")).is_accepted
        assert f"Host: [::1]:{there.port}\r\n".encode() in there.requests[0]

    def test_localhost_is_found_wherever_it_listens(self) -> None:
        with receiver(answer("200 OK"), host="127.0.0.1") as there:
            assert post(there.url(host="any.localhost")).is_accepted
        with on_6_alone(answer("200 OK")) as there:
            assert post(there.url(host="any.localhost")).is_accepted


class TestAnswer:
    @pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
    def test_2xx(self, status: str) -> None:
        with receiver(answer(status)) as there:
            reply = post(there.url())
        assert (reply.outcome, reply.status, reply.reason) == (
            Outcome.ACCEPTED,
            int(status[:3]),
            "",
        )
        assert reply.latency_ms >= 0

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ("400 Bad", Outcome.REFUSED),
            ("404 Not Found", Outcome.REFUSED),
            ("410 Gone", Outcome.GONE),
            ("429 Too Many", Outcome.REFUSED),
            ("500 Oh", Outcome.REFUSED),
            ("503 Away", Outcome.REFUSED),
        ],
    )
    def test_any_other(self, status: str, outcome: Outcome) -> None:
        with receiver(answer(status, body=b"why")) as there:
            reply = post(there.url())
        assert (reply.outcome, reply.status, reply.body) == (outcome, int(status[:3]), b"why")
        assert reply.reason == f"The receiver answered {status[:3]}."
        assert not reply.is_accepted

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        with canary() as bird:
            lines = (f"Location: http://127.0.0.1:{bird.port}/", "Refresh: 0; url=/other")
            with receiver(answer(f"{status} Over There", *lines)) as there:
                reply = post(there.url())
            assert (reply.outcome, reply.status) == (Outcome.REDIRECT_REFUSED, status)
            assert there.accepted == 1

    def test_other_ways_to_point_elsewhere_are_not_followed(self) -> None:
        with canary() as bird:
            address = f"127.0.0.1:{bird.port}"
            page = f'<meta http-equiv="refresh" content="0; url=http://{address}/">'.encode()
            lines = (
                f'Alt-Svc: http/1.1="{address}"; persist=1',
                f"Content-Location: http://{address}/",
                f"Link: <http://{address}/>; rel=preload",
                "Set-Cookie: a=b",
            )
            with receiver(answer("200 OK", *lines, body=page)) as there:
                assert [post(there.url()).status for _ in range(2)] == [200, 200]
            assert there.accepted == 2
            assert b"cookie" not in there.requests[1].lower()

    @pytest.mark.parametrize("asked", ["120", "-1", "NaN", "Fri, 31 Dec 1999 23:59:59 GMT"])
    def test_retry_after_is_told_as_it_came(self, asked: str) -> None:
        with receiver(answer("429 Slow", f"Retry-After: {asked}")) as there:
            assert post(there.url()).retry_after == asked

    def test_retry_after_is_cut(self) -> None:
        with receiver(answer("429 Slow", f"Retry-After: {'9' * 5_000}")) as there:
            assert post(there.url()).retry_after == "9" * 64

    def test_1_kb_of_the_body_is_kept(self) -> None:
        with receiver(answer("200 OK", body=b"x" * 5_000)) as there:
            assert post(there.url()).body == b"x" * 1_024

    def test_a_body_in_pieces(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        with receiver(saying(head + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")) as there:
            assert post(there.url()).body == b"hello"

    def test_a_body_that_ends_with_the_connection(self) -> None:
        with receiver(saying(b"HTTP/1.0 200 OK\r\n\r\nhello")) as there:
            assert post(there.url()).body == b"hello"

    def test_interim_statuses_are_passed_over(self) -> None:
        interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        with receiver(saying(interim + b"HTTP/1.1 204 No Content\r\n\r\n")) as there:
            assert post(there.url()).status == 204


class TestNothingSent:
    @pytest.mark.parametrize("host", traps.HOSTS.values(), ids=traps.HOSTS)
    def test_a_trap_is_blocked_when_it_is_sent_to(self, settings: Any, host: str) -> None:
        settings.EGRESS_ALLOW_LOOPBACK = False
        settings.ALLOWED_HOSTS = ["tenlyr.example.com"]
        with canaries() as bird:
            settings.EGRESS_PORTS = (bird.port,)
            for scheme in ("http", "https"):
                reply = post(f"{scheme}://{host}:{bird.port}/", resolver=bird_resolver)
                assert (reply.outcome, reply.status) == (Outcome.BLOCKED, None)
                assert reply.reason.startswith("The URL is not allowed: ")

    @pytest.mark.parametrize("url", traps.SERVICES.values(), ids=traps.SERVICES)
    def test_a_service_that_is_none(self, settings: Any, url: str) -> None:
        settings.EGRESS_ALLOW_LOOPBACK = False
        assert post(url).outcome is Outcome.BLOCKED

    def test_nobody_listens(self) -> None:
        with receiver(answer("200 OK")) as there:
            url = there.url()
        reply = post(url)
        assert reply.outcome is Outcome.UNREACHABLE
        assert reply.reason == "The receiver cannot be reached: connection refused."

    def test_a_name_without_an_address(self, settings: Any) -> None:
        async def none(name: str) -> list[str]:
            return []

        reply = asyncio.run(posting.post("https://good.example/", BODY, {}, resolver=none))
        assert reply.outcome is Outcome.UNREACHABLE
        assert reply.reason == "The host's name has no address."


async def bird_resolver(name: str) -> list[str]:
    """A resolver by which every name is where the canaries sit."""
    return ["127.0.0.1", "::1"]


class TestEnvironment:
    def test_no_proxy_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with canary() as bird, receiver(answer("200 OK")) as there:
            for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{bird.port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            assert post(there.url()).is_accepted
            assert there.accepted == 1
