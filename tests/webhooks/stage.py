"""A workspace with endpoints, events for them, and a pump that runs until nothing is due."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from apps.webhooks import endpoints, fanning, pumping
from apps.webhooks.models import Attempt, Delivery, Endpoint, OutboxEvent
from tenlyr.core import events
from tenlyr.core.events import EventType
from tests.cast import Account
from tests.webhooks.receiving import Answer, Receiver, Receivers, ok

# Far more than any test needs: no test ends because of it.
BUDGET_S = 100.0


class Stage:
    """Events here are of any tenants: delivery asks for none."""

    def __init__(self, account: Account, receivers: Receivers) -> None:
        self.id, self._receivers = account.id, receivers
        # What other tests left behind is not sent in this one.
        while fanning.fan_out() != (0, 0):
            pass
        Delivery.objects.filter(status="pending").update(status="cancelled", next_at=None)

    def listen(self, answer: Answer = ok, **more: Any) -> tuple[Endpoint, Receiver]:
        """A receiver and its endpoint."""
        receiver = self._receivers.add(answer)
        endpoint, _ = endpoints.create(workspace_id=self.id, url=receiver.url, **more)
        return endpoint, receiver

    def emit(self, count: int = 1, tenant_id: UUID | None = None, **data: Any) -> list[str]:
        """Events of one tenant, in one transaction; their ids."""
        of = tenant_id or uuid4()
        with transaction.atomic():
            return [
                events.emit(
                    EventType.TENANT_SUSPENDED,
                    workspace_id=self.id,
                    tenant_id=of,
                    data={"tenantId": str(of), "number": number, **data},
                ).id
                for number in range(count)
            ]

    def pump(self) -> int:
        """Send what is due; answers how many POSTs that took."""
        return pumping.pump(BUDGET_S, stays=False)

    def pass_time(self, length: timedelta) -> None:
        """Let so much time go by, as far as deliveries and endpoints can tell."""
        Delivery.objects.filter(workspace_id=self.id).update(
            next_at=F("next_at") - length, first_at=F("first_at") - length
        )
        Endpoint.objects.filter(workspace_id=self.id).update(
            failing_since=F("failing_since") - length, previous_until=F("previous_until") - length
        )

    def deliveries(self, **which: Any) -> Any:
        """Deliveries of this workspace."""
        return Delivery.objects.filter(workspace_id=self.id, **which)

    def attempts(self, **which: Any) -> Any:
        """Attempts of deliveries of this workspace, in their order."""
        ids = list(self.deliveries().values_list("id", flat=True))
        return Attempt.objects.filter(delivery_id__in=ids, **which).order_by("at", "number")

    def told(self, kind: EventType) -> list[Any]:
        """The data of the events of one type."""
        rows = OutboxEvent.objects.filter(workspace_id=self.id, type=kind).order_by("seq")
        return list(rows.values_list("data", flat=True))

    def clear(self) -> None:
        """Leave nothing that a pump of another test would send."""
        Endpoint.objects.filter(workspace_id=self.id).delete()
        Delivery.objects.filter(workspace_id=self.id).delete()
