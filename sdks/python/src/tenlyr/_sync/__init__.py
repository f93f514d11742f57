"""The client without `async`: made by make_sync.py."""
