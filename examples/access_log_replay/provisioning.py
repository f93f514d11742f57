"""One tenant per client network: made, or found again and given a new key."""

import uuid
from dataclasses import dataclass

from .networks import owner_email
from .transport import Answer, Api

_TENANTS = "/api/v1/tenants"


class ProvisioningFailed(Exception):
    """The network has no tenant to replay into; the text says why."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A network's tenant. ``was_there`` means that its earlier key was replaced by this one."""

    network: str
    id: str
    plan: str
    api_key: str
    was_there: bool


def provision(api: Api, admin_key: str, *, network: str, plan: str) -> Tenant:
    """Provision the network's tenant. Raises ProvisioningFailed, Unreachable, Stopped.

    A key is shown once, so a tenant of an earlier run is given a new one, which ends its old one.
    Its plan stays as it is: changing it is the operator's decision.
    """
    body = {"name": f"Network {network}", "ownerEmail": owner_email(network), "plan": plan}
    answer = api.post(_TENANTS, body, key=admin_key, request_id=str(uuid.uuid4()))
    existing_id = answer.body.get("existingTenantId") if answer.status == 409 else None
    if existing_id is not None:
        path = f"{_TENANTS}/{existing_id}/rotate-key"
        answer = api.post(path, {}, key=admin_key, request_id=str(uuid.uuid4()))
    return _tenant(answer, network=network, was_there=existing_id is not None)


def _tenant(answer: Answer, *, network: str, was_there: bool) -> Tenant:
    if answer.status not in (200, 201):
        verb = "new key" if was_there else "tenant"
        raise ProvisioningFailed(f"no {verb}: {answer.problem}")
    made = answer.body["tenant"]
    return Tenant(
        network=network,
        id=made["id"],
        plan=made["plan"],
        api_key=answer.body["apiKey"],
        was_there=was_there,
    )
