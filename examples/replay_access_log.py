#!/usr/bin/env python3
"""Replay a web server's access log into a running Tenlyr, one tenant per client network.

Try it beside ``make run``: ``python examples/replay_access_log.py access.log``. It needs
Python 3.11 and nothing else; with ``rich`` installed the progress bar and the table are nicer.
"""

import sys

from access_log_replay.cli import main

if __name__ == "__main__":
    sys.exit(main())
