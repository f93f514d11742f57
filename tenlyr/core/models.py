"""The kernel's own tables."""

from django.db import models
from django.db.models.functions import Now


class AuthEpoch(models.Model):
    """The generation of a tenant's or workspace's keys, status and limits (X6).

    Raised in every transaction that changes one of them; each web process reads the recent rows
    twice a second and drops what it cached under a lower epoch.
    """

    subject = models.UUIDField(primary_key=True)
    epoch = models.BigIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.subject} {self.epoch}"


class IdempotencyRecord(models.Model):
    """The answer to a POST that carried an Idempotency-Key, kept for 24 h (X23).

    `scope` is the SHA-256 of workspace, principal, route and key; `answer` is sealed under a key
    that mixes in the client's Idempotency-Key, so that a dump of this table opens nothing.
    """

    scope = models.BinaryField(primary_key=True, max_length=32)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    answer = models.BinaryField()
    holds_secret = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.status} at {self.created_at}"


class JobRun(models.Model):
    """That a scheduled job's work of a period was done (R8): two clocks that call do it once."""

    pk = models.CompositePrimaryKey("job", "period")
    job = models.CharField(max_length=64)
    period = models.DateTimeField()
    started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.job} of {self.period}"
