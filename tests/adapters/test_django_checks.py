"""Half-made and dangerous set-ups: each is told, with the line to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import override_settings

from django_project import Site

MIDDLEWARE = list(settings.MIDDLEWARE)
OURS = "nightlatch.django.middleware.NightlatchMiddleware"
THEIRS = "django.contrib.auth.middleware.AuthenticationMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


def told(*, deploy: bool = False, databases: Any = None) -> dict[str, str]:
    """Run the checks; return what ours say and what to write."""
    found = run_checks(include_deployment_checks=deploy, databases=databases)
    return {each.id: f"{each.msg} {each.hint}" for each in found if str(each.id).startswith("nightlatch.")}


def test_the_usual_project_is_sound(site: Site) -> None:
    """Nothing to say."""
    del site
    assert told(databases=["default"]) == {}


def _with(**changes: Any) -> dict[str, Any]:
    return {"NIGHTLATCH": {**settings.NIGHTLATCH, **changes}}


class Elsewhere:
    """A router that leads our tables away."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Answer another alias."""
        del model, hints
        return "other"


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("E001", {"MIDDLEWARE": [each for each in MIDDLEWARE if each != OURS]}, OURS),
    ("E002", {"MIDDLEWARE": [*MIDDLEWARE, THEIRS]}, THEIRS),
    ("E003", {"MIDDLEWARE": [OURS, *(each for each in MIDDLEWARE if each != OURS)]}, SESSIONS),
    ("E003", {"MIDDLEWARE": [each for each in MIDDLEWARE if each != SESSIONS]}, SESSIONS),
    ("E004", {"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, "NightlatchBackend"),
    (
        "E004",
        {"AUTHENTICATION_BACKENDS": [*settings.AUTHENTICATION_BACKENDS, "django.contrib.auth.backends.ModelBackend"]},
        "permission_backends",
    ),
    ("E005", _with(mount="/login"), "path('login/', include('nightlatch.django.urls'))"),
    ("E005", {"ROOT_URLCONF": "nightlatch.django.urls"}, "path('auth/'"),
    ("E007", {"AUTH_USER_MODEL": "people.Person"}, "AUTH_USER_MODEL = 'nightlatch.User'"),
    ("W017", {"AUTH_USER_MODEL": "people.Person", **_with(identifiers="email")}, "vouch_for_addresses"),
    ("E008", _with(base_ulr="http://localhost"), "did you mean base_url"),
    ("E008", _with(cookie_name="sessionid"), "SESSION_COOKIE_NAME"),
    ("E008", _with(database_url="sqlite://"), "one of DATABASES"),
    ("E008", {"NIGHTLATCH_BASE_URL": "http://localhost"}, "write NIGHTLATCH = {'base_url': ...}"),
    ("E009", _with(database="elsewhere"), "'database': 'default'"),
    ("E010", {"DATABASE_ROUTERS": [Elsewhere()]}, "app_label 'nightlatch'"),
    (
        "W012",
        {"INSTALLED_APPS": [*settings.INSTALLED_APPS[1:], "nightlatch.django"]},
        "'nightlatch.django' first in INSTALLED_APPS",
    ),
]


@pytest.mark.parametrize(("number", "changes", "write"), BROKEN)
def test_a_half_made_project_is_told_what_to_write(
    site: Site, number: str, changes: dict[str, Any], write: str
) -> None:
    """Each by its number, and with the line."""
    del site
    with override_settings(**changes):
        found = told()
    assert f"nightlatch.{number}" in found, found
    assert write in found[f"nightlatch.{number}"]


def test_a_child_of_our_user_model_is_told(site: Site) -> None:
    """Accounts are made as `nightlatch.User`, and would have no row in it."""
    del site

    class Neighbour(get_user_model()):  # type: ignore[misc]
        class Meta:
            proxy = True
            app_label = "people"

    try:
        with override_settings(AUTH_USER_MODEL="people.Neighbour"):
            assert "AUTH_USER_MODEL = 'nightlatch.User'" in told()["nightlatch.E006"]
    finally:
        del apps.all_models["people"]["neighbour"]
        apps.clear_cache()


def test_atomic_requests_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """authenticate() raises there."""
    del site
    from django.db import connections

    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert "non_atomic_requests" in told()["nightlatch.W011"]


def test_settings_that_are_missing_are_told_outside_debug_mode(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, as lines to write."""
    del site
    monkeypatch.setattr("nightlatch.django.configuration.under_test_runner", lambda: False)
    with override_settings(NIGHTLATCH={}):
        found = told()["nightlatch.E008"]
    for name in ("base_url", "secret_keys"):
        assert f'"{name}": ' in found


def test_tables_that_are_missing_are_told(site: Site) -> None:
    """A warning: `migrate` itself looks before it migrates."""
    del site
    from django.core.management import call_command

    call_command("migrate", "nightlatch", "zero", fake=True, verbosity=0)
    assert "manage.py migrate nightlatch" in told(databases=["default"])["nightlatch.W013"]


HTTPS = {"base_url": "https://shop.example", "hashing": {}}


def mail_by(backend: str) -> dict[str, Any]:
    """Return how a project says what Django sends mail with."""
    path = f"django.core.mail.backends.{backend}.EmailBackend"
    return {"MAILERS": {"default": {"BACKEND": path}}} if django.VERSION >= (6, 1) else {"EMAIL_BACKEND": path}


SMTP = mail_by("smtp")

CARELESS: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("W020", lambda: _with(hashing={})),
    ("W022", lambda: _with(**HTTPS, secret_keys=[settings.SECRET_KEY])),
    ("W023", lambda: {**_with(**HTTPS), **mail_by("console")}),
    ("W023", lambda: _with(**HTTPS, mail={"transport": "console"})),
    ("W024", lambda: _with(base_url="https://shop.example")),
    ("W025", lambda: _with(**HTTPS, development=True)),
]


@pytest.mark.parametrize(("number", "changes"), CARELESS)
def test_what_must_not_meet_the_public_is_told(site: Site, number: str, changes: Callable[[], dict[str, Any]]) -> None:
    """`check --deploy`, and it alone."""
    del site
    with override_settings(**{**SMTP, **changes()}):
        assert f"nightlatch.{number}" not in told()
        assert f"nightlatch.{number}" in told(deploy=True)


def test_a_project_that_is_ready_has_nothing_to_hear(site: Site) -> None:
    """https, a key of its own, mail that is delivered."""
    del site
    with override_settings(**SMTP, **_with(**HTTPS)):
        assert told(deploy=True) == {}


def test_a_key_made_by_debug_mode_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies beside the code."""
    del site
    monkeypatch.setattr("nightlatch.django.configuration.under_test_runner", lambda: False)
    with override_settings(**SMTP, NIGHTLATCH={"base_url": "https://shop.example"}):
        assert "nightlatch.W021" in told(deploy=True)
