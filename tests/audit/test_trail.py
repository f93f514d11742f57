"""The audit trail: append-only, chained by hashes; whoever edits it is found (R15, T55)."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.audit import trail
from apps.audit.models import AuditEntry
from tenlyr.core import audit, context
from tests import servers
from tests.core.threads import together
from tests.core.transactions import undone


def record(workspace_id: UUID, action: str = "tests.acted", **more: Any) -> None:
    """An act of its own transaction."""
    with transaction.atomic():
        audit.record(action, workspace_id=workspace_id, **more)


@pytest.fixture
def chain() -> UUID:
    """A workspace's trail of six entries."""
    workspace_id = uuid4()
    for number in range(6):
        record(workspace_id, tenant_id=UUID(int=number), reason=f"reason {number}", n=number)
    return workspace_id


def entries(workspace_id: UUID) -> list[AuditEntry]:
    """A chain, first to last."""
    return list(AuditEntry.objects.filter(workspace_id=workspace_id).order_by("seq"))


class TestWriting:
    def test_in_the_transaction_of_whoever_acts(self) -> None:
        """An act of the owner's is recorded on its connection: both are there, or neither."""
        undone_one, kept = uuid4(), uuid4()
        with undone("owner"):
            audit.record("tests.acted", workspace_id=undone_one, using="owner")
        with transaction.atomic(using="owner"):
            audit.record("tests.acted", workspace_id=kept, using="owner")
            assert entries(kept) == []
        assert (len(entries(undone_one)), len(entries(kept))) == (0, 1)
        with pytest.raises(RuntimeError), transaction.atomic():
            audit.record("tests.acted", workspace_id=kept, using="owner")

    def test_an_entry_says_everything(self) -> None:
        workspace_id, tenant_id = uuid4(), uuid4()
        context.begin(context.RequestContext("r-1", "203.0.113.7", "curl/8", "admin_key", "17"))
        record(workspace_id, tenant_id=tenant_id, target="t", reason="unpaid", days=3)
        context.begin(context.RequestContext())
        [entry] = entries(workspace_id)
        assert (entry.seq, entry.tenant_id) == (1, tenant_id)
        assert entry.body == {
            "action": "tests.acted",
            "target": "t",
            "result": "ok",
            "reason": "unpaid",
            "details": {"days": 3},
            "actorType": "admin_key",
            "actorId": "17",
            "address": "203.0.113.7",
            "userAgent": "curl/8",
            "requestId": "r-1",
        }
        assert str(entry) == f"{workspace_id} #1 tests.acted"

    def test_each_covers_the_one_before(self, chain: UUID) -> None:
        found = entries(chain)
        assert [entry.seq for entry in found] == [1, 2, 3, 4, 5, 6]
        before = b""
        for entry in found:
            assert bytes(entry.prev) == before
            before = bytes(entry.hash)
            assert len(before) == 32

    def test_a_chain_of_ones_own_per_workspace(self, chain: UUID) -> None:
        other = uuid4()
        record(other)
        assert [entry.seq for entry in entries(other)] == [1]
        assert len(entries(chain)) == 6

    def test_what_is_undone_was_never_recorded(self, chain: UUID) -> None:
        with undone():
            audit.record("tests.acted", workspace_id=chain)
        assert len(entries(chain)) == 6
        record(chain)
        assert trail.first_break(chain) is None

    def test_writers_at_the_same_time_make_one_chain(self) -> None:
        workspace_id = uuid4()

        def write() -> None:
            for _ in range(10):
                record(workspace_id)

        together([write] * 8)
        assert [entry.seq for entry in entries(workspace_id)] == list(range(1, 81))
        assert trail.first_break(workspace_id) is None

    def test_a_tenants_entries_can_be_exported_and_survive_its_purge(self, chain: UUID) -> None:
        tenant_id = UUID(int=3)
        mine = [row for row in trail._export(tenant_id) if row["details"] == {"n": 3}]
        assert mine[-1]["reason"] == "reason 3"
        assert trail.HOLDING.purge(tenant_id) == 0
        assert len(entries(chain)) == 6


class TestTheAppsRole:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_auditentry SET body = '{}'",
            "UPDATE audit_auditentry SET seq = seq + 1",
            "DELETE FROM audit_auditentry",
            "TRUNCATE audit_auditentry",
            "INSERT INTO audit_auditentry (workspace_id, seq, at, body, prev, hash)"
            " VALUES (gen_random_uuid(), 1, now(), '{}', '', '')",
            "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
            "DROP TABLE audit_auditentry",
            "CREATE OR REPLACE FUNCTION audit_add(workspace uuid, tenant uuid, body jsonb)"
            " RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        ],
    )
    def test_may_append_and_no_more(self, chain: UUID, statement: str) -> None:
        for alias_cursor in (connection.cursor(),):
            with alias_cursor as cursor, pytest.raises(DatabaseError, match=r"denied|owner"):
                cursor.execute(statement)
        assert trail.first_break(chain) is None

    def test_others_may_not_even_append(self) -> None:
        with superuser() as cursor:
            cursor.execute("SET ROLE tenlyr_fleet")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cursor.execute("SELECT audit_add(gen_random_uuid(), NULL, '{}')")


@contextmanager
def superuser(*, commit: bool = False) -> Iterator["psycopg.Cursor[Any]"]:
    """A cursor that may do anything; what it did is undone unless told otherwise."""
    with psycopg.connect(servers.current().postgres.superuser_url) as direct:
        yield direct.cursor()
        if not commit:
            direct.rollback()


EDITS: dict[str, tuple[str, int]] = {
    "another act": ('UPDATE {t} SET body = body || \'{{"action": "x"}}\' WHERE {w} AND seq = 3', 3),
    "another reason": ("UPDATE {t} SET body = body - 'reason' WHERE {w} AND seq = 6", 6),
    "another time": ("UPDATE {t} SET at = at + interval '1 us' WHERE {w} AND seq = 2", 2),
    "another tenant": ("UPDATE {t} SET tenant_id = NULL WHERE {w} AND seq = 5", 5),
    "another hash": ("UPDATE {t} SET hash = sha256('x') WHERE {w} AND seq = 4", 4),
    "another link": ("UPDATE {t} SET prev = sha256('x') WHERE {w} AND seq = 4", 4),
    "the first gone": ("DELETE FROM {t} WHERE {w} AND seq = 1", 2),
    "one gone": ("DELETE FROM {t} WHERE {w} AND seq = 4", 5),
    "one gone and numbers closed": (
        "DELETE FROM {t} WHERE {w} AND seq = 4;"
        "UPDATE {t} SET seq = seq - 1 WHERE {w} AND seq = 5;"
        "UPDATE {t} SET seq = seq - 1 WHERE {w} AND seq = 6",
        4,
    ),
    "two exchanged": (
        "UPDATE {t} SET seq = -seq WHERE {w} AND seq IN (2, 3);"
        "UPDATE {t} SET seq = 5 + seq WHERE {w} AND seq < 0",
        2,
    ),
    "one edited and its own hash mended": (
        "UPDATE {t} SET body = '{{}}' WHERE {w} AND seq = 3;"
        "UPDATE {t} SET hash = audit_hash(workspace_id, seq, at, tenant_id, body, prev)"
        " WHERE {w} AND seq = 3",
        4,
    ),
    "one put in": (
        "INSERT INTO {t} (workspace_id, seq, at, body, prev, hash)"
        " SELECT workspace_id, 7, now(), '{{}}', hash, sha256('x') FROM {t} WHERE {w} AND seq = 6",
        7,
    ),
    "one moved to another chain": (
        "UPDATE {t} SET workspace_id = gen_random_uuid() WHERE {w} AND seq = 2",
        3,
    ),
}


class TestEdits:
    @pytest.mark.parametrize(("statement", "first"), EDITS.values(), ids=EDITS)
    def test_the_first_bad_entry_is_named(self, chain: UUID, statement: str, first: int) -> None:
        with superuser() as cursor:
            for one in statement.split(";"):
                cursor.execute(one.format(t="audit_auditentry", w=f"workspace_id = '{chain}'"))
                assert cursor.rowcount > 0
            cursor.execute("SELECT audit_first_break(%s)", [chain])
            assert cursor.fetchone() == (first,)
        assert trail.first_break(chain) is None

    @pytest.mark.parametrize(
        "setting",
        [
            "timezone = 'Asia/Kolkata'",
            "datestyle = 'German'",
            "bytea_output = 'escape'",
            "extra_float_digits = 0",
            "search_path = ''",
        ],
    )
    def test_no_setting_makes_a_whole_chain_look_broken(self, chain: UUID, setting: str) -> None:
        with superuser() as cursor:
            cursor.execute(f"SET LOCAL {setting}")
            cursor.execute("SELECT public.audit_first_break(%s)", [chain])
            assert cursor.fetchone() == (None,)


@pytest.fixture
def verify() -> Callable[[], tuple[bool, str]]:
    """`manage.py audit_verify`: whether it was content, and what it said."""

    def run() -> tuple[bool, str]:
        said = io.StringIO()
        try:
            call_command("audit_verify", stdout=said)
        except CommandError as error:
            return False, said.getvalue() + str(error)
        return True, said.getvalue()

    return run


def test_the_command_names_chain_and_entry(
    chain: UUID, verify: Callable[[], tuple[bool, str]]
) -> None:
    assert verify() == (True, "Every chain is whole.\n")
    with superuser(commit=True) as cursor:
        where = "workspace_id = %s AND seq = 3"
        cursor.execute(f"SELECT body::text FROM audit_auditentry WHERE {where}", [chain])
        before = cursor.fetchone()
        cursor.execute(f"UPDATE audit_auditentry SET body = '{{}}' WHERE {where}", [chain])
    is_content, said = verify()
    with superuser(commit=True) as cursor:
        change = f"UPDATE audit_auditentry SET body = %s::jsonb WHERE {where}"
        cursor.execute(change, [*(before or ()), chain])
    assert not is_content
    assert f"{chain}: entry 3 was changed" in said
    assert "1 chains are broken" in said
    assert verify()[0]
