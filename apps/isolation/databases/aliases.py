"""Django's names for tenants' own databases, known at run time: `db_x` is the app's role there,
`db_x_fleet` the fleet's, `db_x_owner` the owner's on a direct connection.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import connections

from apps.isolation import models
from apps.isolation.databases import addresses
from apps.isolation.databases.addresses import Address
from apps.isolation.databases.errors import BadAddress, UnknownDatabase
from tenlyr.core import secrets

log = structlog.get_logger(__name__)

CONTROL = "default"
DSN_PLACE = "isolation_database.dsn"
NAME = re.compile(r"(?P<database>db_[0-9a-f]{12})(?:_(?P<role>fleet|owner))?")

_known: dict[str, tuple[Address, Address]] = {}
_stale: set[str] = set()
# Those whose address could not be read when we last looked: each is told once.
_unreadable: set[str] = set()


class _Opened(threading.local):
    """The names for which this thread has made a connection object."""

    def __init__(self) -> None:
        self.names: set[str] = set()


_opened = _Opened()


class Databases(dict[str, Any]):
    """The settings of all databases: those of the settings file, and ours, made when asked for.

    Whoever walks over it (Django, when it closes old connections) sees of ours only what the
    thread at hand has opened: there may be thousands, and other threads add to them meanwhile.
    """

    def __contains__(self, alias: object) -> bool:
        return super().__contains__(alias) or bool(isinstance(alias, str) and _parsed(alias))

    def __missing__(self, alias: str) -> dict[str, Any]:
        made = _settings(self[CONTROL], alias)
        _opened.names.add(alias)
        return made

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from tuple(_opened.names)


def install() -> None:
    """Let `django.db.connections` know our databases; once per process, at start."""
    if not isinstance(connections.settings, Databases):
        connections.settings = Databases(connections.settings)


def ensure_all(aliases: Iterable[str]) -> None:
    """Know several databases with one query. Those without an address that can be read are left
    out: whoever connects to one gets `UnknownDatabase`, and nobody else does.
    """
    known = _known.keys() - _stale
    wanted = {alias for alias in aliases if alias != CONTROL and alias not in known}
    if wanted:
        _stale.difference_update(wanted)
        rows = models.Database.objects.in_bulk(wanted)
        for alias in wanted:
            with suppress(UnknownDatabase):
                _learn(alias, rows.get(alias))


def suspect(alias: str) -> None:
    """Nobody answers at the address we know: read it again before the next connection."""
    found = _parsed(alias)
    if found:
        _stale.add(found["database"])


def fleet_alias(alias: str) -> str:
    """The name under which the fleet's role reaches the same database."""
    return "fleet" if alias == CONTROL else f"{alias}_fleet"


def owner_alias(alias: str) -> str:
    """The name under which the owner's role reaches the same database, past any pooler."""
    return "owner" if alias == CONTROL else f"{alias}_owner"


def database_of(alias: str) -> str:
    """The database that a name of any role means; `default` for the control plane's own."""
    found = _parsed(alias)
    return found["database"] if found else CONTROL


def is_owner(alias: str) -> bool:
    """Whether the name is that of the owner's role, on whatever database."""
    return alias == "owner" or _role(alias) == "owner"


def let_go(alias: str) -> None:
    """Give this thread's connection to a tenant's own database back, and forget its object."""
    if alias in _opened.names:
        connections[alias].close()
        del connections[alias]
        _opened.names.discard(alias)


def address_of(database: "models.Database") -> Address:
    """The deploy role's address in the database; raises `UnknownDatabase` while it has none that
    can be read.
    """
    if database.dsn is None:
        raise UnknownDatabase(f"The database {database.alias} has no address yet.")
    with _readable(database.alias):
        return addresses.unseal(database.dsn, DSN_PLACE)


def _parsed(alias: str) -> "re.Match[str] | None":
    return NAME.fullmatch(alias)


def _role(alias: str) -> str | None:
    found = _parsed(alias)
    return found["role"] if found else None


def _addresses(alias: str) -> tuple[Address, Address]:
    """The direct address and that of the pooler (the same where there is none)."""
    held = _known.get(alias)
    if held is None or alias in _stale:
        _stale.discard(alias)  # first: who suspects it meanwhile shall be heard
        held = _learn(alias, models.Database.objects.filter(pk=alias).first())
    return held


def _learn(alias: str, row: "models.Database | None") -> tuple[Address, Address]:
    """Know the database by its row; raises `UnknownDatabase`, and knows no older address then."""
    try:
        if row is None:
            raise UnknownDatabase(f"There is no database {alias}.")
        held = _known[alias] = _read(row)
    except UnknownDatabase:
        _known.pop(alias, None)
        raise
    _unreadable.discard(alias)
    return held


def _read(row: "models.Database") -> tuple[Address, Address]:
    direct = address_of(row)
    if not row.pool_url:
        return direct, direct
    with _readable(row.alias):
        return direct, addresses.parse(row.pool_url, what="The pooler's address", has_login=False)


@contextmanager
def _readable(alias: str) -> Iterator[None]:
    """One bad row is that database's trouble, as if it were away; the log names it once."""
    try:
        yield
    except (secrets.CannotDecrypt, BadAddress) as error:
        if alias not in _unreadable:
            _unreadable.add(alias)
            log.warning("isolation.address_unreadable", database=alias, reason=repr(error))
        raise UnknownDatabase(f"The address of the database {alias} cannot be read.") from error


def _settings(control: dict[str, Any], alias: str) -> dict[str, Any]:
    """Django's settings of one alias, on the pattern of the control plane's."""
    found = _parsed(alias)
    if found is None:
        raise KeyError(alias)
    direct, pooled = _addresses(found["database"])
    is_owners = found["role"] == "owner"
    address = direct if is_owners else pooled
    options: dict[str, Any] = {
        "connect_timeout": addresses.CONNECT_TIMEOUT_S,
        "application_name": "tenlyr",
        **dict(address.more),
    }
    login = (direct.user, direct.password)
    engine = "django_tenants.postgresql_backend"
    if is_owners:
        options["options"] = f"-c role={settings.ROLE_OWNER}"
    else:
        pattern = settings.DATABASES[found["role"] or CONTROL]
        login = (pattern["USER"], pattern["PASSWORD"])
        engine = "apps.isolation.backend.dedicated"
    return {
        **control,
        **{"ENGINE": engine, "OPTIONS": options, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False},
        **{"HOST": address.host, "PORT": str(address.port), "NAME": address.name},
        **{"USER": login[0], "PASSWORD": login[1]},
    }
