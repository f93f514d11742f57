"""The prover's tasks: thin, by name, and on the beat."""

from typing import Any

from apps.prover import tasks
from apps.prover.models import Cause, Proof, Status
from tenlyr.celery import app
from tenlyr.core import clock, ids
from tests.cast import Account


def test_all_are_on_the_beat_under_their_names() -> None:
    named = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {"prover.prove", "prover.nightly"} <= named
    app.loader.import_default_modules()
    assert {"prover.prove", "prover.nightly", "prover.attack"} <= set(app.tasks)


def test_a_night(workspace: Account) -> None:
    assert tasks.nightly.apply().get() >= 1
    others = Proof.objects.filter(finished_at=None).exclude(workspace_id=workspace.id)
    others.update(status=Status.BROKEN, finished_at=clock.now())
    assert tasks.prove.apply().get() == 1
    [proof] = Proof.objects.filter(workspace_id=workspace.id)
    assert (proof.cause, proof.status) == (Cause.NIGHTLY, Status.PASSED)


def test_an_attack_as_a_task_needs_a_tenant_that_is_somewhere() -> None:
    prey: dict[str, Any] = {}
    failed = tasks.attack.apply(args=[str(ids.uuid7()), prey])
    assert failed.failed()
