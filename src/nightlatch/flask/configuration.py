"""From the application's configuration to settings; or, in debug mode, settings that need none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from nightlatch.errors import ConfigurationError
from nightlatch.services.key_files import read_or_make_key
from nightlatch.settings import Settings, is_loopback, settings_from

__all__ = ["Configuration"]

_WRITE = {
    "base_url": '"base_url": "https://app.example.com",',
    "secret_keys": """"secret_keys": ["..."],  # python -c 'import secrets; print(secrets.token_urlsafe(48))'""",
    "database_url": '"database_url": "sqlite:////var/lib/app/nightlatch.db",  # or Nightlatch(app, db=db)',
    "mail": '"mail": {"transport": "smtp", "smtp_host": "smtp.example.com"},',
}
"""The four settings that have no default, each with the line to write."""

_PLACEHOLDERS = {"base_url": "http://localhost", "secret_keys": ["stands for a key while the rest is validated"]}


class Configuration:
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
        self._values = _values_of(app)
        self.database_url: str | None = self._values.pop("database_url", None)
        outline = self._build({**_PLACEHOLDERS, **{k: v for k, v in self._values.items() if v}})
        self.mount = outline.mount
        mails = has_mailer or not outline.asks_email or outline.mail.transport is not None
        there = {
            "base_url": bool(self._values.get("base_url")),
            "secret_keys": bool(self._values.get("secret_keys")),
            "database_url": has_store or self.database_url is not None,
            "mail": mails,
        }
        self.missing = tuple(name for name, found in there.items() if not found)

    def settings(self, host: str) -> Settings:
        """Return the settings.

        Args:
            host: the ``Host`` of the first request; it counts in debug mode alone, and only if it is this machine.

        Raises:
            ConfigurationError: settings are missing and this is not debug mode on this machine.
        """
        if _values_of(self._app) != self._values | ({"database_url": self.database_url} if self.database_url else {}):
            raise ConfigurationError("app.config['NIGHTLATCH'] was changed after Nightlatch(app): write it before")
        values = self._values
        if self.missing:
            values = self._for_development(host)
        return self._apart(self._build(values))

    def refuse_unless_debug(self) -> None:
        """Refuse to go on without settings outside debug mode, and say what to write.

        Raises:
            ConfigurationError: this is not debug mode.
        """
        if self.missing and not self._app.debug:
            lines = "\n".join(f"        {_WRITE[name]}" for name in self.missing)
            raise ConfigurationError(
                f"Nightlatch has no {', '.join(self.missing)}, and starts without in debug mode only."
                f' Write before Nightlatch(app):\n\n    app.config["NIGHTLATCH"] = {{\n{lines}\n    }}\n'
            )

    def _for_development(self, host: str) -> dict[str, Any]:
        """Fill in what is missing: for debug mode, on this machine alone."""
        self.refuse_unless_debug()
        base_url = self._values.get("base_url") or f"http://{host}"
        if not _is_this_machine(base_url):
            raise ConfigurationError(
                f"Nightlatch has no {', '.join(self.missing)}: without, this application is for this machine alone"
                f" (http://localhost:5000), not for {base_url}"
            )
        values = {**self._values, "base_url": base_url, "development": True}
        if "secret_keys" in self.missing:
            values["secret_keys"] = [read_or_make_key(Path(self._app.instance_path) / "nightlatch_key")]
        if "mail" in self.missing:
            values["mail"] = {**self._values.get("mail", {}), "transport": "console"}
        return values

    def _build(self, values: Mapping[str, Any]) -> Settings:
        try:
            return settings_from({"service_name": self._app.name, **values})
        except ConfigurationError as error:
            raise ConfigurationError(f"app.config['NIGHTLATCH']: {error.reason}") from None

    def _apart(self, settings: Settings) -> Settings:
        """Keep our cookie and the one of Flask's session apart: without https both would be called ``session``."""
        app = self._app
        writes_session = app.secret_key is not None or type(app.session_interface) is not SecureCookieSessionInterface
        if settings.secure or not writes_session or settings.cookie_name != app.config["SESSION_COOKIE_NAME"]:
            return settings
        if "cookie_name" in self._values:
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


def _is_this_machine(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
