"""Databases of tenants' own: their addresses, the drivers that give them, and their set-up."""
