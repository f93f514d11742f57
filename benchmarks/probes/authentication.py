"""G5: a key that is in no cache, and the one argon2id verification that cannot be saved."""

import time
from collections.abc import Callable

from benchmarks.probes.inside import answer

# isort: split
from apps.isolation.public import Level
from apps.tenants import keys as tenant_keys
from apps.tenants import provisioning
from apps.workspaces.public import Workspace
from benchmarks.stats import median
from tenlyr.core import auth, epochs, keys, redis
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint

ADDRESS = "127.0.0.1"
WARM_UP = 5


def measure(calls: int) -> dict[str, float]:
    """Both in turns, in milliseconds."""
    epochs.read_raised(epochs.FIRST_LOOK_S)
    raw, verifier = _caller()
    cold, verify = [], []
    for _ in range(calls + WARM_UP):
        _forget(raw)
        cold.append(_timed_ms(lambda: auth.resolve(raw, ADDRESS)))
        verify.append(_timed_ms(lambda: keys.verify(verifier, raw)))
    return {"cold_ms": median(cold[WARM_UP:]), "verify_ms": median(verify[WARM_UP:])}


def _caller() -> tuple[str, str]:
    workspace = Workspace.objects.order_by("created_at").first()
    if workspace is None:
        raise LookupError("there is no workspace: was the set-up run?")
    minted = mint(Kind.TENANT)
    provisioning.provision(
        workspace_id=workspace.id,
        name="Cold",
        owner_email="cold@bench.example",
        minted=minted,
        level=Level.SHARED_SCHEMA,
    )
    found = tenant_keys.load(minted.digest)
    if found is None:
        raise LookupError("the new tenant's key is not in Postgres")
    return minted.raw, found.verifier


def _forget(raw: str) -> None:
    auth.forget_everything()
    redis.client().delete(redis.principal(keys.digest(raw)))


def _timed_ms(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    answer(measure)
