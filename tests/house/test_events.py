"""Every event that can be emitted is documented, and nothing else is (E1-E4)."""

import re

from apps.webhooks import describing
from tenlyr.core.events import EventType
from tests.house.sources import PRODUCT, ROOT, sources

NAME = re.compile(r"`((?:[a-z]+\.)+[a-z_]+)`")
PAGE = ROOT / "docs" / "events.md"


def documented() -> set[str]:
    """The names in the first column of the page's table."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {match[1] for line in rows if (match := NAME.match(line.removeprefix("| ")))}


def emitted() -> set[str]:
    """The events that some verb emits."""
    used = re.compile(r"EventType\.([A-Z_]+)")
    # One lists them, the other listens to them.
    readers = {"apps/webhooks/catalogue.py", "apps/health/listening.py"}
    apps = [one for one in sources(*PRODUCT) if not one.is_migration and one.name not in readers]
    return {EventType[name] for one in apps for name in used.findall(one.text)}


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == describing.page(), "run `make docs-events`"


def test_the_page_says_which_are_not_emitted_yet() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    waiting = {kind for kind in EventType for row in rows if f"`{kind}` | not emitted yet" in row}
    assert waiting == set(EventType) - emitted()


def test_the_page_and_the_enum_say_the_same() -> None:
    assert documented() == set(EventType)


def test_events_are_named_by_the_enum_only() -> None:
    """A name written by hand somewhere could drift apart from catalogue, docs and SDKs."""
    by_hand = [
        f"{one.name}: {kind}"
        for one in sources(*PRODUCT)
        if one.name != "tenlyr/core/events.py" and not one.is_migration
        for kind in EventType
        if f"emit({kind!r}" in one.text or f'emit("{kind}"' in one.text
    ]
    assert by_hand == []
