"""When each tenant last called (X46): noted by web processes, written down here each minute."""

from django.db import connection

from tenlyr.core import epochs

BATCH = 1_000

# Rows in one order, busy ones left out: a flush never waits for a change of a tenant, nor for
# another flush. A note that is left out is made good by the tenant's next call.
WRITE = """
WITH noted AS (
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[]) AS noted (id, at)
), free AS (
    SELECT t.id, noted.at FROM tenants_tenant t JOIN noted ON noted.id = t.id
    WHERE t.last_active_at IS NULL OR t.last_active_at < noted.at
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE tenants_tenant t SET last_active_at = free.at FROM free WHERE t.id = free.id
"""


def flush() -> int:
    """Write down every noted call; answers how many tenants had one."""
    noted = sorted(epochs.take_touched().items())
    written = 0
    with connection.cursor() as cursor:
        for start in range(0, len(noted), BATCH):
            batch = noted[start : start + BATCH]
            cursor.execute(WRITE, [[tenant for tenant, _ in batch], [at for _, at in batch]])
            written += cursor.rowcount
    return written
