"""Erase a user: nothing personal stays but what the audit log keeps of their acts until its retention ends."""

from __future__ import annotations

from nightlatch.flows.address_mails import FREEZE, frozen_key
from nightlatch.flows.core import Core
from nightlatch.records import Attempt, OneTimeSecret, OutboxMessage, User

__all__ = ["erase"]


def erase(core: Core, user: User) -> bool:
    """Delete a user and all that is theirs, in the transaction that is open.

    Returns:
        False if they are gone, or were suspended, reset or restored since `user` was read.
    """
    if not core.store.delete(User, {"id": user.id, "status": user.status, "epoch": user.epoch}):
        return False
    # Identifiers, authenticators, sessions, tokens and devices go with the user; these name them without a reference.
    for kind in (OneTimeSecret, Attempt, OutboxMessage):
        core.store.delete(kind, {"user_id": user.id})
    core.store.delete(OneTimeSecret, {"purpose": FREEZE, "destination_key": frozen_key(user)})
    return True
