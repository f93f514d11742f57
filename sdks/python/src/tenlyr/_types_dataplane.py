"""Answers about the data plane: releases of your own tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import List, Optional

from tenlyr._answers import Answer
from tenlyr._enums import ReleaseStatus, RolloutStatus

__all__ = ["Column", "Table", "Release", "ReleasePage", "Failure", "Rollout", "Drifted", "Drift"]


@dataclass(frozen=True)
class Column(Answer):
    """A column of an operator's table."""

    name: str
    type: str
    is_nullable: bool


@dataclass(frozen=True)
class Table(Answer):
    """An operator's table; `key` finds a row again when it moves."""

    name: str
    key: List[str]
    columns: List[Column]
    references: List[str]


@dataclass(frozen=True)
class Release(Answer):
    """A version of the workspace's tables, as they are once it is applied."""

    id: str
    version: int
    checksum: str
    """SHA-256 over its statements, in hex."""
    status: ReleaseStatus
    statements: List[str]
    tables: List[Table]
    created_at: datetime


@dataclass(frozen=True)
class ReleasePage(Answer):
    """A page of releases, the newest first."""

    data: List[Release]
    next_cursor: Optional[str]
    """None on the last page."""


@dataclass(frozen=True)
class Failure(Answer):
    """A schema that refused, and why."""

    schema: str
    error: str


@dataclass(frozen=True)
class Rollout(Answer):
    """A version's way to every schema that lacked it."""

    id: str
    version: int
    status: RolloutStatus
    wave: int
    """The wave at hand, from 1."""
    waves: int
    total: int
    """Schemas that were behind when it began."""
    done: int
    failed: int
    failure_budget: int
    failures: List[Failure]
    """The first 20."""
    rate_per_second: Optional[float]
    estimated_seconds_left: Optional[int]
    error: Optional[str]
    started_at: datetime
    finished_at: Optional[datetime]


@dataclass(frozen=True)
class Drifted(Answer):
    """A schema that differs from its release."""

    schema: str
    missing: List[str]
    added: List[str]


@dataclass(frozen=True)
class Drift(Answer):
    """Every schema of the workspace beside the shared one, which has the current release."""

    version: int
    """The current release; 0 without one."""
    is_clean: bool
    checked: int
    behind: int
    """Schemas with an older release: not compared."""
    unreachable: List[str]
    drifted: List[Drifted]
    """The first 50."""
    drifted_total: int
