"""The database roles: no more rights than their work needs, and set-up can run at any time (R2)."""

from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from apps.isolation import roles
from tenlyr.settings import role_password
from tests import servers
from tests.core.threads import together
from tests.isolation.probe import direct, superuser

WORKERS = [settings.ROLE_APP, settings.ROLE_FLEET]

STATE = """
SELECT 'role', r.rolname, r.rolcanlogin::text, r.rolinherit::text, r.rolsuper::text,
       r.rolbypassrls::text, r.rolcreaterole::text, r.rolcreatedb::text, r.rolreplication::text
FROM pg_roles r WHERE r.rolname LIKE 'tenlyr%%'
UNION ALL SELECT 'setting', s.setrole::regrole::text, x, '', '', '', '', '', ''
FROM pg_db_role_setting s, unnest(s.setconfig) x WHERE s.setrole::regrole::text LIKE 'tenlyr%%'
UNION ALL SELECT 'database', a.grantee::regrole::text, a.privilege_type, '', '', '', '', '', ''
FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database()
UNION ALL SELECT 'schema', n.nspname, a.grantee::regrole::text, a.privilege_type, '', '', '', '', ''
FROM pg_namespace n, aclexplode(n.nspacl) a
WHERE n.nspname IN ('public', 'tenlyr_shared')
UNION ALL SELECT 'default', d.defaclrole::regrole::text, d.defaclobjtype::text,
       coalesce(d.defaclnamespace::regnamespace::text, ''), d.defaclacl::text, '', '', '', ''
FROM pg_default_acl d
UNION ALL SELECT 'member', m.member::regrole::text, m.roleid::regrole::text,
       m.admin_option::text, '', '', '', '', '' FROM pg_auth_members m
WHERE m.roleid::regrole::text LIKE 'tenlyr%%'
ORDER BY 1, 2, 3, 4, 5
"""


def state() -> list[tuple[Any, ...]]:
    """All that is said of our roles in the catalogue, passwords apart."""
    with superuser() as cursor:
        cursor.execute(STATE)
        return cursor.fetchall()


def attributes(role: str) -> dict[str, Any]:
    """A role's row."""
    with superuser() as cursor:
        cursor.execute("SELECT row_to_json(r) FROM pg_roles r WHERE rolname = %s", [role])
        found: dict[str, Any] = (cursor.fetchone() or ({},))[0]
    return found


class TestLeastPrivilege:
    @pytest.mark.parametrize("role", [*WORKERS, settings.ROLE_OWNER])
    def test_no_role_of_ours_is_above_the_rules(self, role: str) -> None:
        has = attributes(role)
        assert not [
            name
            for name in (
                "rolsuper",
                "rolbypassrls",
                "rolcreaterole",
                "rolcreatedb",
                "rolreplication",
            )
            if has[name]
        ]

    def test_the_owner_cannot_log_in_and_the_workers_can(self) -> None:
        assert not attributes(settings.ROLE_OWNER)["rolcanlogin"]
        assert all(attributes(role)["rolcanlogin"] for role in WORKERS)
        assert not any(attributes(role)["rolinherit"] for role in WORKERS)

    def test_the_deploy_role_is_no_superuser(self) -> None:
        deploy = attributes(connections["owner"].settings_dict["USER"])
        assert (deploy["rolsuper"], deploy["rolbypassrls"]) == (False, False)

    @pytest.mark.parametrize("role", WORKERS)
    def test_a_worker_belongs_to_no_other_role(self, role: str) -> None:
        with superuser() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [role]
            )
            assert cursor.fetchone() == (0,)

    @pytest.mark.parametrize("role", WORKERS)
    def test_a_worker_owns_nothing(self, role: str) -> None:
        with superuser() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'o'",
                [role],
            )
            assert cursor.fetchone() == (0,)

    @pytest.mark.parametrize(
        ("role", "timeout_ms"),
        [
            (settings.ROLE_APP, settings.STATEMENT_TIMEOUT_MS),
            (settings.ROLE_FLEET, 12 * settings.STATEMENT_TIMEOUT_MS),
        ],
    )
    def test_a_workers_statements_end(self, role: str, timeout_ms: int) -> None:
        with direct(role) as connection:
            found = connection.execute(
                "SELECT name, setting::int FROM pg_settings WHERE name IN ('statement_timeout',"
                " 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name"
            ).fetchall()
        assert found == [
            ("idle_in_transaction_session_timeout", 2 * timeout_ms),
            ("lock_timeout", settings.LOCK_TIMEOUT_MS),
            ("statement_timeout", timeout_ms),
        ]

    def test_nobody_else_may_enter_the_database(self) -> None:
        with superuser() as cursor:
            cursor.execute(
                "SELECT a.privilege_type FROM pg_database d, aclexplode(d.datacl) a"
                " WHERE d.datname = current_database() AND a.grantee = 0"
            )
            assert cursor.fetchall() == []

    def test_no_function_of_ours_is_open_to_everybody(self) -> None:
        with superuser() as cursor:
            cursor.execute(
                "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                " WHERE n.nspname = 'public' AND has_function_privilege('public', p.oid, 'EXECUTE')"
            )
            assert cursor.fetchall() == []


class TestEnsure:
    def test_again_it_changes_nothing(self) -> None:
        before = state()
        roles.ensure()
        roles.ensure()
        assert state() == before

    def test_at_the_same_time_it_changes_nothing(self) -> None:
        before = state()
        together([roles.ensure] * 4)
        assert state() == before

    def test_it_mends_what_was_changed(self) -> None:
        before = state()
        with psycopg.connect(servers.current().postgres.superuser_url, autocommit=True) as root:
            for statement in (
                "ALTER ROLE tenlyr_app IN DATABASE tenlyr SET statement_timeout = 0",
                "ALTER ROLE tenlyr_app PASSWORD 'guessed'",
                "GRANT CONNECT, TEMPORARY ON DATABASE tenlyr TO PUBLIC",
                "GRANT CREATE ON SCHEMA public TO PUBLIC",
                "REVOKE USAGE ON SCHEMA tenlyr_shared FROM tenlyr_fleet",
            ):
                root.execute(statement)
        assert state() != before
        roles.ensure()
        assert state() == before
        with direct(settings.ROLE_APP) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_the_password_is_never_sent(self) -> None:
        with superuser() as cursor:
            cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'tenlyr_app'")
            (stored,) = cursor.fetchone() or ("",)
        assert stored.startswith("SCRAM-SHA-256$")
        assert role_password(settings.ROLE_APP) not in stored

    def test_passwords_differ_and_hang_on_the_secret(self) -> None:
        assert role_password("a") != role_password("b")
        assert len(role_password("a")) == 64
