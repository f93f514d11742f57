"""Requests that leave, to URLs which customers gave us and which may be traps (R9, T33-T46)."""
