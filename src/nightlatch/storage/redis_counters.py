"""Counters of the throttle in Redis or Valkey, through the library ``limits``, which knows their addresses and kinds.

`limits` has fixed windows, but none whose unit can be given back to its own window and no other, nor one that a refusal
leaves as it is; so the two scripts here do what the store's guarded updates do. Redis runs a script as one step. Each
names one key, so that a cluster takes it.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nightlatch.errors import ConfigurationError, MissingExtra, StoreUnavailable

__all__ = ["RedisCounters", "see_installed"]

_TAKE = """
local ends = redis.call('HGET', KEYS[1], 'ends')
if not ends or tonumber(ends) <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'count', 1, 'ends', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return {1, ARGV[3]}
end
if tonumber(redis.call('HGET', KEYS[1], 'count')) >= tonumber(ARGV[1]) then
  return {0, ends}
end
redis.call('HINCRBY', KEYS[1], 'count', 1)
return {1, ends}
"""
_GIVE_BACK = """
if redis.call('HGET', KEYS[1], 'ends') == ARGV[1] and tonumber(redis.call('HGET', KEYS[1], 'count')) > 0 then
  redis.call('HINCRBY', KEYS[1], 'count', -1)
end
"""
_LOOK = "return redis.call('HMGET', KEYS[1], 'count', 'ends')"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LINGER = timedelta(minutes=2)
"""How much longer than its window Redis keeps a counter, which is by Redis's clock: nodes' may be behind it."""
_PREFIX = "nightlatch:throttle:"


class RedisCounters:
    """Take units of budgets and give them back, each in one step of Redis's.

    Args:
        url: of the server, in the form that `limits` reads.
        timeout: for connecting, and for an answer.

    Raises:
        MissingExtra: the libraries are not installed.
        ConfigurationError: the address cannot be read.
        StoreUnavailable: a cluster or its sentinels cannot be reached; with a single server that shows at first use.
    """

    def __init__(self, url: str, timeout: timedelta) -> None:
        see_installed(url)
        client = _client(url)
        storages = importlib.import_module("limits.storage")
        retry, backoff = (importlib.import_module(f"{client}.{name}") for name in ("retry", "backoff"))
        self._error: type[Exception] = importlib.import_module(f"{client}.exceptions").__dict__[
            "RedisError" if client == "redis" else "ValkeyError"
        ]
        options: dict[str, Any] = {
            "socket_timeout": timeout.total_seconds(),
            "socket_connect_timeout": timeout.total_seconds(),
            # Once more, at once: a server that restarted has hung up on every connection that was idle.
            "retry": retry.Retry(backoff.NoBackoff(), 1),
        }
        if "+sentinel" in url:
            options["sentinel_kwargs"] = dict(options)
        try:
            storage: Any = storages.storage_from_string(url, **options)
        except (self._error, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from None
        except Exception as error:  # noqa: BLE001 - whatever the libraries make of a text that is no address
            # Its words may hold the password.
            raise ConfigurationError(f"redis.url cannot be read ({type(error).__name__})") from None
        self._take = storage.get_connection().register_script(_TAKE)
        self._give_back = storage.get_connection().register_script(_GIVE_BACK)
        self._look = storage.get_connection().register_script(_LOOK)

    def take(self, counter_id: UUID, limit: int, now: datetime, ends_at: datetime) -> tuple[datetime, bool]:
        """Take one unit, or see that none is left.

        Args:
            counter_id: of the counter.
            limit: units in a window.
            now: the time, by which the window that is there may have ended.
            ends_at: the end of a window that begins now.

        Returns:
            when the window ends, and whether a unit was left.

        Raises:
            StoreUnavailable: nobody can tell.
        """
        keep = (ends_at - now + _LINGER) // timedelta(milliseconds=1)
        granted, ends = self._call(self._take, counter_id, limit, _number(now), _number(ends_at), keep)
        return _EPOCH + int(ends) * _MICROSECOND, bool(granted)

    def give_back(self, counter_id: UUID, ends_at: datetime) -> None:
        """Return one unit to the window that ends then; to no other.

        Raises:
            StoreUnavailable: nobody can tell whether it was returned.
        """
        self._call(self._give_back, counter_id, _number(ends_at))

    def look(self, counter_id: UUID) -> list[tuple[int, datetime]]:
        """Return what was taken in the last window and when it ends, if there is one.

        Raises:
            StoreUnavailable: nobody can tell.
        """
        count, ends = self._call(self._look, counter_id)
        return [] if ends is None else [(int(count), _EPOCH + int(ends) * _MICROSECOND)]

    def _call(self, script: Any, counter_id: UUID, *arguments: int) -> Any:
        try:
            return script(keys=[f"{_PREFIX}{counter_id}"], args=arguments)
        except (self._error, OSError) as error:
            # The class alone: an error's text may hold the address.
            raise StoreUnavailable(type(error).__name__) from None


def see_installed(url: str) -> None:
    """See that the libraries for an address are there, at the start and not at the first sign-in.

    Raises:
        MissingExtra: they are not.
    """
    for name in ("limits", _client(url)):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"redis.url needs {name}: pip install 'nightlatch[{_client(url)}]'")


def _client(url: str) -> str:
    return "valkey" if url.startswith("valkey") else "redis"


def _number(at: datetime) -> int:
    """Return a time in microseconds, which Lua's numbers hold exactly until the year 2255."""
    return (at - _EPOCH) // _MICROSECOND
