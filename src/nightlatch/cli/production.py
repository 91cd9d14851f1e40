"""``doctor --production``: whatever is unsafe before the public is a wrong, unless it is accepted by name.

It fails closed: what cannot be looked at is wrong too.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nightlatch.errors import ConfigurationError, NightlatchError, Throttled
from nightlatch.section import Section
from nightlatch.services.throttle import Charge
from nightlatch.settings import Budget, is_loopback

if TYPE_CHECKING:
    from nightlatch.auth import Nightlatch
    from nightlatch.server.config import Config

__all__ = ["Finding", "accepted", "production_findings", "server_findings"]

Finding = dict[str, Any]

_ENCRYPTED = {"require", "verify-ca", "verify-full"}
_FIRM = {
    "postgresql": {"fsync": "on", "synchronous_commit": "", "full_page_writes": "on"},
    "mysql": {"innodb_flush_log_at_trx_commit": "1"},
}
"""What a server must be set to for a write that it acknowledged to survive a power cut; "": anything but ``off``."""


def production_findings(auth: Nightlatch) -> Iterator[Finding]:
    """Look at what any installation has, whoever hosts it.

    Args:
        auth: the installation.
    """
    settings = auth.settings
    yield _finding("development", settings.development, "is for this machine alone", "off")
    yield _finding("base_url", not settings.secure, "is not https: sessions and passwords are sent in the clear")
    yield _finding("base_url host", is_loopback(settings.host), "is this machine: links lead nowhere")
    sends = settings.mail.transport not in {None, "console", "memory"} or not settings.asks_email
    yield _finding("mail.transport", not sends, "sends nothing")
    weakened = sorted(_weakened(settings))
    for name in weakened:
        yield _finding(name, True, "weakens what it names")
    if not weakened:
        yield _finding("allow_...", False, "", "no option that weakens security is set")
    if settings.redis.url is not None:
        yield from _redis(settings.redis.url.reveal(), auth)
    yield from _looked("database", lambda: _database(auth))


def server_findings(config: Config) -> Iterator[Finding]:
    """Look at how the stand-alone server runs.

    Args:
        config: of the server.
    """
    yield _finding("user", hasattr(os, "geteuid") and os.geteuid() == 0, "is root: run it, and this, as its own user")
    in_the_clear = not is_loopback(config.bind) and config.tls_cert is None and not config.settings.trusted_proxies
    yield _finding(
        "bind", in_the_clear, "speaks plain HTTP to the network: set tls_cert, bind loopback, or name the proxy"
    )
    yield _finding("durable", not config.durable, "is off: a power cut may undo what was acknowledged")
    yield _finding(
        "management_bind",
        config.management_port is not None and _public(config.management_bind),
        "answers a public address: metrics have no password",
    )


def accepted(findings: Sequence[Finding], names: Sequence[str]) -> list[Finding]:
    """Take what an operator accepts, by name, for a note.

    Args:
        findings: what was found.
        names: of what is accepted.

    Raises:
        ConfigurationError: a name is none of those that are wrong: what is accepted for nothing hides the next one.
    """
    wrong = {each["what"] for each in findings if each["verdict"] == "wrong"}
    for name in names:
        if name not in wrong:
            raise ConfigurationError(f"{name} is not among what is wrong: leave --accept {name} out")
    return [
        {**each, "found": f"{each['found']} (accepted)", "verdict": "note"} if each["what"] in names else each
        for each in findings
    ]


def _finding(what: str, wrong: object, why: str, good: str = "good") -> Finding:
    return {"what": what, "found": why if wrong else good, "verdict": "wrong" if wrong else "good"}


def _public(address: str) -> bool:
    """Tell whether an address is, or stands for, one that the internet routes; a name may be anything."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return not is_loopback(address)
    return found.is_global or found.is_unspecified


def _weakened(section: Section, path: str = "") -> Iterator[str]:
    """Find every option that is set and says in its name, or in its value, that it weakens security."""
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _weakened(value, f"{path}{name}.")
        elif (name.startswith("allow_") and value) or (isinstance(value, str) and value.startswith("allow_")):
            yield f"{path}{name}"


def _redis(url: str, auth: Nightlatch) -> Iterator[Finding]:
    parts = urlsplit(url)
    hosts = [each.rpartition("@")[2].rpartition(":")[0] or each for each in parts.netloc.split(",")]
    encrypted = parts.scheme in {"rediss", "valkeys"} or parts.scheme.endswith("+unix")
    yield _finding("redis.url", not encrypted and not all(map(is_loopback, hosts)), "is not encrypted: write rediss://")
    with suppress(Throttled):
        auth.throttle.spend([Charge(Budget(limit=100, per=timedelta(minutes=1)), "doctor:redis")])
    yield _finding("redis", auth.throttle.fallen_back, "does not answer: the store counts", "answers")


def _database(auth: Nightlatch) -> Iterator[Finding]:
    engine = getattr(auth.store, "engine", None)
    if engine is None:
        yield {"what": "database", "found": "is the framework's: see its own checks", "verdict": "note"}
        return
    url, dialect = engine.url, "mysql" if engine.dialect.name == "mariadb" else engine.dialect.name
    if dialect == "sqlite":
        yield {"what": "database", "found": "SQLite: one machine, and its backups are yours", "verdict": "note"}
        return
    far = url.host is not None and not is_loopback(url.host) and not url.host.startswith("/")
    encrypted = url.query.get("sslmode") in _ENCRYPTED or "ssl_ca" in url.query
    yield _finding("database_url", far and not encrypted, "is not encrypted: add sslmode=verify-full (ssl_ca=...)")
    with engine.connect() as connection:
        for name, expected in _FIRM[dialect].items():
            words = f"SHOW {name}" if dialect == "postgresql" else f"SHOW VARIABLES LIKE '{name}'"
            value = str(connection.exec_driver_sql(words).one()[-1])
            wrong = value != expected if expected else value == "off"
            yield _finding(name, wrong, f"is {value}: a power cut may undo what was acknowledged", value)


def _looked(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except NightlatchError as error:
        yield _finding(what, True, f"cannot be looked at: {error.reason}")
    except Exception as error:  # noqa: BLE001 - whatever a driver raises: what was not seen is not safe
        # The class alone: a driver's words may hold the address and its password.
        yield _finding(what, True, f"cannot be looked at: {type(error).__name__}")
