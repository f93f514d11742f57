"""The door of isolation: all that other apps may use."""

from apps.isolation.backups.errors import BackupFailed
from apps.isolation.backups.manifest import Manifest
from apps.isolation.backups.reading import Backup
from apps.isolation.backups.restoring import opened as open_backup
from apps.isolation.backups.restoring import restore
from apps.isolation.backups.writing import OnProgress as OnBackup
from apps.isolation.backups.writing import backup
from apps.isolation.databases import instances
from apps.isolation.databases.aliases import let_go, owner_alias
from apps.isolation.databases.database_parts import database_part
from apps.isolation.databases.errors import DatabaseFailed, DatabaseInUse
from apps.isolation.databases.upgrading import upgrade_if_behind as upgrade_database
from apps.isolation.errors import NoScope, ScopeConflict, UnknownTenant
from apps.isolation.levels import Level
from apps.isolation.lint import Finding
from apps.isolation.lint import findings as defects
from apps.isolation.migrating import migrate_everything
from apps.isolation.models import Move
from apps.isolation.moves.errors import (
    MoveInProgress,
    MoveNotFound,
    NotAnUpgrade,
    NotUndoable,
)
from apps.isolation.moves.running import OnProgress as OnMove
from apps.isolation.moves.running import run_move
from apps.isolation.moves.starting import get_move, is_restore, rollback_move, start_move
from apps.isolation.moves.stopping import clear_moves, stop_moves
from apps.isolation.moves.telling import provided_to, said, why_failed
from apps.isolation.moves.watching import is_held, is_moving, moves_of, remaining_s
from apps.isolation.parts import MoveBusy, NotMovable, Part, Table
from apps.isolation.parts import register as register_part
from apps.isolation.placements import (
    Location,
    Placement,
    dedicated,
    group,
    locations,
    residents,
    shared,
    stay,
)
from apps.isolation.placements import levels_of as level_of
from apps.isolation.placing import place, release
from apps.isolation.proofs import settled, unclaimed
from apps.isolation.roles import connect as deploy_connection
from apps.isolation.roles import ensure as ensure_roles
from apps.isolation.scopes import control_fleet, database_fleet, fleet, scope

__all__ = [
    "Backup",
    "BackupFailed",
    "DatabaseFailed",
    "DatabaseInUse",
    "Finding",
    "Level",
    "Location",
    "Manifest",
    "Move",
    "MoveBusy",
    "MoveInProgress",
    "MoveNotFound",
    "NoScope",
    "NotAnUpgrade",
    "NotMovable",
    "NotUndoable",
    "OnBackup",
    "OnMove",
    "Part",
    "Placement",
    "ScopeConflict",
    "Table",
    "UnknownTenant",
    "backup",
    "clear_moves",
    "control_fleet",
    "database_fleet",
    "database_part",
    "dedicated",
    "defects",
    "deploy_connection",
    "ensure_roles",
    "fleet",
    "get_move",
    "group",
    "instances",
    "is_held",
    "is_moving",
    "is_restore",
    "let_go",
    "level_of",
    "locations",
    "migrate_everything",
    "moves_of",
    "open_backup",
    "owner_alias",
    "place",
    "provided_to",
    "register_part",
    "release",
    "remaining_s",
    "residents",
    "restore",
    "rollback_move",
    "run_move",
    "said",
    "scope",
    "settled",
    "shared",
    "start_move",
    "stay",
    "stop_moves",
    "unclaimed",
    "upgrade_database",
    "why_failed",
]
