"""What the app connects when Django is ready."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.signals import setting_changed
from django.db.models.signals import post_delete, post_save

from nightlatch.django.checks import register_checks
from nightlatch.django.installation import reset
from nightlatch.django.signals import end_session, start_session
from nightlatch.django.users import ours

__all__ = ["connect"]


def connect() -> None:
    """Connect signals and checks, and lead Django's login walls to our page where the project names no other."""
    user_logged_in.connect(start_session, dispatch_uid="nightlatch.start_session")
    user_logged_out.connect(end_session, dispatch_uid="nightlatch.end_session")
    register_checks()
    setting_changed.connect(reset, dispatch_uid="nightlatch.reset")
    if not ours():
        _connect_adoption()
    if apps.is_installed("django.contrib.admin"):
        from nightlatch.django.admin_site import patch_default_site

        patch_default_site()
    if not django_settings.is_overridden("LOGIN_URL"):
        django_settings.LOGIN_URL = "nightlatch:sign-in"


def _connect_adoption() -> None:
    from nightlatch.django.adoption import deleted, saved

    model = get_user_model()
    post_save.connect(saved, sender=model, dispatch_uid="nightlatch.saved")
    post_delete.connect(deleted, sender=model, dispatch_uid="nightlatch.deleted")
