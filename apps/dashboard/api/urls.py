"""Routes below `api/v1/tenants/`: `dashboard` is no UUID, so no id can hide it (X47)."""

from django.urls import path

from apps.dashboard.api import views

urlpatterns = [
    path("dashboard", views.DashboardView.as_view()),
    path("<uuid:tenant_id>/export", views.ExportView.as_view()),
]
