"""The four plans that every workspace starts with (A10, A11, X14). Only api_call refuses by default."""

from typing import Any

from django.db import migrations

# name -> price in cents, then the limits of api_call, storage_gb, seats and compute
SEEDS: dict[str, tuple[int, tuple[int | None, ...]]] = {
    "starter": (0, (1_000, 1, 3, 100)),
    "growth": (9_900, (100_000, 10, 10, 10_000)),
    "scale": (39_900, (1_000_000, 100, 50, 100_000)),
    "enterprise": (0, (None, None, None, None)),
}
METRICS = ("api_call", "storage_gb", "seats", "compute")


def seed(apps: Any, schema_editor: Any) -> None:
    versions = apps.get_model("tenants", "PlanVersion").objects.using(
        schema_editor.connection.alias
    )
    for name, (price_cents, most) in SEEDS.items():
        limits = {
            metric: {"limit": limit, "strict": metric == "api_call"}
            for metric, limit in zip(METRICS, most, strict=True)
        }
        versions.create(name=name, version=1, price_cents=price_cents, limits=limits)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
