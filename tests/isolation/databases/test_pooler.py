"""A tenant's own database behind a real PgBouncer in transaction mode."""

from typing import Any

from django.conf import settings
from django.db import connections

from apps.isolation.backend import pools
from apps.isolation.databases import aliases
from apps.isolation.models import Database
from apps.isolation.placements import location_of
from apps.isolation.public import fleet, scope
from tests.core.threads import together
from tests.isolation.databases import second
from tests.stack import PgBouncer, require_tool


def test_scopes_go_through_it_and_the_owner_past_it(own: Database) -> None:
    program = require_tool("pgbouncer", "a database of a tenant's own behind PgBouncer")
    if program is None:
        return
    logins = [settings.DATABASES[alias] for alias in ("default", "fleet")]
    users = {login["USER"]: login["PASSWORD"] for login in logins}
    with PgBouncer(program, aliases.address_of(own).dsn, users, pool_size=1) as pooler:
        Database.objects.filter(pk=own.pk).update(pool_url=pooler.url)
        aliases.suspect(own.alias)
        try:
            tenant = second.settle(own)
            assert connections[own.alias].settings_dict["PORT"] == str(pooler.port)
            assert connections[f"{own.alias}_owner"].settings_dict["PORT"] != str(pooler.port)
            aliases.let_go(own.alias)
            aliases.let_go(f"{own.alias}_owner")
            seen = together([lambda: _seen(tenant)] * 4)
            assert set(seen) == {(str(tenant.tenant_id), tenant.location.schema_name)}
            with fleet(location_of(tenant.location)) as here, here.cursor() as cursor:
                cursor.execute("SELECT current_user, current_setting('tenlyr.tenant_id')")
                assert cursor.fetchone() == ("tenlyr_fleet", "")
        finally:
            for name in (own.alias, f"{own.alias}_fleet"):
                pools.end(name)
            Database.objects.filter(pk=own.pk).update(pool_url="")
            aliases.suspect(own.alias)


def _seen(tenant: Any) -> tuple[str, str]:
    with scope(tenant.tenant_id) as here, here.cursor() as cursor:
        cursor.execute("SELECT current_setting('tenlyr.tenant_id'), current_schema()")
        found: tuple[str, str] = cursor.fetchone()
    return found
