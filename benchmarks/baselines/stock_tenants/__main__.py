"""Set the database up, say `ready`, then answer each line with the milliseconds of one `save()`."""

import sys
import time
from collections.abc import Callable

import django
from django.core.management import call_command


def main() -> None:
    """A long-lived process, as a web worker is."""
    django.setup()
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        print(f"{_saved_ms(number):.3f}", flush=True)


def _saved_ms(number: int) -> float:
    from benchmarks.baselines.stock_tenants.customers.models import Customer

    customer = Customer(schema_name=f"customer_{number}", name=f"Customer {number}")
    begin = time.perf_counter()
    # Says what it migrates: that belongs on no protocol of ours.
    save: Callable[..., None] = customer.save
    save(verbosity=0)
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    main()
