"""Django admin pages of rows that only verbs change."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tenlyr.core import context
from tenlyr.core.errors import ApiError


class ReadOnly(admin.ModelAdmin):
    """Rows that only verbs change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def act(self, request: HttpRequest, what: str, verb: Any, rows: "QuerySet[Any]") -> None:
        """Do `verb` to each row as the signed-in operator; tell how many, and each refusal."""
        here = context.current()
        here.actor_type, here.actor_id = "operator", str(request.user.pk)
        done, refused = 0, []
        for row in rows:
            try:
                verb(row)
                done += 1
            except ApiError as error:
                refused.append(f"{row}: {error.public}")
        if done:
            self.message_user(request, f"{done} {what}.")
        for line in refused:
            self.message_user(request, line, messages.ERROR)
