"""`manage.py dataplane`: files in, schemas brought up, the pooler's settings out."""

import io
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEntry
from tenlyr.core import audit
from tests import cast
from tests.cast import Account
from tests.dataplane import plane

THING = "CREATE TABLE thing (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id));"


@pytest.fixture
def declared(tmp_path: Path, workspace: Account) -> Path:
    """A folder with two releases."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "0001_thing.sql").write_text(THING)
    (tmp_path / "tables" / "0002_more.sql").write_text("ALTER TABLE thing ADD COLUMN x int;")
    config = f'[dataplane]\nworkspace = "{workspace.id}"\nreleases = "tables"\n'
    (tmp_path / "tenlyr.toml").write_text(config)
    return tmp_path


def acts(workspace_id: UUID, action: str = "dataplane.apply_started") -> list[dict[str, Any]]:
    """What the trail of a workspace, or of the installation, says of an action."""
    rows = AuditEntry.objects.filter(workspace_id=workspace_id, body__action=action)
    return [row.body for row in rows]


def run(verb: str, folder: Path, *more: str) -> str:
    """What the command says."""
    out = io.StringIO()
    call_command("dataplane", verb, "--config", str(folder / "tenlyr.toml"), *more, stdout=out)
    return out.getvalue()


def test_push_releases_what_is_new(declared: Path) -> None:
    assert run("push", declared).splitlines() == [
        "released 1: thing",
        "released 2: thing",
        "2 released, 0 schemas due",
    ]
    assert run("push", declared) == "0 released, 0 schemas due\n"


def test_layout_and_comments_may_change_afterwards(declared: Path) -> None:
    run("push", declared)
    (declared / "tables" / "0001_thing.sql").write_text(f"-- a word\n\n{THING}\n\n")
    assert run("push", declared).startswith("0 released")


def test_what_is_released_cannot_be_changed(declared: Path) -> None:
    run("push", declared)
    (declared / "tables" / "0001_thing.sql").write_text(THING.replace("int", "bigint"))
    with pytest.raises(CommandError, match=r"0001_thing\.sql was changed after it was released"):
        run("push", declared)


def test_a_refusal_names_file_statement_and_line(declared: Path) -> None:
    (declared / "tables" / "0003_bad.sql").write_text("\n\nGRANT ALL ON thing TO PUBLIC;")
    with pytest.raises(CommandError, match=r"0003_bad.sql: Statement 1, line 3: A release holds"):
        run("push", declared)
    (declared / "tables" / "0003_bad.sql").unlink()
    assert run("push", declared, "--workspace", workspace_of(declared)).startswith("0 released")


def test_a_file_that_is_no_text_is_named(declared: Path) -> None:
    (declared / "tables" / "0003_bad.sql").write_bytes(b"CREATE TABLE \xff")
    with pytest.raises(CommandError, match=r"0003_bad\.sql is not UTF-8"):
        run("push", declared)
    (declared / "tables" / "0003_bad.sql").unlink()
    (declared / "tables" / "0003_bad.sql").mkdir()
    with pytest.raises(CommandError, match=r"0003_bad\.sql cannot be read: Is a directory"):
        run("push", declared)


@pytest.mark.parametrize("verb", ["push", "status", "drift", "rollout"])
def test_a_workspace_that_is_none_is_named(declared: Path, verb: str) -> None:
    nobody = str(uuid4())
    with pytest.raises(CommandError, match=f"There is no workspace {nobody}"):
        run(verb, declared, "--workspace", nobody)


def workspace_of(folder: Path) -> str:
    """The id in the folder's tenlyr.toml."""
    return (folder / "tenlyr.toml").read_text().split('"')[1]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tables/thing.sql", THING, "call files 0001_what.sql"),
        ("tables/1_again.sql", THING, "each number once"),
        ("tables/0000_none.sql", THING, "call files"),
        ("tenlyr.toml", "[dataplane", "tenlyr.toml"),
        ("tenlyr.toml", '[dataplane]\nworkspace = "nobody"', "tenlyr.toml"),
        ("tenlyr.toml", "[dataplane]\nreleases = 'nowhere'", "There is no .sql file"),
    ],
)
def test_files_that_cannot_be_read(declared: Path, name: str, text: str, said: str) -> None:
    (declared / name).write_text(text)
    with pytest.raises(CommandError, match=said):
        run("push", declared)


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run("push", tmp_path)


def test_a_workspace_must_be_named_where_there_are_several(declared: Path, stranger: Any) -> None:
    (declared / "tenlyr.toml").write_text("[dataplane]\nreleases = 'tables'")
    with pytest.raises(CommandError, match="Say which workspace"):
        run("push", declared)


def test_status_and_apply(declared: Path) -> None:
    account = Account(UUID(workspace_of(declared)), "")
    plane.release(account, THING)
    assert run("status", declared) == f"op_{account.id.hex}  1\n"
    assert run("apply", declared) == ""
    assert acts(account.id) == []


def test_apply_brings_up_what_was_there_before(declared: Path, workspace: Account) -> None:
    own = cast.tenant(workspace, isolation_level="dedicated_schema")
    assert run("push", declared).endswith("2 released, 1 schemas due\n")
    assert "  0  due: 2" in run("status", declared)
    assert run("apply", declared).endswith("  2\n")
    (act,) = acts(workspace.id)
    assert (act["target"], len(act["details"]["schemas"])) == ("2", 1)
    assert "due" not in run("status", declared)
    from apps.dataplane import connecting

    assert connecting.of(workspace.id, own.id).version == 2


def test_the_poolers_settings() -> None:
    out, before = io.StringIO(), acts(audit.INSTALLATION, "dataplane.pooler_opened")
    call_command("dataplane", "pooler", stdout=out)
    assert len(acts(audit.INSTALLATION, "dataplane.pooler_opened")) == len(before) + 1
    assert "auth_query = SELECT username, password FROM tenlyr_dataplane" in out.getvalue()
    assert '"tenlyr_pooler" "' in out.getvalue()
