"""Usage of one tenant: counted, summed up, listed. Acts with the tenant's key."""

from typing import Optional, Sequence

from tenlyr._answers import Listing
from tenlyr._backlog import BufferOptions, OnDrop, OnError, WhenFull
from tenlyr._buffer import TrackBuffer
from tenlyr._calls import NOT_GIVEN, Maybe, NotGiven, When, is_idempotency_key
from tenlyr._enums import UsageMetric, UsageMode
from tenlyr._inputs import TrackEvent, new_id, wire_event
from tenlyr._resource import Resource, get, post
from tenlyr._types import Batch, UsageEvent, UsageMetrics, UsageSummary


class Usage(Resource):
    """Usage of one tenant: counted, summed up, listed. Acts with the tenant's key."""

    async def events(self, tenant_key: str, limit: Maybe[int] = NOT_GIVEN) -> Listing[UsageEvent]:
        """The tenant's latest events, the newest first; at most `limit` of them (100)."""
        return await self._many(UsageEvent, get("/usage/events", key=tenant_key, limit=limit))

    async def metrics(self, tenant_key: str) -> UsageMetrics:
        """Use in the present period, by metric."""
        return await self._one(UsageMetrics, get("/usage/metrics", key=tenant_key))

    async def summary(self, tenant_key: str) -> UsageSummary:
        """Use against limits, where it leads, and what it was made of."""
        return await self._one(UsageSummary, get("/usage/summary", key=tenant_key))

    async def track(
        self,
        *,
        tenant_key: str,
        metric: UsageMetric,
        value: float,
        endpoint: Maybe[Optional[str]] = NOT_GIVEN,
        status_code: Maybe[Optional[int]] = NOT_GIVEN,
        success: Maybe[Optional[bool]] = NOT_GIVEN,
        latency_ms: Maybe[Optional[float]] = NOT_GIVEN,
        timestamp: Maybe[Optional[When]] = NOT_GIVEN,
        id: Maybe[Optional[str]] = NOT_GIVEN,
        mode: Maybe[Optional[UsageMode]] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> UsageEvent:
        """Count an event; `PlanLimitExceededError` when it would pass a strict limit of the plan.

        - `value`: Whole and at least 1; storage_gb: above 0, with 6 decimals at most. With mode set
          also 0.
        - `status_code`: From 500 on the event is stored, but not billable.
        - `timestamp`: In the last 35 days, at most 5 minutes ahead; now if absent.
        - `id`: A UUID is kept, anything else becomes a UUIDv5. A second event with the same id is
          answered with the first and counts nothing. Without one it is `idempotency_key`, or new.
        - `mode`: How a gauge (storage_gb, seats) changes; others only increment.
        """
        event_id = idempotency_key or new_id() if isinstance(id, NotGiven) or id is None else id
        # An id that no header can carry still is the event's: it alone decides what counts.
        return await self._one(
            UsageEvent,
            post(
                "/usage/track",
                event_id if is_idempotency_key(event_id) else None,
                key=tenant_key,
                body={
                    "metric": metric,
                    "value": value,
                    "endpoint": endpoint,
                    "statusCode": status_code,
                    "success": success,
                    "latencyMs": latency_ms,
                    "timestamp": timestamp,
                    "id": event_id,
                    "mode": mode,
                },
            ),
        )

    async def track_batch(
        self,
        tenant_key: str,
        events: Sequence[TrackEvent],
        *,
        idempotency_key: Optional[str] = None,
    ) -> Batch:
        """Count up to 10,000 events, each for itself."""
        body = [wire_event(event) for event in events]
        return await self._one(
            Batch, post("/usage/track/batch", idempotency_key, key=tenant_key, body=body)
        )

    def buffer(
        self,
        *,
        max_events: int = 10_000,
        flush_events: int = 500,
        flush_interval_ms: float = 1000,
        when_full: WhenFull = "wait",
        on_drop: Optional[OnDrop] = None,
        on_error: Optional[OnError] = None,
    ) -> TrackBuffer:
        """A buffer for usage at volume: `track` only takes an event, batches go out behind it.

        Each event gets its id and its time when it is taken, unless it has its own: what is sent
        again, also after a time-out, is never counted twice, and always in the month in which it
        was used. Where the server does not accept that time, its own counts. What could not be sent
        stays and is tried again, without end.

        - `max_events`: how many it holds, those under way included.
        - `flush_events`, `flush_interval_ms`: a batch goes out when there are so many, or after so
          many milliseconds; it has at most so many, of one tenant.
        - `when_full`: whether `track` waits for room, or drops the event.
        - `on_drop`: called with each dropped event; without it a warning is logged.
        - `on_error`: called with each event that will not be sent again, and the error: the server
          refused it for good, or `close` ran out of time. Without it a warning is logged.

        Close it, or the client, at the end.
        """
        options = BufferOptions(
            max_events=max_events,
            flush_events=flush_events,
            flush_interval_ms=flush_interval_ms,
            when_full=when_full,
            on_drop=on_drop,
            on_error=on_error,
        )
        made = TrackBuffer(self._transport, options)
        self._transport.closing.append(made.close)
        return made
