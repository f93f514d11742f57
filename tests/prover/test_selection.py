"""Which Locations a proof covers, and which of them it attacks."""

from typing import Any
from uuid import uuid4

from django.db import transaction

from apps.isolation.public import Location, locations, release
from apps.prover import selection
from apps.prover.models import Proof
from tests import cast
from tests.cast import Account
from tests.prover.support import SHARED


def own(workspace: Account, count: int) -> list[Location]:
    """So many Locations of the workspace's tenants."""
    before = {one.id for one in locations()}
    for number in range(count):
        cast.tenant(workspace, f"Own {number}", isolation_level="dedicated_schema", plan="growth")
    return [one for one in locations() if one.id not in before]


def covered(workspace: Account, **more: Any) -> selection.Cover:
    given = {"turn": 0, "most": 3, **more}
    return selection.cover(workspace.id, given.pop("focus", ()), **given)


def test_shared_rows_and_the_workspaces_own_places(workspace: Account) -> None:
    [place] = own(workspace, 1)
    other = own(cast.workspace(), 1)
    found = covered(workspace)
    assert [one.schema for one in found.attacked[:2]] == [SHARED, place.schema]
    assert found.read_only == ()
    assert not set(other) & set(found.all)


def test_a_workspace_without_tenants_has_the_shared_rows_proved() -> None:
    assert covered(Account(uuid4(), "")).attacked[0].schema == SHARED


def test_what_is_not_attacked_has_its_catalogue_read(workspace: Account) -> None:
    places = own(workspace, 7)
    found = covered(workspace)
    attacked = set(found.attacked) & set(places)
    assert len(attacked) == 3
    assert places[-1] in attacked
    assert attacked | set(found.read_only) == set(places)


def test_each_comes_to_be_attacked_in_turns(workspace: Account) -> None:
    places = set(own(workspace, 7))
    seen: set[Location] = set()
    for turn in range(3):
        seen |= set(covered(workspace, turn=turn).attacked) & places
    assert seen == places


def test_a_place_in_focus_is_attacked_in_any_case(workspace: Account) -> None:
    places = own(workspace, 5)
    for turn in range(3):
        found = covered(workspace, turn=turn, most=1, focus=[places[0].id])
        assert set(found.attacked) & set(places) == {places[0]}
    found = covered(workspace, most=0, focus=[places[0].id])
    assert places[0] in found.attacked


def test_none_at_all_may_be_attacked(workspace: Account) -> None:
    places = own(workspace, 2)
    found = covered(workspace, most=0)
    assert set(found.read_only) == set(places)


def test_the_setting_bounds_it(workspace: Account, settings: Any) -> None:
    own(workspace, 3)
    settings.PROOF_LOCATIONS = 2
    assert len(covered(workspace, most=None).read_only) == 1


def test_a_focus_that_is_gone_is_no_matter(workspace: Account) -> None:
    [place] = own(workspace, 1)
    customer = next(iter(_tenants_at(place)))
    with transaction.atomic():
        release(customer)
    found = covered(workspace, focus=[place.id])
    assert place not in found.all
    assert Proof.objects.filter(workspace_id=workspace.id).count() == 0


def _tenants_at(place: Location) -> list[Any]:
    from apps.isolation.models import Placement

    return list(Placement.objects.filter(location_id=place.id).values_list("pk", flat=True))
