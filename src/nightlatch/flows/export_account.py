"""Everything that is kept about a person, for that person (GDPR 15 and 20). Never a hash, seed or key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from nightlatch.errors import NotAuthenticated
from nightlatch.flows.core import Core
from nightlatch.flows.fresh import see_that_it_is_fresh
from nightlatch.records import Authenticator, Device, Event, Identifier, OutboxMessage, Record, Session, User
from nightlatch.services.client import Client

__all__ = ["ExportAccount"]

_MOST = 10_000
"""Events and messages, the newest; of the rest no one has so many."""

_TOLD: dict[type[Record], tuple[str, ...]] = {
    Identifier: ("kind", "value", "primary", "proven_at", "created_at"),
    Authenticator: ("kind", "name", "confirmed_at", "last_used_at", "created_at"),
    Session: (
        "id",
        "aal",
        "amr",
        "authenticated_at",
        "ip",
        "user_agent",
        "created_at",
        "last_seen_at",
        "expires_at",
    ),
    Device: ("user_agent", "created_at", "last_seen_at", "expires_at"),
    Event: ("at", "action", "outcome", "ip", "user_agent", "session_id", "count"),
    OutboxMessage: ("channel", "template", "created_at", "delivered_at"),
}
"""What is told of each record, by name: a field that is added later is not told by accident (ASVS 14.2.6)."""


class ExportAccount:
    """Gather what is kept about somebody.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def export(self, client: Client, session: Session) -> dict[str, Any]:
        """Return all of it, as plain values for JSON.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            Throttled: too many calls.
        """
        core = self._core
        see_that_it_is_fresh(core, session)
        core.spend_call(client)
        user = core.store.get(User, session.user_id)
        if user is None:
            raise NotAuthenticated("user is gone")
        with core.transaction():
            core.audit.done("user_exported", client, user_id=user.id, session_id=session.id)
        return {
            "exported_at": core.clock.now(),
            "user": _of(user, [name for name in User.__struct_fields__ if name != "epoch"]),
            "identifiers": self._rows(Identifier, user, "created_at"),
            "authenticators": self._rows(Authenticator, user, "created_at"),
            "sessions": self._rows(Session, user, "-last_seen_at"),
            "devices": self._rows(Device, user, "-last_seen_at"),
            "events": self._rows(Event, user, "-at"),
            "messages": self._rows(OutboxMessage, user, "-created_at"),
        }

    def _rows(self, kind: type[Record], user: User, order_by: str) -> list[dict[str, Any]]:
        rows = self._core.store.find(kind, {"user_id": user.id}, order_by=order_by, limit=_MOST)
        return [_of(row, _TOLD[kind]) for row in rows]


def _of(row: Record, names: Sequence[str]) -> dict[str, Any]:
    return {name: msgspec.to_builtins(getattr(row, name)) for name in names}
