"""django-tenants' Postgres backend, made safe behind a pooler in transaction mode."""
