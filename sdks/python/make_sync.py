"""Write the client without `async` anew: `python make_sync.py`; `--check` says if it is current.

`src/tenlyr/_sync` is made from the files below by leaving out what makes them asynchronous. Whoever
changes one of them runs this.
"""

import re
import sys
from pathlib import Path
from typing import Dict

PACKAGE = Path(__file__).parent / "src" / "tenlyr"
SOURCES = ("_client.py", "_resource.py", "_transport.py", "resources/*.py")
FIRST_LINE = "# Made from tenlyr/{} by make_sync.py: change that file, not this one.\n"
MOVED = r"\btenlyr\.(_client|_resource|_transport|resources)\b"
WORDS = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(Any|None|Paged\[T\])\]", r"\1"),
    (r"\btenlyr\._buffer\b", "tenlyr._buffer_sync"),
    (r"\bTrackBuffer\b", "TrackBufferSync"),
    (r"\bAwaitable, ", ""),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsyncClient\b", "Client"),
    (r"\bAsyncTransport\b", "SyncTransport"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\baclose\b", "close"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\bTenlyr\b(?!\.)", "TenlyrSync"),
    (r"\bof one TenlyrSync\b", "of one Tenlyr"),
    (MOVED, r"tenlyr._sync.\1"),
)


def without_async(text: str) -> str:
    """The same code, waiting where it stands."""
    for pattern, new in WORDS:
        text = re.sub(pattern, new, text)
    if "import time\n" in text:
        text = text.replace("import asyncio\n", "")
    return re.sub(r"\basyncio\b", "time", text)


def made() -> Dict[Path, str]:
    """What `_sync` is to hold."""
    files = {}
    for pattern in SOURCES:
        for path in sorted(PACKAGE.glob(pattern)):
            name = path.relative_to(PACKAGE)
            files[PACKAGE / "_sync" / name] = FIRST_LINE.format(name) + without_async(
                path.read_text()
            )
    files[PACKAGE / "_sync" / "__init__.py"] = (
        '"""The client without `async`: made by make_sync.py."""\n'
    )
    return files


def main() -> int:
    """Write what differs, or only tell of it: then 1 when something does."""
    checking = "--check" in sys.argv
    stale = [path for path, text in made().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if not checking:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made()[path])
        sys.stdout.write(f"{'stale' if checking else 'written'}: {path.relative_to(PACKAGE)}\n")
    return 1 if checking and stale else 0


if __name__ == "__main__":
    sys.exit(main())
