"""Routes of alerts and their channels, below `api/v1/`. Only a canonical UUID is an id (X47)."""

from django.urls import include, path

from apps.health.api import alerts, alerts_channels

CHANNEL = [
    path("", alerts_channels.OneChannelView.as_view()),
    path("/test", alerts_channels.TestView.as_view()),
    path("/messages", alerts_channels.MessagesView.as_view()),
]
urlpatterns = [
    path("alerts", alerts.AlertsView.as_view()),
    path("alerts/unresolved", alerts.UnresolvedView.as_view()),
    path("alerts/resolve-all", alerts.ResolveAllView.as_view()),
    path("alerts/channels", alerts_channels.ChannelsView.as_view()),
    path("alerts/channels/<uuid:channel_id>", include(CHANNEL)),
    path("alerts/<uuid:alert_id>", alerts.OneAlertView.as_view()),
    path("alerts/<uuid:alert_id>/resolve", alerts.ResolveView.as_view()),
]
