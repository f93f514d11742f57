"""The door of isolation: all that other apps may use."""

from apps.isolation.databases.aliases import let_go, owner_alias
from apps.isolation.errors import NoScope, ScopeConflict, UnknownTenant
from apps.isolation.levels import Level
from apps.isolation.lint import Finding
from apps.isolation.lint import findings as defects
from apps.isolation.migrating import migrate_everything
from apps.isolation.models import Move
from apps.isolation.parts import MoveBusy, NotMovable, Part, Table
from apps.isolation.parts import register as register_part
from apps.isolation.placements import Location, Placement, group, locations
from apps.isolation.placements import levels_of as level_of
from apps.isolation.placing import place, release
from apps.isolation.proofs import settled, unclaimed
from apps.isolation.roles import ensure as ensure_roles
from apps.isolation.scopes import control_fleet, database_fleet, fleet, scope

__all__ = [
    "Finding",
    "Level",
    "Location",
    "Move",
    "MoveBusy",
    "NoScope",
    "NotMovable",
    "Part",
    "Placement",
    "ScopeConflict",
    "Table",
    "UnknownTenant",
    "control_fleet",
    "database_fleet",
    "defects",
    "ensure_roles",
    "fleet",
    "group",
    "let_go",
    "level_of",
    "locations",
    "migrate_everything",
    "owner_alias",
    "place",
    "register_part",
    "release",
    "scope",
    "settled",
    "unclaimed",
]
