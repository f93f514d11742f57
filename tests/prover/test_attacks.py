"""The attacks are real: each that would succeed is told, by every way that leads there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from apps.isolation.operations import CONTEXT
from apps.isolation.public import Location, locations
from apps.prover import attacks, decoys, paths
from apps.prover.attacks import Outcome
from apps.prover.paths import Tally
from tenlyr.core import ids
from tests.isolation.probe import TABLE, rows_of
from tests.prover.support import SHARED, nothing_left, planted

PROBE = f"{SHARED}.{TABLE}"
EVERY = set(attacks.ACTS)
READS = {"read", "readAnybody", "sideChannel"}
OWN = f"(tenant_id = {CONTEXT})"


def shared() -> Location:
    return next(one for one in locations() if one.schema == SHARED)


@pytest.fixture(autouse=True)
def _clean(writable: str) -> Iterator[None]:
    """Every test leaves the table empty."""
    yield
    assert rows_of(SHARED) == {}
    assert nothing_left()


def through(*ways: Any) -> dict[str, set[str]]:
    """The acts on the probe that got through, by path; each act was made."""
    tally = Tally("here")
    with decoys.planted(shared(), ids.uuid7()) as scene:
        for way in ways:
            way(scene, tally)
    found = {}
    for line in tally.lines:
        if line["table"] == PROBE:
            assert not [said for said in line["acts"].values() if said.startswith("unproven")]
            found[line["path"]] = {
                act for act, said in line["acts"].items() if said.startswith("succeeded")
            }
    return found


def policies(using: str, check: str) -> str:
    """Both policies of the app's role, with other texts."""
    return ";;".join(
        f"ALTER POLICY {name} ON {PROBE} USING ({using}) WITH CHECK ({check})"
        for name in ("tenant_rw", "tenant_fence")
    )


def test_whole_fences_hold_on_every_way() -> None:
    ways = (paths.in_scope, paths.outside, paths.as_others, paths.pooled, paths.in_task)
    found = through(*ways)
    assert set(found) == {"scope", "outside", "role", "pooled", "task"}
    assert not any(found.values())


def test_with_the_fence_off_every_act_gets_through() -> None:
    off = f"ALTER TABLE {PROBE} DISABLE ROW LEVEL SECURITY"
    with planted(off, off.replace("DISABLE", "ENABLE")):
        found = through(paths.in_scope, paths.in_task, paths.outside, paths.pooled, paths.as_others)
    assert found["scope"] == found["task"] == EVERY
    # A stranger has no row of its own that it could make another's.
    assert found["outside"] == EVERY - {"write"}
    assert found["pooled"] == {"takeTurns"}
    assert found["role"] == {"row_security = off"}


@pytest.mark.parametrize(
    ("using", "check", "acts"),
    [
        ("true", "true", EVERY),
        ("true", OWN, {"read", "readAnybody", "sideChannel", "update", "delete"}),
        (OWN, "true", {"insert"}),
        (f"{OWN} OR note LIKE 'decoy%'", OWN, READS | {"update", "delete"}),
    ],
    ids=["open", "open to reading", "open to inserting", "an OR"],
)
def test_with_an_open_policy_its_acts_get_through(using: str, check: str, acts: set[str]) -> None:
    with planted(policies(using, check), policies(OWN, OWN)):
        assert through(paths.in_scope)["scope"] == acts


@pytest.mark.parametrize(
    ("rights", "said"),
    [("", "succeeded (1 rows)"), ("WITH (security_invoker=true)", "nothing (0 rows)")],
    ids=["its owner's", "the caller's"],
)
def test_what_a_view_shows_depends_on_whose_rights_it_has(rights: str, said: str) -> None:
    view = f"CREATE VIEW public.notes {rights} AS SELECT upper(note) AS shout, note FROM {PROBE}"
    grant = "GRANT SELECT ON public.notes TO tenlyr_app"
    tally = Tally("here")
    with (
        planted(f"{view};;{grant}", "DROP VIEW public.notes"),
        decoys.planted(shared(), ids.uuid7()) as scene,
    ):
        paths.in_scope(scene, tally)
    [views] = [line["acts"] for line in tally.lines if line["table"] == "*"]
    assert views == {"view public.notes": said}


def test_an_attacker_that_does_not_see_itself_proves_nothing() -> None:
    with planted(policies("false", "false"), policies(OWN, OWN)):
        tally = Tally("here")
        with decoys.planted(shared(), ids.uuid7()) as scene:
            paths.in_scope(scene, tally)
            paths.pooled(scene, tally)
    said = {
        act: said
        for line in tally.lines
        if line["table"] == PROBE
        for act, said in line["acts"].items()
    }
    assert said["read"].startswith("unproven (own row not seen")
    assert said["takeTurns"].startswith("unproven")
    assert said["insert"].startswith("refused")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("42501", Outcome.REFUSED),
        ("40001", Outcome.REFUSED),
        ("28000", Outcome.REFUSED),
        ("23505", Outcome.SUCCEEDED),
        ("23503", Outcome.SUCCEEDED),
        ("22012", Outcome.SUCCEEDED),
        ("55P03", Outcome.UNPROVEN),
        ("57014", Outcome.UNPROVEN),
        ("42P01", Outcome.UNPROVEN),
        ("", Outcome.UNPROVEN),
    ],
)
def test_what_an_error_says_of_an_attack(state: str, outcome: Outcome) -> None:
    assert attacks.verdict(state)[0] is outcome


def test_the_state_is_found_behind_djangos_error() -> None:
    error = DatabaseError("x")
    assert attacks.state_of(error) == ""
    cause: Any = Exception("y")
    cause.sqlstate = "42501"
    error.__cause__ = cause
    assert attacks.state_of(error) == "42501"
