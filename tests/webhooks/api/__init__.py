"""The webhooks API, an operation at a time."""
