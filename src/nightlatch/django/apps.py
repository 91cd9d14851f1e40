"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from nightlatch.django.schema import refuse_other_migrations

__all__ = ["NightlatchConfig"]


class NightlatchConfig(AppConfig):
    """``INSTALLED_APPS = [..., "nightlatch.django"]``."""

    name = "nightlatch.django"
    label = "nightlatch"
    verbose_name = "Nightlatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect signals and checks, now that Django has its models."""
        from nightlatch.django.wiring import connect

        connect()
        register(refuse_other_migrations, Tags.models)
