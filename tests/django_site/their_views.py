"""The project's routes, with Django's own views for people who want those."""

from __future__ import annotations

import json

from django.contrib.auth import aauthenticate, alogin, alogout
from django.contrib.auth.models import Group
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_site.urls import urlpatterns as ours
from nightlatch.django.admin_site import NightlatchAdminSite


@csrf_exempt
async def sign_in(request: HttpRequest) -> JsonResponse:
    """Sign in by Django's asynchronous functions."""
    user = await aauthenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({"error": "no"}, status=401)
    await alogin(request, user)
    now = await request.auser()
    return JsonResponse({"username": user.get_username(), "signed_in": now.is_authenticated})


@csrf_exempt
async def sign_out(request: HttpRequest) -> JsonResponse:
    """Sign out likewise."""
    await alogout(request)
    now = await request.auser()
    return JsonResponse({"signed_in": now.is_authenticated})


office = NightlatchAdminSite(name="office")
office.register(Group)

urlpatterns = [
    *ours,
    path("office/", office.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("a-sign-in", sign_in),
    path("a-sign-out", sign_out),
]
