"""Routes below `api/v1/health`: `overview` is no UUID, so no id can hide it (X47)."""

from django.urls import path

from apps.health.api import views

urlpatterns = [
    path("", views.HealthsView.as_view()),
    path("/overview", views.OverviewView.as_view()),
    path("/<uuid:tenant_id>", views.HealthView.as_view()),
    path("/<uuid:tenant_id>/throttle", views.ThrottleView.as_view()),
]
