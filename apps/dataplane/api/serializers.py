"""Bodies of the data plane's API, in and out."""

import unicodedata
from typing import Any

from rest_framework import serializers

from apps.dataplane.ddl.statements import LONGEST_SQL
from apps.dataplane.logins import LONGEST_S, SHORTEST_S
from apps.dataplane.models import Release
from apps.isolation.public import Level
from tenlyr.core.api.serializers import IdField, MomentField, StrictIntegerField, WireSerializer

LEVELS = [level.value for level in Level]
STATUSES = [status.value for status in Release.Status]
HIGHEST_VERSION = 2_000_000_000
LAYOUT = frozenset("\n\r\t")


class SqlField(serializers.CharField):
    """SQL: text of several lines, kept verbatim."""

    default_error_messages = {
        "not_a_string": "Must be a string.",
        "not_plain": "Contains a character that is not allowed.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_SQL, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and not isinstance(data, str):
            self.fail("not_a_string")
        if isinstance(data, str) and not _is_readable(data):
            self.fail("not_plain")
        return super().run_validation(data)


class PublishSerializer(WireSerializer):
    """The body of `dataplane.publish`."""

    version = StrictIntegerField(
        min_value=1,
        max_value=HIGHEST_VERSION,
        help_text="Higher than that of every release before it.",
    )
    sql = SqlField(help_text="DDL of tables; each has `tenant_id uuid NOT NULL` and a key with it.")


class CredentialRequestSerializer(WireSerializer):
    """The body of `isolation.createCredential`."""

    tenant_id = IdField(
        required=False, help_text="With an admin key only; a tenant's key names its tenant."
    )
    ttl_seconds = StrictIntegerField(
        required=False,
        allow_null=True,
        min_value=SHORTEST_S,
        max_value=LONGEST_S,
        help_text="How long it works; without it, until it is ended.",
    )


class ColumnSerializer(WireSerializer):
    """A column of an operator's table."""

    name = serializers.CharField()
    type = serializers.CharField()
    is_nullable = serializers.BooleanField(source="isNullable")


class TableSerializer(WireSerializer):
    """An operator's table; `key` finds a row again when it moves."""

    name = serializers.CharField()
    key = serializers.ListField(child=serializers.CharField())
    columns = ColumnSerializer(many=True)
    references = serializers.ListField(child=serializers.CharField())


class ReleaseSerializer(WireSerializer):
    """A version of the workspace's tables, as they are once it is applied."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    checksum = serializers.CharField(help_text="SHA-256 over its statements, in hex.")
    status = serializers.ChoiceField(choices=STATUSES)
    statements = serializers.ListField(child=serializers.CharField())
    tables = TableSerializer(many=True)
    created_at = MomentField()


class ReleasePageSerializer(WireSerializer):
    """A page of releases, the newest first."""

    data = ReleaseSerializer(many=True)  # type: ignore[assignment]  # as in every page
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


class CredentialSerializer(WireSerializer):
    """A live credential; its password is shown once, when it is made."""

    id = serializers.UUIDField()
    role = serializers.CharField()
    expires_at = MomentField(allow_null=True)
    created_at = MomentField()


class ConnectionSerializer(WireSerializer):
    """Where the tenant's rows of the operator's tables are reached now."""

    tenant_id = serializers.UUIDField()
    isolation_level = serializers.ChoiceField(choices=LEVELS)
    host = serializers.CharField()
    port = serializers.IntegerField()
    database = serializers.CharField()
    schema = serializers.CharField()
    role = serializers.CharField(
        allow_null=True, help_text="The newest live credential's; null without one."
    )
    version = serializers.IntegerField(help_text="The release that the schema has.")
    credentials = CredentialSerializer(many=True)


class NewCredentialSerializer(CredentialSerializer):
    """A new credential with its password and where it works: the only time it is shown."""

    password = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    database = serializers.CharField()
    schema = serializers.CharField()


def _is_readable(text: str) -> bool:
    return all(c in LAYOUT or unicodedata.category(c) not in {"Cc", "Cs"} for c in text)
