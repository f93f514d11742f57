"""What every request gets: an id, an address, a bound on its body, our own pages (B01, B11)."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings as live
from django.test import Client

from tenlyr.core.api import middleware
from tests.cast import Account, Api

pytestmark = pytest.mark.usefixtures("probes")
Lines = Callable[[], list[dict[str, Any]]]


class TestRequestId:
    def test_the_callers_own_is_kept(self, api: Api) -> None:
        answer = api.get("/livez", x_request_id="order_17-b")
        assert answer.headers["X-Request-Id"] == "order_17-b"

    @pytest.mark.parametrize(
        "given", ["", "x" * 65, "a b", "a\r\nSet-Cookie: b", "a\x00", "é", "<b>", "---"]
    )
    def test_any_other_is_replaced(self, api: Api, given: str) -> None:
        answer = api.get("/livez", x_request_id=given)
        assert re.fullmatch("req_[0-9a-f]{20}_[0-9a-f]+", answer.headers["X-Request-Id"])

    def test_two_requests_have_two(self, api: Api) -> None:
        ids = {api.get("/livez").headers["X-Request-Id"] for _ in range(20)}
        assert len(ids) == 20

    def test_it_stands_in_the_error_and_in_the_log(self, api: Api, logged: Lines) -> None:
        answer = api.get("/api/fail/ours", x_request_id="order-18")
        assert answer.body["requestId"] == "order-18"
        lines = [line for line in logged() if line["event"] == "request.refused"]
        assert lines[0]["request_id"] == "order-18"


class TestHost:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
    def test_ours(self, api: Api, host: str) -> None:
        assert api.get("/livez", host=host).status == 200

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "127.0.0.1:8000@evil", "", "a/b", "loc\x00al"],
    )
    def test_any_other_is_a_400_in_our_shape(self, api: Api, host: str) -> None:
        answer = api.get("/livez", host=host)
        assert (answer.status, answer.body["code"]) == (400, "refused")
        assert answer.body["requestId"] == answer.headers["X-Request-Id"]
        assert "evil" not in str(answer.body)

    def test_a_forwarded_host_counts_for_nothing(self, api: Api) -> None:
        assert api.get("/livez", x_forwarded_host="evil.example").status == 200


class TestBodySize:
    def test_at_the_limit_it_is_read(self, api: Api, workspace: Account) -> None:
        body = b" " * live.BODY_LIMIT_BYTES
        answer = api.post("/api/echo", raw=body, key=workspace.key)
        assert (answer.status, answer.body["code"]) == (400, "malformed_json")

    def test_above_it_is_a_413_before_anything_is_read(self, api: Api) -> None:
        answer = api.post("/api/echo", raw=b" " * (live.BODY_LIMIT_BYTES + 1))
        assert (answer.status, answer.body["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize("length", ["ten", "-5", "1_0", "+7", "²", "0x10"])
    def test_a_length_that_is_no_number_is_a_400(self, api: Api, length: str) -> None:
        answer = Client(headers={"host": "localhost"}).post(
            "/api/echo", b"{}", "application/json", CONTENT_LENGTH=length
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")

    def chunked(self, body: bytes, key: str) -> Any:
        """A body without a length, as a WSGI server hands over one that came in chunks."""
        whole: dict[str, Any] = {
            "CONTENT_LENGTH": "",
            "CONTENT_TYPE": "application/json",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "HTTP_AUTHORIZATION": f"Bearer {key}",
            "wsgi.input": BytesIO(body),
        }
        client = Client(headers={"host": "localhost"})
        return client.post("/api/echo", **whole)

    def test_a_body_in_chunks_is_read(self, workspace: Account) -> None:
        answer = self.chunked(b'{"line": "in chunks"}', workspace.key)
        assert (answer.status_code, answer.json()["line"]) == (201, "in chunks")

    def test_a_body_in_chunks_has_the_same_bound(self, workspace: Account) -> None:
        body = BytesIO(b" " * (live.BODY_LIMIT_BYTES * 3))
        answer = self.chunked(body.getvalue(), workspace.key)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


class TestAddress:
    def test_it_is_that_of_the_connection(self, api: Api, workspace: Account) -> None:
        answer = api.get("/api/echo", key=workspace.key, x_forwarded_for="203.0.113.7")
        assert answer.body["address"] == "127.0.0.1"

    def test_a_trusted_proxy_names_its_client(
        self, api: Api, workspace: Account, settings: Any
    ) -> None:
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        answer = api.get("/api/echo", key=workspace.key, x_forwarded_for="6.6.6.6, 203.0.113.7")
        assert answer.body["address"] == "203.0.113.7"

    def test_without_the_header_it_is_the_proxys_own(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.1"]
        assert middleware.address_of("10.0.0.1", "") == "10.0.0.1"
        assert len(middleware.address_of("10.0.0.1", "x" * 500)) == 64

    def test_a_long_user_agent_is_cut(self, api: Api, workspace: Account) -> None:
        answer = api.get("/api/echo", key=workspace.key, user_agent="x" * 5_000)
        assert answer.body["userAgent"] == "x" * 200


class TestQuery:
    def test_a_thousand_parameters_are_refused(self, api: Api, workspace: Account) -> None:
        answer = api.get(f"/api/v1/tenants?{'a&' * 1_001}", key=workspace.key)
        assert (answer.status, answer.body["code"]) == (400, "refused")


class TestPages:
    def test_a_session_that_no_database_could_keep_is_none(self, api: Api) -> None:
        answer = api.get("/admin/", cookie='sessionid="abcdefghijkl\\000"')
        assert answer.status == 302
        assert answer.headers["Location"].startswith("/admin/login/")

    @pytest.mark.parametrize("spoilt", ["login/%00", "login/?next=%00"])
    def test_a_nul_in_an_address_is_refused(self, api: Api, spoilt: str) -> None:
        answer = api.get(f"/admin/{spoilt}")
        assert (answer.status, answer.body["code"]) == (400, "refused")


class TestHeaders:
    def test_no_answer_is_stored_and_none_is_sniffed(self, api: Api) -> None:
        for path in ("/livez", "/api/fail/ours", "/api/nowhere"):
            headers = api.get(path).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"

    def test_a_whole_answer_says_how_long_it_is(self, api: Api) -> None:
        for path in ("/livez", "/api/fail/ours", "/api/nowhere"):
            answer = api.call("GET", path)
            assert int(answer.headers["Content-Length"]) == len(
                json.dumps(answer.body, separators=(",", ":"))
            )

    def test_only_people_get_sessions_and_frames_are_denied_them(self, api: Api) -> None:
        page = api.get("/admin/login/")
        assert page.status == 200
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "X-Frame-Options" not in api.get("/api/fail/ours").headers

    def test_the_admins_forms_are_guarded_against_forgery(self) -> None:
        browser = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
        refused = browser.post("/admin/login/", {"username": "a", "password": "b"})
        assert refused.status_code == 403
