"""What is not as it should be while the service runs: a store without writes, late mail, a clock that is behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nightlatch.errors import Conflict, StoreError
from nightlatch.ports import Clock, Store, after, any_of
from nightlatch.primitives.ids import derived_id
from nightlatch.records import Event, Lease, OutboxMessage

__all__ = ["Health", "Trouble"]

log = logging.getLogger("nightlatch.health")

_LOOK_EVERY = 5.0
_PROBE = derived_id(b"nightlatch lease", "write probe")
_PAST = timedelta(days=36500)
_TRIES = 2
_AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is wrong.

    Args:
        name: ``store``, ``mail`` or ``clock``.
        state: in a word or two, for anybody who may see whether the service is ready.
        detail: for the operator.
        stops: whether requests should go elsewhere.
    """

    name: str
    state: str
    detail: str
    stops: bool = False


class Health:
    """Look at most every few seconds: whoever asks causes no more writes than that.

    Args:
        store: where everything is.
        clock: tells the time; may say how far the machine's is behind.
        seconds: a clock that only goes forward, for how often to look.
    """

    def __init__(self, store: Store, clock: Clock, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._looked = -_LOOK_EVERY
        self._found: tuple[Trouble, ...] = ()

    def troubles(self) -> tuple[Trouble, ...]:
        """Return what is wrong; what has changed since the last look is logged."""
        now = self._seconds()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            found = self._look()
            self._log(found)
            self._found = found
        return self._found

    def _look(self) -> tuple[Trouble, ...]:
        try:
            self._write()
            looked: tuple[Trouble | None, ...] = (self._mail(), self._time())
        except StoreError as error:
            return (Trouble(name="store", state="takes no writes", detail=error.reason, stops=True),)
        return tuple(each for each in looked if each is not None)

    def _write(self) -> None:
        """Write one row, always the same: a full or read-only disk answers every question but this."""
        now: Any = {"expires_at": self._clock.now()}
        with self._store.transaction():
            if not self._store.update(Lease, {"id": _PROBE}, now):
                with suppress(Conflict):  # another process was first
                    self._store.insert(Lease(id=_PROBE, holder_id=_PROBE, **now))

    def _mail(self) -> Trouble | None:
        waiting = {
            "due_at": after(self._clock.now() - _PAST),
            "attempts": after(_TRIES),
            "channel": any_of(("email", "sms")),
        }
        late = self._store.find(OutboxMessage, waiting, order_by="due_at", limit=1)
        if not late:
            return None
        row = late[0]
        tried = f"message {row.id} was tried {row.attempts} times since {row.created_at:%Y-%m-%d %H:%M}"
        return Trouble(name="mail", state="is late", detail=f"{tried}: {row.last_error or 'no answer'}")

    def _time(self) -> Trouble | None:
        now = self._clock.now()
        behind = getattr(self._clock, "behind", timedelta(0))
        newest = self._store.find(Event, {"at": after(now - _PAST)}, order_by="-at", limit=1)
        behind = max(behind, newest[0].at - now if newest else behind)
        if behind <= _AHEAD:
            return None
        return Trouble(name="clock", state="is behind", detail=f"by {behind} behind what was written")

    def _log(self, found: tuple[Trouble, ...]) -> None:
        before, now = ({each.name for each in troubles} for troubles in (self._found, found))
        for each in found:
            if each.name not in before:
                log.error("%s %s: %s", each.name, each.state, each.detail)
        for name in sorted(before - now):
            log.warning("%s is well again", name)
