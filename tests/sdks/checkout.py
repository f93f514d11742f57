"""A clean checkout of the SDKs: their files without what was built or installed beside them."""

import shutil
from pathlib import Path

from tests.house.sources import ROOT

BUILT = shutil.ignore_patterns(
    "node_modules", "dist", ".*_cache", "__pycache__", ".venv", "*.tgz", "*.egg-info"
)


def checkout(folder: Path) -> Path:
    """Copy `sdks` and `openapi.json` into a folder; the copy of `sdks`."""
    shutil.copytree(ROOT / "sdks", folder / "sdks", ignore=BUILT)
    shutil.copy(ROOT / "openapi.json", folder)
    return folder / "sdks"
