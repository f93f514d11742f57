"""The rows of instances, as whoever keeps the instances running sees them."""

from structlog.testing import capture_logs

from apps.isolation.databases import addresses, aliases, instances
from apps.isolation.databases.drivers import instance as driver
from apps.isolation.models import Database

HERE = "postgresql://u:p@127.0.0.1:9/n"


def test_one_that_runs_gets_an_address_though_the_old_one_cannot_be_read() -> None:
    rows = [
        Database.objects.create(alias=alias, driver="instance", dsn=dsn)
        for alias, dsn in {"db_abababababab": b"sealed by nobody", "db_cdcdcdcdcdcd": None}.items()
    ]
    try:
        assert not any(map(driver._answers, rows))
        with capture_logs() as logs:
            aliases._unreadable.clear()
            for row in rows:
                instances.started(row.alias, HERE)
        told = [(one["event"], one["database"]) for one in logs]
        assert told == [("isolation.address_unreadable", "db_abababababab")]
        for row in rows:
            row.refresh_from_db()
            assert aliases.address_of(row) == addresses.parse(HERE)
    finally:
        aliases._unreadable.clear()
        Database.objects.filter(pk__in=[row.pk for row in rows]).delete()
