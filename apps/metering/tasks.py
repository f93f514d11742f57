"""Metering's scheduled work."""

from celery import shared_task

from apps.metering import partitions


@shared_task(name="metering.ensure_partitions")
def ensure_partitions() -> None:
    """Make the months that are coming (the consumer does so too)."""
    partitions.ensure_partitions()


@shared_task(name="metering.drop_expired")
def drop_expired() -> None:
    """Drop what retention no longer covers."""
    partitions.drop_expired()
