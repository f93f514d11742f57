"""What a caller may be told about moves, and what ends one."""

from tenlyr.core import errors


class NotAnUpgrade(errors.Refused):
    """A move goes upward; downward is a support action (X62)."""

    code = "not_an_upgrade"
    message = "A tenant moves to a higher isolation level only; this is not one."


class MoveInProgress(errors.Refused):
    """One move at a time per tenant (A22)."""

    code = "migration_in_progress"
    message = "A migration of this tenant is already in progress."


class PlacesBusy(MoveInProgress):
    """The end of an earlier move takes place now: a target or a source of it is being removed."""

    message = "What an earlier migration of this tenant left is being removed: try again later."


class NotUndoable(errors.Refused):
    """Only the newest completed move can be rolled back, and only until its source is purged."""

    code = "not_undoable"
    message = "This migration can no longer be rolled back."


class MoveNotFound(errors.NotFound):
    message = "There is no such migration."


class MoveFailed(Exception):
    """Ends a move before its flip; the message is the one public sentence on its record.

    `internal` is for operators only: what a server or a driver said, addresses and all.
    """

    def __init__(self, sentence: str, internal: str = "") -> None:
        super().__init__(sentence)
        self.internal = internal


class Superseded(Exception):
    """Another process runs this move now: stop without touching anything."""


class Paused(Exception):
    """The time of this run is over at a point where the next one goes on."""
