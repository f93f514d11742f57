"""The backend of tenants' own databases: the same rules, and connections that are shared out."""
