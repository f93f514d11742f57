"""The command line: `pip install "tenlyr[cli]"`, then `tenlyr --help`."""

import sys


def main() -> None:
    """Run the command line; says what to install when its extra is not."""
    try:
        from tenlyr.cli.commands import tenlyr
        from tenlyr.cli.output import Session
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit('The command line needs more: pip install "tenlyr[cli]"')
    tenlyr(obj=Session())
