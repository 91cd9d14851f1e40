"""Settings of a Django project for the tests. Databases are added while they run (`django_site.databases`)."""

from __future__ import annotations

import os

SECRET_KEY = "of a project in tests"
USE_TZ = os.environ.get("DJANGO_SITE_USE_TZ") != "0"
TIME_ZONE = "Pacific/Chatham"  # no whole hours from UTC: what is stored must not follow it
AUTH_USER_MODEL = os.environ.get("DJANGO_SITE_USER", "nightlatch.User")
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "nightlatch.django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DJANGO_SITE_DB", ":memory:")}}
