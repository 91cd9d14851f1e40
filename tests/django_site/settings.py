"""Settings of the Django project that tests tell stories in: our own user model, everything usual around it.

Databases are added while they run (`django_databases`), and the environment tells programs of their own another one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django

_folder = tempfile.TemporaryDirectory(prefix="nightlatch-django-")

BASE_DIR = Path(_folder.name)
SECRET_KEY = "a secret key of Django's, for tests alone, and long enough"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "testserver"]
ROOT_URLCONF = "django_site.urls"
USE_TZ = os.environ.get("DJANGO_SITE_USE_TZ") != "0"
TIME_ZONE = "Pacific/Chatham"  # no whole hours from UTC: what is stored must not follow it
AUTH_USER_MODEL = os.environ.get("DJANGO_SITE_USER", "nightlatch.User")
AUTHENTICATION_BACKENDS = ["nightlatch.django.backend.NightlatchBackend"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DJANGO_SITE_DB", ":memory:")}}
INSTALLED_APPS = [
    "nightlatch.django",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_site.people",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "nightlatch.django.middleware.NightlatchMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Never asked: a test run keeps mail in django.core.mail.outbox.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"OPTIONS": {"host": "mail.example.org"}}}
else:
    EMAIL_HOST = "mail.example.org"
NIGHTLATCH = {
    "base_url": "http://localhost",
    "secret_keys": ["a secret key for tests, long enough to be one"],
    "hashing": {"profile": "cheap_for_tests", "slots": 2, "queue": 32},
    "identifiers": "email_and_username",
}
