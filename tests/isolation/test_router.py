"""Which database a model is in, and what is migrated where."""

import pytest
from django.db import connections

from apps.isolation.public import NoScope, fleet, locations, scope
from apps.isolation.router import TenancyRouter
from apps.workspaces.models import Workspace
from tests.isolation.conftest import Cast
from tests.isolation.probe import TENANT_APP, Probe

ROUTER = TenancyRouter()


def test_the_control_plane_needs_no_scope() -> None:
    assert ROUTER.db_for_read(Workspace) is None
    assert ROUTER.db_for_write(Workspace) is None


def test_tenant_owned_models_follow_the_scope(placed: Cast) -> None:
    for ask in (ROUTER.db_for_read, ROUTER.db_for_write):
        with pytest.raises(NoScope):
            ask(Probe)
        with scope(placed.acme):
            assert ask(Probe) == "default"
        location = locations()[0]
        with fleet(location):
            assert ask(Probe) == "fleet"


@pytest.mark.parametrize("alias", ["default", "fleet"])
def test_only_the_owner_migrates(alias: str) -> None:
    assert not ROUTER.allow_migrate(alias, "workspaces")
    assert not ROUTER.allow_migrate(alias, TENANT_APP)


def test_each_app_is_migrated_in_its_own_kind_of_schema() -> None:
    owner = connections["owner"]
    assert ROUTER.allow_migrate("owner", "workspaces")
    assert not ROUTER.allow_migrate("owner", TENANT_APP)
    owner.set_schema("tenlyr_shared", include_public=False)
    try:
        assert not ROUTER.allow_migrate("owner", "workspaces")
        assert ROUTER.allow_migrate("owner", TENANT_APP)
    finally:
        owner.set_schema_to_public()
