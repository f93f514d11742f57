#!/usr/bin/env python
"""Django's command line, and Tenlyr's: `manage.py up` starts everything."""

import os
import sys

from tenlyr.runtime import given  # noqa: F401  # first: it remembers the environment as it was given


def main() -> None:
    """Run a command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenlyr.settings")
    from django.core.management import execute_from_command_line

    from tenlyr.env import SettingError

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        sys.exit(f"Tenlyr cannot start: {error}")


if __name__ == "__main__":
    main()
