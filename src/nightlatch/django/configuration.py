"""From Django's settings to ours."""

from __future__ import annotations

import difflib
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings as django_settings
from django.core import mail
from django.db import DEFAULT_DB_ALIAS

from nightlatch.errors import ConfigurationError
from nightlatch.hosting.configuration import HostConfiguration, Wording
from nightlatch.settings import Settings

__all__ = ["Configuration", "mail_backend", "under_test_runner"]

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_CONSOLE = "django.core.mail.backends.console.EmailBackend"

_WORDING = Wording(
    place="NIGHTLATCH",
    before="Write in the project's settings:\n\n    NIGHTLATCH = {",
    after="    }",
    indent="    ",
    address="http://localhost:8000",
    own_database="'database', the alias of one of DATABASES",
)


class _Own(msgspec.Struct, frozen=True):
    """Settings that Django projects have beside those of `nightlatch.settings.Settings`."""

    database: str = DEFAULT_DB_ALIAS
    permission_backends: tuple[str, ...] = ()
    vouch_for_addresses: bool = False


_KNOWN = {*Settings.__struct_fields__, *_Own.__struct_fields__, "database_url"}


def under_test_runner() -> bool:
    """Tell whether Django's test environment is set up: by its own runner, or any other that calls for it."""
    utilities = sys.modules.get("django.test.utils")
    return utilities is not None and hasattr(utilities._TestState, "saved_data")


class Configuration(HostConfiguration):
    """What ``NIGHTLATCH = {...}`` says. Reading it opens no file.

    Args:
        has_mailer: a mailer was handed over in code.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(self, *, has_mailer: bool = False) -> None:
        values = _given()
        own = _own({name: values.pop(name) for name in _Own.__struct_fields__ if name in values})
        self.database = own.database
        """The alias that our tables are found under."""
        self.permission_backends = own.permission_backends
        """Asked what somebody may do, as Django's own are, and never who somebody is."""
        self.vouches = own.vouch_for_addresses
        """Addresses of users who are adopted count as proven."""
        if under_test_runner():
            # A test run leaves no key behind, and its client calls from nowhere.
            values = {"base_url": "http://localhost", "secret_keys": [secrets.token_urlsafe(48)], **values}
        super().__init__(
            values,
            _WORDING,
            debug=lambda: bool(django_settings.DEBUG) or under_test_runner(),
            folder=_beside_the_project(),
            service_name=str(getattr(django_settings, "ROOT_URLCONF", "")).split(".")[0] or "This service",
            has_store=True,
            has_mailer=has_mailer or mail_backend() is not None,
        )
        if self.database_url is not None:
            raise ConfigurationError("NIGHTLATCH has no database_url in Django: 'database' names one of DATABASES")
        self.mails_by_django = mail_backend() is not None and self.outline.mail.transport is None
        """Whether mail goes the way that the project's ``EMAIL_...`` settings, or ``MAILERS``, say."""

    def settings(self, host: str) -> Settings:
        """Return the settings.

        Raises:
            ConfigurationError: some are missing and this is not debug mode on this machine; or our cookie and one of
                Django's have the same name, which no prefix keeps apart without https.
        """
        made = super().settings(host)
        for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"):
            if made.cookie_name == getattr(django_settings, name) and not made.secure:
                raise ConfigurationError(
                    f"NIGHTLATCH['cookie_name'] and {name} are both {made.cookie_name!r}:"
                    " each would overwrite the other's cookie; choose another name"
                )
        return made

    @property
    def host(self) -> str:
        """The ``Host`` where there is no request: of ``runserver``."""
        return urlsplit(_WORDING.address).netloc


def _given() -> dict[str, Any]:
    given = getattr(django_settings, "NIGHTLATCH", None) or {}
    if not isinstance(given, Mapping):
        raise ConfigurationError("NIGHTLATCH is a mapping of settings: {'base_url': ...}")
    for name in given:
        near = difflib.get_close_matches(str(name), _Own.__struct_fields__, n=1, cutoff=0.8)
        if near and name not in _KNOWN:
            raise ConfigurationError(f"NIGHTLATCH: unknown setting {name}; did you mean {near[0]}?")
    for key in dir(django_settings):
        name = key.removeprefix("NIGHTLATCH_").lower()
        if key.startswith("NIGHTLATCH_") and name in _KNOWN:
            # A setting that is looked for in the wrong place would be a rule that silently does not hold.
            raise ConfigurationError(f"{key} is not read: write NIGHTLATCH = {{'{name}': ...}}")
    return dict(given)


def _own(values: dict[str, Any]) -> _Own:
    try:
        # Strictly: the text "False" would vouch for addresses, and a text would be a list of letters.
        return msgspec.convert(values, _Own)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"NIGHTLATCH: {error}") from None


def mail_backend() -> str | None:
    """Return the backend by which the project says that Django sends mail; None where it says nothing of it."""
    if hasattr(mail, "mailers") and hasattr(django_settings, "MAILERS"):  # from Django 6.1 on, in place of EMAIL_...
        default = django_settings.MAILERS.get("default")
        named = None if default is None else str(default.get("BACKEND", _SMTP))
        # `startproject` writes the terminal's: nobody's word that production is to mail there.
        return None if named == _CONSOLE else named
    says = any(django_settings.is_overridden(name) for name in ("EMAIL_BACKEND", "EMAIL_HOST"))
    return str(django_settings.EMAIL_BACKEND) if says else None


def _beside_the_project() -> Path:
    base = getattr(django_settings, "BASE_DIR", None)
    if base is None:
        module = sys.modules.get(getattr(django_settings, "SETTINGS_MODULE", "") or "")
        file = getattr(module, "__file__", None)
        base = Path(file).parent if file else Path.cwd()
    return Path(base)
