"""What the two Django projects of the benchmark have in common, so that nothing but who signs in differs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

__all__ = ["configure", "me"]


def configure(urls: str, middleware: str, apps: list[str], **more: Any) -> None:
    """Write the settings: what `startproject` writes, a database as our pages advise, and connections that are kept.

    Args:
        urls: the module of the routes.
        middleware: that says who is signed in.
        apps: beside Django's own.
        more: settings of the one project.
    """
    settings.configure(
        SECRET_KEY="a key that only this benchmark knows",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=urls,
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(os.environ["BENCH_DATABASE"]).resolve()),
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "timeout": 20,
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                },
            }
        },
        INSTALLED_APPS=[
            *apps,
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            middleware,
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        **more,
    )


def me(guard: Callable[..., Any]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view that tells who is signed in, behind a guard."""

    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"id": str(request.user.pk), "email": request.user.email})

    guarded: Callable[[HttpRequest], HttpResponse] = guard(view)
    return guarded
