"""Servers and databases of tenants' own in the Django admin; an address is typed, never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.isolation.databases import servers
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database, Server
from tenlyr.core.admin import sign


class ServerForm(forms.ModelForm):
    """`address` is looked at (can databases be made there?) before it is kept, sealed."""

    address = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "size": 60}),
        help_text="postgresql://USER:PASSWORD@HOST:PORT/NAME of a role with CREATEROLE and"
        " CREATEDB, no superuser. Kept encrypted and never shown; empty leaves it as it is.",
    )

    class Meta:
        model = Server
        fields = ("name", "driver", "pool_url", "max_databases", "is_open")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("address") and self.instance.pk is None:
            self.add_error("address", "A server needs an address.")
        elif data.get("address") and "name" in data:
            self._examine(data)
        return data

    def _examine(self, data: dict[str, Any]) -> None:
        try:
            pool_url = data.get("pool_url", "")
            self.instance.dsn = servers.examined(data["name"], data["address"], pool_url)
        except DatabaseFailed as error:
            self.add_error("address", str(error))


@admin.register(Server)
class ServerAdmin(admin.ModelAdmin):
    """A server in use cannot be deleted; closed, it takes no more databases."""

    form = ServerForm
    list_display = ("name", "driver", "max_databases", "is_open", "created_at")

    def save_model(self, request: HttpRequest, obj: Server, form: Any, change: bool) -> None:
        sign(request)
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if change and form.cleaned_data.get("address"):
                servers.readdress(obj)
            action = "changed" if change else "registered"
            servers.record(f"isolation.server_{action}", obj, fields=form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        sign(request)
        with transaction.atomic():
            servers.record("isolation.server_removed", obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Server]") -> None:
        """The same for several at once: all or none."""
        with transaction.atomic():
            for server in queryset:
                self.delete_model(request, server)


@admin.register(Database)
class DatabaseAdmin(admin.ModelAdmin):
    """To look at: databases come and go with moves, or by `manage.py databases`."""

    list_display = ("alias", "driver", "server", "state", "provided", "created_at")
    list_filter = ("state", "driver")
    fields = readonly_fields = (
        *("alias", "driver", "server", "pool_url", "provided"),
        *("state", "error", "created_at"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Database | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Database | None = None) -> bool:
        return False
