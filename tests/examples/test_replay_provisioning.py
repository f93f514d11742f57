"""A network's tenant: made, found again, or not to be had."""

import pytest
from access_log_replay.provisioning import ProvisioningFailed, Tenant, provision
from access_log_replay.transport import Api

from tests.examples.scripted_server import Script, ScriptedServer

NETWORK = "203.0.0.0/8"
MADE = {"tenant": {"id": "t-1", "plan": "growth"}, "apiKey": "secret"}


def provisioned(scripted: ScriptedServer, *scripts: Script) -> Tenant:
    scripted.scripts = list(scripts)
    with Api(scripted.url, pause=lambda _: None) as api:
        return provision(api, "admin", network=NETWORK, plan="growth")


class TestProvision:
    def test_a_new_network_gets_a_tenant(self, scripted: ScriptedServer) -> None:
        tenant = provisioned(scripted, Script(201, MADE))
        assert tenant == Tenant(NETWORK, "t-1", "growth", "secret", was_there=False)
        (request,) = scripted.requests
        assert (request.path, request.headers["authorization"]) == (
            "/api/v1/tenants",
            "Bearer admin",
        )
        assert request.body == {
            "name": "Network 203.0.0.0/8",
            "ownerEmail": "203.0.0.0-8@access-log.example.com",
            "plan": "growth",
        }

    def test_a_known_network_gets_a_new_key(self, scripted: ScriptedServer) -> None:
        taken = Script(409, {"existingTenantId": "t-1"})
        tenant = provisioned(scripted, taken, Script(200, MADE))
        assert tenant == Tenant(NETWORK, "t-1", "growth", "secret", was_there=True)
        create, rotate = scripted.requests
        assert rotate.path == "/api/v1/tenants/t-1/rotate-key"
        assert create.headers["idempotency-key"] != rotate.headers["idempotency-key"]

    def test_a_lost_answer_is_asked_for_under_the_same_key(self, scripted: ScriptedServer) -> None:
        provisioned(scripted, Script(hangs_up=True), Script(409), Script(201, MADE))
        assert len({request.headers["idempotency-key"] for request in scripted.requests}) == 1

    @pytest.mark.parametrize(
        ("scripts", "reason"),
        [
            ([Script(403, {"code": "workspace_limit_exceeded"})], "no tenant: 403 workspace_limit"),
            ([Script(409, {"existingTenantId": "t"}), Script(400, {"message": "gone"})], "no new"),
        ],
    )
    def test_a_refusal_is_named(
        self, scripted: ScriptedServer, scripts: list[Script], reason: str
    ) -> None:
        with pytest.raises(ProvisioningFailed, match=reason):
            provisioned(scripted, *scripts)
