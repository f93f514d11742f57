"""The door of the data plane: all that other apps may use."""

from apps.dataplane.applying import DdlFailed as DdlFailed
from apps.dataplane.applying import apply as apply
from apps.dataplane.applying import version_of as version_of
from apps.dataplane.connecting import Connection as Connection
from apps.dataplane.connecting import of as connection_of
from apps.dataplane.inspecting import Found as Found
from apps.dataplane.logins import Made as Made
from apps.dataplane.logins import end as end_credential
from apps.dataplane.logins import live as live_credentials
from apps.dataplane.logins import make as make_credential
from apps.dataplane.models import Plane as Plane
from apps.dataplane.models import Release as Release
from apps.dataplane.models import SchemaState as SchemaState
from apps.dataplane.places import Home as Home
from apps.dataplane.places import furnish as furnish
from apps.dataplane.places import home_of as home_of
from apps.dataplane.releasing import publish as publish
from apps.dataplane.selectors import due as due
from apps.dataplane.selectors import schemas as schemas
from apps.dataplane.selectors import tables as tables

__all__ = [
    "Connection",
    "DdlFailed",
    "Found",
    "Home",
    "Made",
    "Plane",
    "Release",
    "SchemaState",
    "apply",
    "connection_of",
    "due",
    "end_credential",
    "furnish",
    "home_of",
    "live_credentials",
    "make_credential",
    "publish",
    "schemas",
    "tables",
    "version_of",
]
