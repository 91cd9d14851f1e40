"""From an application's configuration to settings; or, in debug mode, settings that need none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.services.key_files import read_or_make_key, write_private
from nightlatch.settings import Mail, Settings, is_loopback, settings_from

__all__ = ["HostConfiguration", "Wording"]

_WRITE = {
    "base_url": '"base_url": "https://app.example.com",',
    "secret_keys": """"secret_keys": ["..."],  # python -c 'import secrets; print(secrets.token_urlsafe(48))'""",
    "database_url": '"database_url": "sqlite:////var/lib/app/nightlatch.db",',
    "mail": '"mail": {"transport": "smtp", "smtp_host": "smtp.example.com"},',
}
"""The four settings that have no default, each with the line to write."""

_PLACEHOLDERS = {"base_url": "http://localhost", "secret_keys": ["stands for a key while the rest is validated"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a framework's developers are told what to write.

    Args:
        place: where settings stand, as a message names it.
        before: the code that goes before the missing lines, its own lines included.
        after: the code that goes after them.
        indent: of the missing lines.
        address: of the application under the framework's development server.
        own_database: how an application's own engine is handed over in code.
    """

    place: str
    before: str
    after: str
    indent: str
    address: str
    own_database: str


class HostConfiguration:
    """What an application's configuration says. Reading it opens no file.

    Args:
        values: names of settings, and ``database_url``.
        wording: the framework's.
        debug: tells whether the framework is in debug mode.
        folder: of key and database, where debug mode makes them.
        service_name: where none is set.
        has_store: a database was handed over in code.
        has_mailer: so was a mailer.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        wording: Wording,
        *,
        debug: Callable[[], bool],
        folder: Path,
        service_name: str,
        has_store: bool,
        has_mailer: bool,
    ) -> None:
        self._wording = wording
        self._debug = debug
        self._folder = folder
        self._service_name = service_name
        self.address = wording.address
        self._values = dict(values)
        self.database_url: str | None = self._values.pop("database_url", None)
        self.outline = self._build({**_PLACEHOLDERS, **{k: v for k, v in self._values.items() if v}})
        """The settings, with placeholders for what is missing: for what does not hang on it."""
        mails = has_mailer or not self.outline.asks_email or self.outline.mail.transport is not None
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
        return self._build(self._for_development(host) if self.missing else self._values)

    def refuse_unless_debug(self) -> None:
        """Refuse to go on without settings outside debug mode, and say what to write.

        Raises:
            ConfigurationError: this is not debug mode.
        """
        if self.missing and not self._debug():
            words = self._wording
            lines = {**_WRITE, "database_url": f"{_WRITE['database_url']}  # or {words.own_database}"}
            told = "\n".join(f"    {words.indent}{lines[name]}" for name in self.missing)
            raise ConfigurationError(
                f"Nightlatch has no {', '.join(self.missing)}, and starts without in debug mode only."
                f" {words.before}\n{told}\n{words.after}\n"
            )

    def own_database(self) -> str:
        """Make the database that debug mode needs none configured for, its owner's alone, and return its address.

        Raises:
            ConfigurationError: the file cannot be made.
        """
        path = self._folder / "nightlatch.db"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, "", exclusive=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigurationError(f"cannot make {path}: {error.strerror}") from None
        return f"sqlite:///{path}"

    def _for_development(self, host: str) -> dict[str, Any]:
        """Fill in what is missing: for debug mode, on this machine alone."""
        self.refuse_unless_debug()
        base_url = self._values.get("base_url") or f"http://{host}"
        if not _is_this_machine(base_url):
            raise ConfigurationError(
                f"Nightlatch has no {', '.join(self.missing)}: without, this application is for this machine alone"
                f" ({self._wording.address}), not for {base_url}"
            )
        values = {**self._values, "base_url": base_url, "development": True}
        if "secret_keys" in self.missing:
            values["secret_keys"] = [read_or_make_key(self._folder / "nightlatch_key")]
        if "mail" in self.missing:
            mail = self._values.get("mail", {})
            values["mail"] = {**(_fields(mail) if isinstance(mail, Mail) else mail), "transport": "console"}
        return values

    def _build(self, values: Mapping[str, Any]) -> Settings:
        try:
            return settings_from({"service_name": self._service_name, **values})
        except ConfigurationError as error:
            raise ConfigurationError(f"{self._wording.place}: {error.reason}") from None


def _fields(section: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(section, name) for name in section.__struct_fields__}


def _is_this_machine(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
