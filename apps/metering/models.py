"""The control plane of metering: how far each shard is stored, and what could not be."""

from django.db import models
from django.db.models.functions import Now


class Shard(models.Model):
    """One of the 64 streams. Whoever stores its events holds this row's lock, so that each
    counts once.

    `last_ms`-`last_seq` is the last stream entry of `epoch` that is stored; entries up to it
    are replays. `corrections` are changes to counters that this entry's batch still owes to
    Redis. While the database of a Location is away, `waits_for` names it, and
    `waits_ms`-`waits_seq` is the entry that nobody may pass.
    """

    shard = models.PositiveSmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField(db_default=1)
    last_ms = models.BigIntegerField(db_default=0)
    last_seq = models.BigIntegerField(db_default=0)
    corrections = models.JSONField(default=list)
    waits_for = models.TextField(blank=True, db_default="")
    waits_ms = models.BigIntegerField(db_default=0)
    waits_seq = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "metering_shard"

    def __str__(self) -> str:
        return f"shard {self.shard}: epoch {self.epoch}, stored to {self.last_ms}-{self.last_seq}"


class DeadLetter(models.Model):
    """A stream entry that Postgres refuses, kept for a person to look at (F15)."""

    shard = models.PositiveSmallIntegerField()
    entry = models.CharField(max_length=41)
    tenant_id = models.UUIDField(null=True, db_index=True)
    payload = models.BinaryField()
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "metering_dead_letter"
        constraints = [
            models.UniqueConstraint(fields=["shard", "entry"], name="metering_dead_letter_once")
        ]

    def __str__(self) -> str:
        return f"{self.shard}/{self.entry}: {self.reason}"
