"""A pooler in front of tenants' logins: PgBouncer asks the database for each one's verifier."""

from django.conf import settings
from django.db import connections, transaction

from apps.dataplane import scram
from tenlyr.core import audit, secrets

OWNER = "owner"
ROLE = "tenlyr_pooler"
QUERY = "SELECT username, password FROM tenlyr_dataplane.verifier_of($1)"
# A pool per login, in transaction mode, that shrinks to nothing when its tenant is quiet.
SETTINGS = {
    "pool_mode": "transaction",
    "auth_type": "scram-sha-256",
    "auth_user": ROLE,
    "auth_query": QUERY,
    "default_pool_size": "4",
    "min_pool_size": "0",
    "server_idle_timeout": "60",
    "server_lifetime": "3600",
}


def open_to_pooler() -> str:
    """Let the pooler's role log in, and record it; answers its password, which is derived and so
    always the same.
    """
    password = secrets.derive(settings.SECRET_KEY, f"postgres role {ROLE}").hex()
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        # First: the role that makes roles may not write to the trail.
        audit.record(
            "dataplane.pooler_opened", workspace_id=audit.INSTALLATION, target=ROLE, using=OWNER
        )
        cursor.execute("SET LOCAL ROLE NONE")  # the owner makes no roles, the deploy role does
        cursor.execute(f"ALTER ROLE {ROLE} LOGIN PASSWORD %s", [scram.verifier(password)])
    return password


def settings_text(address: str, port: int, database: str, password: str) -> str:
    """What PgBouncer's two files need, ready to paste."""
    lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
    return "\n".join(
        [
            *("[databases]", f"{database} = host={address} port={port}", "", "[pgbouncer]", *lines),
            *("auth_file = userlist.txt", "", "; userlist.txt", f'"{ROLE}" "{password}"', ""),
        ]
    )
