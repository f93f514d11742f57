"""Routes below `api/v1/usage/`; the first two are the lane's in a web process (architecture §5)."""

from django.urls import path

from apps.metering.api import views

urlpatterns = [
    path("track", views.TrackView.as_view()),
    path("track/batch", views.TrackBatchView.as_view()),
    path("metrics", views.MetricsView.as_view()),
    path("summary", views.SummaryView.as_view()),
    path("events", views.EventsView.as_view()),
]
