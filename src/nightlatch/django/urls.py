"""Our routes: ``path("auth/", include("nightlatch.django.urls"))``."""

from __future__ import annotations

from django.urls import path, re_path

from nightlatch.django.views import nightlatch

__all__ = ["app_name", "urlpatterns"]

app_name = "nightlatch"

urlpatterns = [
    # Names for `reverse` and `LOGIN_URL`; one view answers them all.
    path("sign-in", nightlatch, {"path": "sign-in"}, name="sign-in"),
    path("sign-up", nightlatch, {"path": "sign-up"}, name="sign-up"),
    path("sign-out", nightlatch, {"path": "sign-out"}, name="sign-out"),
    path("account", nightlatch, {"path": "account"}, name="account"),
    path("reauthenticate", nightlatch, {"path": "reauthenticate"}, name="reauthenticate"),
    re_path(r"^(?P<path>[\s\S]*)\Z", nightlatch, name="route"),
]
