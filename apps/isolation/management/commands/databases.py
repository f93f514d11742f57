"""`manage.py databases`: the servers that are registered, and the databases of tenants' own."""

import getpass
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from apps.isolation.databases import providing, servers, upgrading
from apps.isolation.databases.errors import DatabaseFailed, DatabaseInUse
from apps.isolation.models import Database, Driver, Server


class Command(BaseCommand):
    help = "List, register a server, retire a database, upgrade those that were away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="all servers and databases")
        listing.add_argument("--json", action="store_true")
        server = actions.add_parser(
            "register-server", help="its address is read from standard input, not from here"
        )
        server.add_argument("name")
        kinds = [Driver.DATABASE.value, Driver.SERVER_POOL.value]
        server.add_argument("--driver", choices=kinds, default=Driver.DATABASE.value)
        server.add_argument("--pool-url", default="", help="a pooler in transaction mode")
        server.add_argument("--max-databases", type=int, default=100)
        retiring = actions.add_parser("retire", help="drop a database that nobody lives in")
        retiring.add_argument("alias")
        actions.add_parser("upgrade", help="bring those that are behind up to this release")

    def handle(self, *args: Any, **options: Any) -> None:
        act = {
            "list": self._list,
            "register-server": self._register,
            "retire": self._retire,
            "upgrade": self._upgrade,
        }[options["action"]]
        try:
            act(options)
        except (DatabaseFailed, DatabaseInUse) as error:
            raise CommandError(str(error)) from error

    def _register(self, options: dict[str, Any]) -> None:
        """The address is a secret: others on the machine can read a command line."""
        prompt = "Address (postgresql://USER:PASSWORD@HOST:PORT/NAME): "
        dsn = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
        row = servers.register(
            options["name"],
            dsn.strip(),
            driver=options["driver"],
            pool_url=options["pool_url"],
            max_databases=options["max_databases"],
        )
        self.stdout.write(f"registered {row.name} for {row.driver}")

    def _retire(self, options: dict[str, Any]) -> None:
        alias = options["alias"]
        if not Database.objects.filter(pk=alias).exists():
            raise CommandError(f"There is no database {alias}.")
        providing.retire(alias)
        self.stdout.write(f"retired {alias}")

    def _upgrade(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{upgrading.upgrade_all()} schemas had something to do")
        away = [row.alias for row in upgrading.behind()]
        if away:
            raise CommandError(f"Still behind: {', '.join(away)}.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = {"servers": _servers(), "databases": _databases()}
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for kind, found in rows.items():
            self.stdout.write(f"{kind}: {len(found) or 'none'}")
            for row in found:
                told = [f"{name}={value}" for name, value in row.items() if value != ""]
                self.stdout.write(f"  {' '.join(told)}")


def _servers() -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "driver": row.driver,
            "databases": row.held,
            "max": row.max_databases,
            "open": row.is_open,
        }
        for row in Server.objects.annotate(held=Count("databases")).order_by("name")
    ]


def _databases() -> list[dict[str, Any]]:
    return [
        {
            "alias": row.alias,
            "driver": row.driver,
            "state": row.state,
            "provided": row.provided,
            "error": row.error,
        }
        for row in Database.objects.order_by("created_at", "alias")
    ]
