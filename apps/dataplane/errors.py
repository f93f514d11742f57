"""What a caller can meet on the data plane."""

from apps.dataplane.ddl.statements import Refusal
from tenlyr.core.errors import Conflict, InvalidRequest, NotFound, Refused, Unavailable


class DdlRefused(InvalidRequest):
    """A release cannot be taken; details: statement and line, each from 1, where they are known."""

    def __init__(self, refusal: Refusal, internal: str = "") -> None:
        entry = {"field": "sql", "code": refusal.code, "message": refusal.text}
        super().__init__([entry])
        self.public, self.internal = refusal.text, internal
        if refusal.statement:
            self.details |= {"statement": refusal.statement, "line": refusal.line}


class ReleaseNotFound(NotFound):
    message = "Release not found"


class CredentialNotFound(NotFound):
    message = "Credential not found"


class VersionTaken(Conflict):
    """Details: current_version."""

    code = "version_taken"
    message = "A release's version must be higher than that of every release before it."


class TenantsMoving(Conflict):
    code = "migration_in_progress"
    message = "A tenant of the workspace is moving: release again when the move is over."


class TablesBusy(Unavailable):
    code = "tables_busy"
    message = "The tables are in use: a lock was not had, or the change took too long. Try again."


class NoDataPlane(Refused):
    code = "no_data_plane"
    message = "The workspace has released no tables yet: POST /api/v1/dataplane/releases."


class NotThereYet(NoDataPlane):
    """The workspace has tables, and the tenant's own schema not yet."""

    message = (
        "The workspace's tables are not in this tenant's own schema yet: roll them out with an"
        " admin key, POST /api/v1/dataplane/releases/:version/rollout."
    )


class TooManyCredentials(Refused):
    """Details: limit."""

    code = "too_many_credentials"
    message = "The tenant has as many live credentials as it may have: end one first."


class TenantBlocked(Refused):
    code = "tenant_not_active"
    message = "Only an active tenant gets a credential."


class RolloutNotFound(NotFound):
    message = "Roll-out not found"


class RolloutRunning(Conflict):
    """Details: version."""

    code = "rollout_running"
    message = "Another roll-out of the workspace is not finished: let it finish, or end it."


class NotSteerable(Refused):
    """Details: status."""

    code = "rollout_not_steerable"
    message = "The roll-out's status does not allow that."
