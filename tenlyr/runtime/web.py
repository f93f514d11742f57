"""What a web process serves: `tenlyr.wsgi`, in a worker that ends with its main process."""

import os
import signal
from types import SimpleNamespace

import granian.wsgi

from tenlyr.runtime.processes import follow_leader

if os.getpid() != os.getpgrp():
    # Forked with the main process's handlers, it would not hear SIGTERM until it serves.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
follow_leader()
# granian puts the process's whole environment into every request's: slower, and it would show our
# secrets to whatever prints a request.
vars(granian.wsgi)["os"] = SimpleNamespace(environ={})

from tenlyr.wsgi import application as application  # noqa: E402
