"""From Flask's configuration to settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from nightlatch.errors import ConfigurationError
from nightlatch.hosting.configuration import HostConfiguration, Wording
from nightlatch.settings import Settings

__all__ = ["Configuration"]

_WORDING = Wording(
    place="app.config['NIGHTLATCH']",
    before='Write before Nightlatch(app):\n\n    app.config["NIGHTLATCH"] = {',
    after="    }",
    indent="    ",
    address="http://localhost:5000",
    own_database="Nightlatch(app, db=db)",
)


class Configuration(HostConfiguration):
    """What ``app.config["NIGHTLATCH"]`` says. Reading it opens no file.

    Args:
        app: the application.
        has_store: a database was handed over in code.
        has_mailer: so was a mailer.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(self, app: Flask, *, has_store: bool, has_mailer: bool) -> None:
        self._app = app
        self._seen = _values_of(app)
        super().__init__(
            self._seen,
            _WORDING,
            debug=lambda: app.debug,
            folder=Path(app.instance_path),
            service_name=app.name,
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
        if _values_of(self._app) != self._seen:
            raise ConfigurationError("app.config['NIGHTLATCH'] was changed after Nightlatch(app): write it before")
        return self._apart(super().settings(host))

    def _apart(self, settings: Settings) -> Settings:
        """Keep our cookie and the one of Flask's session apart: without https both would be called ``session``."""
        app = self._app
        writes_session = app.secret_key is not None or type(app.session_interface) is not SecureCookieSessionInterface
        if settings.secure or not writes_session or settings.cookie_name != app.config["SESSION_COOKIE_NAME"]:
            return settings
        if "cookie_name" in self._seen:
            raise ConfigurationError(
                f"app.config['NIGHTLATCH']['cookie_name'] and SESSION_COOKIE_NAME are both {settings.cookie_name!r}:"
                " each would overwrite the other's cookie; choose another name"
            )
        return msgspec.structs.replace(settings, cookie_name="nightlatch_session")


def _values_of(app: Flask) -> dict[str, Any]:
    given = app.config.get("NIGHTLATCH") or {}
    if not isinstance(given, Mapping):
        raise ConfigurationError("app.config['NIGHTLATCH'] is a mapping of settings: {'base_url': ...}")
    # A setting that is looked for in the wrong place would be a rule that silently does not hold.
    known = {*Settings.__struct_fields__, "database_url"}
    for key in app.config:
        name = key.removeprefix("NIGHTLATCH_").lower()
        if key.startswith("NIGHTLATCH_") and name in known:
            raise ConfigurationError(f"{key} is not read: write app.config['NIGHTLATCH']['{name}']")
    return dict(given)
