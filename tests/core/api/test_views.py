"""The base view: who calls, what was sent, and once only (X23, R13)."""

import json
from typing import Any

import pytest

from tests.cast import Account, Api, Customer
from tests.core.api.probes import Echo

pytestmark = pytest.mark.usefixtures("probes")
LETTER = {"line": "Dear Ada", "copyCount": 2}


class TestBody:
    def test_it_is_read(self, api: Api, workspace: Account) -> None:
        answer = api.post("/api/echo", LETTER, key=workspace.key)
        assert (answer.status, answer.body) == (201, {"line": "Dear Ada", "run": 1})
        assert Echo.runs == [{"line": "Dear Ada", "copy_count": 2}]

    @pytest.mark.parametrize(
        "content_type",
        ["application/json; charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"],
    )
    def test_json_by_any_name(self, api: Api, workspace: Account, content_type: str) -> None:
        raw = json.dumps(LETTER).encode()
        answer = api.post("/api/echo", raw=raw, key=workspace.key, content_type=content_type)
        assert answer.status == 201

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin-1",
            "application/json; charset=utf-7",
            "application/json; charset=utf-16",
            "application/json; charset=no-such-charset",
            "application/xml",
            "",
        ],
    )
    def test_415_for_anything_else(self, api: Api, workspace: Account, content_type: str) -> None:
        raw = json.dumps(LETTER).encode()
        answer = api.post("/api/echo", raw=raw, key=workspace.key, content_type=content_type)
        assert (answer.status, answer.body["code"]) == (415, "unsupported_media_type")
        assert Echo.runs == []

    @pytest.mark.parametrize("raw", [b"{", b"\xff", b'{"line": "a", "line": "a"}'])
    def test_400_for_what_is_no_json(self, api: Api, workspace: Account, raw: bytes) -> None:
        answer = api.post("/api/echo", raw=raw, key=workspace.key)
        assert (answer.status, answer.body["code"]) == (400, "malformed_json")

    @pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"7", b'["line"]'])
    def test_422_for_what_is_no_object(self, api: Api, workspace: Account, raw: bytes) -> None:
        answer = api.post("/api/echo", raw=raw, key=workspace.key)
        assert (answer.status, answer.body["code"]) == (422, "invalid_request")

    def test_422_names_every_wrong_field(self, api: Api, workspace: Account) -> None:
        answer = api.post("/api/echo", {"line": 5, "copyCount": "2"}, key=workspace.key)
        assert answer.status == 422
        assert {one["field"] for one in answer.body["errors"]} == {"line", "copyCount"}

    @pytest.mark.parametrize("raw", [b"", b"{}"])
    def test_an_empty_body_is_an_empty_object(
        self, api: Api, workspace: Account, raw: bytes
    ) -> None:
        answer = api.post("/api/echo", raw=raw, key=workspace.key)
        assert [one["code"] for one in answer.body["errors"]] == ["required"]


class TestQuery:
    def test_a_known_parameter(self, api: Api, workspace: Account) -> None:
        assert api.get("/api/echo?limit=5", key=workspace.key).body["limit"] == "5"

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("Limit=5", "unknown_field"),
            ("tenantId=x", "unknown_field"),
            ("limit=5&limit=6", "repeated"),
            ("limit=%00", "invalid"),
            ("limit=a%0d%0ab", "invalid"),
        ],
    )
    def test_422_for_any_other(self, api: Api, workspace: Account, query: str, code: str) -> None:
        answer = api.get(f"/api/echo?{query}", key=workspace.key)
        assert answer.status == 422
        assert answer.body["errors"][0]["code"] == code


class TestOnce:
    def post(self, api: Api, key: str, word: str, body: Any = None) -> Any:
        return api.post("/api/echo", body or LETTER, key=key, idempotency_key=word)

    def test_a_repeat_answers_like_the_first(self, api: Api, workspace: Account) -> None:
        first = self.post(api, workspace.key, "one")
        again = self.post(api, workspace.key, "one")
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert len(Echo.runs) == 1

    def test_the_order_of_fields_does_not_matter(self, api: Api, workspace: Account) -> None:
        first = self.post(api, workspace.key, "one")
        turned = dict(reversed(LETTER.items()))
        assert self.post(api, workspace.key, "one", turned).body == first.body

    def test_another_body_is_a_409(self, api: Api, workspace: Account) -> None:
        self.post(api, workspace.key, "one")
        answer = self.post(api, workspace.key, "one", {"line": "Dear Bob"})
        assert (answer.status, answer.body["code"]) == (409, "idempotency_key_reused")

    def test_another_caller_is_another_call(
        self, api: Api, workspace: Account, acme: Customer
    ) -> None:
        self.post(api, workspace.key, "one")
        assert self.post(api, acme.key, "one").body["run"] == 2

    def test_an_admin_acting_for_another_tenant_makes_another_call(
        self, api: Api, acme: Customer, globex: Customer
    ) -> None:
        runs = [
            api.post(
                "/api/echo",
                LETTER,
                key=acme.workspace.key,
                idempotency_key="one",
                x_tenant_id=str(tenant.id),
            ).body["run"]
            for tenant in (acme, globex, acme)
        ]
        assert runs == [1, 2, 1]

    @pytest.mark.parametrize("word", ["", "x" * 256, "caf\xe9", "a\x01b"])
    def test_a_bad_key_is_a_400(self, api: Api, workspace: Account, word: str) -> None:
        answer = self.post(api, workspace.key, word)
        assert (answer.status, answer.body["code"]) == (400, "invalid_idempotency_key")
        assert Echo.runs == []
