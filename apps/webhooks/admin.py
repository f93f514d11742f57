"""Webhooks in the Django admin: endpoints and what was sent to them; secrets are never shown."""

from functools import cached_property

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.webhooks import endpoints, replaying, selectors
from apps.webhooks.models import Delivery, Endpoint
from tenlyr.core.admin import ReadOnly

MOST_COUNTED = 10_000


class Uncounted(Paginator):
    """Pages of a long log, of which no more than so many rows are counted."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list[:MOST_COUNTED])


class Operated(ReadOnly):
    """Looked at by anybody who may view it, acted on by those who may change endpoints."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may pause, resume, test and retry."""
        return request.user.has_perm("webhooks.change_endpoint")


@admin.register(Endpoint)
class EndpointAdmin(Operated):
    """Endpoints of workspaces and of tenants; they are made over the API, which shows secrets."""

    list_display = ("url", "workspace_id", "tenant_id", "status", "failing_since", "created_at")
    list_filter = ("status", "is_ordered")
    search_fields = ("id", "workspace_id", "tenant_id", "url")
    exclude = ("secret", "previous_secret")
    ordering = ("-created_at", "-id")
    actions = ("pause", "resume", "send_test")

    @admin.action(description="Pause the selected endpoints", permissions=["operate"])
    def pause(self, request: HttpRequest, rows: "QuerySet[Endpoint]") -> None:
        self._change(request, rows, Endpoint.Status.PAUSED)

    @admin.action(description="Resume the selected endpoints", permissions=["operate"])
    def resume(self, request: HttpRequest, rows: "QuerySet[Endpoint]") -> None:
        self._change(request, rows, Endpoint.Status.ENABLED)

    @admin.action(description="Send a test to the selected endpoints", permissions=["operate"])
    def send_test(self, request: HttpRequest, rows: "QuerySet[Endpoint]") -> None:
        def verb(row: Endpoint) -> None:
            replaying.send_test(workspace_id=row.workspace_id, endpoint_id=row.id)

        self.act(request, "tested", verb, rows)

    def _change(
        self, request: HttpRequest, rows: "QuerySet[Endpoint]", status: Endpoint.Status
    ) -> None:
        def verb(row: Endpoint) -> None:
            endpoints.change(workspace_id=row.workspace_id, endpoint_id=row.id, status=status)

        self.act(request, status.value, verb, rows)


@admin.register(Delivery)
class DeliveryAdmin(Operated):
    """The log: each delivery with its attempts."""

    list_display = ("type", "endpoint_id", "tenant_id", "status", "attempts", "event_at")
    list_filter = ("status", "is_test")
    search_fields = ("id", "event_id", "endpoint_id", "tenant_id")
    search_help_text = "The whole id of a delivery, an event, an endpoint or a tenant."
    ordering = ("-id",)
    paginator = Uncounted
    show_full_result_count = False
    readonly_fields = ("log",)
    actions = ("retry",)

    @admin.display(description="Attempts")
    def log(self, delivery: Delivery) -> SafeString:
        """What was sent and what came back; whatever a receiver answered is text."""
        rows = (
            (row.number, row.at, row.outcome, row.status, row.reason, row.response)
            for row in selectors.attempts_of(delivery)
        )
        return format_html_join("", "<p>#{} {} <b>{}</b> {} {}<br><code>{}</code></p>", rows)

    @admin.action(description="Send the selected deliveries again", permissions=["operate"])
    def retry(self, request: HttpRequest, rows: "QuerySet[Delivery]") -> None:
        def verb(row: Delivery) -> None:
            replaying.retry(workspace_id=row.workspace_id, delivery_id=row.id)

        self.act(request, "to be sent again", verb, rows)
