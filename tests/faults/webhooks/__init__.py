"""Webhooks under fault: receivers of every kind, workers killed, every event looked for."""
