"""Real servers for tests, faults and benchmarks: the product's own launchers, on free ports."""

from tests.stack.pgbouncer import PgBouncer
from tests.stack.product import Product
from tests.stack.servers import Servers
from tests.stack.tools import missing, require_tool

__all__ = ["PgBouncer", "Product", "Servers", "missing", "require_tool"]
