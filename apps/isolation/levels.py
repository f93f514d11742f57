"""The three levels of isolation (A19), from shared rows to a database of one's own."""

from enum import StrEnum


class Level(StrEnum):
    """How far a tenant's rows are from those of others; the order is upward."""

    SHARED_SCHEMA = "shared_schema"
    DEDICATED_SCHEMA = "dedicated_schema"
    DEDICATED_DATABASE = "dedicated_database"
