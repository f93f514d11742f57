"""The door of isolation: all that other apps may use."""

from apps.isolation.errors import NoScope as NoScope
from apps.isolation.errors import ScopeConflict as ScopeConflict
from apps.isolation.errors import UnknownTenant as UnknownTenant
from apps.isolation.levels import Level as Level
from apps.isolation.migrating import migrate_everything as migrate_everything
from apps.isolation.placements import Location as Location
from apps.isolation.placements import Placement as Placement
from apps.isolation.placements import group as group
from apps.isolation.placements import levels_of as level_of
from apps.isolation.placements import locations as locations
from apps.isolation.placing import place as place
from apps.isolation.placing import release as release
from apps.isolation.roles import ensure as ensure_roles
from apps.isolation.scopes import control_fleet as control_fleet
from apps.isolation.scopes import fleet as fleet
from apps.isolation.scopes import scope as scope
