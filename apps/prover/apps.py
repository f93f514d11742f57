"""The prover: attacks the installation itself, and keeps the signed result."""

from django.apps import AppConfig


class ProverConfig(AppConfig):
    name = "apps.prover"
    label = "prover"

    def ready(self) -> None:
        from apps.prover import requesting
        from tenlyr.core import events

        events.subscribe(requesting.after_move)
