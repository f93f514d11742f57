"""Backups of one tenant: a file of its rows as of one moment, and a place made from it (A19)."""
