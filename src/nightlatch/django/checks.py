"""System checks: every half-made or dangerous set-up, with the line to write (``manage.py check --deploy``)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.views import PasswordResetConfirmView
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own names
from django.db import connections, router
from django.urls import Resolver404, get_resolver, resolve
from django.utils.module_loading import import_string

from nightlatch.django.backend import NightlatchBackend
from nightlatch.django.configuration import Configuration, mail_backend
from nightlatch.django.middleware import NightlatchMiddleware
from nightlatch.django.models import User
from nightlatch.django.users import ours
from nightlatch.django.views import nightlatch
from nightlatch.errors import ConfigurationError

__all__ = ["register_checks"]

_MIDDLEWARE = "nightlatch.django.middleware.NightlatchMiddleware"
_BACKEND = "nightlatch.django.backend.NightlatchBackend"
_HASHER = "nightlatch.django.hasher.NightlatchPasswordHasher"
_NOT_DELIVERING = ("console", "locmem", "dummy", "filebased")


def register_checks() -> None:
    """Make Django run them."""
    for each in (_middleware, _backends, _settings, _database, _user_model, _nothing_to_sign_in_by, _order):
        register(_listed(each), Tags.security)
    register(_listed(_urls), Tags.urls)
    register(_listed(_reset_links), Tags.urls)
    register(_migrations, Tags.database)
    register(_listed(_deployment), Tags.security, deploy=True)


def _listed(find: Any) -> Any:
    def check(app_configs: Any, **_: Any) -> list[CheckMessage]:
        del app_configs
        return list(find())

    return check


def _configuration() -> Configuration | None:
    try:
        return Configuration()
    except ConfigurationError:
        return None  # E008 says so


def _middleware() -> Iterator[CheckMessage]:
    classes = [import_string(path) for path in django_settings.MIDDLEWARE]
    found = [i for i, each in enumerate(classes) if _is(each, NightlatchMiddleware)]
    if not found:
        yield Error(
            "Nightlatch's middleware is not in MIDDLEWARE: nobody would ever be signed in.",
            hint=f"Write {_MIDDLEWARE!r} where 'django.contrib.auth.middleware.AuthenticationMiddleware' stands.",
            id="nightlatch.E001",
        )
        return
    if any(_is(each, AuthenticationMiddleware) and not _is(each, NightlatchMiddleware) for each in classes):
        yield Error(
            "Django's AuthenticationMiddleware stands beside Nightlatch's: it would ask Django's session who it is.",
            hint="Take 'django.contrib.auth.middleware.AuthenticationMiddleware' out of MIDDLEWARE.",
            id="nightlatch.E002",
        )
    sessions = [i for i, each in enumerate(classes) if _is(each, SessionMiddleware)]
    if not sessions or sessions[0] > found[0]:
        yield Error(
            "Nightlatch's middleware comes before Django's sessions, whose keys it renews at sign-in.",
            hint=f"Write 'django.contrib.sessions.middleware.SessionMiddleware' before {_MIDDLEWARE!r} in MIDDLEWARE.",
            id="nightlatch.E003",
        )


def _is(each: Any, base: type) -> bool:
    return isinstance(each, type) and issubclass(each, base)


def _backends() -> Iterator[CheckMessage]:
    classes = [import_string(path) for path in django_settings.AUTHENTICATION_BACKENDS]
    found = _configuration()
    for path in () if found is None else found.permission_backends:
        try:
            import_string(path)
        except ImportError as error:
            yield Error(
                f"NIGHTLATCH['permission_backends'] names {path!r}, which cannot be imported: {error}",
                hint="Write the path of a class: 'guardian.backends.ObjectPermissionBackend'.",
                id="nightlatch.E015",
            )
    if len(classes) != 1 or not _is(classes[0], NightlatchBackend):
        yield Error(
            "AUTHENTICATION_BACKENDS names other ways in than Nightlatch's: its throttle, second factors and"
            " suspension would not hold there.",
            hint=f"Write AUTHENTICATION_BACKENDS = [{_BACKEND!r}]. Backends that only answer what somebody may"
            " (django-guardian, rules) go to NIGHTLATCH = {'permission_backends': [...]}.",
            id="nightlatch.E004",
        )


def _urls() -> Iterator[CheckMessage]:
    found = _configuration()
    if found is None or not getattr(django_settings, "ROOT_URLCONF", None):
        return
    root = found.outline.base_url[len(found.outline.origin) :]
    for path in (f"{found.outline.mount}/api/session", f"{root}{found.outline.mount}/api/session"):
        try:
            match = resolve(path)
        except Resolver404:
            continue
        if match.func is nightlatch and match.kwargs == {"path": "api/session"}:
            return
    yield Error(
        f"Nightlatch's routes are not at {found.outline.mount}/, where its links, redirects and pages lead.",
        hint=f"Write path({found.outline.mount.strip('/') + '/'!r}, include('nightlatch.django.urls')) in the URLconf,"
        " before what would match it; or set NIGHTLATCH = {'mount': ...} to where they are.",
        id="nightlatch.E005",
    )


def _reset_links() -> Iterator[CheckMessage]:
    if ours() and getattr(django_settings, "ROOT_URLCONF", None) and _leads_to_reset(get_resolver().url_patterns):
        # Django's link names the hash it is to replace, so that it is good once. Here that is None, before and after.
        yield Error(
            "The URLconf has Django's password_reset_confirm: its links, good until the password column changes, would"
            " be good twice with nightlatch.User, which has none.",
            hint="In place of include('django.contrib.auth.urls') write the paths of the views that you use, and leave"
            " out Django's PasswordResetConfirmView.",
            id="nightlatch.E016",
        )


def _leads_to_reset(patterns: Any) -> bool:
    return any(
        _leads_to_reset(each.url_patterns)
        if hasattr(each, "url_patterns")
        else _is(getattr(each.callback, "view_class", None), PasswordResetConfirmView)
        for each in patterns
    )


def _user_model() -> Iterator[CheckMessage]:
    model = get_user_model()
    if ours():
        return
    if issubclass(model, User):
        yield Error(
            f"AUTH_USER_MODEL is {django_settings.AUTH_USER_MODEL!r}, a child of nightlatch.User: accounts are made as"
            " nightlatch.User and would have no row in it.",
            hint="Write AUTH_USER_MODEL = 'nightlatch.User', and keep further fields in a model with a OneToOneField.",
            id="nightlatch.E006",
        )
        return
    if list(django_settings.PASSWORD_HASHERS)[:1] != [_HASHER]:
        yield Error(
            "PASSWORD_HASHERS does not begin with Nightlatch's: what a sign-in leaves in the project's own password"
            " column would match nothing, and what the project writes there would be hashed twice.",
            hint=f"Write PASSWORD_HASHERS = [{_HASHER!r}, ...] before those that are there; or, in a new project that"
            " needs no user model of its own, AUTH_USER_MODEL = 'nightlatch.User'.",
            id="nightlatch.E007",
        )


def _nothing_to_sign_in_by() -> Iterator[CheckMessage]:
    found, model = _configuration(), get_user_model()
    if found is None or ours():
        return
    by_address = model.get_email_field_name() == model.USERNAME_FIELD
    if found.vouches or (found.outline.asks_username and not by_address):
        return
    yield Warning(
        f"Users of {django_settings.AUTH_USER_MODEL!r} have nothing to sign in by: their addresses do not count as"
        " proven, and their user names are not asked for.",
        hint="Write NIGHTLATCH = {'identifiers': 'email_and_username'}, where they sign in by user name; or"
        " {'vouch_for_addresses': True}, if every address that lies there was proven.",
        id="nightlatch.W017",
    )


def _settings() -> Iterator[CheckMessage]:
    try:
        found = Configuration()
        found.refuse_unless_debug()
        found.settings(found.host)
    except ConfigurationError as error:
        yield Error("Nightlatch cannot start with these settings.", hint=error.reason, id="nightlatch.E008")


def _database() -> Iterator[CheckMessage]:
    found = _configuration()
    if found is None:
        return
    alias = found.database
    if alias not in connections:
        yield Error(
            f"NIGHTLATCH['database'] is {alias!r}, which DATABASES does not have.",
            hint="Write the alias of one of DATABASES: NIGHTLATCH = {'database': 'default'}.",
            id="nightlatch.E009",
        )
        return
    if router.db_for_write(User) != alias or not router.allow_migrate_model(alias, User):
        yield Error(
            f"A database router leads Nightlatch's tables elsewhere than to {alias!r}, where they are looked for.",
            hint="Let DATABASE_ROUTERS answer that alias for app_label 'nightlatch', for writing and migrating, or set"
            " NIGHTLATCH = {'database': ...} to where it leads. No query of ours asks a replica.",
            id="nightlatch.E010",
        )
    if connections[alias].settings_dict.get("ATOMIC_REQUESTS"):
        yield Warning(
            "ATOMIC_REQUESTS is on: authenticate() raises inside its transaction, which would undo what it counts.",
            hint="Decorate views that call authenticate() with @transaction.non_atomic_requests; Nightlatch's own"
            " routes are.",
            id="nightlatch.W011",
        )


def _order() -> Iterator[CheckMessage]:
    apps = list(django_settings.INSTALLED_APPS)
    if not ours() or "django.contrib.auth" not in apps:
        return
    mine = next((i for i, each in enumerate(apps) if each.startswith("nightlatch.django")), 0)
    if mine > apps.index("django.contrib.auth"):
        yield Warning(
            "'nightlatch.django' comes after 'django.contrib.auth': its createsuperuser, which asks for a password,"
            " is not found.",
            hint="Write 'nightlatch.django' first in INSTALLED_APPS.",
            id="nightlatch.W012",
        )


def _migrations(app_configs: Any, databases: Any = None, **_: Any) -> list[CheckMessage]:
    # A warning, and none to who runs `migrate`, which looks first; without the tables the first use refuses anyway.
    from django.db.migrations.executor import MigrationExecutor

    del app_configs
    found = _configuration()
    if found is None or found.database not in (databases or ()) or sys.argv[1:2] == ["migrate"]:
        return []
    executor = MigrationExecutor(connections[found.database])
    targets = [each for each in executor.loader.graph.leaf_nodes() if each[0] == "nightlatch"]
    if not executor.migration_plan(targets):
        return []
    return [
        Warning(
            "Nightlatch's tables are not up to date.",
            hint="Run manage.py migrate nightlatch",
            id="nightlatch.W013",
        )
    ]


def _deployment() -> Iterator[CheckMessage]:
    found = _configuration()
    if found is None:
        return
    outline = found.outline
    if "base_url" in found.missing or not outline.secure:
        yield Warning(
            "Nightlatch's base_url is not https: sessions would travel in clear, and cookies lack their prefix.",
            hint="Write NIGHTLATCH = {'base_url': 'https://app.example.com', ...}.",
            id="nightlatch.W020",
        )
    if "secret_keys" in found.missing:
        yield Warning(
            "Nightlatch has no secret_keys of its own: the key that debug mode makes lies beside the code.",
            hint="Write NIGHTLATCH = {'secret_keys': [os.environ['NIGHTLATCH_KEY']], ...}.",
            id="nightlatch.W021",
        )
    if any(key.reveal() == django_settings.SECRET_KEY for key in outline.secret_keys):
        yield Warning(
            "Nightlatch's secret key is Django's SECRET_KEY: who learns one has the other, and neither can be rotated"
            " alone.",
            hint="Write another: python -c 'import secrets; print(secrets.token_urlsafe(48))'.",
            id="nightlatch.W022",
        )
    if outline.asks_email and not _delivers(found):
        yield Warning(
            "Mail of Nightlatch's goes nowhere: nobody could prove an address.",
            hint="Say how Django sends mail (MAILERS from Django 6.1 on, before it EMAIL_BACKEND and EMAIL_HOST), or"
            " write NIGHTLATCH = {'mail': {'transport': 'smtp', ...}}.",
            id="nightlatch.W023",
        )
    if outline.hashing.profile == "cheap_for_tests":
        yield Warning(
            "Passwords are hashed as cheaply as tests want it.",
            hint="Take 'profile' out of NIGHTLATCH['hashing'].",
            id="nightlatch.W024",
        )
    if outline.development:
        yield Warning(
            "NIGHTLATCH['development'] is on, which must never meet the public.",
            hint="Take 'development' out of NIGHTLATCH.",
            id="nightlatch.W025",
        )


def _delivers(found: Configuration) -> bool:
    if found.mails_by_django:
        return not any(f".{each}." in str(mail_backend()) for each in _NOT_DELIVERING)
    return found.outline.mail.transport in {"smtp", "file"}
