"""The SDKs: their shared cases, their own tests, and all three against a started server."""
