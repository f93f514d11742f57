"""The parts of ``examples/replay_access_log.py``: parse, group, shift, provision, send, report."""
