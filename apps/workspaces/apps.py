"""The operator's account: workspace, its people and roles, its plan, its admin keys."""

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "apps.workspaces"
    label = "workspaces"

    def ready(self) -> None:
        from apps.workspaces import keys
        from tenlyr.core import auth
        from tenlyr.core.keys import Kind

        auth.load_with(Kind.ADMIN, keys.load)
