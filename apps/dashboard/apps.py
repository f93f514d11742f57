"""The top: joins the apps for people, for the dashboard and for the export."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "apps.dashboard"
    label = "dashboard"
