"""Workspaces in the Django admin: people, roles and admin keys."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.workspaces import keys
from apps.workspaces.models import AdminKey, Membership, Operator, Workspace
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint

admin.site.site_header = admin.site.site_title = "Tenlyr"
admin.site.index_title = "Workspaces, tenants and what they did"
admin.site.register(Operator, UserAdmin)


class Memberships(admin.TabularInline):
    model = Membership
    extra = 0


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ("name", "plan", "created_at")
    inlines = (Memberships,)


@admin.register(AdminKey)
class AdminKeyAdmin(admin.ModelAdmin):
    """A key is made here and shown once; it is revoked, never edited or deleted."""

    list_display = ("prefix", "name", "workspace", "created_at", "revoked_at")
    fields = ("workspace", "name")
    actions = ("revoke",)

    def save_model(self, request: HttpRequest, obj: AdminKey, form: Any, change: bool) -> None:
        minted = mint(Kind.ADMIN)
        keys.issue(obj.workspace, name=obj.name, minted=minted)
        self.message_user(request, f"Shown once: {minted.raw}", messages.WARNING)

    def has_change_permission(self, request: HttpRequest, obj: AdminKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AdminKey | None = None) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["add"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[AdminKey]") -> None:
        for key in rows:
            keys.revoke(key)
