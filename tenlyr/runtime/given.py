"""The environment as the operator gave it, before any setting was filled in from a running
product.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType

# `manage.py` imports this module first: `tenlyr.env` fills what is unset from the last run's
# `run.env`, and `up` must not mistake its own embedded server of yesterday for an outside one.
GIVEN: Mapping[str, str] = MappingProxyType(dict(os.environ))
