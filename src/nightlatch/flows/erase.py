"""Erase a user: nothing personal stays. The audit log keeps what was done, without from where and by what browser."""

from __future__ import annotations

from nightlatch.flows.address_mails import FREEZE, frozen_key
from nightlatch.flows.core import Core
from nightlatch.records import Attempt, Event, OneTimeSecret, OutboxMessage, User
from nightlatch.services.event_proofs import PERSONAL

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
    # Their digests stay, without the salt that would let addresses be tried out on them: the log's proof holds.
    nothing = dict.fromkeys((*PERSONAL, "salt"))
    core.store.update(Event, {"user_id": user.id}, nothing)
    return True
