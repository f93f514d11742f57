"""Workspaces in the Django admin: people, roles and admin keys."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.workspaces import keys
from apps.workspaces.models import AdminKey, Membership, Operator, Workspace
from tenlyr.core.admin import Trailed, sign
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint

admin.site.site_header = admin.site.site_title = "Tenlyr"
admin.site.index_title = "Workspaces, tenants and what they did"
admin.site.unregister(Group)


@admin.register(Operator)
class OperatorAdmin(Trailed, UserAdmin):
    """People who sign in, and what they may do."""

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)


@admin.register(Group)
class OperatorGroupAdmin(Trailed, GroupAdmin):
    """Rights that several people have."""


class Memberships(admin.TabularInline):
    model = Membership
    extra = 0


@admin.register(Workspace)
class WorkspaceAdmin(Trailed):
    """Workspaces and who belongs to them; one that has keys or tenants is not deleted."""

    list_display = ("name", "plan", "created_at")
    inlines = (Memberships,)

    def trail_of(self, row: Workspace) -> UUID:
        return row.id


@admin.register(AdminKey)
class AdminKeyAdmin(admin.ModelAdmin):
    """A key is made here and shown once; it is revoked, never edited or deleted."""

    list_display = ("prefix", "name", "workspace", "created_at", "revoked_at")
    fields = ("workspace", "name")
    actions = ("revoke",)

    def save_model(self, request: HttpRequest, obj: AdminKey, form: Any, change: bool) -> None:
        minted = mint(Kind.ADMIN)
        sign(request)
        keys.issue(obj.workspace, name=obj.name, minted=minted)
        self.message_user(request, f"Shown once: {minted.raw}", messages.WARNING)

    def has_change_permission(self, request: HttpRequest, obj: AdminKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AdminKey | None = None) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["add"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[AdminKey]") -> None:
        sign(request)
        for key in rows:
            keys.revoke(key)
