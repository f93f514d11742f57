"""What changed between two reports."""

import copy
from typing import Any

from apps.prover.comparing import Change, changes

SHARED, OWN = "default/tenlyr_shared", "default/t_1"


def table(**more: Any) -> dict[str, Any]:
    return {"rls": True, "grants": ["tenlyr_app: SELECT"], "policies": {}, **more}


REPORT: dict[str, Any] = {
    "id": "1",
    "startedAt": "2026-11-21T02:23:00.000Z",
    "scope": {"attacked": [SHARED, OWN], "catalogueOnly": ["default/t_2"], "notReached": {}},
    "findings": [],
    "attacks": [
        {"location": SHARED, "table": "t", "path": "scope", "acts": {"read": "nothing (0 rows)"}},
        {"location": OWN, "table": "t", "path": "scope", "acts": {"read": "nothing (0 rows)"}},
    ],
    "catalogue": {
        "databases": {"default": {"roles": {"tenlyr_app": "LOGIN"}, "grants": ["a", "b"]}},
        "schemas": {SHARED: "x", OWN: "x"},
        "shapes": {"x": {"usage_event": table()}},
    },
}


def changed() -> dict[str, Any]:
    return copy.deepcopy(REPORT)


def test_two_runs_over_the_same_are_the_same() -> None:
    later = {**changed(), "id": "2", "startedAt": "2026-11-22T02:23:00.000Z"}
    assert changes(REPORT, later) == []


def test_a_fact_of_one_schema_is_told_of_that_schema() -> None:
    later = changed()
    later["catalogue"]["schemas"][OWN] = "y"
    later["catalogue"]["shapes"]["y"] = {
        "usage_event": table(rls=False, grants=["tenlyr_app: SELECT", "PUBLIC: SELECT"])
    }
    assert changes(REPORT, later) == [
        Change(f"schemas/{OWN}/usage_event/grants/PUBLIC: SELECT", None, "there"),
        Change(f"schemas/{OWN}/usage_event/rls", "True", "False"),
    ]


def test_a_role_a_defect_and_a_breach() -> None:
    later = changed()
    later["catalogue"]["databases"]["default"]["roles"]["tenlyr_app"] = "BYPASSRLS LOGIN"
    later["findings"] = [{"database": "default", "defect": "no_rls", "object": "s.t"}]
    later["attacks"][0]["acts"]["read"] = "succeeded (1 rows)"
    assert changes(REPORT, later) == [
        Change(f"attacks/{SHARED}/t/scope/read", "nothing (0 rows)", "succeeded (1 rows)"),
        Change("databases/default/roles/tenlyr_app", "LOGIN", "BYPASSRLS LOGIN"),
        Change("findings/default/no_rls/s.t", None, "found"),
    ]


def test_what_is_gone_is_told_too() -> None:
    later = changed()
    later["scope"]["catalogueOnly"] = []
    assert changes(REPORT, later) == [Change("locations/default/t_2", "there", None)]


def test_another_choice_of_places_to_attack_is_no_change() -> None:
    later = changed()
    later["scope"].update(attacked=[SHARED, "default/t_2"], catalogueOnly=[OWN])
    del later["attacks"][1]
    assert changes(REPORT, later) == []
