"""Routes of proofs, below `api/v1/isolation/`. Only a canonical UUID is an id (X47)."""

from django.urls import path

from apps.prover.api import views

urlpatterns = [
    path("proofs", views.ProofsView.as_view()),
    path("proofs/<uuid:proof_id>", views.ProofView.as_view()),
]
