"""`manage.py prove`: for people and for a cron job; exit 1 when something got through."""

import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command

from apps.prover import proving, selectors, signing
from apps.prover.models import Cause, Proof, Status
from tests.cast import Account
from tests.prover.support import SHARED, nothing_left, planted, prove
from tests.tenants.support import at_once

OFF = f"ALTER TABLE {SHARED}.usage_rollup DISABLE ROW LEVEL SECURITY"


def run(*arguments: str, **options: Any) -> str:
    said = io.StringIO()
    call_command("prove", *arguments, stdout=said, **options)
    return said.getvalue()


def newest(workspace: Account) -> Proof:
    found = Proof.objects.filter(workspace_id=workspace.id).order_by("-created_at").first()
    assert found is not None
    return found


def written(folder: Path, proof: Proof) -> str:
    path = folder / f"{proof.id}.json"
    path.write_bytes(orjson.dumps(selectors.envelope(proof)))
    return str(path)


def test_a_whole_installation(workspace: Account) -> None:
    said = run("--workspace", str(workspace.id))
    proof = newest(workspace)
    assert (proof.cause, proof.status) == (Cause.COMMAND, Status.PASSED)
    assert said == (
        f"{proof.id} passed: {proof.attacks} attacks, 0 got through, 0 unproven, 0 defects.\n"
    )
    assert nothing_left()


def test_a_hole_is_named_and_it_fails(workspace: Account) -> None:
    said = io.StringIO()
    with (
        planted(OFF, OFF.replace("DISABLE", "ENABLE")),
        pytest.raises(CommandError, match="1 of 1 proofs failed"),
    ):
        call_command("prove", "--workspace", str(workspace.id), stdout=said)
    lines = said.getvalue().splitlines()
    assert lines[0] == f"  no_rls: {SHARED}.usage_rollup"
    place = f"default/{SHARED} {SHARED}.usage_rollup"
    assert f"  got through: {place}: read by scope: succeeded (1 rows)" in lines
    assert newest(workspace).status == Status.FAILED


def test_few_locations(workspace: Account, own_schema: str) -> None:
    run("--workspace", str(workspace.id), "--locations", "0")
    report = newest(workspace).report
    assert report is not None
    assert report["scope"]["catalogueOnly"] == [f"default/{own_schema}"]


def test_a_workspace_that_is_none() -> None:
    with pytest.raises(CommandError, match="No such workspace"):
        run("--workspace", str(uuid4()))


def test_not_beside_another(workspace: Account) -> None:
    with proving.alone():
        [error] = at_once(1, lambda _: run("--workspace", str(workspace.id)))
    assert "being made elsewhere" in str(error)
    assert Proof.objects.filter(workspace_id=workspace.id).count() == 0


def test_show_and_verify(workspace: Account, tmp_path: Path) -> None:
    proof = prove(workspace.id)
    path = tmp_path / "proof.json"
    path.write_text(run("--show", str(proof.id)))
    said = run("--verify", str(path))
    assert said.startswith(f"The signature is right: proof {proof.id}, passed, finished 20")
    assert run("--verify", str(path), "--key", run("--public-key").strip()) == said


def test_a_changed_file_is_refused(workspace: Account, tmp_path: Path) -> None:
    path = Path(written(tmp_path, prove(workspace.id)))
    path.write_text(path.read_text().replace('"breaches":0', '"breaches":1', 1))
    with pytest.raises(CommandError, match="digest is another"):
        run("--verify", str(path))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"report": {}}'])
def test_a_file_that_is_no_proof(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=r"not a proof|cannot be read"):
        run("--verify", str(path))
    with pytest.raises(CommandError, match="cannot be read"):
        run("--verify", str(tmp_path / "missing.json"))


def test_a_key_that_is_none(workspace: Account, tmp_path: Path) -> None:
    path = written(tmp_path, prove(workspace.id))
    for key in ("nonsense", "AAAA"):
        with pytest.raises(CommandError, match="not a proof"):
            run("--verify", path, "--key", key)


def test_compare_by_id_and_by_file(workspace: Account, tmp_path: Path) -> None:
    before = prove(workspace.id)
    same = prove(workspace.id)
    with planted(OFF, OFF.replace("DISABLE", "ENABLE")):
        after = prove(workspace.id)
    assert run("--compare", str(before.id), str(same.id)) == "Nothing changed.\n"
    said = run("--compare", str(before.id), written(tmp_path, after))
    assert f"schemas/default/{SHARED}/usage_rollup/rls: True -> False\n" in said
    assert f"findings/default/no_rls/{SHARED}.usage_rollup: nothing -> found\n" in said


def test_compare_takes_only_what_is_signed(workspace: Account, tmp_path: Path) -> None:
    proof = prove(workspace.id)
    with pytest.raises(CommandError, match="no finished proof"):
        run("--compare", str(proof.id), str(uuid4()))
    path = tmp_path / "report.json"
    path.write_bytes(orjson.dumps({**signing.seal({"format": signing.FORMAT}), "digest": "0"}))
    with pytest.raises(CommandError, match="digest is another"):
        run("--compare", str(path), str(proof.id))
