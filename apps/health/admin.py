"""Alerts and channels in the Django admin: to read, and to resolve."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.health import alerting
from apps.health.models import Alert, Channel, Message
from tenlyr.core.admin import ReadOnly


@admin.register(Alert)
class AlertAdmin(ReadOnly):
    """Alerts; resolving goes through the verb of the API."""

    list_display = ("title", "severity", "type", "tenant_id", "count", "status", "created_at")
    list_filter = ("status", "severity")
    search_fields = ("id", "tenant_id", "workspace_id", "type", "title")
    ordering = ("-created_at", "-id")
    actions = ("resolve",)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may resolve: operators with the right to change alerts."""
        return request.user.has_perm("health.change_alert")

    @admin.action(description="Resolve the selected alerts", permissions=["operate"])
    def resolve(self, request: HttpRequest, rows: "QuerySet[Alert]") -> None:
        def verb(alert: Alert) -> None:
            alerting.resolve(workspace_id=alert.workspace_id, alert_id=alert.id)

        self.act(request, "resolved", verb, rows)


@admin.register(Channel)
class ChannelAdmin(ReadOnly):
    """Channels, without what is secret of them."""

    list_display = ("shown", "kind", "workspace_id", "min_severity", "is_enabled", "last_error")
    list_filter = ("kind", "is_enabled")
    search_fields = ("id", "workspace_id", "shown")
    exclude = ("sealed",)


@admin.register(Message)
class MessageAdmin(ReadOnly):
    """What channels were sent."""

    list_display = ("id", "channel", "status", "attempts", "error", "created_at", "finished_at")
    list_filter = ("status", "is_test")
    list_select_related = ("channel",)
    ordering = ("-created_at", "-id")
