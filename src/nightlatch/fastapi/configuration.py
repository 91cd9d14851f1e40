"""From what `Nightlatch(app, ...)` was given, or the environment, to settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette

from nightlatch.errors import ConfigurationError
from nightlatch.hosting.configuration import HostConfiguration, Wording
from nightlatch.hosting.environment import load_environment
from nightlatch.settings import Settings

__all__ = ["Configuration"]

_WORDING = Wording(
    place="Nightlatch(app, {...})",
    before="Write:\n\n    Nightlatch(app, {",
    after="    })\n\nor the same as variables, such as NIGHTLATCH_BASE_URL=https://app.example.com",
    indent="    ",
    address="http://localhost:8000",
    own_database="Nightlatch(app, ..., engine=engine)",
)
_ITS_OWN_NAME = "FastAPI"
"""A FastAPI without a title is called so; nobody's service is."""
_USUAL_COOKIE = "session"
"""Ours and Starlette's, where none was chosen."""


class Configuration(HostConfiguration):
    """What the application says. Reading it opens no file.

    Args:
        app: the application.
        given: settings, whole or as a mapping; None: the ``NIGHTLATCH_*`` variables.
        database_url: stands for the setting of that name.
        has_store: a database was handed over in code.
        has_mailer: so was a mailer.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(
        self,
        app: Starlette,
        given: Settings | Mapping[str, Any] | None,
        *,
        database_url: str | None,
        has_store: bool,
        has_mailer: bool,
    ) -> None:
        self._app = app
        values = _values_of(given)
        if database_url is not None:
            values["database_url"] = database_url
        title = getattr(app, "title", None) or _ITS_OWN_NAME
        super().__init__(
            values,
            _WORDING if given is not None else replace(_WORDING, place="NIGHTLATCH_* variables"),
            debug=lambda: app.debug,
            folder=Path("instance").absolute(),
            service_name="This service" if title == _ITS_OWN_NAME else title,
            has_store=has_store,
            has_mailer=has_mailer,
        )

    def settings(self, host: str) -> Settings:
        """Return the settings.

        Args:
            host: the ``Host`` of the first request; it counts in debug mode alone, and only if it is this machine.

        Raises:
            ConfigurationError: settings are missing and this is not debug mode on this machine.
        """
        return self.apart(super().settings(host))

    def apart(self, settings: Settings) -> Settings:
        """Keep our cookie and that of Starlette's sessions apart: without https both would be called ``session``."""
        if settings.secure or settings.cookie_name not in _session_cookies(self._app):
            return settings
        if settings.cookie_name != _USUAL_COOKIE:
            raise ConfigurationError(
                f"cookie_name and the session_cookie of SessionMiddleware are both {settings.cookie_name!r}:"
                " each would overwrite the other's cookie; choose another name"
            )
        return msgspec.structs.replace(settings, cookie_name="nightlatch_session")


def _values_of(given: Settings | Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return load_environment(os.environ)
    if isinstance(given, Settings):
        return {name: getattr(given, name) for name in given.__struct_fields__}
    if not isinstance(given, Mapping):
        raise ConfigurationError("Nightlatch(app, settings): a mapping {'base_url': ...}, or nightlatch.Settings")
    return dict(given)


def _session_cookies(app: Starlette) -> set[str]:
    """Return the cookies of the application's own sessions, by name."""
    names = set()
    for each in app.user_middleware:
        # By name: importing the class needs itsdangerous, which an application without such sessions does not have.
        if getattr(each.cls, "__name__", "") == "SessionMiddleware":
            names.add(str(each.kwargs.get("session_cookie", "session")))
    return names
