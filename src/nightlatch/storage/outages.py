"""What drivers' errors mean, told by their codes: no driver is imported."""

from __future__ import annotations

from nightlatch.errors import StoreError, StoreUnavailable

__all__ = ["is_harmless", "translated"]

# Busy, full, read-only, gone: trying again, or an operator, helps. All else is a fault of ours or of the schema.
_SQLITE_PASSING = (
    "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL", "SQLITE_NOMEM",
)  # fmt: skip
_SQLSTATE_PASSING = ("08", "40", "53", "57", "58", "55P03", "25006")
_MYSQL_PASSING = frozenset(
    {1020, 1021, 1040, 1053, 1114, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1290, 1836, 1927, 1969, 3024, 4031}
)
_MYSQL_CLIENT = range(2000, 2100)


def is_harmless(error: Exception) -> bool:
    """Tell whether a connection is as good as before: only of SQLite's locks do we know."""
    return (getattr(error, "sqlite_errorname", None) or "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def translated(error: Exception) -> StoreError:
    """Turn a driver's error into ours. Its text may quote values, so only its class and code go on."""
    sqlite = getattr(error, "sqlite_errorname", None)
    sqlstate = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    code = sqlite or number or sqlstate
    reason = f"{type(error).__name__} {code}" if code else type(error).__name__
    if sqlite:
        passing = sqlite.startswith(_SQLITE_PASSING)
    elif number:
        # Before the state: MariaDB has one state, HY000, for most of what can happen.
        passing = number in _MYSQL_PASSING or number in _MYSQL_CLIENT
    elif sqlstate:
        passing = sqlstate.startswith(_SQLSTATE_PASSING)
    else:
        # Without a code nobody answered: a refused or broken connection.
        passing = type(error).__name__ in {"OperationalError", "InterfaceError"}
    return StoreUnavailable(reason) if passing else StoreError(reason)
