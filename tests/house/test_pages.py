"""The pages name what there is: every setting, and of each app its tables, tasks and commands."""

import re
from collections.abc import Iterator

import pytest
from django.apps import AppConfig, apps
from django.core.management import get_commands

from tenlyr.celery import app
from tests.house.sources import PRODUCT, ROOT, sources

NAME = re.compile(r"TENLYR_[A-Z_]+|[A-Z]+(?:_POOL)?_URL|PORT")
READ = re.compile(rf"\b(?:env\.\w+|GIVEN\.get|environ\.get)\(\s*\"({NAME.pattern})\"")
# A process tells its children so that it is their parent; nobody sets it.
NO_SETTINGS = {"TENLYR_SUPERVISED"}
# Apps whose page lies elsewhere than in a folder of `apps` with their name.
PAGES = {
    "core": "tenlyr/core/README.md",
    "runtime": "tenlyr/runtime/README.md",
    "usage": "apps/metering/README.md",
}
WITH_PAGES = [
    one.label for one in apps.get_app_configs() if one.name.startswith(("apps.", "tenlyr."))
]


def settings_table() -> str:
    """The lines of the README's table of settings."""
    part = (ROOT / "README.md").read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    return "\n".join(line for line in part.splitlines() if line.startswith("|"))


def read_by_the_product() -> set[str]:
    """The names of settings that some module asks the environment for."""
    return {name for one in sources(*PRODUCT) for name in READ.findall(one.text)} - NO_SETTINGS


def owned(config: AppConfig) -> Iterator[str]:
    """What an app's page names: its tables, its commands, and its tasks without the app's name."""
    yield from (model._meta.db_table for model in config.get_models())
    yield from (name for name, owner in get_commands().items() if owner == config.name)
    app.loader.import_default_modules()
    prefix = f"{config.label}."
    yield from (task.removeprefix(prefix) for task in app.tasks if task.startswith(prefix))


def test_every_setting_is_in_the_table_and_no_other() -> None:
    named = {
        name
        for row in re.findall(r"^\| (.+?) \|", settings_table(), re.M)
        for name in re.findall(rf"`({NAME.pattern})`", row)
    }
    assert named == read_by_the_product()


@pytest.mark.parametrize("label", WITH_PAGES)
def test_an_app_s_page_names_what_the_app_owns(label: str) -> None:
    config = apps.get_app_config(label)
    page = (ROOT / PAGES.get(label, f"apps/{label}/README.md")).read_text()
    words = set(re.findall(r"\w+", page))
    assert [name for name in owned(config) if name not in words] == []


def test_the_checks_see_what_they_look_for() -> None:
    assert {"PORT", "DATABASE_POOL_URL", "TENLYR_HOME", "TENLYR_API_RPM"} <= read_by_the_product()
    assert {"tenants_tenant", "move_tenant", "purge"} <= set(owned(apps.get_app_config("tenants")))
