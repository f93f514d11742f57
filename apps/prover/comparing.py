"""What changed from one report to the next, pure: every leaf by its path."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Leaf = tuple[str, str]
# As many changes as an answer shows.
MOST = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that is another now; `before` or `after` is None where there was nothing."""

    path: str
    before: str | None
    after: str | None


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """What is not the same in two reports, in order of its path.

    Attacks are compared at the Locations that were attacked both times: they go round.
    """
    both = set(before["scope"]["attacked"]) & set(after["scope"]["attacked"])
    old, new = dict(_leaves(before, both)), dict(_leaves(after, both))
    paths = sorted(old.keys() | new.keys())
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    ]


def _leaves(report: dict[str, Any], attacked: set[str]) -> Iterator[Leaf]:
    """What a report says of the installation, not of the run itself."""
    scope = report["scope"]
    for location in [*scope["attacked"], *scope["catalogueOnly"], *scope["notReached"]]:
        yield f"locations/{location}", "there"
    for finding in report["findings"]:
        path = "/".join((finding["database"], finding["defect"], finding["object"]))
        yield f"findings/{path}", "found"
    for line in report["attacks"]:
        if line["location"] in attacked:
            place = "/".join((line["location"], line["table"], line["path"]))
            yield from _flat(f"attacks/{place}", line["acts"])
    catalogue = report["catalogue"]
    yield from _flat("databases", catalogue["databases"])
    for schema, shape in catalogue["schemas"].items():
        yield from _flat(f"schemas/{schema}", catalogue["shapes"][shape])


def _flat(path: str, value: Any) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}/{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield f"{path}/{inner}", "there"
    else:
        yield path, str(value)
