"""Routes of tenants and of their moves, below `api/v1/`. Only a canonical UUID is an id (X47)."""

from django.urls import include, path

from apps.tenants.api import billing, moves, ratelimit, views

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
    path("billing", billing.BillingView.as_view()),
    path("billing/portal", billing.PortalView.as_view()),
    path("ratelimit/check", ratelimit.CheckView.as_view()),
    path("isolation/migrate", moves.MigrateView.as_view()),
    path("isolation/migrations", moves.MigrationsView.as_view()),
    path("isolation/migrations/<uuid:migration_id>", moves.MigrationView.as_view()),
    path("isolation/migrations/<uuid:migration_id>/rollback", moves.RollbackView.as_view()),
]
