"""Faults for real: processes are killed under load, and every event is accounted for afterwards."""
