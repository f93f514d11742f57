"""All that is held of a tenant, to take away (B12, R17): the registry says where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from apps.dashboard import formats
from apps.dashboard.formats import Section
from apps.tenants import public as tenants
from apps.tenants.public import Tenant
from tenlyr.core import audit, clock, registry
from tenlyr.core.api import wire

# Always there and in this order, empty where the feature is not there yet; others follow.
PROMISED = ("usage", "health", "billing")


class Format(StrEnum):
    """What an export can be had as."""

    JSON = "json"
    CSV = "csv"
    ZIP = "zip"


CONTENT_TYPE = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.ZIP: "application/zip",
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file to send: its name, its type, and its bytes as they come."""

    name: str
    content_type: str
    pieces: Iterator[bytes]


def export(workspace_id: UUID, tenant_id: UUID, wanted: Format) -> Export:
    """Start an export, on the record; raises `TenantNotFound`.

    The first piece is made here, so that what fails at once is an error and not half a file.
    """
    tenant = tenants.get(workspace_id, tenant_id)
    made_at = clock.now()
    with transaction.atomic():
        audit.record(
            "tenant.exported",
            workspace_id=workspace_id,
            tenant_id=tenant_id,
            target=str(tenant_id),
            format=wanted,
        )
    parts = sections(tenant)
    if wanted is Format.ZIP:
        pieces = formats.as_zip(parts, made_at)
    else:
        pieces = formats.as_json(parts) if wanted is Format.JSON else formats.as_csv(parts)
    # Of nothing that a caller chose: a name from a tenant's name could break the header (B31).
    name = f"tenant-{tenant_id}-{made_at:%Y%m%dT%H%M%SZ}.{wanted}"
    return Export(name, CONTENT_TYPE[wanted], _started(pieces))


def sections(tenant: Tenant) -> Iterator[Section]:
    """The parts of a tenant's export: itself, then every holding that has something to show."""
    metadata = {**tenants.describe(tenant), "exported_at": clock.now()}
    yield Section("metadata", iter([wire.camel_keys(metadata)]), is_single=True)
    held = {one.name: one.export for one in registry.holdings() if one.export is not None}
    for name in dict.fromkeys([*PROMISED, *held]):
        rows = held[name](tenant.id) if name in held else iter(())
        yield Section(name, rows)


def _started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces)

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()
