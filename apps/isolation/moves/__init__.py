"""The journey of a tenant from one level to another, while it is being written to (ADR-0005)."""
