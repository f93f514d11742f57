"""`webhooks.eventTypes`: GET /api/v1/webhooks/event-types (E1-E5)."""

from apps.webhooks.catalogue import CATALOGUE, envelope
from tenlyr.core.events import FOR_OPERATORS, EventType
from tests.cast import Api, Customer
from tests.webhooks.api.calls import PATH


def test_every_type_with_its_example(api: Api, acme: Customer) -> None:
    for key in (acme.key, acme.workspace.key):
        answer = api.get(f"{PATH}/event-types", key=key)
        assert answer.status == 200
        assert answer.body == {
            "data": [
                {
                    "type": kind.value,
                    "description": CATALOGUE[kind].when,
                    "audience": "operators" if kind in FOR_OPERATORS else "tenant",
                    "example": envelope(kind),
                }
                for kind in EventType
            ]
        }
