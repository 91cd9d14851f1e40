"""``nightlatch serve``: everything that is done once, before the workers start."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from nightlatch.errors import ConfigurationError, NotFound
from nightlatch.server.app import build
from nightlatch.server.config import Config, load
from nightlatch.server.logs import begin_logging
from nightlatch.server.metrics import folder_for, let_metrics_begin
from nightlatch.server.port import holder_of
from nightlatch.server.stopping import hear_from_the_fork
from nightlatch.services.key_files import write_private

__all__ = ["last_port", "serve"]

_M_ARENA_MAX = -8
"""Of mallopt(3)."""
_RUN = "run.json"
"""In the data folder: what the workers are told."""
_LONGEST_STOP = 10
"""Seconds that a request may still take once the server is told to stop."""
_OTHER_THREADS = 32
"""Of a worker, beside its request threads: hashing, the HTTP server's own, background work."""


def serve(config_path: Path | None, given: Mapping[str, Any], *, migrate: bool = True) -> None:
    """Run the server until it is stopped.

    Args:
        config_path: the TOML file, or None.
        given: what the command line said.
        migrate: do pending steps of the schema; otherwise refuse to start with them.

    Raises:
        ConfigurationError: it cannot start; the reason says why and what to do.
    """
    os.umask(0o077)  # database, keys and mailbox are their owner's alone
    config = load(config_path, given=given)
    begin_logging()
    _see_certificate(config)
    _see_port(config.bind, config.port, "--port (with make: PORT=...)")
    if config.management_port is not None:
        _see_port(config.management_bind, config.management_port, "management_port")
    _prepare_schema(config, migrate=migrate)
    for line in _announce(config):
        print(line, flush=True)  # noqa: T201 - this is what a person sees
    _run(config, config_path, given)


def _prepare_schema(config: Config, *, migrate: bool) -> None:
    from nightlatch.storage.sql import schema
    from nightlatch.storage.sql.store import SqlStore

    config.data.mkdir(parents=True, exist_ok=True)
    store = SqlStore.open(config.database_url, durable=config.durable)
    if migrate:
        schema.migrate(store.engine)
    schema.verify_schema(store.engine)
    store.engine.dispose()
    auth = build(config)
    try:
        auth.see_keys()
    finally:
        auth.close()


def _announce(config: Config) -> list[str]:
    """Return the lines that a start prints: address, mailbox, administrator's link, how to stop."""
    settings = config.settings
    lines = [f"Nightlatch      {settings.base_url}/"]
    if settings.development:
        lines.append(f"Dev mailbox     {settings.base_url}/dev/mailbox")
    link, path = _administrators_link(config), config.data / "first-administrator"
    path.unlink(missing_ok=True)  # an earlier start's; a link that is spent only puzzles
    if link is None:
        lines.append("Administrator   there is one")
    elif sys.stdout.isatty():
        lines.append(f"Administrator   {link}  (once, within the hour)")
    else:
        # Not a terminal: what is printed may be kept in a log, and the link must not be (design, issue text).
        write_private(path, link + "\n")
        lines.append(f"Administrator   the link is in {path}  (once, within the hour)")
    lines.append("Stop            Ctrl-C")
    return lines


def _administrators_link(config: Config) -> str | None:
    auth = build(config)
    try:
        secret = auth.invitations.first_administrator()
    except NotFound:
        return None
    finally:
        auth.close()
    return f"{config.settings.base_url}{config.settings.mount}/invitation?link={secret.reveal()}"


def _see_certificate(config: Config) -> None:
    if config.tls_cert is None or config.tls_key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(config.tls_cert, config.tls_key)
    except ssl.SSLError as error:
        why = "they do not belong together" if error.reason == "KEY_VALUES_MISMATCH" else "one of them is not PEM"
        raise ConfigurationError(f"cannot use {config.tls_cert} with {config.tls_key}: {why}") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {config.tls_cert} or {config.tls_key}: {error.strerror}") from None


def _see_port(bind: str, port: int, option: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            who = holder_of(port)
            hint = f" by {who}" if who else ""
            raise ConfigurationError(
                f"cannot listen on {bind}:{port}: {error.strerror}{hint}; choose another with {option}"
            ) from None


def _run(config: Config, config_path: Path | None, given: Mapping[str, Any]) -> None:
    from granian import Granian
    from granian.constants import Interfaces, SSLProtocols

    run = config.data / _RUN
    notes = {
        "config": str(config_path.resolve()) if config_path else None,
        "given": {**given, "data": str(config.data.resolve()), "port": config.port},
    }
    write_private(run, msgspec.json.encode(notes).decode())
    os.environ["NIGHTLATCH_RUN"] = str(run.resolve())
    folder = folder_for(config.data, config.port)
    if config.management_port is not None:
        let_metrics_begin(folder)
    _keep_heaps_apart(config.threads + _OTHER_THREADS)
    hear_from_the_fork()
    server = Granian(
        "nightlatch.server.app:wsgi",
        factory=True,
        address=config.bind,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=config.threads,
        respawn_failed_workers=True,
        workers_kill_timeout=1 if config.settings.development else _LONGEST_STOP,
        websockets=False,
        log_enabled=False,
        ssl_cert=config.tls_cert,
        ssl_key=config.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,  # ASVS 12.1.1
    )
    try:
        server.serve()
    finally:
        if config.management_port is not None:
            shutil.rmtree(folder, ignore_errors=True)


def last_port(config: Config) -> int | None:
    """Return the port that the server was last started on, if it was."""
    try:
        return int(msgspec.json.decode((config.data / _RUN).read_bytes())["given"]["port"])
    except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError):
        return None


def _keep_heaps_apart(threads: int) -> None:
    """Let each thread of the workers, which are forked from here, have a heap of its own.

    In one that others share, small blocks settle in what a hash gave back, and the next hash takes as much again.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, threads)
