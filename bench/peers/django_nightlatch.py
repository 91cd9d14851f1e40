"""The same route as in django_hand.py, with Nightlatch in Django."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse, JsonResponse
from django_alike import configure, me

configure(
    "django_nightlatch",
    "nightlatch.django.middleware.NightlatchMiddleware",
    ["nightlatch.django"],
    AUTH_USER_MODEL="nightlatch.User",
    AUTHENTICATION_BACKENDS=["nightlatch.django.backend.NightlatchBackend"],
    NIGHTLATCH={
        "base_url": f"http://127.0.0.1:{os.environ['BENCH_PORT']}",
        "secret_keys": ["a key of more than 32 bytes that only this benchmark knows"],
        "mail": {"transport": "file", "directory": "mail"},
    },
)

from django.contrib.auth.decorators import login_required  # noqa: E402 - Django's models need its settings
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

application = get_wsgi_application()


@login_required
def name(request: HttpRequest) -> HttpResponse:
    """Tell the name as well, which costs the second read."""
    user = request.user
    return JsonResponse({"id": str(user.pk), "email": user.email, "name": user.name})


urlpatterns = [
    path("auth/", include("nightlatch.django.urls")),
    path("me", me(login_required)),
    path("name", name),
]
