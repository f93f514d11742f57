"""`tenants.export`: GET /api/v1/tenants/:id/export (B12, X40, B30, B31)."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tenlyr.core import clock
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_hides_others, assert_needs_admin_key, assert_refused

FORMULA = "=cmd|' /C calc'!A0"


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}/export"


def export(tenant: Customer, query: str = "") -> Answer:
    return Api().get(path(tenant.id) + query, key=tenant.workspace.key)


def track(tenant: Customer, **event: Any) -> None:
    answer = Api().post("/api/v1/usage/track", event, key=tenant.key)
    assert answer.status == 201, answer.body


class Test200:
    @pytest.mark.parametrize(
        ("query", "content_type", "ending"),
        [
            ("", "application/json", "json"),
            ("?format=json", "application/json", "json"),
            ("?format=csv", "text/csv; charset=utf-8", "csv"),
            ("?format=zip", "application/zip", "zip"),
        ],
    )
    def test_a_file_with_a_name_of_our_making(
        self, workspace: Account, query: str, content_type: str, ending: str
    ) -> None:
        tenant = cast.tenant(workspace, 'evil"; filename="x.exe')
        answer = export(tenant, query)
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
        disposition = answer.headers["Content-Disposition"]
        name = rf'attachment; filename="tenant-{tenant.id}-\d{{8}}T\d{{6}}Z\.{ending}"'
        assert re.fullmatch(name, disposition)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-Id"]

    def test_every_event_is_in_it(
        self, acme: Customer, globex: Customer, stored: Callable[[], None]
    ) -> None:
        for tenant in (acme, globex):
            for number in range(3):
                at = clock.iso(clock.now() - timedelta(seconds=3 - number))
                event = {"value": number + 1, "endpoint": f"/{tenant.id}", "timestamp": at}
                track(tenant, metric="api_call", **event)
        stored()
        for tenant in (acme, globex):
            found = export(tenant).body
            assert [event["value"] for event in found["usage"]] == [1, 2, 3]
            assert {event["endpoint"] for event in found["usage"]} == {f"/{tenant.id}"}
            assert found["manifest"]["rows"]["usage"] == 3

    def test_csv_runs_nothing_and_keeps_negative_numbers(
        self, workspace: Account, stored: Callable[[], None]
    ) -> None:
        tenant = cast.tenant(workspace, FORMULA)
        track(tenant, metric="seats", value=5, endpoint="=1+1")
        track(tenant, metric="api_call", value=1, endpoint="\uff1d1+1", statusCode=200)
        stored()
        text = export(tenant, "?format=csv").body.decode()
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert lines[0] == ["section", "key", "value", "timestamp"]
        values = {(section, key): value for section, key, value, _ in lines}
        assert values["metadata", "name"] == f"'{FORMULA}"
        assert values["usage", "seats.endpoint"] == "'=1+1"
        assert values["usage", "api_call.endpoint"] == "'\uff1d1+1"
        assert '"usage","seats",5,' in text
        for line in lines:
            for cell in line:
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))
                assert not cell.startswith("-") or float(cell) < 0

    def test_zip_has_a_file_per_section(self, acme: Customer) -> None:
        with zipfile.ZipFile(io.BytesIO(export(acme, "?format=zip").body)) as archive:
            names = archive.namelist()
            assert names[:4] == ["metadata.csv", "usage.csv", "health.csv", "billing.csv"]
            assert names[-1] == "manifest.json"
            assert acme.body["ownerEmail"] in archive.read("metadata.csv").decode()

    @pytest.mark.parametrize("verb", ["suspend", "terminate"])
    def test_of_a_tenant_in_any_state(self, acme: Customer, verb: str) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/{verb}", key=acme.workspace.key)
        assert export(acme).status == 200

    def test_no_key_is_in_it(self, acme: Customer) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/rotate-key", key=acme.workspace.key)
        for query in ("?format=json", "?format=csv"):
            text = str(export(acme, query).body)
            assert acme.key not in text
            assert "argon2" not in text


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", path(acme.id), acme)


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("GET", path, acme, stranger.id)

    def test_a_deleted_one(self, acme: Customer) -> None:
        Api().delete(f"/api/v1/tenants/{acme.id}", key=acme.workspace.key)
        assert_refused(export(acme), 404, "not_found")


class Test405:
    def test_other_methods(self, acme: Customer) -> None:
        answer = Api().post(path(acme.id), key=acme.workspace.key)
        assert_refused(answer, 405, "method_not_allowed")


class Test422:
    @pytest.mark.parametrize("query", ["?format=xml", "?format=", "?format=CSV", "?as=csv"])
    def test_a_wrong_parameter(self, acme: Customer, query: str) -> None:
        assert_refused(export(acme, query), 422, "invalid_request")
