"""Stock django-tenants as a process that makes a tenant whenever it is asked to."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.serving import LINES_SHOWN, SubjectFailed
from benchmarks.stack import Stack
from tenlyr.env import BASE_DIR
from tenlyr.runtime.supervisor import environment, python

MODULE = "benchmarks.baselines.stock_tenants"
TABLES = BASE_DIR / "apps" / "metering" / "store" / "sql" / "tables.sql"
# Nobody would make them for stock's tenant later: the months that its first events fall into. (Ours
# are made by the consumer when the first row asks for them.)
PARTITIONS = """
SELECT format('CREATE TABLE %I PARTITION OF %I %s;',
              c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid))
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relkind = 'p' AND p.relnamespace = 'tenlyr_shared'::regnamespace
  AND right(c.relname, 6)
      IN (to_char(now(), 'YYYYMM'), to_char(now() + interval '1 month', 'YYYYMM'))
ORDER BY c.relname
"""


class StockTenants:
    """In a database of its own on the stack's Postgres; its tenants have the product's tables."""

    def __init__(self, here: Stack) -> None:
        self._tables = here.servers.folder / "tenant_tables.sql"
        partitions = "\n".join(statement for (statement,) in here.sql(PARTITIONS))
        self._tables.write_text(f"{TABLES.read_text()}\n{partitions}\n")
        self._log = here.servers.folder / "stock_tenants.log"
        self._settings = {
            **here.own_database("bench_stock_tenants"),
            "BENCH_TABLES": str(self._tables),
            "DJANGO_SETTINGS_MODULE": f"{MODULE}.settings",
        }
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                python("-m", MODULE),
                cwd=BASE_DIR,
                env=environment(**self._settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
        if self._line() != "ready":
            raise SubjectFailed(f"django-tenants is not ready: {_end_of(self._log)}")
        self.save_ms()  # the first one loads what all others find loaded
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            # The end of its input is the end of its work; one that hangs is ended.
            try:
                self._process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def save_ms(self) -> float:
        """Make one tenant; how long `save()` took."""
        if self._process is None or self._process.stdin is None:
            raise SubjectFailed("django-tenants is not running")
        self._process.stdin.write("save\n")
        self._process.stdin.flush()
        said = self._line()
        if not said:
            raise SubjectFailed(f"django-tenants failed: {_end_of(self._log)}")
        return float(said)

    def _line(self) -> str:
        stdout = self._process.stdout if self._process else None
        return stdout.readline().strip() if stdout else ""


def _end_of(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-LINES_SHOWN:])
