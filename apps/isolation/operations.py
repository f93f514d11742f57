"""The migration operation that fences a tenant-owned table: RLS, policies and grants in one."""

from typing import Any

from django.conf import settings
from django.db import router
from django.db.migrations.operations.base import Operation

# A sub-select, so that the planner evaluates it once; `nullif`, because an unset setting reads ''.
CONTEXT = "(SELECT nullif(current_setting('tenlyr.tenant_id', true), '')::uuid)"

FENCE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rw ON {table} FOR ALL TO {app}
    USING (tenant_id = {context}) WITH CHECK (tenant_id = {context});
CREATE POLICY tenant_fence ON {table} AS RESTRICTIVE FOR ALL TO {app}
    USING (tenant_id = {context}) WITH CHECK (tenant_id = {context});
CREATE POLICY fleet_rw ON {table} FOR ALL TO {fleet} USING (true) WITH CHECK (true);
GRANT {app_may} ON {table} TO {app};
GRANT {fleet_may} ON {table} TO {fleet};
"""


class Isolate(Operation):
    """Fence `table`: one tenant for the app's role, all tenants for the fleet's, nobody else."""

    reversible = False

    def __init__(
        self, table: str, *, app: str = "SELECT", fleet: str = "SELECT, INSERT, UPDATE, DELETE"
    ) -> None:
        self.table, self.app, self.fleet = table, app, fleet

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        # An operation of one's own must ask the router itself, or it runs in `public` too.
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            schema_editor.execute(
                FENCE.format(
                    table=schema_editor.quote_name(self.table),
                    context=CONTEXT,
                    app=settings.ROLE_APP,
                    fleet=settings.ROLE_FLEET,
                    app_may=self.app,
                    fleet_may=self.fleet,
                )
            )

    def describe(self) -> str:
        return f"Fence the rows of {self.table} by tenant"
