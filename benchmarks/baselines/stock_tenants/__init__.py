"""Stock django-tenants: a tenant is made by `save()`, which makes its schema and migrates it."""
