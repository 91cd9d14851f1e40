"""What the server is told: a TOML file, then ``NIGHTLATCH_*`` variables, which win."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.hosting.environment import load_environment
from nightlatch.services.key_files import read_or_make_key
from nightlatch.settings import Settings, is_loopback, settings_from

__all__ = ["Config", "load"]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How this server runs, beside the installation's own settings.

    Args:
        settings: of the installation.
        data: folder of database, keys and dev mailbox.
        database_url: SQLAlchemy's form.
        bind: address to listen on.
        port: to listen on.
        workers: processes.
        threads: request threads in each.
        durable: whether an acknowledged write survives a power cut (SQLite).
        tls_cert: certificate chain, PEM.
        tls_key: its key, PEM.
        management_bind: address of the management listener.
        management_port: its port; None: there is no such listener.
        traces: whether each request is a span of OpenTelemetry's.
    """

    settings: Settings
    data: Path
    database_url: str
    bind: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 64
    durable: bool = True
    tls_cert: Path | None = None
    tls_key: Path | None = None
    management_bind: str = "127.0.0.1"
    management_port: int | None = None
    traces: bool = False

    @property
    def mailbox(self) -> Path:
        """Folder of the dev mailbox."""
        return self.data / "mailbox"


class _Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    data: str = "data"
    database_url: str | None = None
    bind: str = "127.0.0.1"
    port: int = 8000
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 64
    durable: bool = True
    tls_cert: str | None = None
    tls_key: str | None = None
    management_bind: str = "127.0.0.1"
    management_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    traces: bool = False


def load(
    config: Path | None = None, *, environment: Mapping[str, str] | None = None, given: Mapping[str, Any] | None = None
) -> Config:
    """Read the configuration.

    Args:
        config: the TOML file, or None.
        environment: variables; None: this process's.
        given: what the command line said; wins over both.

    Raises:
        ConfigurationError: an unknown name, a missing or unusable value; or what would not be safe.
    """
    values: dict[str, Any] = _file(config) if config else {}
    _merge(values, load_environment(os.environ if environment is None else environment))
    server_values = values.pop("server", {})
    if not isinstance(server_values, dict):
        raise ConfigurationError("[server] is a section")
    server_values |= {name: values.pop(name) for name in _Server.__struct_fields__ if name in values}
    server_values |= {name: value for name, value in (given or {}).items() if value is not None}
    try:
        server = msgspec.convert(server_values, _Server, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"[server]: {error}") from None
    data = Path(server.data)
    _needs_address(values)
    _defaults(values, server, data)
    settings = settings_from(values)
    _safe(settings, server)
    return Config(
        settings=settings,
        data=data,
        database_url=server.database_url or f"sqlite:///{data / 'nightlatch.db'}",
        bind=server.bind,
        port=server.port,
        workers=server.workers,
        threads=server.threads,
        durable=server.durable,
        tls_cert=Path(server.tls_cert) if server.tls_cert else None,
        tls_key=Path(server.tls_key) if server.tls_key else None,
        management_bind=server.management_bind,
        management_port=server.management_port,
        traces=server.traces,
    )


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _needs_address(values: dict[str, Any]) -> None:
    """Say how to begin before anything is written into the folder that somebody happens to be in."""
    values["development"] = str(values.get("development", "")).lower() in {"true", "1", "yes", "on"}
    if not values.get("base_url") and not values["development"]:
        raise ConfigurationError(
            "base_url is not set: 'nightlatch init' writes a settings file, then give it with --config;"
            " to look around on this machine, set NIGHTLATCH_DEVELOPMENT=1"
        )


def _defaults(values: dict[str, Any], server: _Server, data: Path) -> None:
    """Fill in what a first run needs: keys of its own, and in development an address and a mailbox."""
    if values["development"]:
        values.setdefault("base_url", f"http://localhost:{server.port}")
        _fill(values, "mail", transport="file", directory=str(data / "mailbox"))
    # Each worker has its share of the processors: more hashes at once are slower together, and cost memory each.
    slots = max(1, (os.cpu_count() or 1) // server.workers)
    _fill(values, "hashing", slots=slots, lingering=server.threads * 3 // 4)
    if not values.get("secret_keys"):
        values["secret_keys"] = [read_or_make_key(data / "secret_key")]


def _fill(values: dict[str, Any], section: str, **defaults: Any) -> None:
    found = values.setdefault(section, {})
    if isinstance(found, dict):  # what is no section is refused with the rest
        values[section] = defaults | found


def _safe(settings: Settings, server: _Server) -> None:
    if bool(server.tls_cert) != bool(server.tls_key):
        raise ConfigurationError("tls_cert and tls_key go together")
    if server.management_port == server.port:
        raise ConfigurationError("management_port must not be the public one: what it tells is for operators")
    if settings.development and not (is_loopback(settings.host) and is_loopback(server.bind)):
        raise ConfigurationError("development is for this machine alone: base_url and bind must be loopback")
    if settings.development:
        return
    if settings.mail.transport in {"console", "memory"}:
        raise ConfigurationError(f"mail.transport {settings.mail.transport!r} is for development; set 'smtp' or 'file'")
    if settings.mail.transport is None and settings.asks_email:
        raise ConfigurationError("mail.transport is not set: 'smtp' (with mail.smtp_host) or 'file'")
