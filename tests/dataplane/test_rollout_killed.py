"""A schema whose release ends the process each time holds a roll-out up for a few tries only."""

import signal
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest

from apps.dataplane import applying
from apps.dataplane.models import Rollout, SchemaState
from apps.dataplane.rollout import planning, progress, running, steering
from tenlyr import env
from tests import cast
from tests.cast import Account
from tests.core.threads import until
from tests.dataplane import plane

THING = "CREATE TABLE thing (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id))"
# A worker that one schema's release is too much for.
WORKER = """
import os, signal, sys, uuid
import django
django.setup()
from apps.dataplane import applying
from apps.dataplane.rollout import running
bring = applying.bring
def too_much(schema, releases, *, using):
    if schema == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    bring(schema, releases, using=using)
applying.bring = too_much
running.run(uuid.UUID(sys.argv[1]))
"""


@pytest.fixture
def account(_database: None) -> Account:
    """An operator with six tenants whose schemas lack the second release."""
    made = cast.workspace()
    plane.release(made, THING)
    for n in range(6):
        cast.tenant(made, f"Tenant {n}", isolation_level="dedicated_schema")
    plane.release(made, "ALTER TABLE thing ADD COLUMN more int", 2)
    return made


def work(rollout: Rollout, deadly: str) -> int:
    """A worker's run, in a process of its own, and how that ended."""
    command = [sys.executable, "-c", WORKER, str(rollout.id), deadly]
    done = subprocess.run(
        command, cwd=env.BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120
    )
    # Postgres takes its time to notice that a client has left.
    until(lambda: is_over(rollout.id) or rollout.id in running.abandoned())
    return done.returncode


def is_over(rollout_id: UUID) -> bool:
    return Rollout.objects.get(pk=rollout_id).status != "rolling"


def has(account: Account) -> set[str]:
    """The schemas whose own database says that they have the release."""
    rows = SchemaState.objects.filter(workspace_id=account.id, location__isnull=False)
    return {one.schema for one in rows if applying.version_of("owner", one.schema) == 2}


def begun(account: Account, **more: Any) -> tuple[Rollout, str, set[str]]:
    """A roll-out, one schema of its largest wave, and all the others."""
    rollout = planning.start(workspace_id=account.id, version=2, parallel=2, **more)
    rows = SchemaState.objects.filter(workspace_id=account.id, location__isnull=False)
    deadly = rows.order_by("-wave", "schema")[0].schema
    return rollout, deadly, set(rows.values_list("schema", flat=True)) - {deadly}


def test_it_is_begun_a_few_times_and_then_counts_as_a_refusal(account: Account) -> None:
    rollout, deadly, others = begun(account)
    ends = [work(rollout, deadly) for _ in range(running.DEADLY_TRIES)]
    assert ends == [-signal.SIGKILL] * running.DEADLY_TRIES
    assert work(rollout, deadly) == 0
    stopped = Rollout.objects.get(pk=rollout.id)
    assert (stopped.status, stopped.error) == ("failed", f"1 refused; {deadly}: {running.DEADLY}")
    assert has(account) == others
    steering.resume(account.id, 2)
    assert running.run(rollout.id).status == "done"
    assert has(account) == {*others, deadly}


def test_the_budget_sees_it_and_the_others_of_its_batch_are_not_blamed(account: Account) -> None:
    rollout, deadly, others = begun(account, failure_budget=1)
    for _ in range(running.DEADLY_TRIES):
        work(rollout, deadly)
    done = running.run(rollout.id)
    assert (done.status, progress.of(done).failed) == ("done", 1)
    assert has(account) == others
