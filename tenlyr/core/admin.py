"""Django admin pages: who acts there is named, and what is done is told to the trail."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tenlyr.core import audit, context
from tenlyr.core.errors import ApiError


def sign(request: HttpRequest) -> None:
    """What follows is the signed-in operator's act, in the logs and on the audit trail."""
    here = context.current()
    here.actor_type, here.actor_id = "operator", str(request.user.pk)


class Trailed(admin.ModelAdmin):
    """Rows that are edited here: each change is on the audit trail with the names of its fields,
    beside Django's own log, and in the transaction of the change.
    """

    def trail_of(self, row: Any) -> UUID:
        """Whose trail it is on."""
        return audit.INSTALLATION

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self.tell(request, "created", [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self.tell(request, "changed", [obj], changes=message)
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with transaction.atomic():
            self.tell(request, "deleted", [obj])
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        with transaction.atomic():
            self.tell(request, "deleted", queryset)
            super().delete_queryset(request, queryset)

    def tell(
        self, request: HttpRequest, what: str, rows: "Iterable[Model]", **details: Any
    ) -> None:
        """Record what the signed-in operator did to the rows."""
        sign(request)
        kind = self.model._meta.model_name
        for row in rows:
            audit.record(
                f"{kind}.{what}",
                workspace_id=self.trail_of(row),
                target=str(row.pk),
                shown=str(row)[:255],
                **details,
            )


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
        sign(request)
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
