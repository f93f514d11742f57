"""Routes of the data plane, below `api/v1/`."""

from django.urls import path

from apps.dataplane.api import rollout_views, views

urlpatterns = [
    path("isolation/connection", views.ConnectionView.as_view()),
    path("isolation/connection/credentials", views.CredentialsView.as_view()),
    path("isolation/connection/credentials/<uuid:credential_id>", views.CredentialView.as_view()),
    path("dataplane/releases", views.ReleasesView.as_view()),
    path("dataplane/releases/<int:version>", views.ReleaseView.as_view()),
    path("dataplane/releases/<int:version>/rollout", rollout_views.RolloutView.as_view()),
    path("dataplane/releases/<int:version>/rollout/pause", rollout_views.PauseView.as_view()),
    path("dataplane/releases/<int:version>/rollout/resume", rollout_views.ResumeView.as_view()),
    path("dataplane/releases/<int:version>/rollout/end", rollout_views.EndView.as_view()),
    path("dataplane/drift", rollout_views.DriftView.as_view()),
]
