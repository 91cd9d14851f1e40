"""Django's admin, signed in to through our pages: second factors and throttling hold there as everywhere."""

from __future__ import annotations

from types import MethodType
from typing import Any

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.http import urlencode

__all__ = ["NightlatchAdminSite", "patch_default_site"]


class NightlatchAdminSite(admin.AdminSite):
    """An admin site whose sign-in and change of password are our pages. The default site is patched to be one."""

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to our sign-in page, and back; who may be here already goes on at once."""
        del extra_context
        return _login(self, request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to our page."""
        del extra_context
        return _password_change(self, request)


def patch_default_site() -> None:
    """Make `admin.site` sign in through our pages (Django's way of securing it: ``admin.site.login = ...``)."""
    admin.site.login = MethodType(_login, admin.site)
    admin.site.password_change = MethodType(_password_change, admin.site)


@login_not_required
def _login(site: admin.AdminSite, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    del extra_context
    index = reverse("admin:index", current_app=site.name)
    if request.method == "GET" and site.has_permission(request):
        response = HttpResponseRedirect(index)
    else:
        back = urlencode({REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME) or index})
        response = HttpResponseRedirect(f"{reverse('nightlatch:sign-in')}?{back}")
    add_never_cache_headers(response)
    return response


def _password_change(
    site: admin.AdminSite, request: HttpRequest, extra_context: dict[str, Any] | None = None
) -> HttpResponse:
    del site, request, extra_context
    return HttpResponseRedirect(reverse("nightlatch:route", args=["account/security"]))
