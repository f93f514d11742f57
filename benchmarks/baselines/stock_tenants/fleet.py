"""Make a fleet of tenants, then bring all of them one migration further: `migrate_schemas`."""

import json
import sys
import time
from collections.abc import Callable

import django
from django.conf import settings
from django.core.management import call_command

LATER = "benchmarks.baselines.stock_tenants.usage.later.migrations"


def main() -> None:
    """`fleet COUNT`: says how long the migration took, and a second run with nothing to do."""
    django.setup()
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    _make(int(sys.argv[1]))
    settings.MIGRATION_MODULES = {"usage": LATER}
    print(json.dumps({"release_ms": _migrated_ms(), "nothing_ms": _migrated_ms()}), flush=True)


def _make(count: int) -> None:
    from benchmarks.baselines.stock_tenants.customers.models import Customer

    for number in range(count):
        customer = Customer(schema_name=f"customer_{number}", name=f"Customer {number}")
        save: Callable[..., None] = customer.save
        save(verbosity=0)


def _migrated_ms() -> float:
    begin = time.perf_counter()
    call_command("migrate_schemas", tenant=True, verbosity=0, interactive=False)
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    main()
