"""A customer is a schema."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin  # noqa: TID251  # the baseline itself


class Customer(TenantMixin):
    """What `save()` makes a schema for."""

    name = models.CharField(max_length=255)
    auto_create_schema = True

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """Required by django-tenants; unused."""
