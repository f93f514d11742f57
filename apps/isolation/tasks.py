"""Background work of isolation."""

from celery import shared_task

from apps.isolation import placing


@shared_task(name="isolation.refill")
def refill() -> int:
    """Keep the pool of warm schemas full."""
    return placing.refill()
