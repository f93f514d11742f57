"""A project as django-tenants' manual has it. Its tenants' tables are the product's own."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

_database = urlsplit(os.environ["BENCH_DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "NAME": _database.path.lstrip("/"),
        "USER": _database.username,
        "PASSWORD": unquote(_database.password or ""),
        "CONN_MAX_AGE": None,
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_HERE = "benchmarks.baselines.stock_tenants"
SHARED_APPS = ["django_tenants", "django.contrib.contenttypes", f"{_HERE}.customers"]
TENANT_APPS = [f"{_HERE}.usage"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "customers.Customer"
TENANT_DOMAIN_MODEL = "customers.Domain"
SECRET_KEY = "a benchmark has no secrets"  # noqa: S105
USE_TZ = True
LOGGING_CONFIG = None

# The statements that make the tables of one tenant, partitions included.
TENANT_TABLES = Path(os.environ["BENCH_TABLES"]).read_text()
# What a later migration changes, where a fleet is brought on.
TENANT_CHANGE = os.environ.get("BENCH_CHANGE", "")
