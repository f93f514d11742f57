"""The port to the plans: what a tenant may use. The app that owns plans lies above and says how."""

from collections.abc import Callable, Mapping
from uuid import UUID

from tenlyr.core.metrics import Metric

Limits = Mapping[Metric, int | None]
Loader = Callable[[UUID], Limits]

_loaders: list[Loader] = []


def load_with(loader: Loader) -> None:
    """Name the loader of limits in counter units (None: no limit), once, from an app's `ready`."""
    _loaders[:] = [loader]


def of(tenant_id: UUID) -> Limits:
    """The tenant's limits."""
    return _loaders[0](tenant_id)
