"""What every probe does: set Django up, measure with the parameters given, answer as JSON."""

import json
import sys
from collections.abc import Callable
from typing import Any

import django


def answer(measure: Callable[..., Any]) -> None:
    """Run `measure` with the JSON object on the command line; print what it returns."""
    print(json.dumps(measure(**json.loads(sys.argv[1]))))


# Probes import the product's modules, which need this first.
django.setup()
