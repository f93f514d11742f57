"""The kernel's own background work."""

from celery import shared_task

from tenlyr.core import idempotency


@shared_task(name="core.forget_idempotency")
def forget_idempotency() -> int:
    """Forget old idempotency records, and the secrets in younger ones (X23)."""
    return idempotency.forget_old()
