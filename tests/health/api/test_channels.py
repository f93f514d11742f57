"""`alerts.*Channel*`: where a workspace hears of its alerts (J24, T33, X23, X62)."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.health import channels, notifying
from apps.health.models import Channel, Message
from tests.cast import Account, Answer, Api, Customer
from tests.health.alarms import raised, recorded
from tests.health.receivers import Sink
from tests.tenants.support import assert_needs_admin_key, assert_refused, at_once

PATH = "/api/v1/alerts/channels"
URL = "https://8.8.8.8/hook"
FIELDS = [
    "id",
    "kind",
    "target",
    "minSeverity",
    "enabled",
    "lastSentAt",
    "lastError",
    "createdAt",
]
pytestmark = pytest.mark.usefixtures("no_channels")


def create(whose: Account, target: str = URL, **more: Any) -> Answer:
    headers = more.pop("headers", {})
    sent = {"kind": "webhook", "target": target, **more}
    return Api().post(PATH, sent, key=whose.key, **headers)


def made(whose: Account, target: str = URL, **more: Any) -> str:
    answer = create(whose, target, **more)
    assert answer.status == 201, answer.body
    found: str = answer.body["channel"]["id"]
    return found


class TestCreate201:
    def test_a_webhook_with_its_secret(self, workspace: Account) -> None:
        answer = create(workspace, minSeverity="critical")
        assert (answer.status, list(answer.body)) == (201, ["channel", "secret"])
        shown = answer.body["channel"]
        assert list(shown) == FIELDS
        assert (shown["kind"], shown["target"], shown["minSeverity"]) == (
            "webhook",
            URL,
            "critical",
        )
        assert (shown["enabled"], shown["lastSentAt"], shown["lastError"]) == (True, None, None)
        assert len(base64.b64decode(answer.body["secret"].removeprefix("whsec_"))) == 32

    def test_secrets_are_shown_once_and_kept_sealed(self, workspace: Account) -> None:
        answer = create(workspace, "https://8.8.8.8/services/T0", kind="slack")
        assert answer.body["secret"] is None
        assert answer.body["channel"]["target"] == "https://8.8.8.8/…"
        assert answer.body["channel"]["minSeverity"] == "warning"
        webhook = create(workspace).body["secret"]
        listed = Api().get(PATH, key=workspace.key).body
        stored = json.dumps(
            list(Channel.objects.filter(workspace_id=workspace.id).values()), default=str
        )
        trail = [row.body for row in AuditEntry.objects.filter(workspace_id=workspace.id)]
        for secret in (webhook, "services/T0"):
            assert secret not in json.dumps(listed) + stored + json.dumps(trail)

    def test_with_the_same_idempotency_key_there_is_one(self, workspace: Account) -> None:
        headers = {"idempotency_key": str(uuid4())}
        first, again = (create(workspace, headers=headers) for _ in range(2))
        assert first.body == again.body
        assert Channel.objects.filter(workspace_id=workspace.id).count() == 1

    def test_a_mail_address_where_mail_is_sent(self, workspace: Account, settings: Any) -> None:
        settings.EMAIL_CONFIGURED = True
        answer = create(workspace, "ops@example.com", kind="email")
        assert (answer.status, answer.body["secret"]) == (201, None)
        assert answer.body["channel"]["target"] == "ops@example.com"


class TestCreateRefused:
    @pytest.mark.parametrize(
        "target",
        [
            "http://8.8.8.8/hook",
            "https://127.0.0.1/hook",
            "https://localhost/hook",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/hook",
            "https://[::ffff:10.0.0.1]/hook",
            "https://0x7f000001/hook",
            "https://user@8.8.8.8/hook",
            "ftp://8.8.8.8/hook",
            "ops@example.com",
        ],
    )
    @pytest.mark.parametrize("kind", ["webhook", "slack"])
    def test_a_url_that_leads_astray(self, workspace: Account, kind: str, target: str) -> None:
        assert_refused(create(workspace, target, kind=kind), 422, "url_not_allowed")
        assert not Channel.objects.filter(workspace_id=workspace.id).exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("kind", "pager"),
            ("kind", None),
            ("target", ""),
            ("target", "a\nb"),
            ("target", "x" * 2_049),
            ("minSeverity", "fatal"),
            ("secret", "mine"),
        ],
    )
    def test_a_field_that_is_wrong(self, workspace: Account, field: str, value: Any) -> None:
        sent = {"kind": "webhook", "target": URL, field: value}
        answer = Api().post(PATH, sent, key=workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == field

    def test_a_mail_address_that_is_none(self, workspace: Account, settings: Any) -> None:
        settings.EMAIL_CONFIGURED = True
        answer = create(workspace, "ops at example.com", kind="email")
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == "target"

    def test_mail_where_none_is_sent(self, workspace: Account, settings: Any) -> None:
        settings.EMAIL_CONFIGURED = False
        answer = create(workspace, "ops@example.com", kind="email")
        assert_refused(answer, 400, "email_not_configured")

    def test_more_than_there_may_be_also_at_once(
        self, workspace: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(channels, "MOST", 3)
        answers = at_once(8, lambda _number: create(workspace))
        assert sorted(one.status for one in answers) == [201] * 3 + [403] * 5
        refused = next(one for one in answers if one.status == 403)
        assert_refused(refused, 403, "channel_limit_exceeded")
        assert refused.body["limit"] == 3


class TestReadAndChange:
    def test_listed_newest_first(self, workspace: Account, stranger: Customer) -> None:
        made(stranger.workspace)
        ids = [made(workspace) for _ in range(3)]
        first = Api().get(f"{PATH}?limit=2", key=workspace.key).body
        cursor = first["nextCursor"]
        rest = Api().get(f"{PATH}?limit=2&cursor={cursor}", key=workspace.key).body
        assert [one["id"] for one in first["data"] + rest["data"]] == ids[::-1]
        assert rest["nextCursor"] is None

    def test_changed(self, workspace: Account) -> None:
        one = made(workspace)
        sent = {"target": "https://8.8.4.4/x", "minSeverity": "info", "enabled": False}
        answer = Api().patch(f"{PATH}/{one}", sent, key=workspace.key)
        assert answer.status == 200
        assert {name: answer.body[name] for name in sent} == sent
        assert Api().get(f"{PATH}/{one}", key=workspace.key).body == answer.body
        untouched = Api().patch(f"{PATH}/{one}", {}, key=workspace.key)
        assert untouched.body == answer.body
        assert recorded(workspace.id) == ["alert_channel.created", "alert_channel.updated"]

    def test_a_new_target_keeps_the_secret_and_is_guarded(self, workspace: Account) -> None:
        from apps.health import sealing

        secret = create(workspace).body["secret"]
        row = Channel.objects.get(workspace_id=workspace.id)
        path = f"{PATH}/{row.id}"
        bad = Api().patch(path, {"target": "https://10.0.0.1/x"}, key=workspace.key)
        assert_refused(bad, 422, "url_not_allowed")
        assert Api().patch(path, {"target": f"{URL}2"}, key=workspace.key).status == 200
        row.refresh_from_db()
        assert sealing.opened(row) == (f"{URL}2", secret)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("kind", "slack"), ("enabled", "yes"), ("enabled", None), ("minSeverity", "")],
    )
    def test_what_cannot_be_changed(self, workspace: Account, field: str, value: Any) -> None:
        answer = Api().patch(f"{PATH}/{made(workspace)}", {field: value}, key=workspace.key)
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == field

    def test_deleted_with_what_waits(self, acme: Customer) -> None:
        one = made(acme.workspace)
        raised(acme)
        answer = Api().delete(f"{PATH}/{one}", key=acme.workspace.key)
        assert (answer.status, answer.body) == (204, b"")
        again = Api().delete(f"{PATH}/{one}", key=acme.workspace.key)
        assert_refused(again, 404, "not_found")
        assert notifying.notify() == 0
        assert recorded(acme.workspace.id)[-1] == "alert_channel.deleted"


class TestTestAndMessages:
    def test_sent_by_the_worker_and_listed(self, workspace: Account, sink: Sink) -> None:
        one = made(workspace, sink.url())
        asked = Api().post(f"{PATH}/{one}/test", key=workspace.key)
        assert (asked.status, asked.body["status"], asked.body["test"]) == (202, "pending", True)
        assert sink.got == []
        notifying.notify()
        [message] = Api().get(f"{PATH}/{one}/messages", key=workspace.key).body["data"]
        assert (message["id"], message["status"]) == (asked.body["id"], "sent")
        assert (message["attempts"], message["error"]) == (1, None)
        assert Api().get(f"{PATH}/{one}", key=workspace.key).body["lastSentAt"] is not None
        assert len(sink.got) == 1

    def test_asked_twice_with_one_idempotency_key_it_is_one(self, workspace: Account) -> None:
        one, key = made(workspace), str(uuid4())
        for _ in range(2):
            Api().post(f"{PATH}/{one}/test", key=workspace.key, idempotency_key=key)
        assert Message.objects.filter(channel=one).count() == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/messages")],
)
def test_anothers_looks_like_none(
    workspace: Account, stranger: Customer, method: str, path: str
) -> None:
    foreign = made(stranger.workspace)
    api = Api(x_request_id="same")
    answers = [
        api.call(method, f"{PATH}/{one}{path}", key=workspace.key) for one in (foreign, uuid4())
    ]
    assert_refused(answers[0], 404, "not_found")
    assert answers[0].body == answers[1].body
    assert answers[0].body["message"] == "Channel not found"
    assert Channel.objects.filter(pk=foreign).exists()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_all_need_an_admin_key(acme: Customer, method: str) -> None:
    assert_needs_admin_key(method, PATH, acme)
    assert_needs_admin_key("PATCH", f"{PATH}/{uuid4()}", acme)
