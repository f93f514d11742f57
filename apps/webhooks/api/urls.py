"""Routes of webhooks, below `api/v1/webhooks/`. Only a canonical UUID is an id (X47)."""

from django.urls import include, path

from apps.webhooks.api import delivery_views, views

ONE = [
    path("", views.OneEndpointView.as_view()),
    path("/pause", views.PauseView.as_view()),
    path("/resume", views.ResumeView.as_view()),
    path("/rotate-secret", views.RotateSecretView.as_view()),
    path("/test", views.TestView.as_view()),
]
urlpatterns = [
    path("endpoints", views.EndpointsView.as_view()),
    path("endpoints/<uuid:endpoint_id>", include(ONE)),
    path("deliveries", delivery_views.DeliveriesView.as_view()),
    path("deliveries/<uuid:delivery_id>", delivery_views.DeliveryView.as_view()),
    path("deliveries/<uuid:delivery_id>/retry", delivery_views.RetryView.as_view()),
    path("replay", delivery_views.ReplayView.as_view()),
    path("event-types", views.EventTypesView.as_view()),
]
