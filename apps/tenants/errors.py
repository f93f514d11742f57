"""What a caller can meet when it provisions or changes tenants."""

from tenlyr.core.errors import Conflict, Forbidden, NotFound, Refused


class TenantNotFound(NotFound):
    """Unknown, deleted, or another workspace's: the caller cannot tell which (T30)."""

    message = "Tenant not found"  # as the documents spell it (A8)


class TenantNotMovable(Refused):
    """A pending tenant has nothing to move, and nothing of a terminated one changes (X62)."""

    code = "tenant_not_movable"
    message = "Only an active or suspended tenant can be moved."


class MoveNotStoppable(Refused):
    code = "migration_not_stoppable"
    message = "The migration has ended, or the tenant is at its new level already."


class EmailTaken(Conflict):
    """A tenant of this workspace has the address (D4, X39). Details: existing_tenant_id."""

    code, message = "email_taken", "A tenant with this ownerEmail exists."


class WorkspaceLimitExceeded(Forbidden):
    """The workspace's own plan allows no further tenant (X13). Details: limit."""

    code = "workspace_limit_exceeded"
    message = "The workspace's plan allows no further tenant."


class LevelNotInPlan(Forbidden):
    """The tenant's plan has an upper bound on isolation (X59). Details: plan, max_level."""

    code = "isolation_level_not_in_plan"
    message = "The tenant's plan does not allow this level of isolation."


class AlreadySuspended(Refused):
    code, message = "already_suspended", "The tenant is suspended already."


class AlreadyTerminated(Refused):
    code, message = "already_terminated", "The tenant is terminated: nothing of it can change."


class NotSuspended(Refused):
    code, message = "not_suspended", "Only a suspended tenant can be reactivated."


class NotActive(Refused):
    code, message = "not_active", "Only an active tenant can be suspended."


class BrokenCatalogue(Exception):
    """A plan's stored limits cannot be read; they are checked before they are stored."""
