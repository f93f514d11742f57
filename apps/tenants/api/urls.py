"""Routes of tenants, below `api/v1/`. Only a canonical UUID is an id (X47)."""

from django.urls import include, path

from apps.tenants.api import views

ONE = [
    path("", views.TenantView.as_view()),
    path("/suspend", views.SuspendView.as_view()),
    path("/reactivate", views.ReactivateView.as_view()),
    path("/terminate", views.TerminateView.as_view()),
    path("/rotate-key", views.RotateKeyView.as_view()),
    path("/plan", views.PlanView.as_view()),
]
urlpatterns = [
    path("tenants", views.TenantsView.as_view()),
    path("tenants/<uuid:tenant_id>", include(ONE)),
]
