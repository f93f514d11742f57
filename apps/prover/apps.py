"""The prover: attacks the installation itself, and keeps the signed result."""

from django.apps import AppConfig


class ProverConfig(AppConfig):
    name = "apps.prover"
    label = "prover"

    def ready(self) -> None:
        from apps.prover import operators, requesting, targets
        from tenlyr.core import events

        targets.register(operators.OperatorTables())
        events.subscribe(requesting.after_move)
