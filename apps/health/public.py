"""The door of health: all that other apps may use."""

from apps.health.selectors import TenantHealth as TenantHealth
from apps.health.selectors import of as of
from apps.health.selectors import overview as overview
from apps.health.selectors import page as page
from apps.health.selectors import statuses as statuses
from apps.health.statuses import Health as Health
from apps.health.statuses import Overview as Overview
from apps.health.statuses import Status as Status

__all__ = ["Health", "Overview", "Status", "TenantHealth", "of", "overview", "page", "statuses"]
