"""Programs that only a package of Debian's gives: from the PATH, else named at the end of the
run.
"""

import os
import shutil

PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
missing: dict[str, list[str]] = {}


def require_tool(name: str, test: str) -> str | None:
    """The program's path, or None after noting that `test` could not run; in CI that is a
    failure.
    """
    found = shutil.which(name, path=PATH)
    if found is None:
        missing.setdefault(name, []).append(test)
        if os.environ.get("CI"):
            raise AssertionError(f"{name} is missing, and CI runs everything")
    return found
